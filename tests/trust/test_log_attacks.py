"""What a log refuses: every accept rule of reference/trust.md 2.4 broken on its own (R35; table of 2.9).

Refused means: the rule is named, the log is what it was before, and the bytes lie in quarantine with the reason.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from tanji.errors import EvidenceMissing, LogError, TrustError
from tanji.trust import log_quarantine
from tanji.trust.correction import Correction, format_correction
from tanji.trust.keyring_text import KeyLine
from tanji.trust.log import Log
from tanji.trust.note import sign, signature_line, split
from tanji.trust.plant_note import PlantNote, plant_note
from tanji.trust.signer import Ed25519Signer

from .log_rig import (
    APPROVER,
    GATEWAY,
    INSTITUTE,
    KEYRING,
    LABORATORY,
    LINES,
    LOG,
    MINUTE_MS,
    NOON,
    PLANT,
    PLANT_FILE,
    POINT_MAP,
    PREPARER,
    Chain,
    key,
    keyring_note,
    opened,
    signer,
)

LINE = b"kiln1.feed 1772323200000 331.25 0\n"
GW2 = signer("demo.example/gw2")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """A log with its keyring; at the end it is what it was, whatever was refused meanwhile."""
    kept = opened(tmp_path / "log")
    yield kept
    kept.checkpoint()
    kept.close()
    again = Log.open(tmp_path / "log", signer=LOG, clock=lambda: NOON)
    assert (again.size, again.root()) == (kept.size, kept.root())
    again.close()


def refuse(log: Log, note: bytes, payload: bytes, rule: str) -> TrustError:
    """The batch is refused by this rule and kept in quarantine, and nothing else has changed."""
    return refused(log, lambda: log.add_batch(note, payload), note, rule)


def refuse_note(log: Log, note: bytes, rule: str, files: Mapping[str, bytes] | None = None) -> TrustError:
    """The same of a note that is no batch."""
    return refused(log, lambda: log.add_note(note, files=files), note, rule)


def refused(log: Log, add: Callable[[], int], note: bytes, rule: str) -> TrustError:
    before = log.size, log.root(), log.refused.count
    with pytest.raises(TrustError) as caught:
        add()
    assert caught.value.rule == rule, caught.value
    assert (log.size, log.root(), log.refused.count) == (before[0], before[1], before[2] + 1)
    kept = sorted((log.folder / "quarantine").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    reason = json.loads(kept[-1].read_text(encoding="utf-8"))
    assert (reason["rule"], reason["expected"], reason["got"]) == (rule, caught.value.expected, caught.value.got)
    assert kept[-1].with_suffix(".note").read_bytes() == note
    return caught.value


def resealed(batch: tuple[bytes, bytes], old: bytes, new: bytes, *, by: Ed25519Signer = GATEWAY) -> tuple[bytes, bytes]:
    """A batch whose text was changed and signed again with the gateway's own key."""
    body, _ = split(batch[0])
    assert body.count(old) == 1
    return sign(body.replace(old, new), by), batch[1]


def test_a_batch_by_another_key(log: Log) -> None:
    for forger in (signer("demo.example/gw1", number=1), signer("other.example/gw1"), LOG, PREPARER, INSTITUTE):
        refuse(log, *Chain(forger).minute(), "note-unknown-key")


def test_a_batch_whose_signature_is_of_another_text(log: Log) -> None:
    note, payload = Chain().minute()
    refuse(log, note.replace(b"clock ntp 2ms", b"clock ntp 3ms"), payload, "note-signature")


def test_a_gateway_cannot_seal_in_the_name_of_another(log: Log) -> None:
    note, payload = Chain().minute(lines=0)
    body = split(note)[0].replace(b"demo.example/gw1", b"demo.example/gw2")
    refuse(log, sign(body, GATEWAY), payload, "batch-key")


def test_a_gateway_cannot_seal_samples_and_a_laboratory_no_readings(log: Log) -> None:
    refuse(log, *Chain().next(kind="laboratory", to_ms=NOON, sealed_ms=NOON), "batch-key")
    refuse(log, *Chain(LABORATORY).minute(), "batch-key")


