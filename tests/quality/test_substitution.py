"""Substitution by the plan's rule (quality.md 7.2 and 7.3, R25, R52). Hand calculations in the docstrings.

The history is built so that the largest hour lies just outside or inside each look-back: 720 hours taken for 180, or
a stopped hour counted, give another number.
"""

from __future__ import annotations

import numpy as np
import pytest

from tanji.plant.model import QualityPlan, SubstitutionRow
from tanji.quality import substitution, validity
from tanji.quality.substitution import Filled

TABLE = QualityPlan().substitution
NAN = float("nan")


def fill(
    amount: np.ndarray,
    *,
    invalid: list[range],
    stopped: list[range] | None = None,
    quarter: np.ndarray | None = None,
    anchor: np.ndarray | None = None,
) -> Filled:
    """Hours of 1 t steps; `invalid` and `stopped` are stretches of hours."""
    amount = amount.astype(np.float64)
    valid, running = np.ones(amount.size, np.bool_), np.ones(amount.size)
    for hours in invalid:
        valid[hours.start : hours.stop] = False
    for hours in stopped or []:
        running[hours.start : hours.stop] = 0.0
    return substitution.by_table(
        np.where(valid, amount, NAN),
        valid=valid,
        running_h=running,
        quarter=np.zeros(amount.size, np.int64) if quarter is None else quarter,
        table=TABLE,
        anchor=anchor,
    )


def steps(hours: int, *, peaks: dict[int, float]) -> np.ndarray:
    """100 t/h with single hours of more."""
    amount = np.full(hours, 100.0)
    for hour, value in peaks.items():
        amount[hour] = value
    return amount


def test_a_short_outage_looks_back_180_valid_hours_and_not_720() -> None:
    """Outage of 24 h from hour 1000; 130 t at hour 821 (within 180), 150 t at hour 819 (181st back): 130 t.

    With 720 hours in place of 180 it would be 150.
    """
    found = fill(steps(1200, peaks={819: 150.0, 821: 130.0}), invalid=[range(1000, 1024)])
    assert found.amount[1000:1024].tolist() == [130.0] * 24
    assert found.used[1000] == 180 and found.row[1000] == 0 and int(found.replaced.sum()) == 24


def test_an_outage_longer_than_a_day_looks_back_720() -> None:
    """25 h: 150 t at hour 819 now counts; 170 t at hour 279 is the 721st back and does not."""
    found = fill(steps(1200, peaks={279: 170.0, 819: 150.0, 821: 130.0}), invalid=[range(1000, 1025)])
    assert set(found.amount[1000:1025].tolist()) == {150.0} and found.used[1000] == 720


def test_between_75_and_90_percent_capture_2160_hours_are_looked_back_on() -> None:
    """Of 2,160 hours of the quarter 300 are invalid: 86.1 %. History before the quarter serves the look-back."""
    quarter = np.repeat([0, 1], 2160)
    peaks = {100: 190.0, 159: 180.0, 1500: 140.0}
    found = fill(steps(4320, peaks=peaks), invalid=[range(2300, 2600)], quarter=quarter)
    # 2,300 - 2,160 = 140: hour 159 is within, hour 100 is not.
    assert found.amount[2300] == 180.0 and found.used[2300] == 2160 and found.row[2300] == 2


def test_below_75_percent_there_is_no_automatic_value() -> None:
    """600 of 2,160 hours invalid: 72.2 %."""
    found = fill(steps(2160, peaks={}), invalid=[range(1000, 1600)])
    assert np.isnan(found.amount[1000:1600]).all() and found.replaced[1000] and found.row[1000] == 3


def test_history_before_the_quarter_never_serves_the_rate() -> None:
    """The outage makes 30 % of its own quarter, although 94 % of all hours there are were valid."""
    quarter = np.concatenate((np.zeros(4000, np.int64), np.ones(1000, np.int64)))
    found = fill(steps(5000, peaks={}), invalid=[range(4100, 4400)], quarter=quarter)
    assert np.isnan(found.amount[4100])


def test_a_stopped_hour_is_neither_missing_nor_counted() -> None:
    """1,000 h, of which 800 stood; of the 200 that ran 20 were invalid: 90 %. Counted, it would be 98 % or 18 %.

    A stopped hour has no value to look back on either: the 180 valid hours before reach across the stop.
    """
    amount = steps(1000, peaks={10: 120.0})
    found = fill(amount, invalid=[range(100, 900), range(950, 970)], stopped=[range(100, 900)])
    assert not found.replaced[100:900].any() and (found.amount[100:900] == 0).all()
    assert found.amount[950] == 120.0 and found.row[950] == 0 and found.used[950] == 150
    running = np.ones(1000, np.bool_)
    running[100:900] = False
    valid = np.ones(1000, np.bool_)
    valid[950:970] = False
    assert substitution.capture_rate(valid, running) == pytest.approx(0.9)


