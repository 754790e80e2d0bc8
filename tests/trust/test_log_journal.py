"""The journal: what was acknowledged is in it, what was not is cut off, and damage is never taken for the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanji.errors import LogError, LogUnavailable
from tanji.trust.log_journal import Journal


def written(path: Path, *groups: list[bytes]) -> bytes:
    """A journal with these frames."""
    journal, first = Journal(path), 0
    for group in groups:
        journal.append(first, group)
        first += len(group)
    journal.close()
    return path.read_bytes()


def read(path: Path) -> list[bytes]:
    """The entries that a journal gives back."""
    journal = Journal(path)
    try:
        return [entry for frame in journal.recover() for entry in frame.entries]
    finally:
        journal.close()


@settings(max_examples=60)
@given(groups=st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=4), max_size=5), data=st.data())
def test_cut_anywhere_it_gives_back_the_whole_frames(
    tmp_path_factory: pytest.TempPathFactory, groups: list[list[bytes]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal"
    ends = [len(written(path.with_name(str(count)), *groups[:count])) for count in range(len(groups) + 1)]
    whole = written(path, *groups)
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    kept = max(count for count, end in enumerate(ends) if end <= cut)
    assert read(path) == [entry for group in groups[:kept] for entry in group]
    assert path.read_bytes() == whole[: ends[kept]]


def test_a_changed_byte_before_a_whole_frame_is_damage_and_in_the_last_one_a_torn_end(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    first, whole = len(written(tmp_path / "one", [b"a" * 9, b"b"])), written(path, [b"a" * 9, b"b"], [b"TJL1"])
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        if at < first:
            with pytest.raises(LogError, match="damaged at byte 0"):
                read(path)
        else:
            assert read(path) == [b"a" * 9, b"b"]


def test_clearing_is_for_good_and_it_goes_on_from_there(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append(0, [b"a"])
    journal.clear()
    journal.append(1, [b"b"])
    journal.close()
    journal = Journal(tmp_path / "journal")
    assert [(frame.first, frame.entries) for frame in journal.recover()] == [(1, (b"b",))]
    journal.close()


def test_half_a_frame_that_cannot_be_taken_back_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal")

    def half(descriptor: int, parts: tuple[bytes, ...]) -> int:
        return os.write(descriptor, parts[0])

    def stuck(descriptor: int, length: int) -> None:
        raise OSError(5, "input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "writev", half)
        with pytest.raises(LogUnavailable, match="is the disk full"):
            journal.append(0, [b"a"])
        patched.setattr(os, "ftruncate", stuck)
        with pytest.raises(LogUnavailable, match="input/output"):
            journal.append(0, [b"a"])
    with pytest.raises(LogError, match="the disk failed"):
        journal.append(0, [b"a"])
    journal.close()
    assert read(tmp_path / "journal") == []
