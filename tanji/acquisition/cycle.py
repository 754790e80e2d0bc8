"""When a device is asked: at the whole periods of UTC, so that the readings of all devices bear the same times.

A cycle that overruns is not caught up on: it skips to the next whole period, and every start that went by is counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Final

LONGEST_SLEEP_S: Final = 1.0
"""The clock may be set while we sleep; looking again this often bounds what that costs."""


log = logging.getLogger(__name__)


@dataclass(slots=True)
class Polled:
    """What a poller counts of one device."""

    last_success_ms: int | None = None
    requests: int = 0
    failures: int = 0
    retries: int = 0

    def health(self, cycle: Cycle) -> dict[str, int | None]:
        """Last success [UTC ms], requests, failures, retries, cycles, missed cycles."""
        return asdict(self) | {"cycles": cycle.done, "missed_cycles": cycle.missed}


class Cycle:
    """The starts of one device's cycles; points with different periods share them where they coincide."""

    def __init__(self, periods_ms: Iterable[int], *, clock: Callable[[], int]) -> None:
        """periods_ms : periods of the device's points [ms]. clock : UTC now [ms]."""
        self._periods = tuple(sorted(set(periods_ms)))
        self._clock = clock
        self._last: int | None = None
        self.missed = 0
        self.done = 0

    @property
    def shortest_ms(self) -> int:
        """The time between two starts, at the least [ms]."""
        return self._periods[0]

    def after(self, time_ms: int) -> int:
        """The first whole period after this time [UTC ms]."""
        return min((time_ms // period + 1) * period for period in self._periods)

    def due(self, start_ms: int) -> frozenset[int]:
        """The periods that begin at this start [ms]."""
        return frozenset(period for period in self._periods if start_ms % period == 0)

    def next_start(self) -> int:
        """The start to wait for now [UTC ms]; starts more than half a period late are skipped and counted."""
        now, shortest = self._clock(), self._periods[0]
        if self._last is None:
            return self.after(now)
        start = self.after(self._last)
        if start - now > 2 * self._periods[-1]:
            return self.after(now)  # the clock was set back: do not sleep until it has caught up
        too_late = now - start - shortest // 2
        if too_late < 0:
            return start
        self.missed += too_late // shortest + 1
        return self.after(now - shortest // 2)

    async def run(self, stop: asyncio.Event, step: Callable[[int], Awaitable[None]], *, name: str) -> None:
        """Do `step` at every start [UTC ms] until `stop` is set; what one cycle meets, the next one does not suffer."""
        while (start := await self.wait(stop)) is not None:
            try:
                await step(start)
            except Exception:
                log.exception("%s: cycle failed", name)
            self.done += 1

    async def wait(self, stop: asyncio.Event) -> int | None:
        """Sleep until the next start and return it [UTC ms]; None once `stop` is set."""
        start = self.next_start()
        while not stop.is_set():
            delay_s = (start - self._clock()) / 1000
            if delay_s <= 0:
                self._last = start
                return start
            if delay_s > 2 * self._periods[-1] / 1000:
                start = self.after(self._clock())
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(delay_s, LONGEST_SLEEP_S))
        return None
