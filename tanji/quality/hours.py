"""From one point's readings to hours: coverage and validity (quality.md section 7, standard.md 11.1).

Readings become spans of time that each carry an amount; spans are laid on a grid of minutes, and minutes add up to
hours. Every hour is summed from its own spans alone and in their order, so that it comes out bit for bit the same
whether a month or a single hour is computed. An hour is valid when the valid share of its *running* minutes reaches
the plan's 45 of 60; what stands in for an invalid one is `tanji.quality.substitution`. Missing is never zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tanji.quality.rules import Floats, Increments, Mask, Times

MS_PER_MINUTE = 60_000
MS_PER_HOUR = 3_600_000
MINUTES_PER_HOUR = 60
ROUNDING = 1e-9
"""Slack on comparisons of shares that are exact in decimal but not in binary."""
RUNNING_FROM = 0.5
"""A state reading of at least this is "running" (tanji.plant.model.Kiln)."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A run of whole hours [UTC ms] and the minutes in them."""

    start_ms: int
    hours: int

    @property
    def minutes(self) -> int:
        """Number of minutes."""
        return self.hours * MINUTES_PER_HOUR

    @property
    def end_ms(self) -> int:
        """End of the last hour [UTC ms], exclusive."""
        return self.start_ms + self.hours * MS_PER_HOUR

    @property
    def hour_ms(self) -> Times:
        """Start of every hour [UTC ms]."""
        return self.start_ms + MS_PER_HOUR * np.arange(self.hours, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches of time [ms, start inclusive, end exclusive, not overlapping] and the amount that fell into each."""

    start_ms: Times
    end_ms: Times
    amount: Floats


@dataclass(frozen=True, slots=True)
class Minutes:
    """What fell into each minute, and how much of the minute is known [share, 0..1]."""

    amount: Floats
    covered: Floats


@dataclass(frozen=True, slots=True)
class Hours:
    """One value an hour. `amount` is NaN where the hour is not valid; `captured` is a share of the running time."""

    amount: Floats
    valid: Mask
    running_h: Floats
    captured: Floats


def rate_spans(time_ms: Times, value: Floats, usable: Mask, *, maximum_gap_ms: int, period_ms: int) -> Spans:
    """A reading of a rate holds until the next reading of its point, usable or not; before a hole, for one period.

    Amount = value x milliseconds, so that the mean over any stretch is amount / milliseconds.
    """
    if not time_ms.size:
        return Spans(time_ms, time_ms, value)
    following = np.append(time_ms[1:], time_ms[-1] + maximum_gap_ms + 1)
    held = following - time_ms
    end = time_ms + np.where(held > maximum_gap_ms, min(period_ms, maximum_gap_ms), held)
    keep = usable & np.isfinite(value)
    start, end, value = time_ms[keep], end[keep], value[keep]
    return Spans(start, end, value * (end - start))


def counter_spans(increments: Increments) -> Spans:
    """A known increment is spread evenly over the time between its two readings."""
    known = increments.known
    return Spans(increments.start_ms[known], increments.end_ms[known], increments.amount[known])


def state_spans(
    time_ms: Times, value: Floats, usable: Mask, *, maximum_gap_ms: int, period_ms: int, maximum_span_ms: int
) -> Spans:
    """Running milliseconds of a state point.

    Across a hole the state is known only if both sides agree and the hole is no longer than `maximum_span_ms`.
    """
    keep = usable & np.isfinite(value)
    time, running = time_ms[keep], value[keep] >= RUNNING_FROM
    if not time.size:
        return Spans(time, time, np.empty(0))
    held = np.diff(time)
    agreed = (held <= maximum_gap_ms) | ((running[1:] == running[:-1]) & (held <= maximum_span_ms))
    end = time + np.append(np.where(agreed, held, min(period_ms, maximum_gap_ms)), min(period_ms, maximum_gap_ms))
    return Spans(time, end, np.where(running, (end - time).astype(np.float64), 0.0))


def lay_on_minutes(spans: Spans, *, grid: Grid) -> Minutes:
    """Add up the spans minute by minute; a span that crosses a minute's edge is split in proportion to time."""
    inside = (spans.end_ms > grid.start_ms) & (spans.start_ms < grid.end_ms) & (spans.end_ms > spans.start_ms)
    start, end, amount = spans.start_ms, spans.end_ms, spans.amount
    if not inside.all():
        start, end, amount = start[inside], end[inside], amount[inside]
    first = (start - grid.start_ms) // MS_PER_MINUTE
    last = (end - 1 - grid.start_ms) // MS_PER_MINUTE
    length: Times = end - start
    minute = first
    if start.size and (first[0] < 0 or last[-1] >= grid.minutes or bool((first != last).any())):
        minute, length, amount = _split(start, end, amount, first, last, grid=grid)
    total = np.bincount(minute, weights=amount, minlength=grid.minutes).astype(np.float64, copy=False)
    covered = np.bincount(minute, weights=length, minlength=grid.minutes) / MS_PER_MINUTE
    return Minutes(total, covered)


def _split(
    start: Times, end: Times, amount: Floats, first: Times, last: Times, *, grid: Grid
) -> tuple[Times, Times, Floats]:
    """Pieces of spans, each within one minute of the grid: minute, length [ms], amount."""
    first, last = np.maximum(first, 0), np.minimum(last, grid.minutes - 1)
    pieces = last - first + 1
    of = np.repeat(np.arange(start.size), pieces)
    minute = np.arange(of.size, dtype=np.int64) - np.repeat(np.cumsum(pieces) - pieces, pieces) + first[of]
    edge = grid.start_ms + minute * MS_PER_MINUTE
    length = np.minimum(end[of], edge + MS_PER_MINUTE) - np.maximum(start[of], edge)
    return minute, length, amount[of] * (length / (end - start)[of])


def running_minutes(spans: Spans | None, *, grid: Grid) -> Floats:
    """Running share of each minute [0..1]; without a state point, or while the state is unknown, it runs.

    Unknown counts as running because a lost signal must not make a month smaller.
    """
    if spans is None:
        return np.ones(grid.minutes)
    minutes = lay_on_minutes(spans, grid=grid)
    return minutes.amount / MS_PER_MINUTE + (1.0 - minutes.covered)


def _by_hour(minutes: Floats) -> Floats:
    total: Floats = minutes.reshape(-1, MINUTES_PER_HOUR).sum(axis=1)
    return total


def _validity(covered: Floats, running: Floats, *, valid_minutes: float) -> tuple[Mask, Floats]:
    """Which hours have enough valid running minutes, and the share of them [1]; a stopped hour misses nothing."""
    stands = running <= ROUNDING
    share = np.where(stands, 1.0, covered / np.where(stands, 1.0, running))
    return share >= valid_minutes / MINUTES_PER_HOUR - ROUNDING, np.minimum(share, 1.0)


def rate_hours(minutes: Minutes, running: Floats, *, valid_minutes: float, valid_share: float) -> Hours:
    """Hours of a rate: mean over the valid running minutes x running time [unit of the rate x h].

    running : running share of each minute; valid_minutes : of 60, pro rata of the running minutes; valid_share : of a
    minute that usable readings must cover.
    """
    valid_minute = minutes.covered >= valid_share - ROUNDING
    mean = np.divide(
        minutes.amount,
        minutes.covered * MS_PER_MINUTE,
        out=np.zeros(running.size),
        where=valid_minute & (minutes.covered > 0),
    )
    return mean_hours(mean, valid_minute, running, valid_minutes=valid_minutes)


def mean_hours(mean: Floats, valid_minute: Mask, running: Floats, *, valid_minutes: float) -> Hours:
    """Hours from minute means: mean over the valid running minutes x running time (standard.md 11.1)."""
    weight = np.where(valid_minute, running, 0.0)
    known, total = _by_hour(weight), _by_hour(running)
    valid, captured = _validity(known, total, valid_minutes=valid_minutes)
    weighted = _by_hour(np.where(valid_minute, mean, 0.0) * weight)
    hourly = np.divide(weighted, known, out=np.zeros(known.size), where=known > 0)
    running_h = total / MINUTES_PER_HOUR
    return Hours(np.where(valid, hourly * running_h, np.nan), valid, running_h, captured)


def counter_hours(minutes: Minutes, running: Floats, *, valid_minutes: float) -> Hours:
    """Hours of a counter: its increments, scaled up for the running minutes that no known increment covers [counts].

    A counter is believed while its source stands (ignition oil flows before the kiln runs): running time decides
    only what is missing.
    """
    known, total = _by_hour(np.minimum(minutes.covered, 1.0) * running), _by_hour(running)
    valid, captured = _validity(known, total, valid_minutes=valid_minutes)
    scale = np.divide(total, known, out=np.ones(known.size), where=(known > 0) & (known < total - ROUNDING))
    amount = _by_hour(minutes.amount) * scale
    return Hours(np.where(valid, amount, np.nan), valid, total / MINUTES_PER_HOUR, captured)
