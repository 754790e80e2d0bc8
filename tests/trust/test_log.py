"""The log of a plant: entries in order, published in the layout of C2SP tlog-tiles, whole after every restart (R35)."""

from __future__ import annotations

import threading
from hashlib import sha256
from pathlib import Path

import pytest

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust.checkpoint import Checkpoint, format, parse
from tanji.trust.compact_range import CompactRange
from tanji.trust.keyring_text import KeyLine
from tanji.trust.log_reader import LogReader
from tanji.trust.note import cosign, open_note, sign, split
from tanji.trust.plant_note import plant_note
from tanji.trust.tree import Tree, leaf_hash, verify_consistency, verify_inclusion

from .fsync_shim import PowerCuts
from .log_rig import (
    APPROVER,
    GATEWAY,
    KEYRING,
    LINES,
    LOG,
    NOON,
    ORIGIN,
    PLANT_FILE,
    POINT_MAP,
    PREPARER,
    WITNESS,
    Chain,
    filled,
    key,
    keyring_note,
    opened,
    signer,
)


def test_indexes_count_from_the_keyring_on_and_entries_are_the_exact_bytes(tmp_path: Path) -> None:
    log, chain = opened(tmp_path), Chain()
    assert [log.add_batch(*chain.minute()) for _ in range(3)] == [1, 2, 3]
    assert list(log.entries(0, 4)) == [KEYRING, *(note for note, _ in chain.made)]
    assert [log.payload(index) for index in (1, 2, 3)] == [payload for _, payload in chain.made]
    assert log.leaf_hash(2) == leaf_hash(chain.made[1][0])


def test_the_same_bytes_again_are_answered_with_their_index(tmp_path: Path) -> None:
    log, chain = filled(tmp_path, 5)
    assert [log.add_batch(*chain.made[at]) for at in (4, 0, 2)] == [5, 1, 3]
    assert log.add_note(KEYRING) == 0
    assert log.size == 6 and log.refused.count == 0


def test_several_batches_are_accepted_up_to_the_first_bad_one(tmp_path: Path) -> None:
    log, chain = opened(tmp_path), Chain()
    good = [chain.minute() for _ in range(2)]
    bad = Chain(seq=7).minute()
    with pytest.raises(TrustError, match="batch-sequence"):
        log.add_batches([*good, bad, chain.minute()])
    assert log.size == 3
    assert log.add_batches(chain.made) == [1, 2, 3]


def test_a_group_of_batches_costs_one_synchronisation_of_the_journal(tmp_path: Path) -> None:
    log, chain = opened(tmp_path), Chain()
    with PowerCuts(tmp_path) as shim:
        log.add_batches([chain.next() for _ in range(500)])
    assert [cut.call for cut in shim.cuts] == ["fdatasync journal", "end"]


