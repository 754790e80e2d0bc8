"""Forwarding: from the spool to the store, in order, for ever (DESIGN section 2, the sealer).

One thread takes what is durable in the spool in batches, lets `services.sealer.first_value` decide what is written,
writes it, then the `arrival` rows, then its own position; so a crash repeats and loses nothing. Live data and a backlog
take the same way: what is read back is what is on disk, moments later from the page cache. A store that is down is
tried again for ever, and what it refuses is parked (`services.sealer.store_writer`).
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from services.sealer.arrivals import ArrivalLog
from services.sealer.counters import Counters
from services.sealer.first_value import FirstValue
from services.sealer.frame import Frame
from services.sealer.health import Health
from services.sealer.parked import Parked, ParkedLine
from services.sealer.recovery import Position
from services.sealer.refused_rows import conflict_lines
from services.sealer.rows import PointTable, Rows
from services.sealer.spool import Spool
from services.sealer.store_writer import Stopped, StoreWriter
from tanji.errors import SpoolError, StoreError, StoreUnavailable
from tanji.store.port import Store

BATCH_ROWS = 100_000
"""The size at which an insert costs least a row (platform.md section 7); also what one write may hold in memory."""

BATCH_WAIT_S = 0.5
"""How long a batch that is not full waits for more."""

STOP_S = 5.0
"""How long a stop waits for the write in hand; a server that hangs must not keep the process from ending."""

log = logging.getLogger(__name__)


class Forwarder:
    """The thread, and what others may know about it."""

    def __init__(
        self,
        points: PointTable,
        *,
        spool: Spool,
        store: Store,
        parked: Parked,
        counters: Counters,
        clock: Callable[[], int],
        batch_wait_s: float = BATCH_WAIT_S,
        rng: random.Random | None = None,
    ) -> None:
        self.last_forward_ms: int | None = None
        self.damaged: str | None = None
        self.health = Health(points.plant_id, store=store)
        self._points = points
        self._spool = spool
        self._counters = counters
        self._clock = clock
        self._batch_wait_s = batch_wait_s
        self._stopping = threading.Event()
        self.writer = StoreWriter(
            points, store=store, parked=parked, counters=counters, clock=clock, stopping=self._stopping, rng=rng
        )
        self._first_value = FirstValue(points, store=store)
        self._arrivals = ArrivalLog(points.plant_id, store=store, clock=clock)
        self._done_seq = spool.forwarded.seq
        self._replay_end = spool.durable_seq  # what an earlier process left; it may have stored the first of it
        self._idle = threading.Condition()
        self._faults = self.writer.backoff()
        self._thread = threading.Thread(target=self._run, name="sealer-forward", daemon=True)

    @property
    def backlog(self) -> int:
        """Records on disk that are not yet in the store."""
        return self._spool.durable_seq - self._done_seq

    @property
    def backlog_age_ms(self) -> int:
        """How long the oldest record that is not in the store has waited [ms]."""
        oldest = self._spool.oldest_unsent_ms()
        return 0 if oldest is None else max(0, self._clock() - oldest)

    def start(self) -> None:
        """Begin to forward."""
        self._thread.start()

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything acknowledged is in the store; whether it is."""
        with self._idle:
            return self._idle.wait_for(lambda: not self.backlog, timeout_s)

    def stop(self) -> None:
        """End after the write in hand; what is left stays in the spool for the next start."""
        self._stopping.set()
        self._spool.wake()
        if self._thread.ident is None:
            return
        self._thread.join(STOP_S)
        if self._thread.is_alive():
            log.warning("the store has not answered for %.0f s; what it was given is in the spool", STOP_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.writer.retrying(self._prepare)
                self._forward_all()
            except Stopped:
                return
            except SpoolError as error:
                if self._stopping.is_set():  # the store answered after all; the next start repeats the batch
                    return
                # Going on behind the damage would skip acknowledged readings without a word.
                self.writer.state = f"stopped: {error}"
                self.damaged = str(error)
                log.critical("forwarding stopped: %s", error)
                return
            except StoreError as error:  # not a server of ours, or one that refuses more than single rows
                log.error("forwarding failed, starting over: %s", error)
                self._start_over(error)
            except Exception as error:  # a fault of ours or of the store's adapter must not end forwarding for good
                log.exception("forwarding failed, starting over")
                self._start_over(error)

    def _start_over(self, error: Exception) -> None:
        self.writer.failed(error)
        self._replay_end = self._spool.durable_seq
        self._stopping.wait(self._faults.failed())

    def _prepare(self) -> None:
        """Buckets, the newest time of every point, the latest arrival: all that must be asked of the store first."""
        self.writer.make_buckets()
        self._first_value.load()
        self._arrivals.load()

    def _forward_all(self) -> None:
        while not self._stopping.is_set():
            position = self._spool.forwarded
            if self._spool.wait_for(position.seq, timeout_s=self._batch_wait_s) and not self._stopping.is_set():
                self._gather(position)
                frames, after = self._spool.read(position, max_rows=BATCH_ROWS)
                self._forward(frames, after)
                self._replay_end = 0  # at most one batch was in hand when the process before this one ended
            self._flush_health()

    def _gather(self, position: Position) -> None:
        """Give more readings a moment to come, so that a write is worth its price."""
        end = time.monotonic() + self._batch_wait_s
        while not self._stopping.is_set() and (left := end - time.monotonic()) > 0:
            if self._spool.wait_for(position.seq + BATCH_ROWS - 1, timeout_s=left):
                return

    def _forward(self, frames: list[Frame], after: Position) -> None:
        rows = self._known(self._points.number(frames))
        perhaps_stored = frames[0].first_seq < self._replay_end
        decision = self.writer.retrying(lambda: self._first_value.decide(rows, perhaps_stored=perhaps_stored))
        refused = self.writer.write(decision.written, most=BATCH_ROWS)
        self.writer.park(conflict_lines(self._points, decision.conflict))
        if len(decision.touched.hour):
            arrivals = self._arrivals.rows(decision.touched)
            self.writer.retrying(lambda: self._arrivals.write(arrivals))
        self._spool.save_forwarded(after, now_ms=self._clock())
        self._first_value.confirm(decision)
        self._counters.add(
            repeated=decision.repeated,
            conflicting=len(decision.conflict.refused),
            filled=decision.filled,
            refused=refused,
            forwarded=len(decision.written) + decision.replayed - refused,
        )
        self.last_forward_ms = self._clock()
        self._faults.succeeded()
        with self._idle:
            self._done_seq = after.seq
            self._idle.notify_all()

    def _known(self, rows: Rows) -> Rows:
        """Without the readings of points that left the plant file while they waited; those are parked."""
        known = rows.point >= 0
        if known.all():
            return rows
        count = int((~known).sum())
        reason = f"{count} readings, spooled before, of points that are no longer in the plant file"
        self.writer.park([ParkedLine("", reason)])
        self._counters.add(refused=count)
        return rows.take(known)

    def _flush_health(self) -> None:
        try:
            self.health.flush()
        except StoreUnavailable as error:
            self.writer.state = f"unavailable: {error}"