def test_a_key_that_is_not_in_force_for_the_number(log: Log) -> None:
    closed = [KeyLine("gateway", key(GATEWAY), 0, 2) if line.key == key(GATEWAY) else line for line in LINES]
    successor = signer("demo.example/gw1", number=1)
    log.add_note(keyring_note(*closed, KeyLine("gateway", key(successor), 3), before=KEYRING, version=2))
    chain = Chain()
    for _ in range(3):
        log.add_batch(*chain.minute())
    old, new = replace(chain), replace(chain, signer=successor)
    refuse(log, *old.minute(), "batch-key")
    early = Chain(successor)
    refuse(log, *early.minute(), "batch-key")
    assert log.add_batch(*new.minute()) == 5  # the new key goes on in the old one's chain
    assert log.add_batch(*chain.made[1]) == 3  # what the old key sealed in its time is still known


def test_a_sequence_gap_and_a_chain_that_does_not_begin_at_0(log: Log) -> None:
    refuse(log, *Chain(seq=1).minute(), "batch-sequence")
    chain = Chain()
    log.add_batch(*chain.minute())
    chain.minute()  # withheld
    refuse(log, *chain.minute(), "batch-sequence")


def test_the_same_number_with_other_bytes(log: Log) -> None:
    chain = Chain()
    log.add_batches([chain.minute() for _ in range(3)])
    for seq in (0, 1, 2):
        rewritten = Chain(seq=seq, from_ms=NOON + seq * MINUTE_MS)
        refuse(log, *rewritten.next(LINE.replace(b"331", b"321")), "batch-sequence")
    note, payload = chain.made[1]
    assert log.add_batch(note, payload) == 2


def test_a_chain_that_was_rewritten_before_its_end(log: Log) -> None:
    chain = Chain()
    log.add_batch(*chain.minute())
    refuse(log, *replace(chain, prev=bytes(32)).minute(), "batch-prev")
    log.add_note(keyring_note(*LINES, KeyLine("gateway", key(GW2), 0), before=KEYRING, version=2))
    refuse(log, *Chain(GW2, prev=bytes(31) + b"\1").minute(), "batch-prev")  # a first batch with one before it


def test_a_hole_in_time_and_a_time_twice(log: Log) -> None:
    chain = Chain()
    log.add_batch(*chain.minute())
    refuse(log, *replace(chain, from_ms=chain.from_ms + 1).minute(), "batch-hole")
    refuse(log, *replace(chain, from_ms=chain.from_ms - 1).minute(), "batch-time")
    good, end = replace(chain).next(), b"\nto %d\n" % (chain.from_ms + MINUTE_MS)
    refuse(log, *resealed(good, end, b"\nto %d\n" % (chain.from_ms + 8 * 3_600_000)), "batch-hole")
    refuse(log, *resealed(good, end, b"\nto %d\n" % (chain.from_ms - 1)), "batch-time")
    note, payload = chain.next(to_ms=chain.from_ms + 8 * 3_600_000, reason="stopped for the overhaul")
    assert log.add_batch(note, payload) == 2


def test_late_and_config_batches_do_not_move_the_time_of_the_chain(log: Log) -> None:
    chain = Chain()
    log.add_batch(*chain.minute())
    late = chain.next(LINE, kind="late", from_ms=NOON, to_ms=NOON + 1, reason="logger was offline")
    assert log.add_batch(*late) == 2
    end = log.chain_end("demo.example/gw1")
    assert end is not None and (end.seq, end.to_ms) == (1, NOON + MINUTE_MS)
    assert log.add_batch(*chain.minute()) == 3


def test_a_chain_begins_with_a_regular_batch(log: Log) -> None:
    late = Chain().next(LINE, kind="late", from_ms=NOON, to_ms=NOON + 1, reason="logger was offline")
    refuse(log, *late, "batch-hole")


def test_laboratory_batches_follow_each_other_in_time_too(log: Log) -> None:
    sample = b"sample coal-1 1772323200000\n"
    first = Chain(LABORATORY)
    refuse(log, *replace(first).next(sample, kind="laboratory", to_ms=NOON + 5, sealed_ms=NOON + 5), "batch-time")
    log.add_batch(*first.next(sample, kind="laboratory", to_ms=NOON, sealed_ms=NOON))
    later = NOON + MINUTE_MS
    hole = replace(first, from_ms=NOON + 1).next(kind="laboratory", to_ms=later, sealed_ms=later)
    refuse(log, *hole, "batch-time")
    good = first.next(kind="laboratory", to_ms=later, sealed_ms=later)
    refuse(log, *resealed(good, b"\nsealed %d\n" % later, b"\nsealed %d\n" % (later + 1), by=LABORATORY), "batch-time")
    assert log.add_batch(*good) == 2


