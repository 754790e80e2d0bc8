"""Quality rules: pure functions from one point's readings to masks (quality.md section 5, rules 1-3, 8 and 10).

Every rule takes the times [ms, ascending] and the values in the point's declared unit, NaN where there is none, and
answers one boolean per reading. A missing value never carries a flag of its own and never hides one: the rules that
compare neighbours drop the missing readings first and put the mask back in place afterwards. Parameters come from
the plant file; which bit a mask sets, and what is done about it, is decided by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Mask = NDArray[np.bool_]

MS_PER_S = 1_000
MS_PER_H = 3_600_000
RATED_MARGIN = 1.2
"""A counter may pass this much more than its rated flow before a step is called impossible (quality.md trap 9)."""
ONE_COUNT = 1.0
"""A register moves in whole counts, so the shortest interval may still show one."""


def out_of_range(value: Floats, *, low: float | None, high: float | None) -> Mask:
    """Outside the measuring range `low` to `high` [unit of value]; a missing value is not outside."""
    outside = np.zeros(value.size, np.bool_)
    if low is not None:
        outside |= value < low  # comparisons with NaN are False: a missing value carries no RANGE
    if high is not None:
        outside |= value > high
    return outside


def rate_of_change(time_ms: Times, value: Floats, *, limit_per_s: float) -> Mask:
    """Changes faster than the process can [unit of value per second], against the value before."""
    known = np.flatnonzero(np.isfinite(value))
    step = np.abs(np.diff(value[known]))
    fast = np.zeros(value.size, np.bool_)
    fast[known[1:]] = step * MS_PER_S > limit_per_s * np.diff(time_ms[known])
    return fast


def stuck(
    time_ms: Times,
    value: Floats,
    *,
    span_s: float,
    tolerance: float = 0.0,
    maximum_gap_s: float = np.inf,
    running: Mask | None = None,
) -> Mask:
    """Inside a run that stays within `tolerance` of its predecessor for at least `span_s` [s].

    A missing value ends a run, and so does a hole of more than `maximum_gap_s` [s], or a reading taken while its
    source stands still (`running` False): a stopped belt is constant by right.
    """
    moving = np.isfinite(value) if running is None else np.isfinite(value) & running
    same = (np.abs(np.diff(value)) <= tolerance) & moving[1:] & moving[:-1]
    same &= np.diff(time_ms) <= maximum_gap_s * MS_PER_S
    edge = np.flatnonzero(np.diff(np.concatenate(([0], same.view(np.int8), [0]))))
    start, stop = edge[::2], edge[1::2]  # a run covers readings start..stop, both included
    keep = time_ms[stop] - time_ms[start] >= span_s * MS_PER_S
    mark = np.zeros(value.size + 1, np.int32)
    np.add.at(mark, start[keep], 1)
    np.add.at(mark, stop[keep] + 1, -1)
    inside: Mask = np.cumsum(mark[:-1]) > 0
    return inside


def gap(time_ms: Times, value: Floats, *, maximum_gap_s: float) -> Mask:
    """First value after a hole of more than `maximum_gap_s` [s] without one."""
    known = np.flatnonzero(np.isfinite(value))
    after = np.zeros(value.size, np.bool_)
    after[known[1:]] = np.diff(time_ms[known]) > maximum_gap_s * MS_PER_S
    return after


@dataclass(frozen=True, slots=True)
class Increments:
    """What a counter added between neighbouring values; arrays of one length, one less than the values.

    `amount` [counts] is NaN where `known` is False. `at` is the index of the later value in the array the increments
    were made from: that is the reading which carries the flag.
    """

    start_ms: Times
    end_ms: Times
    amount: Floats
    known: Mask
    rolled: Mask
    reset: Mask
    jumped: Mask
    at: NDArray[np.intp]


def counter_increments(
    time_ms: Times,
    count: Floats,
    *,
    rollover: float | None,
    rated_per_h: float | None,
    maximum_span_ms: int | None = None,
) -> Increments:
    """Differences of a counter, with roll-over repaired and the impossible marked (rule 10, traps 9 to 11).

    rollover : count at which the register starts from zero again; rated_per_h : most counts an hour can add. A step
    back is a roll-over only if what it would have added could have passed in the time; any other is a reset. A step
    forward of more than could have passed is a jump. Both are unknown, not consumption. Across a hole in which the
    register could have gone round once, or longer than `maximum_span_ms` [ms], the increment is unknown as well.
    """
    known_at = np.flatnonzero(np.isfinite(count))
    time, value = time_ms[known_at], count[known_at]
    start, end = time[:-1], time[1:]
    step = np.diff(value)
    possible = np.full(step.size, np.inf)
    if rated_per_h is not None:
        possible = rated_per_h * RATED_MARGIN * (end - start) / MS_PER_H + ONE_COUNT
    back = step < 0
    rolled = np.zeros(step.size, np.bool_)
    hidden = np.zeros(step.size, np.bool_)  # the register may have gone round unseen
    if rollover is not None:
        passed = step + rollover  # below zero where the older value was none the register can hold
        rolled = back & (passed >= 0) & (passed <= possible) & np.isfinite(possible)
        hidden = np.isfinite(possible) & (possible >= rollover)
        step = np.where(rolled, passed, step)
    reset = back & ~rolled
    jumped = ~back & (step > possible)
    known = ~(reset | jumped | hidden)
    if maximum_span_ms is not None:
        known &= end - start <= maximum_span_ms
    amount = np.where(known, step, np.nan)
    return Increments(start, end, amount, known, rolled & known, reset, jumped, known_at[1:])
