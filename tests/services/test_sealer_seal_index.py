"""The sealer's index of what its batches hold: a torn end is cut off, damage is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.sealer.recovery import Position
from services.sealer.seal_index import SealIndex
from services.sealer.seal_records import Entry
from tanji.errors import SpoolError

ENTRIES = [Entry(0, ((5, 9), (12, 12)), "ab" * 32), Entry(1, (), "cd" * 32, Position("000000000007", 40, 3))]


def test_what_was_added_is_read_back_and_a_torn_end_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "index"
    index = SealIndex(path)
    index.add(ENTRIES)
    with path.open("ab") as file:
        file.write(b"2 1-2 ")
    again = SealIndex(path)
    assert list(again.load(below=9)) == ENTRIES
    assert again.end_of(1) == ENTRIES[1].end
    again.add([Entry(2, ((1, 2),), "ef" * 32)])
    assert path.read_bytes().count(b"\n") == 3


@pytest.mark.parametrize("line", [b"x - abcd\n", b"1 -\n", b"1 5 abcd\n", b"1 - abcd 000000000007 4\n", b"\xff - a\n"])
def test_a_damaged_line_is_named_with_its_file(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "index"
    path.write_bytes(line)
    with pytest.raises(SpoolError, match="index: expected a line of numbers, ranges and a digest, got b"):
        list(SealIndex(path).load(below=9))
