"""A log after a restart, on a failing disk, and with files that somebody changed: it goes on or says why not (R35)."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from tanji.errors import EvidenceMissing, InstanceLocked, LogError, LogUnavailable, TrustError
from tanji.trust import durable
from tanji.trust.log import Log
from tanji.trust.log_reader import LogReader
from tanji.trust.note import cosign, sign, split
from tanji.trust.plant_note import plant_note
from tanji.trust.tiles import Tiles

from .log_rig import (
    APPROVER,
    LOG,
    NOON,
    PLANT_FILE,
    POINT_MAP,
    PREPARER,
    WITNESS,
    Chain,
    filled,
    key,
    opened,
)


@pytest.mark.parametrize("published", [False, True])
def test_a_log_goes_on_after_a_restart_where_it_was(tmp_path: Path, published: bool) -> None:
    log, chain = filled(tmp_path, 300)
    if published:
        log.checkpoint()
    log.add_batches([chain.minute() for _ in range(10)])
    root, size = log.root(), log.size
    log.close()
    again = Log.open(tmp_path, signer=LOG, clock=lambda: NOON)
    assert (again.size, again.root()) == (size, root)
    assert again.add_batch(*chain.made[0]) == 1
    assert again.add_batch(*chain.minute()) == size
    assert list(again.entries(1, size + 1)) == [note for note, _ in chain.made]
    again.checkpoint()
    assert LogReader(tmp_path).root() == again.root()


def test_partial_tiles_that_a_crash_left_behind_go_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(self: Tiles, *, old: int, new: int) -> None:
        raise KeyboardInterrupt

    log, chain = filled(tmp_path, 100)
    log.checkpoint()
    log.add_batches([chain.minute() for _ in range(200)])
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Tiles, "tidy", killed)
        log.checkpoint()
    log.close()
    assert (tmp_path / "tile/0/000.p/101").exists()
    assert opened(tmp_path).size == 301
    assert not (tmp_path / "tile/0/000.p").exists() and (tmp_path / "tile/0/001.p/45").exists()


def test_one_process_owns_a_log(tmp_path: Path) -> None:
    log = opened(tmp_path)
    with pytest.raises(InstanceLocked, match="owns this log"):
        opened(tmp_path)
    log.close()
    opened(tmp_path).close()


def test_half_a_frame_at_the_end_is_cut_off_and_damage_before_an_acknowledged_one_is_not(tmp_path: Path) -> None:
    log, chain = opened(tmp_path), Chain()
    for _ in range(3):
        log.add_batch(*chain.minute())
    log.close()
    journal = tmp_path / "journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-5])
    again = opened(tmp_path)
    assert again.size == 3
    assert again.add_batch(*chain.made[-1]) == 3
    again.close()
    assert journal.read_bytes() == whole
    middle = len(whole) // 2
    journal.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    with pytest.raises(LogError, match="damaged at byte"):
        opened(tmp_path)


def test_a_failed_fsync_stops_the_log_and_a_full_disk_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, chain = filled(tmp_path, 2)
    note, payload = chain.minute()

    def full(descriptor: int, parts: tuple[bytes, ...]) -> int:
        os.write(descriptor, parts[0][:7])
        raise OSError(28, "no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "writev", full)
        with pytest.raises(LogError, match="no space left"):
            log.add_batch(note, payload)
    assert log.size == 3
    assert log.add_batch(note, payload) == 3

    def broken(descriptor: int) -> None:
        raise OSError(5, "input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", broken)
        with pytest.raises(LogError, match="the disk failed"):
            log.add_batch(*chain.minute())
    with pytest.raises(LogError, match="restart when it is repaired"):
        log.add_batch(*chain.made[-1])
    log.close()
    assert opened(tmp_path).add_batch(*chain.made[-1]) == 4


def test_tiles_that_were_changed_are_found_at_the_next_start(tmp_path: Path) -> None:
    log, _ = filled(tmp_path, 300)
    log.checkpoint()
    log.close()
    for name, at in (("tile/0/000", 100), ("tile/entries/000", 5000), ("tile/entries/001.p/45", 9), ("checkpoint", 20)):
        path = tmp_path / name
        kept = path.read_bytes()
        path.write_bytes(kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :])
        with pytest.raises(LogError):
            opened(tmp_path)
        path.write_bytes(kept)
    (tmp_path / "tile/0/000").unlink()
    with pytest.raises(LogError, match="no file"):
        opened(tmp_path)


def test_a_full_disk_loses_nothing_and_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "no space left on device")

    log, chain = filled(tmp_path, 2)
    note, payload = chain.minute()
    with monkeypatch.context() as patched:
        patched.setattr(durable, "_write", full)
        with pytest.raises(LogUnavailable, match="attachments cannot be written"):
            log.add_batch(note, payload)
        with pytest.raises(LogUnavailable, match="cannot publish"):
            log.checkpoint()
    assert (log.size, log.published) == (3, 0)
    assert log.add_batch(note, payload) == 3
    log.checkpoint()
    assert LogReader(tmp_path).root() == log.root()


def test_a_reader_believes_neither_a_changed_file_nor_tiles_that_the_checkpoint_does_not_sign(tmp_path: Path) -> None:
    log = opened(tmp_path)
    body = plant_note("demo", point_map=POINT_MAP, plant_file=PLANT_FILE, from_ms=NOON, before=None).body()
    log.add_note(sign(body, PREPARER, APPROVER), files={"pointmap": POINT_MAP, "plantfile": PLANT_FILE})
    log.checkpoint()
    reader, name = LogReader(tmp_path), sha256(POINT_MAP).hexdigest()
    (tmp_path / "files" / name).write_bytes(POINT_MAP.replace(b"t/h", b"kg/h"))
    with pytest.raises(TrustError, match="statement-digest"):
        reader.file(name)
    with pytest.raises(EvidenceMissing, match="an index below 2"):
        reader.entry(2)
    entries = tmp_path / "tile/entries/000.p/2"
    entries.write_bytes(entries.read_bytes().replace(b"version 1", b"version 2", 1))
    with pytest.raises(TrustError, match="checkpoint-root"):
        LogReader(tmp_path).entry(0)
    tile = tmp_path / "tile/0/000.p/2"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    with pytest.raises(TrustError, match="checkpoint-root"):
        LogReader(tmp_path)


def test_a_log_that_is_behind_what_a_witness_saw_does_not_open(tmp_path: Path) -> None:
    log, chain = filled(tmp_path, 3)
    log.checkpoint()
    old = (tmp_path / "checkpoint").read_bytes()
    log.add_batch(*chain.minute())
    head = log.checkpoint()
    log.add_cosigned(head + cosign(split(head)[0], WITNESS, time_s=100), witnesses=[key(WITNESS)])
    log.close()
    (tmp_path / "checkpoint").write_bytes(old)
    with pytest.raises(LogError, match="a witness saw 5 entries, 4 are here"):
        opened(tmp_path)


def test_another_log_in_the_place_of_what_a_witness_saw_does_not_open(tmp_path: Path) -> None:
    log, _ = filled(tmp_path / "seen", 3)
    head = log.checkpoint()
    log.add_cosigned(head + cosign(split(head)[0], WITNESS, time_s=100), witnesses=[key(WITNESS)])
    log.close()
    other, rewritten = opened(tmp_path / "other"), Chain(from_ms=NOON + 1)
    other.add_batches([rewritten.minute() for _ in range(9)])
    other.checkpoint()
    other.close()
    (tmp_path / "seen/checkpoints").rename(tmp_path / "other/checkpoints")
    with pytest.raises(LogError, match="a witness saw another log at 4 entries"):
        opened(tmp_path / "other")
