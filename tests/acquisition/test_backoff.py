"""Waiting times after failures in a row."""

from __future__ import annotations

import random

from tanji.acquisition.backoff import Backoff


def test_waits_double_up_to_the_longest_and_begin_again_after_a_success() -> None:
    backoff = Backoff(first_s=0.5, most_s=10.0)
    assert [backoff.failed() for _ in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert backoff.failures == 7
    backoff.succeeded()
    assert (backoff.failures, backoff.failed()) == (0, 0.5)


def test_jitter_parts_those_that_failed_together_and_never_waits_longer() -> None:
    backoff = Backoff(first_s=0.2, most_s=30.0, rng=random.Random(1))
    waits = [backoff.failed() for _ in range(200)]
    assert 0.1 <= waits[0] <= 0.2 and all(15.0 <= wait <= 30.0 for wait in waits[10:])
    assert len(set(waits)) == 200


def test_a_month_of_failures_does_not_overflow() -> None:
    backoff = Backoff(first_s=1.0, most_s=10.0)
    assert {backoff.failed() for _ in range(5000)} == {1.0, 2.0, 4.0, 8.0, 10.0}