@pytest.mark.parametrize(
    ("payload", "rule"),
    [
        (b"", "payload-count"),
        (LINE.replace(b"331", b"321"), "payload-root"),
        (LINE + LINE.replace(b"kiln1", b"kiln2"), "payload-count"),
        (LINE[:-1], "payload-form"),
    ],
)
def test_a_payload_that_is_not_what_was_sealed(log: Log, payload: bytes, rule: str) -> None:
    note, sealed = Chain().next(LINE)
    refuse(log, note, payload, rule)
    assert log.add_batch(note, sealed) == 1


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        ([LINE.replace(b"331.25", b"331.250")], "payload-form"),
        ([LINE, LINE], "payload-order"),
        ([LINE.replace(b"kiln1", b"kiln2"), LINE], "payload-order"),
        ([LINE.replace(b"1772323200000", b"1772330000000")], "payload-window"),
    ],
)
def test_a_payload_that_the_gateway_itself_should_not_have_sealed(log: Log, lines: list[bytes], rule: str) -> None:
    refuse(log, *Chain().next(*lines), rule)


def test_a_note_that_is_another_leaf_for_the_same_content(log: Log) -> None:
    note, payload = Chain().minute()
    body, _ = split(note)
    other = signature_line(body, GW2)
    refuse(log, note + other, payload, "note-unknown-key")
    refuse(log, note + note.rpartition(b"\n\n")[2], payload, "note-signers")
    refuse(log, note[:-2] + b"A=\n" if note.endswith(b"=\n") else note[:-1] + b" \n", payload, "note-base64")
    refuse(log, note.replace(b"\n", b"\r\n"), payload, "note-form")
    refuse(log, note[:-1], payload, "note-form")


@pytest.mark.parametrize("first_line", ["tanji/batch/v2", "tanji/other/v1", ""])
def test_a_type_nobody_knows(log: Log, first_line: str) -> None:
    note = sign(f"{first_line}\nplant demo\n".encode(), PREPARER, APPROVER)
    with pytest.raises(TrustError, match="header-type"):
        log.add_note(note)
    with pytest.raises(TrustError, match="header-type"):
        log.add_note(Chain().minute()[0])  # a batch comes with its payload or not at all
    with pytest.raises(TrustError, match="note-unknown-key"):
        log.add_batch(KEYRING, b"")
    assert log.size == 1


def test_a_keyring_without_the_institute_or_out_of_turn(log: Log) -> None:
    more = (*LINES, KeyLine("gateway", key(GW2), 0))
    good = keyring_note(*more, before=KEYRING, version=2)
    text, _ = split(good)
    for note, rule in (
        (sign(text, PLANT, INSTITUTE), "keyring-quorum"),
        (sign(text, INSTITUTE), "note-signers"),
        (sign(text, PREPARER, APPROVER), "keyring-quorum"),
        (keyring_note(*more, before=KEYRING, version=3), "keyring-version"),
        (keyring_note(*more, version=2), "keyring-prev"),
        (keyring_note(*LINES[1:], before=KEYRING, version=2), "keyring-continuity"),
    ):
        with pytest.raises(TrustError) as caught:
            log.add_note(note)
        assert caught.value.rule in (rule, "keyring-quorum"), caught.value
    assert log.add_note(good) == 1
    assert log.keyring is not None and log.keyring.version == 2
    before = log.keyring_before(1)
    assert before is not None and before.version == 1


def test_without_a_keyring_nothing_is_judged_and_nothing_is_lost(tmp_path: Path) -> None:
    log, (note, payload) = opened(tmp_path, registered=False), Chain().minute()
    with pytest.raises(EvidenceMissing):
        log.add_batch(note, payload)
    assert log.refused.count == 0 and not (tmp_path / "quarantine").exists()
    log.add_note(KEYRING)
    assert log.add_batch(note, payload) == 1