@pytest.mark.parametrize("batches", [0, 1, 254, 255, 256, 300, 512])
def test_a_reader_beside_it_sees_what_is_published_and_proofs_lead_to_the_signed_root(
    tmp_path: Path, batches: int
) -> None:
    log, chain = filled(tmp_path, batches)
    reader = LogReader(tmp_path)
    assert reader.size == 0 and reader.keyring is None
    head = parse(open_note(log.checkpoint(), [key(LOG)]).body)
    reader.refresh()
    own = Tree([leaf_hash(entry) for entry in (KEYRING, *(note for note, _ in chain.made))])
    assert head == Checkpoint(ORIGIN, batches + 1, own.root())
    assert list(reader.entries(0, reader.size)) == [KEYRING, *(note for note, _ in chain.made)]
    for index in {0, batches // 2, batches}:
        verify_inclusion(index, head.size, reader.leaf_hash(index), reader.inclusion(index), head.root)
    edge = CompactRange(1, reader.prefix_hashes(1))
    for digest in own.levels[0][1:]:
        edge.append_hash(digest)
    assert edge.root() == head.root
    chain_end = reader.chain_end("demo.example/gw1")
    assert (None if chain_end is None else (chain_end.seq, chain_end.to_ms)) == (
        None if not batches else (batches - 1, chain.from_ms)
    )


def test_a_reader_follows_the_log_across_tiles(tmp_path: Path) -> None:
    log, chain = opened(tmp_path), Chain()
    reader = LogReader(tmp_path)
    sizes = [(1, log.root(1))]
    for _ in range(6):
        log.add_batches([chain.minute() for _ in range(100)])
        log.checkpoint()
        reader.refresh()
        assert reader.size == log.size and reader.root() == log.root()
        assert reader.entry(reader.size - 1) == chain.made[-1][0]
        for old, root in sizes:
            verify_consistency(old, reader.size, reader.consistency(old), root, reader.root())
        sizes.append((reader.size, reader.root()))


def test_a_reader_that_finds_less_than_before_says_so(tmp_path: Path) -> None:
    log, chain = filled(tmp_path, 3)
    older = log.checkpoint()
    log.add_batch(*chain.minute())
    log.checkpoint()
    reader = LogReader(tmp_path)
    (tmp_path / "checkpoint").write_bytes(older)
    with pytest.raises(TrustError, match="at least 5, which were published before"):
        reader.refresh()


def test_tiles_are_laid_out_as_the_specification_says_and_partial_ones_go_when_they_are_full(tmp_path: Path) -> None:
    # C2SP tlog-tiles, "Partial Tiles": a tree of 256 is a full level 0 tile and a level 1 tile of width 1.
    log, chain = filled(tmp_path, 99)
    log.checkpoint()
    log.add_batch(*chain.minute())
    log.checkpoint()
    files = sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "tile").rglob("*") if path.is_file())
    assert files == [f"tile/{level}/000.p/{width}" for level in ("0", "entries") for width in (100, 101)]
    log.add_batches([chain.minute() for _ in range(155)])
    log.checkpoint()
    files = sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "tile").rglob("*") if path.is_file())
    assert files == ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]
    assert (tmp_path / "tile/1/000.p/1").read_bytes() == log.root(256)
    assert len((tmp_path / "tile/0/000").read_bytes()) == 8192


def test_a_backlog_is_published_before_its_journal_grows_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tanji.trust.log.MOST_PENDING", 100)
    log, _ = filled(tmp_path, 120)
    assert log.published == 121
    assert (tmp_path / "journal").stat().st_size == 0


def test_files_that_a_note_names_are_kept_under_their_digest(tmp_path: Path) -> None:
    log = opened(tmp_path)
    body = plant_note("demo", point_map=POINT_MAP, plant_file=PLANT_FILE, from_ms=NOON, before=None).body()
    note = sign(body, PREPARER, APPROVER)
    with pytest.raises(EvidenceMissing, match="plant-file"):
        log.add_note(note, files={"pointmap": POINT_MAP})
    with pytest.raises(TrustError, match="a file that the note names"):
        log.add_note(note, files={"pointmap": POINT_MAP, "plantfile": PLANT_FILE, "else": b"else"})
    assert log.add_note(note, files={"pointmap": POINT_MAP, "plantfile": PLANT_FILE}) == 1
    assert log.file(sha256(POINT_MAP).hexdigest()) == POINT_MAP
    with pytest.raises(EvidenceMissing, match="no file"):
        log.file(sha256(b"else").hexdigest())
    assert log.indexes("tanji/plant/v1") == (1,)


def test_without_a_keyring_no_note_is_judged(tmp_path: Path) -> None:
    body = plant_note("demo", point_map=POINT_MAP, plant_file=PLANT_FILE, from_ms=NOON, before=None).body()
    with pytest.raises(EvidenceMissing, match="a keyring in the log"):
        opened(tmp_path, registered=False).add_note(sign(body, PREPARER, APPROVER))


def test_an_empty_minute_needs_no_file_and_a_lost_payload_is_missing_and_not_empty(tmp_path: Path) -> None:
    log, chain = opened(tmp_path), Chain()
    log.add_batch(*chain.next())
    log.add_batch(*chain.minute())
    assert log.payload(1) == b""
    (tmp_path / "payload/000000000002.lines").unlink()
    with pytest.raises(EvidenceMissing, match="payload-missing"):
        log.payload(2)


