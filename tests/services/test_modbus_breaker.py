"""The breaker's waits: doubling, drawn from the upper half, the same for the same seed. Bounds worked by hand."""

from __future__ import annotations

import random

from services.modbus_poller.breaker import Breaker

START = 1_700_000_000_000


def waits(seed: int, failures: int) -> list[int]:
    breaker, found = Breaker(random.Random(seed)), []
    for _ in range(failures):
        breaker.failed(START)
        found.append(breaker.open_until_ms - START)
    return found


def test_waits_double_up_to_ten_seconds_and_never_fall_below_half() -> None:
    for seed in range(20):
        for wait, most in zip(waits(seed, 7), [1000, 2000, 4000, 8000, 10_000, 10_000, 10_000], strict=True):
            assert most / 2 <= wait <= most


def test_those_that_failed_together_are_not_asked_together() -> None:
    assert len({waits(seed, 4)[-1] for seed in range(20)}) > 15
    assert waits(7, 5) == waits(7, 5)


def test_it_opens_when_the_wait_is_over_or_the_peer_answers() -> None:
    breaker = Breaker(random.Random(1))
    assert breaker.allows(START) and not breaker.failing
    breaker.failed(START)
    assert breaker.failing and not breaker.allows(START + 499) and breaker.allows(START + 1000)
    breaker.failed(START)
    breaker.succeeded()
    assert breaker.allows(START) and not breaker.failing


def test_a_clock_that_is_set_back_an_hour_closes_nobody_out_for_an_hour() -> None:
    breaker = Breaker(random.Random(1))
    breaker.failed(START)
    assert breaker.allows(START - 3_600_000)
