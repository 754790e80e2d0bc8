"""When a day, a month may stand for itself, and when a period has no total (quality.md 7.1, 7.2).

Day: 20 of 24 hours; month: 25 days, February 23 (HJ 76 annex B as quoted [T]); the hour is `tanji.quality.hours`. Each
is taken pro rata of the time the source ran, because a stopped kiln misses nothing (own reading). Below 75 % capture a
period has no total: the remainder is never published.
"""

from __future__ import annotations

import numpy as np

from tanji.quality.hours import ROUNDING
from tanji.quality.rules import Floats, Mask
from tanji.quality.substitution import capture_rate

VALID_HOURS, HOURS_PER_DAY = 20, 24
VALID_DAYS, VALID_DAYS_FEBRUARY = 25, 23
MINIMUM_CAPTURE = 0.75
"""Of a quarter, and of any period that is to have a total (standard.md 11.1, 11.2)."""


def day_is_valid(valid_hours: float, *, running_hours: float = HOURS_PER_DAY) -> bool:
    """20 valid hours of 24, or the same share of the hours that ran. [h]

    >>> day_is_valid(20), day_is_valid(19), day_is_valid(10, running_hours=12)
    (True, False, True)
    """
    return valid_hours >= running_hours * VALID_HOURS / HOURS_PER_DAY - ROUNDING


def month_is_valid(valid_days: int, *, month: int, stopped_days: int = 0, days: int = 31) -> bool:
    """25 valid days, in February 23; less in proportion where the kiln stood for whole days. [d]

    month : 1 to 12; days : of that month.

    >>> month_is_valid(25, month=3), month_is_valid(24, month=3), month_is_valid(23, month=2, days=28)
    (True, False, True)
    """
    least = VALID_DAYS_FEBRUARY if month == 2 else VALID_DAYS
    return valid_days >= least * (days - stopped_days) / days - ROUNDING


def has_total(valid: Mask, running: Mask, *, least: float = MINIMUM_CAPTURE) -> bool:
    """Whether a period has a total at all: its capture rate over the running hours reaches 75 %.

    A period in which the plant stood all the time has one, which is zero.
    """
    capture = capture_rate(valid, running)
    return bool(np.isnan(capture)) or capture >= least - ROUNDING


def period_total(amount: Floats, *, valid: Mask, running: Mask, least: float = MINIMUM_CAPTURE) -> float:
    """Sum of valid and substituted hours; NaN below the least capture rate, or if an hour has no value.

    amount : hours, substituted ones included. valid : measured hours. running : operating hours; the others are no
    part of the capture rate.
    """
    if not has_total(valid, running, least=least):
        return float("nan")  # never the remainder
    return float(amount.sum())
