"""The shim of the power cut: it must catch a missing fsync, or no crash test built on it proves anything."""

from __future__ import annotations

import fcntl
import os
import random
from pathlib import Path

import pytest

from tanji.trust import durable

from .fsync_shim import PowerCuts


def write(path: Path, data: bytes, *, sync: bool) -> None:
    """Write a file, with or without fsync of its content."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, data)
    if sync:
        os.fsync(descriptor)
    os.close(descriptor)


def sync_folder(path: Path) -> None:
    """fsync of a directory."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def test_what_was_there_at_the_beginning_stays(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/old").write_bytes(b"old")
    with PowerCuts(tmp_path) as shim:
        pass
    assert [cut.call for cut in shim.cuts] == ["end"]
    assert shim.cuts[-1].files() == {"a/old": b"old"}


def test_a_file_and_its_directory_synchronised_survive(tmp_path: Path) -> None:
    with PowerCuts(tmp_path) as shim:
        write(tmp_path / "new", b"data", sync=True)
        sync_folder(tmp_path)
    assert shim.cuts[-1].files() == {"new": b"data"}


def test_a_missing_fsync_leaves_an_empty_file(tmp_path: Path) -> None:
    with PowerCuts(tmp_path) as shim:
        write(tmp_path / "new", b"data", sync=False)
        sync_folder(tmp_path)
    assert shim.cuts[-1].files() == {"new": b""}


def test_a_missing_fsync_of_the_directory_leaves_no_name(tmp_path: Path) -> None:
    with PowerCuts(tmp_path) as shim:
        write(tmp_path / "new", b"data", sync=True)
    assert shim.cuts[-1].files() == {}


def test_a_rename_whose_directory_was_not_synchronised_is_undone(tmp_path: Path) -> None:
    (tmp_path / "place").write_bytes(b"old")
    with PowerCuts(tmp_path) as shim:
        write(tmp_path / "place.tmp", b"new", sync=True)
        os.replace(tmp_path / "place.tmp", tmp_path / "place")
        shim.acknowledge("renamed")
        sync_folder(tmp_path)
    before, after = shim.cuts[-2:]
    assert before.acknowledged == after.acknowledged == ("renamed",)
    assert before.files() == {"place": b"old"}
    assert after.files() == {"place": b"new"}


def test_a_file_deleted_comes_back_until_the_directory_is_synchronised(tmp_path: Path) -> None:
    (tmp_path / "gone").write_bytes(b"old")
    with PowerCuts(tmp_path) as shim:
        (tmp_path / "gone").unlink()
        sync_folder(tmp_path)
    assert [cut.files() for cut in shim.cuts] == [{"gone": b"old"}, {}]


def test_appended_bytes_go_back_to_the_last_fsync(tmp_path: Path) -> None:
    with PowerCuts(tmp_path) as shim, (tmp_path / "journal").open("ab", buffering=0) as journal:
        sync_folder(tmp_path)
        for part in (b"one", b"two", b"three"):
            journal.write(part)
            if part != b"three":
                os.fdatasync(journal.fileno())
    assert [cut.files().get("journal") for cut in shim.cuts] == [None, b"", b"one", b"onetwo"]
    assert shim.cuts[1].call == "fdatasync journal"


def test_an_inode_number_used_again_is_another_file(tmp_path: Path) -> None:
    with PowerCuts(tmp_path) as shim:
        for _ in range(50):
            write(tmp_path / "scratch", b"durable", sync=True)
            sync_folder(tmp_path)
            (tmp_path / "scratch").unlink()
        write(tmp_path / "scratch", b"not durable", sync=False)
        sync_folder(tmp_path)
    assert shim.cuts[-1].files() == {"scratch": b""}


def test_a_new_directory_needs_its_parent_and_itself(tmp_path: Path) -> None:
    with PowerCuts(tmp_path) as shim:
        (tmp_path / "a/b").mkdir(parents=True)
        write(tmp_path / "a/b/file", b"data", sync=True)
        sync_folder(tmp_path / "a/b")
        sync_folder(tmp_path / "a")
        sync_folder(tmp_path)
    assert [cut.files() for cut in shim.cuts] == [{}, {}, {}, {}, {"a/b/file": b"data"}]


def test_the_surviving_tree_is_built_with_its_empty_folders(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with PowerCuts(root) as shim:
        (root / "empty").mkdir()
        write(root / "file", b"data", sync=True)
        sync_folder(root)
    target = shim.cuts[-1].build(tmp_path / "after")
    assert sorted(path.name for path in target.iterdir()) == ["empty", "file"]
    assert (target / "file").read_bytes() == b"data"


def test_with_luck_any_part_of_what_was_not_synchronised_is_there(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    write(root / "journal", b"0123", sync=True)
    with PowerCuts(root, lucky=True) as shim:
        with (root / "journal").open("ab", buffering=0) as journal:
            journal.write(b"4567")
        write(root / "new", b"data", sync=True)
    rng = random.Random(1)
    seen = set()
    for number in range(200):
        target = shim.cuts[-1].build_lucky(tmp_path / f"after{number}", rng)
        content = (target / "journal").read_bytes()
        assert b"01234567".startswith(content) and len(content) >= 4
        seen.add((len(content), (target / "new").exists()))
    assert seen == {(length, there) for length in range(4, 9) for there in (True, False)}


def test_files_elsewhere_are_none_of_its_business_and_fsync_comes_back_whole(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    real = os.fsync, os.fdatasync
    with PowerCuts(root) as shim:
        write(tmp_path / "elsewhere", b"data", sync=True)
    assert len(shim.cuts) == 1
    assert (os.fsync, os.fdatasync) == real


def test_a_lock_goes_with_its_own_descriptor(tmp_path: Path) -> None:
    with PowerCuts(tmp_path):
        first = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(first, fcntl.LOCK_EX)
        os.fsync(first)
        os.close(first)
        second = os.open(tmp_path / "lock", os.O_RDWR)
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(second)


def test_a_failing_fsync_makes_nothing_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(5, "input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    (tmp_path / "file").write_bytes(b"old")
    with PowerCuts(tmp_path) as shim, pytest.raises(OSError, match="input/output"):
        write(tmp_path / "file", b"new", sync=True)
    assert shim.cuts[-1].files() == {"file": b"old"}


def test_it_sees_what_the_house_itself_makes_durable(tmp_path: Path) -> None:
    with PowerCuts(tmp_path) as shim:
        durable.append(tmp_path / "journal", b"one")
        durable.replace(tmp_path / "place", b"two")
    assert [cut.call for cut in shim.cuts] == ["fdatasync journal", "fsync .", "fsync place.tmp", "fsync .", "end"]
    assert shim.cuts[-1].files() == {"journal": b"one", "place": b"two"}