def test_out_of_control_looks_back_from_the_last_calibration() -> None:
    """Failure at hour 1000, last calibration at hour 700: 160 t of hour 850 no longer counts, 140 t of 600 does."""
    amount = steps(1200, peaks={600: 140.0, 850: 160.0})
    assert fill(amount, invalid=[range(1000, 1010)]).amount[1000] == 160.0
    anchor = np.full(1200, -1, np.int64)
    anchor[1000:1010] = 700
    assert fill(amount, invalid=[range(1000, 1010)], anchor=anchor).amount[1000] == 140.0


def test_fewer_valid_hours_than_asked_are_used_and_counted_and_none_gives_no_value() -> None:
    found = fill(steps(200, peaks={3: 110.0}), invalid=[range(30, 35)])
    assert found.amount[30] == 110.0 and found.used[30] == 30
    found = fill(steps(200, peaks={}), invalid=[range(5)])
    assert np.isnan(found.amount[:5]).all() and found.used[0] == 0 and found.replaced[0]


def test_substituted_hours_never_serve_as_history() -> None:
    """Two outages: the second sees what the first saw, and the 100 t between."""
    found = fill(steps(400, peaks={50: 130.0}), invalid=[range(100, 110), range(240, 250)])
    assert found.amount[100] == 130.0
    assert found.amount[240] == 130.0 and found.used[240] == 180
    found = fill(steps(400, peaks={50: 130.0}), invalid=[range(100, 110), range(241, 250)])
    assert found.amount[241] == 100.0  # hour 50 is the 181st valid hour back: 231 less the 10 invalid ones, less 50


def test_an_hour_that_ran_half_gets_half() -> None:
    valid = np.array([True, True, False])
    found = substitution.by_table(
        np.array([10.0, 6.0, NAN]), valid=valid, running_h=np.array([1.0, 0.5, 0.5]),
        quarter=np.zeros(3, np.int64), table=(SubstitutionRow(capture_min=0, lookback_valid_hours=180),)
    )  # fmt: skip
    assert found.amount[2] == 6.0, "12 t/h, the larger rate, for half an hour"


def test_a_table_without_a_row_for_the_case_gives_no_value() -> None:
    table = (SubstitutionRow(capture_min=0.99, lookback_valid_hours=10),)
    assert substitution.row_of(table, capture=0.5, run_hours=1) == substitution.NO_ROW


def test_mean_plus_two_sigma_by_hand() -> None:
    """Rates 8, 10, 12: mean 10, sample standard deviation 2: 14. A single hour has no deviation."""
    valid, running = np.array([True, True, True, False]), np.ones(4)
    found = substitution.mean_plus_2_sigma(
        np.array([8.0, 10.0, 12.0, NAN]), valid=valid, running_h=running, lookback=24
    )
    assert found.amount[3] == pytest.approx(14.0) and found.used[3] == 3
    found = substitution.mean_plus_2_sigma(np.array([8.0, 10.0, 12.0, NAN]), valid=valid, running_h=running, lookback=1)
    assert found.amount[3] == pytest.approx(12.0) and found.used[3] == 1


def test_the_mean_says_how_many_hours_it_rests_on() -> None:
    found = substitution.mean_of_valid(
        np.array([8.0, 12.0, NAN]), valid=np.array([True, True, False]), running_h=np.ones(3), lookback=24
    )
    assert found.amount[2] == 10.0 and found.used.tolist() == [0, 0, 2]


def test_a_period_below_75_percent_capture_has_no_total() -> None:
    """4 h of 10 t, one of them substituted: 75 %, 40 t. Two of them: 50 %, and not the remaining 20 t either."""
    amount, running = np.full(4, 10.0), np.ones(4, np.bool_)
    assert validity.period_total(amount, valid=np.array([1, 1, 1, 0], np.bool_), running=running) == 40.0
    assert np.isnan(validity.period_total(amount, valid=np.array([1, 1, 0, 0], np.bool_), running=running))
    stopped = np.zeros(4, np.bool_)
    assert validity.period_total(np.zeros(4), valid=np.ones(4, np.bool_), running=stopped) == 0.0


def test_a_month_of_february_needs_23_days() -> None:
    assert validity.month_is_valid(23, month=2, days=28) and not validity.month_is_valid(22, month=2, days=28)
    assert validity.month_is_valid(25, month=4, days=30) and not validity.month_is_valid(24, month=4, days=30)
    # 10 of 30 days stood: 25 x 20/30 = 16.7 days
    assert validity.month_is_valid(17, month=4, days=30, stopped_days=10)
    assert not validity.month_is_valid(16, month=4, days=30, stopped_days=10)
