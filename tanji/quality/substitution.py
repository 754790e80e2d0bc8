"""What stands in for hours without enough valid data, by the rule of the plant's approved plan (quality.md 7.2, 7.3).

The table of HJ 75-2017 (tables 4 and 5 [M]; the text was not at hand) is data of the plant file: capture rate of the
quarter and length of the outage choose how many valid hours are looked back on, from the failure, or from the last
calibration where the system was out of control. The flag of an hour stays; what was put in its place is marked beside
it. Stopped hours are neither missing nor history, and substituted ones are no history. Fewer valid hours than asked:
those there are, and how many is said; none: no value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tanji.quality.hours import ROUNDING
from tanji.quality.rules import Floats, Mask

Counts = NDArray[np.int64]
NO_ROW = -1


class Row(Protocol):
    """A row of `quality.substitution` in the plant file."""

    @property
    def capture_min(self) -> float: ...
    @property
    def hours_max(self) -> int | None: ...
    @property
    def lookback_valid_hours(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Filled:
    """Hours with their substitutes. `replaced` marks them; `used` counts the valid hours each rests on.

    row : row of the table that was used, -1 where none; `amount` is NaN where there is no automatic value.
    """

    amount: Floats
    replaced: Mask
    used: Counts
    row: Counts


def capture_rate(valid: Mask, running: Mask) -> float:
    """(hours - invalid - stop) / (hours - stop) [1]; NaN if the plant stood all the time: then it is not defined."""
    ran = int(running.sum())
    return int((valid & running).sum()) / ran if ran else float("nan")


def row_of(table: Sequence[Row], *, capture: float, run_hours: int) -> int:
    """Which row of the table is for an outage of `run_hours` hours; the first that matches, -1 if none does.

    >>> from tanji.plant.model import QualityPlan
    >>> plan = QualityPlan().substitution
    >>> [row_of(plan, capture=a, run_hours=n) for a, n in ((0.95, 24), (0.95, 25), (0.8, 3), (0.7, 3))]
    [0, 1, 2, 3]
    """
    for position, row in enumerate(table):
        if capture >= row.capture_min - ROUNDING and (row.hours_max is None or run_hours <= row.hours_max):
            return position
    return NO_ROW


def by_table(
    amount: Floats,
    *,
    valid: Mask,
    running_h: Floats,
    quarter: Counts,
    table: Sequence[Row],
    anchor: Counts | None = None,
) -> Filled:
    """Fill invalid running hours with the largest hourly rate of the last valid hours x running time.

    amount : by hour, NaN where not valid. quarter : number of the quarter each hour lies in; the capture rate is the
    quarter's own, whatever history there is before it. anchor : position from which an hour looks back where its
    system was out of control (that of the last calibration), -1 elsewhere: then it is the start of its own outage.
    """
    running = running_h > ROUNDING
    bad = running & ~valid
    filled = np.where(running | valid, amount, 0.0)
    used, rows = np.zeros(amount.size, np.int64), np.full(amount.size, NO_ROW, np.int64)
    history = np.flatnonzero(valid & running)
    rate = amount[history] / running_h[history]
    captures = {number: capture_rate(valid[quarter == number], running[quarter == number])
                for number in np.unique(quarter[bad]).tolist()}  # fmt: skip
    for start, stop in runs(bad):
        origin = np.full(stop - start, start) if anchor is None else np.where(
            anchor[start:stop] < 0, start, anchor[start:stop])  # fmt: skip
        case = np.stack((quarter[start:stop], origin), axis=1)
        for number, begin in np.unique(case, axis=0).tolist():
            here = start + np.flatnonzero((case == (number, begin)).all(axis=1))
            row = row_of(table, capture=captures[number], run_hours=stop - start)
            lookback = table[row].lookback_valid_hours if row != NO_ROW else 0
            known = int(np.searchsorted(history, begin))
            window = rate[max(0, known - lookback) : known]
            filled[here] = window.max() * running_h[here] if window.size else np.nan
            used[here], rows[here] = window.size, row
    return Filled(filled, bad, used, rows)


def mean_plus_2_sigma(amount: Floats, *, valid: Mask, running_h: Floats, lookback: int) -> Filled:
    """Fill invalid running hours with mean + 2 standard deviations of the last valid hourly rates (EU rule [M]).

    The standard deviation is that of a sample; a single valid hour has none.
    """
    return _by_window(amount, valid=valid, running_h=running_h, lookback=lookback, sigmas=2.0)


def mean_of_valid(amount: Floats, *, valid: Mask, running_h: Floats, lookback: int) -> Filled:
    """Fill invalid running hours with the mean rate per running hour of the last valid ones, and say how many."""
    return _by_window(amount, valid=valid, running_h=running_h, lookback=lookback, sigmas=0.0)


def _by_window(amount: Floats, *, valid: Mask, running_h: Floats, lookback: int, sigmas: float) -> Filled:
    running = running_h > ROUNDING
    bad = ~valid
    filled = amount.copy()
    used = np.zeros(amount.size, np.int64)
    history, where_bad = np.flatnonzero(valid & running), np.flatnonzero(bad)
    before = np.searchsorted(history, where_bad)
    for known in np.unique(before).tolist():
        window = history[max(0, known - lookback) : known]
        hole = where_bad[before == known]
        rate = amount[window].sum() / running_h[window].sum() if window.size else np.nan
        if sigmas and window.size > 1:
            rate += sigmas * float(np.std(amount[window] / running_h[window], ddof=1))
        filled[hole] = rate * running_h[hole]
        used[hole] = window.size
    return Filled(filled, bad, used, np.full(amount.size, NO_ROW, np.int64))


def runs(mask: Mask) -> list[tuple[int, int]]:
    """Start and end (exclusive) of every stretch of true values."""
    edge = np.flatnonzero(np.diff(np.concatenate(([0], mask.view(np.int8), [0]))))
    return list(zip(edge[::2].tolist(), edge[1::2].tolist(), strict=True))
