"""Which segments of the spool are still read, which have been passed by, and which go when (R33, R36).

A segment that was not forwarded, or not yet sealed and logged where that is done, never goes. The others stay for
`retain_ms`, or until the limits of `services.sealer.room` let the oldest of them go; without either, for ever. A plant
makes half a million segments a year: only those somebody has yet to read stay in memory.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from services.sealer import segments
from services.sealer.recovery import Position
from services.sealer.room import Limits, Room
from services.sealer.segments import Segment
from tanji.errors import SpoolFull
from tanji.trust import durable

RELEASED_AT_ONCE = 8
"""Segments let go of together: looking for the oldest costs a look at all names."""

log = logging.getLogger(__name__)


class KeptSegments:
    """The segments of one folder, in order. Whoever calls holds the spool's lock."""

    def __init__(
        self,
        folder: Path,
        found: Sequence[Segment],
        *,
        kept_from: Position,
        retain_ms: int | None,
        limits: Limits,
        free: Callable[[Path], int],
    ) -> None:
        """found : those there. kept_from : nothing before it is read again. free : what is free on a folder's disk."""
        self.released = 0
        self._folder, self._retain_ms = folder, retain_ms
        used = sum(segment.path.stat().st_size for segment in found)
        self.room = Room(limits, used=used, free=lambda: free(folder))
        done = segments.place_of(kept_from.segment, found)
        self.unread = list(found[done:])
        self._passed = list(found[:done]) if retain_ms is not None else []

    def from_place(self, position: Position, *, most: int) -> Sequence[Segment]:
        """The segment of a place and those after it."""
        at = segments.place_of(position.segment, self.unread)
        return self.unread[at : at + most]

    def make_room(self, size: int, *, kept_from: Position) -> None:
        """Let the oldest go while `size` bytes have no room; SpoolFull once only those are left that are needed."""
        while (lacking := self.room.lacking(size)) is not None:
            passed = segments.oldest(self._folder, before=kept_from.segment, most=RELEASED_AT_ONCE)
            if not passed:
                raise SpoolFull(lacking)
            self._unlink(passed)
            self.released += len(passed)
            log.warning("%s: let go of %d forwarded segments: %s", self._folder, len(passed), lacking)

    def pass_by(self, kept_from: Position, *, now_ms: int) -> None:
        """Forget the segments that nobody has to read again, and let go of those that are old enough."""
        done = segments.place_of(kept_from.segment, self.unread)
        passed, self.unread = self.unread[:done], self.unread[done:]
        if self._retain_ms is None:
            return
        self._passed += passed
        before = segments.minute_name(now_ms - self._retain_ms)
        old = [segment for segment in self._passed if segment.minute < before]
        if old:
            self._passed = [each for each in self._passed if each.minute >= before]
            self._unlink(old)

    def _unlink(self, old: Sequence[Segment]) -> None:
        for segment in old:
            with suppress(FileNotFoundError):
                size = segment.path.stat().st_size
                segment.path.unlink()
                self.room.gave_back(size)
        durable.sync_folder(self._folder)
