"""The spool: every accepted reading on disk before anyone is told so, in order of acceptance, kept for sealing.

One segment file per arrival minute (`services.sealer.segments`), one frame per body (`services.sealer.frame`).
Concurrent bodies share one fsync. What a crash leaves is put right at the next start (`services.sealer.recovery`);
damage is a SpoolError and never passed over. Segments stay after forwarding until `retain_ms` or the limits of
`services.sealer.room` let the oldest of them go; one that was not forwarded, or not yet sealed and logged where that is
done (R33, R35, R36), never goes, and then a body is refused with SpoolFull. What has been forwarded is remembered in
`forwarded.json`; how far sealing is, `services.sealer.sealing` knows.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from services.sealer import recovery, segments
from services.sealer.frame import HEADER, Columns, Frame, encode_body, header
from services.sealer.parked import Parked
from services.sealer.recovery import Position
from services.sealer.room import Limits, Room, free_on_disk
from services.sealer.segments import Segment
from services.sealer.spool_reader import SpoolReader
from tanji.errors import SpoolError, SpoolFull
from tanji.trust import durable

UNLIMITED = Limits()
RELEASED_AT_ONCE = 8
"""Segments let go of together: looking for the oldest costs a look at all names."""

log = logging.getLogger(__name__)


class Spool:
    """Appends from any thread, reads from one. Holds a lock on its folder until `close`."""

    def __init__(
        self,
        folder: Path,
        *,
        parked: Parked,
        retain_ms: int | None = None,
        limits: Limits = UNLIMITED,
        is_sealed: bool = False,
        sync: durable.Sync = durable.sync_data,
        free: Callable[[Path], int] = free_on_disk,
    ) -> None:
        """is_sealed : somebody seals what is here, and says by `release` what need not stay for it."""
        durable.make_folder(folder)
        self.folder = folder
        self._retain_ms = retain_ms
        self._sync = sync
        self._state = threading.Condition()  # guards everything below; notified when more is durable
        self._commit = threading.Lock()  # held by whoever is in fsync, for all that have written before
        self._failed: str | None = None
        self.full: str | None = None
        self.released = 0
        self._awake = False
        self._descriptor = -1
        self._reader = self.reader()
        self._lock = _claim(folder)
        try:
            found = segments.list_segments(folder)
            self.forwarded = recovery.load_forwarded(folder, found)
            end, self.torn = recovery.find_end(found, self.forwarded, parked=parked)
            self._released = recovery.beginning(found) if is_sealed else None
            done = segments.place_of(self._kept_from().segment, found)
            used = sum(segment.path.stat().st_size for segment in found)
            self._room = Room(limits, used=used, free=lambda: free(folder))
            # A plant makes half a million segments a year: only those somebody has yet to read stay in memory.
            self._segments = found[done:]
            self._passed_segments = found[:done] if retain_ms is not None else []
            self._next = self._durable = end.seq
            self._size = end.offset
            if self._segments:
                self._descriptor = os.open(self._segments[-1].path, os.O_WRONLY | os.O_APPEND)
                sync(self._descriptor)  # what a killed process left in memory counts as accepted from here on
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def durable_seq(self) -> int:
        """Every record with a lower sequence number is on disk."""
        return self._durable

    @property
    def failure(self) -> str | None:
        """Why nothing is accepted any more; None while all is well."""
        return self._failed

    @property
    def used(self) -> int:
        """What all segments take on the disk [byte]."""
        return self._room.used

    def append(self, columns: Columns, *, arrival_ms: int) -> int:
        """Put readings on disk; returns the sequence number of the first. SpoolError: nothing was acknowledged.

        SpoolFull is one of them: it passes when segments could be forwarded or the disk has room again.
        """
        body = encode_body(columns)
        with self._state:
            self._check()
            self._make_room(HEADER.size + len(body.data))
            first_seq = self._next
            try:
                self._enter_segment(segments.minute_name(arrival_ms))
                head = header(body, first_seq=first_seq, durable_seq=self._durable, arrival_ms=arrival_ms)
                durable.write_all(self._descriptor, (head, body.data), at=self._size)
            except OSError as error:
                # The file was cut back to its last frame, so a disk that has room again is welcome; if it was not,
                # another frame would turn the torn end into damage in the middle.
                if self._descriptor >= 0 and os.fstat(self._descriptor).st_size != self._size:
                    self._failed = f"half a frame could not be taken back: {error}"
                raise SpoolError(f"{self.folder}: the body could not be written: {error}") from error
            self._size += len(head) + len(body.data)
            self._room.took(len(head) + len(body.data))
            self._next = ticket = first_seq + body.count
        self._make_durable(ticket)
        return first_seq

    def wait_for(self, seq: int, *, timeout_s: float) -> bool:
        """Wait until the record `seq` is on disk; whether it is. After `wake` nobody waits any more."""
        with self._state:
            self._state.wait_for(lambda: self._durable > seq or self._awake, timeout_s)
            return self._durable > seq

    def wake(self) -> None:
        """Let nobody wait any more, because the process is about to end."""
        with self._state:
            self._awake = True
            self._state.notify_all()

    def read(self, position: Position, *, max_rows: int) -> tuple[list[Frame], Position]:
        """Durable frames after `position`, in order, until they hold `max_rows` records; and the place after them."""
        return self._reader.read(position, max_rows=max_rows)

    def reader(self) -> SpoolReader:
        """A reader for another thread."""
        return SpoolReader(self._following, durable_seq=lambda: self._durable)

    @property
    def beginning(self) -> Position:
        """The first place that can be read."""
        with self._state:
            return recovery.beginning(self._segments, seq=self._durable)

    def oldest_unsent_ms(self) -> int | None:
        """When the oldest reading that is not forwarded was accepted [UTC ms]; None if all are forwarded."""
        position = self.forwarded
        if position.seq >= self._durable:
            return None
        with self._state:
            at = segments.place_of(position.segment, self._segments)
            near = self._segments[at : at + 2]
        offset = position.offset
        for segment in near:
            arrival_ms = segments.arrival_at(segment, offset=offset)
            if arrival_ms is not None:
                return arrival_ms
            offset = 0
        return None

    def save_forwarded(self, position: Position, *, now_ms: int) -> None:
        """Remember durably that everything before `position` is in the store; let go of segments no longer kept."""
        if self._lock < 0:
            raise SpoolError(f"{self.folder}: the spool is closed")
        durable.replace(self.folder / recovery.FORWARDED, json.dumps(asdict(position)).encode())
        self.forwarded = position
        self._pass_by(now_ms)

    def release(self, position: Position, *, now_ms: int) -> None:
        """Sealing needs nothing before `position` any more; what the store has too may go."""
        if self._released is None or position.seq <= self._released.seq:
            return
        self._released = position
        self._pass_by(now_ms)

    def frames(self) -> Iterator[tuple[Segment, int, Frame]]:
        """Every frame of every segment from the first, checked; what an audit and sealing read. Durable ones only."""
        expected: int | None = None
        for segment in segments.list_segments(self.folder):
            if expected is not None and segment.first_seq != expected:
                raise SpoolError(f"{segment.path}: expected seq {expected}: a segment is missing")
            expected = segment.first_seq
            for offset, found in segments.frames(segment):
                if found.next_seq > self._durable:
                    return
                expected = found.next_seq
                yield segment, offset, found

    def close(self) -> None:
        """Stop accepting, close the files, let another process in."""
        with self._commit, self._state:
            self._failed = self._failed or "the spool is closed"
            self._reader.close()
            for descriptor in (self._descriptor, self._lock):
                if descriptor >= 0:
                    os.close(descriptor)
            self._descriptor, self._lock = -1, -1
            self._state.notify_all()

    def _make_room(self, size: int) -> None:
        """Let the oldest forwarded segments go while there is no room; SpoolFull once only unsent ones are left."""
        while (lacking := self._room.lacking(size)) is not None:
            passed = segments.oldest(self.folder, before=self._kept_from().segment, most=RELEASED_AT_ONCE)
            if not passed:
                self.full = lacking
                raise SpoolFull(f"{self.folder}: {lacking}; {self._next - self.forwarded.seq} readings wait to be sent")
            self._unlink(passed)
            self.released += len(passed)
            log.warning("%s: let go of %d forwarded segments: %s", self.folder, len(passed), lacking)
        self.full = None

    def _check(self) -> None:
        if self._failed:
            raise SpoolError(f"{self.folder}: nothing is accepted: {self._failed}")

    def _enter_segment(self, minute: str) -> None:
        """Write to the segment of this minute; the one before it is complete on disk first."""
        if self._descriptor >= 0 and self._segments[-1].minute == minute:
            return
        if self._descriptor >= 0:
            self._synchronise(self._descriptor)
        segment = segments.segment_of(self.folder, minute=minute, first_seq=self._next)
        opened = os.open(segment.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        durable.sync_folder(self.folder)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._size = opened, os.fstat(opened).st_size
        if not self._segments or self._segments[-1] != segment:
            self._segments.append(segment)

    def _synchronise(self, descriptor: int) -> None:
        try:
            self._sync(descriptor)
        except OSError as error:
            # After a failed fsync nobody knows what is on disk, and trying again would only hide it.
            self._failed = f"fsync failed: {error}"
            raise

    def _make_durable(self, ticket: int) -> None:
        """Return once every record below `ticket` is on disk; the first to come synchronises for all that wait."""
        with self._commit:
            if self._durable >= ticket:
                return
            with self._state:
                self._check()
                target, descriptor = self._next, os.dup(self._descriptor)  # a new segment may close the original
            try:
                self._synchronise(descriptor)
            except OSError as error:
                raise SpoolError(f"{self.folder}: {self._failed}") from error
            finally:
                os.close(descriptor)
            with self._state:
                self._durable = target
                self._state.notify_all()

    def _kept_from(self) -> Position:
        """Everything before it is in the store, and sealed and logged where that is done."""
        released = self._released
        return self.forwarded if released is None or self.forwarded.seq <= released.seq else released

    def _pass_by(self, now_ms: int) -> None:
        """Forget the segments that nobody has to read again, and let go of those that are old enough."""
        with self._state:
            done = segments.place_of(self._kept_from().segment, self._segments)
            passed, self._segments = self._segments[:done], self._segments[done:]
            if self._retain_ms is not None:
                self._passed_segments += passed
        if self._retain_ms is not None:
            self._discard(before=segments.minute_name(now_ms - self._retain_ms))

    def _following(self, position: Position) -> Sequence[Segment]:
        with self._state:
            at = segments.place_of(position.segment, self._segments)
            return self._segments[at : at + 2]

    def _discard(self, *, before: str) -> None:
        with self._state:
            old = [segment for segment in self._passed_segments if segment.minute < before]
            if old:
                self._passed_segments = [each for each in self._passed_segments if each.minute >= before]
                self._unlink(old)

    def _unlink(self, old: Sequence[Segment]) -> None:
        for segment in old:
            with suppress(FileNotFoundError):
                size = segment.path.stat().st_size
                segment.path.unlink()
                self._room.gave_back(size)
        durable.sync_folder(self.folder)


def _claim(folder: Path) -> int:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        with suppress(OSError):
            os.close(descriptor)
        raise SpoolError(f"{folder}: in use by another process") from error
    return descriptor
