"""Quality rules (quality.md section 5, R52): every case worked by hand, NaN wherever it can be (traps 1, 8-11)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.quality import rules

NAN = float("nan")


def minutes(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int64) * 60_000


def test_range_marks_what_is_outside_and_no_missing_value() -> None:
    value = np.array([-1.0, 0.0, 5.0, 10.0, 10.1, NAN])
    assert rules.out_of_range(value, low=0, high=10).tolist() == [True, False, False, False, True, False]
    assert rules.out_of_range(value, low=None, high=10).tolist() == [False, False, False, False, True, False]


def test_rate_of_change_is_per_second_and_looks_across_a_missing_value() -> None:
    """Limit 0.1 per s: 6 a minute. 0 to 7 in 60 s is too fast; 7 to 18 over the hole of 120 s is 5.5 a minute."""
    value = np.array([0.0, 7.0, NAN, 18.0, 18.0])
    assert rules.rate_of_change(minutes(5), value, limit_per_s=0.1).tolist() == [False, True, False, False, False]


def test_a_run_of_equal_values_is_stuck_from_its_first_reading_once_it_is_long_enough() -> None:
    """Five equal values span 240 s: stuck at 240 s, not at 241 s."""
    value = np.array([1.0, 3.0, 3.0, 3.0, 3.0, 3.0, 4.0])
    assert rules.stuck(minutes(7), value, span_s=240).tolist() == [False, *[True] * 5, False]
    assert not rules.stuck(minutes(7), value, span_s=241).any()


def test_a_missing_value_a_hole_and_a_standing_source_end_a_stuck_run() -> None:
    value = np.full(9, 3.0)
    broken = value.copy()
    broken[4] = NAN
    assert not rules.stuck(minutes(9), broken, span_s=240).any()
    running = np.ones(9, np.bool_)
    running[4] = False
    assert not rules.stuck(minutes(9), value, span_s=240, running=running).any()
    time = minutes(9)
    time[4:] += 600_000
    assert rules.stuck(time, value, span_s=300).all()
    assert not rules.stuck(time, value, span_s=300, maximum_gap_s=90).any()


def test_the_first_value_after_a_hole_carries_the_gap() -> None:
    """Values at 0, 1, 4 min; the reading at 3 min has none. 90 s allowed: the hole is 180 s."""
    time = np.array([0, 60_000, 180_000, 240_000], np.int64)
    value = np.array([1.0, 1.0, NAN, 1.0])
    assert rules.gap(time, value, maximum_gap_s=90).tolist() == [False, False, False, True]
    assert not rules.gap(time, value, maximum_gap_s=180).any()


def counter(count: list[float], *, rollover: float | None = 1000, rated: float | None = 6000) -> rules.Increments:
    """Rated 6000 counts/h: 100 a minute, 120 with the margin, 121 with one count of resolution."""
    return rules.counter_increments(
        minutes(len(count)), np.array(count), rollover=rollover, rated_per_h=rated, maximum_span_ms=3_600_000
    )


def test_a_counter_rolls_over_where_the_step_could_have_passed_and_resets_where_not() -> None:
    """950 -> 30 adds 80 with a register of 1000 counts; 500 -> 100 would add 600, five times what could pass."""
    steps = counter([900, 950, 30, 60])
    assert steps.amount.tolist() == [50, 80, 30] and steps.rolled.tolist() == [False, True, False]
    steps = counter([450, 500, 100, 150])
    assert steps.reset.tolist() == [False, True, False]
    assert steps.known.tolist() == [True, False, True] and np.isnan(steps.amount[1])


def test_a_step_back_from_a_count_the_register_cannot_hold_is_a_reset() -> None:
    """5000 -> 10 in a register of 1000 counts would have added -3990."""
    assert counter([5000, 10]).reset.tolist() == [True] and not counter([5000, 10]).rolled.any()


def test_a_jump_beyond_the_rated_flow_is_unknown_and_one_count_is_always_possible() -> None:
    steps = counter([0, 121, 243])
    assert steps.jumped.tolist() == [False, True] and steps.known.tolist() == [True, False]
    assert counter([0, 1], rated=0.001).known.all()


def test_a_register_that_could_have_gone_round_in_a_hole_tells_nothing() -> None:
    """Over 9 minutes 1081 counts could pass, more than the register holds (trap 11)."""
    count = [0.0, *[NAN] * 8, 50.0]
    assert not counter(count).known.any() and counter(count, rollover=2000).known.all()


def test_without_a_rated_flow_a_step_back_is_never_taken_for_a_rollover() -> None:
    """Wrap and largest step are never guessed (trap 9)."""
    steps = counter([990, 10], rated=None)
    assert steps.reset.tolist() == [True] and not steps.known.any()


def test_a_step_over_more_than_the_longest_span_is_unknown() -> None:
    time = np.array([0, 3_600_001], np.int64)
    steps = rules.counter_increments(
        time, np.array([0.0, 5.0]), rollover=None, rated_per_h=None, maximum_span_ms=3_600_000
    )
    assert not steps.known.any()


@given(st.lists(st.one_of(st.just(NAN), st.floats(-1e6, 1e6)), max_size=40))
def test_no_rule_ever_marks_a_missing_value_or_fails_on_one(values: list[float]) -> None:
    value, time = np.array(values, np.float64), minutes(len(values))
    masks = [
        rules.out_of_range(value, low=-1, high=1),
        rules.rate_of_change(time, value, limit_per_s=0.01),
        rules.stuck(time, value, span_s=60),
        rules.gap(time, value, maximum_gap_s=90),
    ]
    for mask in masks:
        assert mask.shape == value.shape and not (mask & np.isnan(value)).any()
    steps = rules.counter_increments(time, value, rollover=1000, rated_per_h=100)
    assert np.isfinite(steps.amount[steps.known]).all() and np.isnan(steps.amount[~steps.known]).all()


@given(st.lists(st.integers(0, 90), min_size=2, max_size=60), st.integers(0, 999))
def test_the_known_increments_of_a_rolling_register_add_up_to_what_passed(flow: list[int], start: int) -> None:
    passed = start + np.cumsum(flow)
    steps = counter([float(count % 1000) for count in passed])
    assert steps.known.all()
    assert steps.amount.sum() == pytest.approx(passed[-1] - passed[0])
