"""Files that survive a power cut: what the sealer and the fsync shim do not test already."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tanji.trust import durable


def test_a_new_file_is_whole_and_never_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a.note"
    durable.create(path, b"first")
    with pytest.raises(FileExistsError):
        durable.create(path, b"second")
    assert path.read_bytes() == b"first" and [each.name for each in tmp_path.iterdir()] == ["a.note"]


def test_what_a_crash_left_beside_a_new_file_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.note.tmp").write_bytes(b"half")
    durable.create(tmp_path / "a.note", b"whole", mode=0o600)
    assert (tmp_path / "a.note").read_bytes() == b"whole" and (tmp_path / "a.note").stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["a.note"]


def test_on_a_memory_stick_without_links_a_new_file_is_new_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(durable.os, "link", refuse)
    durable.create(tmp_path / "a.key", b"first", mode=0o600)
    with pytest.raises(FileExistsError):
        durable.create(tmp_path / "a.key", b"second")
    assert (tmp_path / "a.key").read_bytes() == b"first"
    assert [each.name for each in tmp_path.iterdir()] == ["a.key"]


def test_a_disk_that_is_full_leaves_no_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable.os, "writev", lambda descriptor, parts: 1)
    with pytest.raises(OSError, match="wrote 1 of 5 bytes"):
        durable.create(tmp_path / "a.note", b"whole")
    assert list(tmp_path.iterdir()) == []


def test_folders_are_made_and_their_names_synchronised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synchronised: list[Path] = []
    monkeypatch.setattr(durable, "sync_folder", synchronised.append)
    durable.make_folder(tmp_path / "a" / "b" / "c")
    assert synchronised == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    durable.make_folder(tmp_path / "a" / "b" / "c")
    assert len(synchronised) == 3 and os.path.isdir(tmp_path / "a" / "b" / "c")


def test_a_removed_file_is_gone_and_a_missing_one_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    durable.remove(tmp_path / "a")
    durable.remove(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
