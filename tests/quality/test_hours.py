"""Hours from readings (quality.md section 7, standard.md 11.1, R52). Hand calculations in the docstrings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanji.quality import hours, rules, substitution
from tanji.quality.hours import Grid, Hours

MINUTE, HOUR = 60_000, 3_600_000
NAN = float("nan")


def rate(values: list[float], *, running: list[float] | None = None, step: int = MINUTE, start: int = 0) -> Hours:
    """Hours of a rate with a reading every `step` ms; NaN is an unusable reading."""
    value = np.array(values)
    time = start + np.arange(value.size, dtype=np.int64) * step
    grid = Grid(0, -(-int(time[-1] + step) // HOUR))
    spans = hours.rate_spans(time, value, np.isfinite(value), maximum_gap_ms=90_000, period_ms=step)
    minutes = hours.lay_on_minutes(spans, grid=grid)
    share = np.ones(grid.minutes) if running is None else np.array(running)
    return hours.rate_hours(minutes, share, valid_minutes=45, valid_share=0.75)


def count(time: list[int], counts: list[float], *, grid: Grid, running: list[float] | None = None) -> Hours:
    """Hours of a counter of 10,000 counts with at most 600 an hour."""
    steps = rules.counter_increments(
        np.array(time, np.int64), np.array(counts), rollover=10_000, rated_per_h=600, maximum_span_ms=24 * HOUR
    )
    minutes = hours.lay_on_minutes(hours.counter_spans(steps), grid=grid)
    share = np.ones(grid.minutes) if running is None else np.array(running)
    return hours.counter_hours(minutes, share, valid_minutes=45)


def substitute(amount, **given):
    """Amounts and marks of the usual rule, the mean of the last valid hours."""
    found = substitution.mean_of_valid(amount, **given)
    return found.amount, found.replaced


def test_a_full_hour_is_the_mean_of_its_minutes() -> None:
    """30 minutes at 10 t/h and 30 at 20 t/h: 15 t."""
    found = rate([10.0] * 30 + [20.0] * 30)
    assert found.amount.tolist() == [15.0] and found.captured.tolist() == [1.0]


def test_readings_are_weighted_by_how_long_they_hold() -> None:
    """A reading of 10 t/h every 90 s and a last one of 40 t/h for 60 s would weigh alike if they were only counted.

    Readings at 0, 90, ..., 3510 s hold 90 s each, so 39 x 90 s at 10 t/h and 90 s at 40 t/h: (35100 + 3600)/3600 t.
    """
    found = rate([10.0] * 39 + [40.0], step=90_000)
    assert found.amount[0] == pytest.approx(10.75, rel=1e-12)


def test_missing_minutes_are_scaled_up_as_long_as_45_are_valid() -> None:
    """46 valid minutes at 12 t/h: 12 t in the hour, captured 46/60. With 44 the hour is not valid."""
    found = rate([12.0] * 46 + [NAN] * 14)
    assert found.amount[0] == pytest.approx(12.0) and found.captured[0] == pytest.approx(46 / 60)
    found = rate([12.0] * 44 + [NAN] * 16)
    assert not found.valid[0] and np.isnan(found.amount[0])


def test_validity_is_a_share_of_the_running_minutes() -> None:
    """The kiln ran 20 minutes: 15 valid ones are 75 % and enough, at 30 t/h 30 x 20/60 = 10 t; 14 are not."""
    running = [1.0] * 20 + [0.0] * 40
    found = rate([30.0] * 15 + [NAN] * 45, running=running)
    assert found.valid[0] and found.amount[0] == pytest.approx(10.0) and found.running_h[0] == pytest.approx(1 / 3)
    assert not rate([30.0] * 14 + [NAN] * 46, running=running).valid[0]


def test_a_stopped_hour_is_nothing_and_not_missing() -> None:
    found = rate([NAN] * 59 + [5.0], running=[0.0] * 60)
    assert found.amount.tolist() == [0.0] and found.valid[0] and found.captured[0] == 1.0


def test_stop_and_start_within_an_hour_count_only_what_ran() -> None:
    """Runs 0-10 and 50-60 min at 60 t/h, drifts at 3 t/h while it stands: 60 x 20/60 = 20 t."""
    running = [1.0] * 10 + [0.0] * 40 + [1.0] * 10
    found = rate([60.0] * 10 + [3.0] * 40 + [60.0] * 10, running=running)
    assert found.amount[0] == pytest.approx(20.0)


def test_a_minute_of_seconds_is_valid_with_three_quarters_of_them() -> None:
    """44 good seconds of 60 are 73 %: the minute is not valid; 45 are."""
    good, bad = [1.0] * 45 + [NAN] * 15, [1.0] * 44 + [NAN] * 16
    assert rate(good * 60, step=1000).valid[0]
    assert not rate(bad * 60, step=1000).valid[0]


def test_a_span_across_an_hours_edge_is_split_by_time() -> None:
    """Readings at 59:30 and 60:30 hold 60 s each: the first gives half a minute to either hour."""
    grid = Grid(0, 2)
    spans = hours.rate_spans(
        np.array([3_570_000, 3_630_000], np.int64),
        np.array([6.0, 8.0]),
        np.ones(2, np.bool_),
        maximum_gap_ms=90_000,
        period_ms=MINUTE,
    )
    minutes = hours.lay_on_minutes(spans, grid=grid)
    assert minutes.covered[58:62].tolist() == [0, 0.5, 1.0, 0.5]
    assert minutes.amount[59:62].tolist() == [180_000, 6 * 30_000 + 8 * 30_000, 240_000]


def test_a_reading_before_a_hole_holds_for_one_period_only() -> None:
    spans = hours.rate_spans(
        np.array([0, 600_000], np.int64), np.ones(2), np.ones(2, np.bool_), maximum_gap_ms=90_000, period_ms=10_000
    )
    assert (spans.end_ms - spans.start_ms).tolist() == [10_000, 10_000]


def test_a_counter_is_interpolated_at_the_hours_edges() -> None:
    """0 at 0:30, 60 at 1:30: 30 in either hour, of which half is covered; only the middle hours are valid.

    Readings at 0:00 (0), 0:50 (100), 1:10 (140), 2:00 (240): hour 0 has 100 + 20, hour 1 has 20 + 100.
    """
    found = count([0, 50 * MINUTE, 70 * MINUTE, 2 * HOUR], [0, 100, 140, 240], grid=Grid(0, 2))
    assert found.amount.tolist() == [120.0, 120.0]


def test_a_rollover_within_an_hour_loses_nothing() -> None:
    """9,950 at 0:00, 9,990 at 0:20, 30 at 0:40, 80 at 1:00: 40 + 40 + 50 = 130 counts."""
    found = count([0, 20 * MINUTE, 40 * MINUTE, HOUR], [9950, 9990, 30, 80], grid=Grid(0, 1))
    assert found.amount.tolist() == [130.0]


def test_after_a_reset_the_unknown_part_of_a_valid_hour_is_scaled_up() -> None:
    """500 at 0:00, 900 at 0:48, reset, 0 at 0:52, 80 at 1:00: 480 counts in 56 known minutes; x 60/56."""
    found = count([0, 48 * MINUTE, 52 * MINUTE, HOUR], [500, 900, 0, 80], grid=Grid(0, 1))
    assert found.amount[0] == pytest.approx(480 * 60 / 56) and found.captured[0] == pytest.approx(56 / 60)


def test_a_counter_carries_its_total_across_a_hole_of_hours() -> None:
    """0 at 0:00 and 300 at 3:00: 100 in every hour although nothing was read in between; nothing is lost."""
    found = count([0, 3 * HOUR], [0, 300], grid=Grid(0, 3))
    assert found.amount.tolist() == pytest.approx([100.0] * 3) and found.valid.all()


def test_a_counter_is_believed_while_its_source_stands() -> None:
    """Ignition oil flows before the kiln runs."""
    found = count([0, HOUR], [0, 60], grid=Grid(0, 1), running=[0.0] * 60)
    assert found.amount.tolist() == [60.0] and found.running_h.tolist() == [0.0]


def state(time: list[int], values: list[float]) -> np.ndarray:
    value = np.array(values)
    spans = hours.state_spans(
        np.array(time, np.int64),
        value,
        np.isfinite(value),
        maximum_gap_ms=90_000,
        period_ms=MINUTE,
        maximum_span_ms=24 * HOUR,
    )
    return hours.running_minutes(spans, grid=Grid(0, 1))


def test_an_unknown_state_runs_unless_both_sides_of_the_hole_say_it_stands() -> None:
    """A lost signal must not make a month smaller."""
    assert state([0, 3 * HOUR], [0.0, 0.0]).sum() == 0
    assert state([0, 3 * HOUR], [1.0, 0.0]).sum() == 60
    # It stood for the one minute that is known, then nobody knows.
    assert state([0, 3 * HOUR], [0.0, 1.0]).sum() == 59
    assert hours.running_minutes(None, grid=Grid(0, 1)).sum() == 60


def test_an_invalid_hour_gets_the_mean_rate_of_the_last_valid_running_hours() -> None:
    """Lookback 2: hours 1 (20 t in 1 h) and 2 (5 t in 0.5 h) give 25/1.5 t/h; hour 3 ran 0.6 h: 10 t."""
    amount = np.array([90.0, 20.0, 5.0, NAN, 30.0])
    valid = np.array([True, True, True, False, True])
    running = np.array([1.0, 1.0, 0.5, 0.6, 1.0])
    filled, replaced = substitute(amount, valid=valid, running_h=running, lookback=2)
    assert filled[3] == pytest.approx(10.0) and replaced.tolist() == [False, False, False, True, False]


def test_stopped_and_substituted_hours_are_no_history() -> None:
    """Only the first hour was valid and running: both bad hours get its 8 t."""
    amount = np.array([8.0, 0.0, NAN, NAN])
    valid = np.array([True, True, False, False])
    filled, _ = substitute(amount, valid=valid, running_h=np.array([1.0, 0.0, 1.0, 1.0]), lookback=24)
    assert filled.tolist() == [8.0, 0.0, 8.0, 8.0]


def test_without_a_valid_hour_before_there_is_no_value_and_never_zero() -> None:
    filled, replaced = substitute(
        np.array([NAN, 7.0]), valid=np.array([False, True]), running_h=np.ones(2), lookback=24
    )
    assert np.isnan(filled[0]) and filled[1] == 7.0 and replaced.tolist() == [True, False]


@settings(deadline=None)
@given(st.sets(st.integers(0, 239)), st.integers(0, 3))
def test_a_constant_flow_is_never_smaller_because_readings_were_invalid(lost: set[int], whole_hour: int) -> None:
    """12 t/h over 4 h after a good hour: 60 t whatever is lost, whole hours too."""
    values = [12.0] * 300
    for minute in lost | set(range(60 * whole_hour, 60 * whole_hour + 60)):
        values[60 + minute] = NAN
    found = rate(values)
    filled, _ = substitute(found.amount, valid=found.valid, running_h=found.running_h, lookback=24)
    assert filled.sum() == pytest.approx(60.0)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_an_hour_is_the_same_to_the_bit_in_a_long_and_in_a_short_grid(seed: int) -> None:
    """Rows that did not change must come out unchanged, whatever window they are computed in."""
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.integers(5_000, 80_000, 600)).astype(np.int64)
    value = rng.normal(300, 50, time.size)
    spans = hours.rate_spans(time, value, value > 250, maximum_gap_ms=60_000, period_ms=10_000)
    long, short = Grid(0, 8), Grid(3 * HOUR, 1)
    whole = hours.lay_on_minutes(spans, grid=long)
    part = hours.lay_on_minutes(spans, grid=short)
    running = np.ones(480)
    a = hours.rate_hours(whole, running, valid_minutes=45, valid_share=0.1)
    b = hours.rate_hours(part, running[:60], valid_minutes=45, valid_share=0.1)
    assert a.captured[3] == b.captured[0] and np.array_equal(a.amount[3:4], b.amount, equal_nan=True)
