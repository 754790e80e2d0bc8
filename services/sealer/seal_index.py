"""The file `seal/index`: one line a batch with the ranges of its times, so that a start need not read every payload.

The line of the last batch of a cut has the place in the spool up to which all is sealed too: what need not stay there
once the log has the batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from services.sealer.recovery import Position
from services.sealer.seal_records import Entry
from tanji.errors import SpoolError
from tanji.trust import durable


class SealIndex:
    """Appended by one process; what it adds is on disk when it returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = 0

    def load(self, *, below: int) -> Iterator[Entry]:
        """Entries of all batches below a number; what a crash left after them is cut off."""
        size = 0
        for line in self._lines():
            entry = self._entry(line)
            if entry is None or entry.seq >= below:
                break
            size += len(line)
            yield entry
        self._size = size

    def add(self, entries: Sequence[Entry]) -> None:
        """Add the batches of a cut."""
        is_new = not self._path.exists()
        data = "".join(map(_line, entries)).encode("ascii")
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o640)
        try:
            os.ftruncate(descriptor, self._size)  # what an attempt before this one may have left
            os.lseek(descriptor, 0, os.SEEK_END)
            durable.write_all(descriptor, (data,), at=self._size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            durable.sync_folder(self._path.parent)
        self._size += len(data)

    def end_of(self, seq: int) -> Position | None:
        """The place in the spool up to which everything is sealed by the batches up to this number; None: unknown."""
        found = None
        for line in self._lines():
            entry = self._entry(line)
            if entry is None or entry.seq > seq:
                break
            found = entry.end or found
        return found

    def _lines(self) -> Iterator[bytes]:
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            yield from file

    def _entry(self, line: bytes) -> Entry | None:
        """The entry of a line; None for a torn one, SpoolError for one that no crash leaves."""
        if not line.endswith(b"\n"):
            return None
        try:
            return _parsed(line)
        except (ValueError, IndexError) as error:
            raise SpoolError(f"{self._path}: expected a line of numbers, ranges and a digest, got {line!r}") from error


def _line(entry: Entry) -> str:
    ranges = ",".join(f"{first}-{last}" for first, last in entry.ranges) or "-"
    end = "" if entry.end is None else f" {entry.end.segment or '-'} {entry.end.offset} {entry.end.seq}"
    return f"{entry.seq} {ranges} {entry.digest}{end}\n"


def _parsed(line: bytes) -> Entry:
    seq, ranges, digest, *end = line.decode("ascii").split()
    pairs = [pair.split("-") for pair in ranges.split(",")] if ranges != "-" else []
    place = Position(end[0].removeprefix("-"), int(end[1]), int(end[2])) if end else None
    return Entry(int(seq), tuple((int(first), int(last)) for first, last in pairs), digest, place)
