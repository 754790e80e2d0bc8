"""The spool: every accepted reading on disk before anyone is told so, in order of acceptance, kept for sealing.

One segment file per arrival minute (`services.sealer.segments`), one frame per body (`services.sealer.frame`).
Concurrent bodies share one fsync. What a crash leaves is put right at the next start (`services.sealer.recovery`);
damage is a SpoolError and never passed over. How long segments stay is `services.sealer.kept_segments`; when only
needed ones are left and there is no room (R33, R35, R36), a body is refused with SpoolFull. What has been forwarded is
remembered in `forwarded.json`; how far sealing is, `services.sealer.sealing` knows.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from services.sealer import recovery, segments
from services.sealer.frame import HEADER, Columns, Frame, encode_body, header
from services.sealer.kept_segments import KeptSegments
from services.sealer.parked import Parked
from services.sealer.recovery import Position
from services.sealer.room import Limits, free_on_disk
from services.sealer.segments import Segment
from services.sealer.spool_reader import SpoolReader
from tanji.errors import SpoolError, SpoolFull
from tanji.trust import durable

UNLIMITED = Limits()


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
        self._sync = sync
        self._state = threading.Condition()  # guards everything below; notified when more is durable
        self._commit = threading.Lock()  # held by whoever is in fsync, for all that have written before
        self._failed: str | None = None
        self.full: str | None = None
        self._awake = False
        self._descriptor = -1
        self._reader = self.reader()
        self._lock = recovery.claim(folder)
        try:
            found = segments.list_segments(folder)
            self.forwarded = recovery.load_forwarded(folder, found)
            end, self.torn = recovery.find_end(found, self.forwarded, parked=parked)
            self._released = recovery.beginning(found) if is_sealed else None
            self._kept = KeptSegments(
                folder, found, kept_from=self._kept_from(), retain_ms=retain_ms, limits=limits, free=free
            )
            self._next = self._durable = end.seq
            self._size = end.offset
            if self._kept.unread:
                self._descriptor = os.open(self._kept.unread[-1].path, os.O_WRONLY | os.O_APPEND)
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
        return self._kept.room.used

    @property
    def released(self) -> int:
        """Segments that made room for new readings since the start."""
        return self._kept.released

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
            self._kept.room.took(len(head) + len(body.data))
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
            return recovery.beginning(self._kept.unread, seq=self._durable)

    def oldest_unsent_ms(self) -> int | None:
        """When the oldest reading that is not forwarded was accepted [UTC ms]; None if all are forwarded."""
        position = self.forwarded
        if position.seq >= self._durable:
            return None
        for number, segment in enumerate(self._following(position)):
            arrival_ms = segments.arrival_at(segment, offset=0 if number else position.offset)
            if arrival_ms is not None:
                return arrival_ms
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
        try:
            self._kept.make_room(size, kept_from=self._kept_from())
        except SpoolFull as error:
            self.full = str(error)
            unsent = self._next - self.forwarded.seq
            raise SpoolFull(f"{self.folder}: {error}; {unsent} readings wait to be sent") from None
        self.full = None

    def _check(self) -> None:
        if self._failed:
            raise SpoolError(f"{self.folder}: nothing is accepted: {self._failed}")

    def _enter_segment(self, minute: str) -> None:
        """Write to the segment of this minute; the one before it is complete on disk first."""
        if self._descriptor >= 0 and self._kept.unread[-1].minute == minute:
            return
        if self._descriptor >= 0:
            self._synchronise(self._descriptor)
        segment = segments.segment_of(self.folder, minute=minute, first_seq=self._next)
        opened = os.open(segment.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        durable.sync_folder(self.folder)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._size = opened, os.fstat(opened).st_size
        if not self._kept.unread or self._kept.unread[-1] != segment:
            self._kept.unread.append(segment)

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
        with self._state:
            self._kept.pass_by(self._kept_from(), now_ms=now_ms)

    def _following(self, position: Position) -> Sequence[Segment]:
        with self._state:
            return self._kept.from_place(position, most=2)
