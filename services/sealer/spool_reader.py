"""Reading the spool in order, from a place on: a reader for forwarding and one for sealing, each in its own thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from services.sealer import segments
from services.sealer.frame import Frame
from services.sealer.recovery import Position
from services.sealer.segments import Segment
from tanji.errors import SpoolError

Following = Callable[[Position], Sequence[Segment]]
"""The segment of a position and the one after it, if there is one. SpoolError: it is gone."""


class SpoolReader:
    """Keeps the segment it is in open."""

    def __init__(self, following: Following, *, durable_seq: Callable[[], int]) -> None:
        self._following, self._durable_seq = following, durable_seq
        self._open: tuple[str, int] = ("", -1)

    def read(self, position: Position, *, max_rows: int) -> tuple[list[Frame], Position]:
        """Durable frames after `position`, in order, until they hold `max_rows` records; and the place after them."""
        found: list[Frame] = []
        rows, durable = 0, self._durable_seq()
        while rows < max_rows and position.seq < durable:
            next_frame, position = self._read_frame(position)
            found.append(next_frame)
            rows += len(next_frame.columns)
        return found, position

    def close(self) -> None:
        """Close the segment."""
        if self._open[1] >= 0:
            os.close(self._open[1])
        self._open = ("", -1)

    def _read_frame(self, position: Position) -> tuple[Frame, Position]:
        segment, *following = self._following(position)
        found = segments.read_frame(self._reader_of(segment), segment, offset=position.offset, first_seq=position.seq)
        if found is not None:
            return found, Position(segment.path.name, position.offset + found.size, found.next_seq)
        if not following or following[0].first_seq != position.seq:
            raise SpoolError(f"{segment.path}: ends at offset {position.offset}, expected seq {position.seq} after it")
        return self._read_frame(Position(following[0].path.name, 0, position.seq))

    def _reader_of(self, segment: Segment) -> int:
        if self._open[0] != segment.path.name:
            self.close()
            self._open = (segment.path.name, segment.open())
        return self._open[1]
