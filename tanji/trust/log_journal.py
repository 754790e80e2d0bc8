"""The journal of a log: entries that were acknowledged and are not yet in a published tile.

A frame holds the entries of one call: magic "TJL1", index of its first entry u64, their number u32, length of the
bundle u32, SHA-256 over all of it, then the bundle as in C2SP tlog-tiles. A frame is written only when the one before
is on disk. So a broken frame at the end is what a crash left of something nobody was told of, and is cut off; a broken
frame before a whole one had been acknowledged, and the log does not open.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from struct import Struct

from tanji.errors import LogError, LogUnavailable
from tanji.trust import durable
from tanji.trust.tiles import bundle, unbundle

MAGIC = b"TJL1"
HEAD = Struct(">4sQII")
DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Frame:
    """The entries of one call, the first of them at `first`."""

    first: int
    entries: tuple[bytes, ...]


class Journal:
    """The file `journal` of one log, owned by one process; not for several threads at once."""

    def __init__(self, path: Path, *, sync: durable.Sync = durable.sync_data) -> None:
        """sync : makes a file descriptor durable; a parameter, so that tests can break it."""
        self._path, self._sync = path, sync
        is_new = not path.exists()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        self._size = os.fstat(self._descriptor).st_size
        self._broken: OSError | None = None
        if is_new:
            durable.sync_folder(path.parent)

    def recover(self) -> list[Frame]:
        """The frames that are there; half a frame at the end is cut off for good."""
        data = self._path.read_bytes()
        frames = list(_frames(data, name=str(self._path)))
        good = sum(HEAD.size + DIGEST_BYTES + sum(2 + len(entry) for entry in frame.entries) for frame in frames)
        if good < len(data):
            self._cut(good)
        return frames

    def append(self, first: int, entries: Sequence[bytes]) -> None:
        """Add entries; on disk when this returns. LogUnavailable: nothing was kept. LogError: nobody knows."""
        self._check()
        data = bundle(entries)
        head = HEAD.pack(MAGIC, first, len(entries), len(data))
        frame = head, sha256(head + data).digest(), data
        try:
            durable.write_all(self._descriptor, frame, at=self._size)
        except OSError as error:
            if os.fstat(self._descriptor).st_size != self._size:
                self._broken = error  # half a frame that could not be taken back: nothing may follow it
            raise LogUnavailable(f"{self._path}: cannot be written: {error.strerror or error}") from error
        self._synchronise()
        self._size += sum(map(len, frame))

    def clear(self) -> None:
        """Forget everything: it is in published tiles. On disk when this returns."""
        self._check()
        self._cut(0)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _cut(self, length: int) -> None:
        os.ftruncate(self._descriptor, length)
        self._synchronise()  # or the next frame could reach the disk before the old ones are gone
        self._size = length

    def _synchronise(self) -> None:
        try:
            self._sync(self._descriptor)
        except OSError as error:
            self._broken = error  # what a failed fsync left in the page cache nobody can tell
            self._check()

    def _check(self) -> None:
        if self._broken is not None:
            raise LogError(f"{self._path}: the disk failed, restart when it is repaired: {self._broken}")


def _frames(data: bytes, *, name: str) -> Iterator[Frame]:
    at = 0
    while at < len(data):
        found = _frame(data, at)
        if found is None:
            later = data.find(MAGIC, at + 1)
            while later >= 0:
                if _frame(data, later) is not None:
                    raise LogError(f"{name}: damaged at byte {at}, before entries that were acknowledged")
                later = data.find(MAGIC, later + 1)
            return
        frame, at = found
        yield frame


def _frame(data: bytes, at: int) -> tuple[Frame, int] | None:
    """The frame at a position and where it ends, or None if it is not whole."""
    start = at + HEAD.size + DIGEST_BYTES
    if start > len(data):
        return None
    head = data[at : at + HEAD.size]
    magic, first, count, length = HEAD.unpack(head)
    body = data[start : start + length]
    if magic != MAGIC or len(body) != length or sha256(head + body).digest() != data[at + HEAD.size : start]:
        return None
    entries = tuple(unbundle(body))
    return (Frame(first, entries), start + length) if len(entries) == count else None