def test_every_cosigned_checkpoint_is_kept_and_only_those_of_this_log(tmp_path: Path) -> None:
    log, chain = filled(tmp_path, 3)
    assert log.latest_cosigned() is None
    seen = []
    for time_s in (100, 200, 300):
        head = log.checkpoint()
        note = head + cosign(split(head)[0], WITNESS, time_s=time_s)
        log.add_cosigned(note, witnesses=[key(WITNESS)])
        seen.append(note)
        log.add_batch(*chain.minute())
    assert [(kept.size, kept.time_s) for kept in log.checkpoints()] == [(4, 100), (5, 200), (6, 300)]
    assert [kept.note() for kept in LogReader(tmp_path).checkpoints()] == seen
    assert log.latest_cosigned() == seen[-1]
    with pytest.raises(TrustError, match="note-signers"):
        log.add_cosigned(log.checkpoint(), witnesses=[key(WITNESS)])
    other, otherwise = opened(tmp_path / "other"), Chain(from_ms=NOON + 1)
    other.add_batch(*otherwise.minute())
    head = other.checkpoint()
    with pytest.raises(TrustError, match="checkpoint-root"):
        log.add_cosigned(head + cosign(split(head)[0], WITNESS, time_s=400), witnesses=[key(WITNESS)])


def test_a_cosigned_checkpoint_of_another_log_or_beyond_this_one_is_not_kept(tmp_path: Path) -> None:
    log, chain = filled(tmp_path, 3)
    other = format(Checkpoint("demo.example/other", 4, log.root()))
    beyond = format(Checkpoint(ORIGIN, 5, log.root()))
    log.checkpoint()
    log.add_batch(*chain.minute())  # accepted, and not yet published
    for body, rule in ((other, "checkpoint-origin"), (beyond, "checkpoint-size")):
        note = sign(body, LOG) + cosign(body, WITNESS, time_s=100)
        with pytest.raises(TrustError, match=rule):
            log.add_cosigned(note, witnesses=[key(WITNESS)])
    assert log.checkpoints() == ()


def test_two_witnesses_in_one_second_are_kept_together(tmp_path: Path) -> None:
    log, _ = filled(tmp_path, 1)
    second = signer("other.example/w2", kind=4)
    head = log.checkpoint()
    for witness in (WITNESS, second, WITNESS):
        log.add_cosigned(head + cosign(split(head)[0], witness, time_s=100), witnesses=[key(witness)])
    note = log.latest_cosigned()
    assert note is not None
    assert [each.name for each, _ in open_note(note, [key(LOG), key(WITNESS), key(second)]).verified] == [
        ORIGIN,
        "institute.example/w1",
        "other.example/w2",
    ]


def test_gateways_may_send_at_once_and_nothing_is_lost_between_them(tmp_path: Path) -> None:
    gateways = [signer(f"demo.example/gw{number}") for number in range(2, 6)]
    log = opened(tmp_path, registered=False)
    log.add_note(keyring_note(*LINES, *(KeyLine("gateway", key(each), 0) for each in gateways)))
    chains = [Chain(each) for each in (GATEWAY, *gateways)]

    def send(chain: Chain) -> None:
        for _ in range(40):
            note, payload = chain.minute()
            index = log.add_batch(note, payload)
            assert log.entry(index) == note and log.payload(index) == payload

    threads = [threading.Thread(target=send, args=(chain,)) for chain in chains]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        log.checkpoint()
    for thread in threads:
        thread.join()
    assert log.size == 201
    assert {name: end.seq for name in log.keyring.gateways() if (end := log.chain_end(name))} == {  # type: ignore[union-attr]
        f"demo.example/gw{number}": 39 for number in range(1, 6)
    }
    log.checkpoint()
    assert LogReader(tmp_path).root() == log.root()
