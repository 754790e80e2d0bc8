"""Writing to a store that may be away: tried again for ever, and what is refused narrowed down to the rows it means.

Growing pauses with jitter, so that many sealers do not ask one server in step. A refused row is parked with the store's
reason; all others of its batch are written. What is written, and in which order, is `services.sealer.forward`.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from services.sealer.counters import Counters
from services.sealer.parked import Parked, ParkedLine
from services.sealer.refused_rows import lines_of
from services.sealer.rows import PointTable, Rows
from tanji.acquisition.backoff import Backoff
from tanji.errors import SpoolError, StoreDenied, StoreError, StoreRefused, StoreUnavailable
from tanji.plant.names import health_bucket, raw_bucket
from tanji.store.port import Store

FIRST_DELAY_S, LONGEST_DELAY_S = 0.2, 30.0
"""Back-off against a store that is down: doubled from the first to the longest."""

Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


class Stopped(Exception):
    """The thread was asked to end in the middle of a batch; the next start repeats it."""


class StoreWriter:
    """Used by one thread; what others may know: `state`, and why the store is `away` or has `denied`."""

    def __init__(
        self,
        points: PointTable,
        *,
        store: Store,
        parked: Parked,
        counters: Counters,
        clock: Callable[[], int],
        stopping: threading.Event,
        rng: random.Random | None = None,
    ) -> None:
        """clock : UTC now [ms]. stopping : set when the process ends; what is being tried is given up then."""
        self.state = "not asked yet"
        self.away: str | None = None
        self.denied: str | None = None
        self._points, self._store, self._parked, self._counters = points, store, parked, counters
        self._clock, self._stopping, self._rng = clock, stopping, rng or random.Random()

    def make_buckets(self) -> None:
        """Make what the store does not have yet; a server may come back empty: restored, moved, its volume lost."""
        ensure_bucket = getattr(self._store, "ensure_bucket", None)
        if ensure_bucket is not None:
            ensure_bucket(raw_bucket(self._points.plant_id))
            with suppress(StoreError):  # host metrics are best effort: no reading waits for their bucket
                ensure_bucket(health_bucket(self._points.plant_id))

    def write(self, rows: Rows, *, most: int) -> int:
        """Write rows, `most` at once, narrowing down what the store refuses; how many it refused."""
        waiting = [rows.take(slice(at, at + most)) for at in range(0, len(rows), most)][::-1]
        refused: list[ParkedLine] = []
        bucket = raw_bucket(self._points.plant_id)
        while waiting:
            part = waiting.pop()
            write = partial(self._store.write, bucket, "reading", self._points.to_store(part))
            try:
                self.retrying(write)
            except StoreRefused as error:
                if len(part) == 1:
                    refused += lines_of(self._points, part, [f"store refused: {error}"])
                else:
                    half = len(part) // 2
                    waiting += [part.take(slice(half, None)), part.take(slice(None, half))]
        self.park(refused)
        return len(refused)

    def park(self, lines: Sequence[ParkedLine]) -> None:
        """Put lines where a person looks at them, however long the disk takes."""
        self.retrying(lambda: self._parked.add(lines, arrival_ms=self._clock()))

    def retrying(self, step: Callable[[], Answer]) -> Answer:
        """Do `step`, again and again while store or disk do not take it. Stopped if the thread is to end."""
        backoff, was_away = self.backoff(), False
        while True:
            try:
                if was_away:
                    self.make_buckets()
                answer = step()
            except (StoreUnavailable, SpoolError) as error:
                was_away = isinstance(error, StoreUnavailable)
                self.state = f"unavailable: {error}"
                self.denied = str(error) if isinstance(error, StoreDenied) else None
                self.away = str(error) if was_away else None
                self._counters.add(retried=1)
                log.warning("forwarding waits and tries again: %s", error)
            else:
                self.state, self.away, self.denied = "ok", None, None
                return answer
            if self._stopping.wait(backoff.failed()):
                raise Stopped

    def failed(self, error: Exception) -> None:
        """Tell of a failure that is not the store's being away."""
        self.state, self.away = f"failed: {error!r}", str(error)

    def backoff(self) -> Backoff:
        """Growing delays with jitter."""
        return Backoff(first_s=FIRST_DELAY_S, most_s=LONGEST_DELAY_S, rng=self._rng)