def plant_change(**changed: object) -> PlantNote:
    """A first plant note, changed."""
    said = plant_note("demo", point_map=POINT_MAP, plant_file=PLANT_FILE, from_ms=NOON, before=None)
    return replace(said, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"version": 2}, "plant-version"),
        ({"prev": bytes(31) + b"\1"}, "plant-prev"),
        ({"lines": 2}, "plant-file"),
        ({"size": 1}, "plant-file"),
        ({"plant": "other"}, "header-field"),
    ],
)
def test_a_plant_note_out_of_turn_or_with_other_files(log: Log, changed: dict[str, object], rule: str) -> None:
    note = sign(plant_change(**changed).body(), PREPARER, APPROVER)
    refuse_note(log, note, rule, files={"pointmap": POINT_MAP, "plantfile": PLANT_FILE})


@pytest.mark.parametrize(
    ("signers", "rule"),
    [
        ((PREPARER,), "note-signers"),
        ((APPROVER, PREPARER), "note-signers"),
        ((PREPARER, PREPARER), "note-signers"),
        ((PREPARER, APPROVER, GATEWAY), "note-unknown-key"),
        ((GATEWAY, APPROVER), "note-unknown-key"),
        ((PREPARER, signer("demo.example/approve", number=1)), "note-unknown-key"),
    ],
)
def test_what_needs_two_people_is_not_taken_from_one(log: Log, signers: tuple[object, ...], rule: str) -> None:
    note = sign(plant_change().body(), *signers)  # type: ignore[arg-type]
    refuse_note(log, note, rule, files={"pointmap": POINT_MAP, "plantfile": PLANT_FILE})


def test_a_correction_of_what_was_never_sealed(log: Log) -> None:
    log.add_batch(*Chain().next(LINE))
    sealed = LINE.decode().rstrip("\n")
    good = Correction("demo", 1, log.leaf_hash(1), sealed, sealed.replace("331.25", "321.5"), "wrong zero", bytes(32))
    for wrong in (
        replace(good, index=0),
        replace(good, index=9),
        replace(good, batch=bytes(32)),
        replace(good, line=sealed.replace("331.25", "1.5"), by=sealed.replace("331.25", "2.5")),
    ):
        with pytest.raises(TrustError, match="correction-target"):
            log.add_note(sign(format_correction(wrong), PREPARER, APPROVER))
    assert log.add_note(sign(format_correction(good), PREPARER, APPROVER)) == 2


def test_a_note_too_long_for_the_format_is_refused_loudly(log: Log) -> None:
    body = b"tanji/statement/v1\n" + b"x" * 60_000 + b"\n"
    with pytest.raises(TrustError, match="at most 60000 bytes"):
        log.add_note(sign(body, PREPARER, APPROVER))


def test_quarantine_keeps_each_refused_note_once_and_ends_somewhere(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_quarantine, "MOST_NOTES", 3)
    for seq in (5, 5, 6, 7, 8, 9):
        with pytest.raises(TrustError):
            log.add_batch(*Chain(seq=seq).minute())
    assert log.refused.count == 6
    assert len(list((log.folder / "quarantine").glob("*.note"))) == 3


def test_a_log_that_was_cut_back_or_rewritten_on_disk_does_not_open_as_if_nothing_were(tmp_path: Path) -> None:
    log, chain = opened(tmp_path), Chain()
    log.add_batches([chain.minute() for _ in range(10)])
    older = log.checkpoint()
    log.add_batches([chain.minute() for _ in range(10)])
    log.checkpoint()
    log.close()
    (tmp_path / "checkpoint").write_bytes(older)  # truncated to an older state of its own: a valid log of that size
    again = Log.open(tmp_path, signer=LOG, clock=lambda: NOON)
    assert again.size == 11
    with pytest.raises(TrustError, match="batch-sequence"):
        again.add_batch(*chain.made[-1])  # who holds a later batch or checkpoint sees it
    again.close()
    body, _ = split(older)
    root = b64encode(sha256(b"another").digest())
    (tmp_path / "checkpoint").write_bytes(sign(b"\n".join((*body.split(b"\n")[:2], root, b"")), LOG))
    with pytest.raises(LogError, match="have not the root"):
        opened(tmp_path)
