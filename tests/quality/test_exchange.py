"""A counter whose meter is exchanged, worked by hand: 10 t an hour, one count a tonne."""

from __future__ import annotations

import numpy as np

from calc_jobs.quality import increments
from tanji.plant.model import Point
from tanji.quality.exchange import Exchange, continued

HOUR_MS = 3_600_000
TIMES = np.arange(5, dtype=np.int64) * HOUR_MS
# 1970-01-01T02:30Z the old meter stood at 9,995 of 10,000 and the new one began at 3: after 02:00 came 5 t at the old
# meter and 5 t at the new one.
COUNTS = np.array([9970.0, 9980.0, 9990.0, 8.0, 18.0])


def point(**more: object) -> Point:
    name = {"zh": "测", "en": "test"}
    fixed = {"id": "p.x", "name": name, "meter": "m", "kind": "counter", "unit": "t", "rated_per_h": 20}
    return Point.model_validate(fixed | more)


def test_what_passed_across_an_exchange_is_known() -> None:
    exchanges = [{"at": "1970-01-01T10:30+08:00", "last": 9995, "first": 3}]
    steps = increments(point(rollover=10_000, exchanges=exchanges), TIMES, COUNTS)
    assert steps.amount.tolist() == [10.0, 10.0, 10.0, 10.0]
    assert steps.known.all() and not steps.reset.any() and not steps.rolled.any()


def test_an_exchange_that_is_not_told_is_a_reset_or_a_roll_over_by_chance() -> None:
    # 8 - 9990 + 10000 = 18 could have passed in the hour at 20 t/h: it looks like a roll-over, and is 8 t too much.
    assert increments(point(rollover=10_000), TIMES, COUNTS).amount.tolist() == [10.0, 10.0, 18.0, 10.0]
    steps = increments(point(rollover=100_000), TIMES, COUNTS)
    assert steps.reset.tolist() == [False, False, True, False] and np.isnan(steps.amount[2])


def test_the_old_meter_may_roll_over_before_it_goes() -> None:
    # 9,995 at 02:00, rolled over, 3 when it was taken down at 02:30; the new one began at 500: 8 + 2 t.
    counts = np.array([9975.0, 9985.0, 9995.0, 502.0, 512.0])
    exchanges = [{"at": "1970-01-01T02:30Z", "last": 3, "first": 500}]
    steps = increments(point(rollover=10_000, exchanges=exchanges), TIMES, counts)
    assert steps.amount.tolist() == [10.0, 10.0, 10.0, 10.0]
    assert steps.rolled.tolist() == [False, False, True, False]


def test_two_exchanges_add_up_and_a_missing_reading_stays_missing() -> None:
    counts = np.array([100.0, np.nan, 5.0, 15.0, 1.0])
    exchanges = [Exchange(2 * HOUR_MS, last=115.0, first=0.0), Exchange(4 * HOUR_MS, last=24.0, first=0.0)]
    whole = continued(TIMES, counts, exchanges)
    assert np.isnan(whole[1])
    assert whole[[0, 2, 3, 4]].tolist() == [100.0, 120.0, 130.0, 140.0]
    assert continued(TIMES, counts, ()) is counts
