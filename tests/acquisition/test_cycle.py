"""When cycles start. Times are small numbers worked by hand."""

from __future__ import annotations

import asyncio
import time

from tanji.acquisition.backoff import Backoff
from tanji.acquisition.cycle import Cycle


class Clock:
    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def started(clock: Clock, *periods: int) -> Cycle:
    """A cycle that has just done a start at the clock's time."""
    cycle = Cycle(periods, clock=clock)
    cycle._last = clock.now
    return cycle


def test_the_first_start_is_the_next_whole_period() -> None:
    assert Cycle([1000], clock=Clock(10_400)).next_start() == 11_000
    assert Cycle([1000], clock=Clock(10_000)).next_start() == 11_000


def test_periods_share_the_starts_where_they_coincide() -> None:
    cycle = started(Clock(10_000), 1000, 2500)
    assert cycle.next_start() == 11_000
    assert cycle.after(12_000) == 12_500
    assert cycle.due(15_000) == {1000, 2500}
    assert cycle.due(12_500) == {2500}


def test_a_cycle_that_is_a_little_late_still_happens() -> None:
    clock = Clock(10_000)
    cycle = started(clock, 1000)
    clock.now = 11_499
    assert cycle.next_start() == 11_000
    assert cycle.missed == 0


def test_an_overrun_skips_to_the_next_whole_period_and_is_counted() -> None:
    clock = Clock(10_000)
    cycle = started(clock, 1000)
    clock.now = 11_500
    assert (cycle.next_start(), cycle.missed) == (12_000, 1)
    cycle = started(Clock(10_000), 1000)
    cycle._clock = Clock(14_700)
    assert (cycle.next_start(), cycle.missed) == (15_000, 4)


def test_a_clock_set_back_does_not_stop_the_cycle() -> None:
    clock = Clock(10_000)
    cycle = started(clock, 1000)
    clock.now = 3_200
    assert (cycle.next_start(), cycle.missed) == (4_000, 0)


def test_waiting_ends_at_the_start_or_when_told_to_stop() -> None:
    async def scenario() -> None:
        stop = asyncio.Event()
        cycle = Cycle([50], clock=lambda: time.time_ns() // 1_000_000)
        first, second = await cycle.wait(stop), await cycle.wait(stop)
        assert first is not None and second == first + 50 and first % 50 == 0
        stop.set()
        assert await cycle.wait(stop) is None

    asyncio.run(scenario())


def test_waits_double_up_to_the_ceiling_and_begin_again_after_a_success() -> None:
    backoff = Backoff(first_s=1, most_s=10)
    assert [backoff.failed() for _ in range(6)] == [1, 2, 4, 8, 10, 10]
    backoff.succeeded()
    assert backoff.failures == 0
    assert backoff.failed() == 1
