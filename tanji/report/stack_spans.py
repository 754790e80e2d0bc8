"""Flue gas against calculation by hour, day, month, quarter, with what HJ 75 asks before a span has a total (R14, R25).

Compared is what leaves the stack: all fuel, biogenic carbon included, and calcination (standard.md section 11.1), over
the hours that have both. Below 75 % capture a span has no measured total, and no verdict (11.2); limits of the verdict
are the plant file's, 5 and 15 % (14.5). When hours and days are valid is `tanji.quality.validity`.
"""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from dataclasses import dataclass

import numpy as np

from tanji.plant.model import CrossCheckPlan
from tanji.quality.substitution import capture_rate
from tanji.quality.validity import day_is_valid, has_total, month_is_valid, period_total
from tanji.report.grid import Floats, Mask
from tanji.report.intensities import Calendar
from tanji.report.periods import DAY, MONTH, Span

VERDICTS = ("agrees", "warn", "diagnose", "undecided")
LAST_HOURS = 24


@dataclass(frozen=True, slots=True)
class StackSpan:
    """One span of the comparison.

    measured_t : float | None  Valid and substituted hours; None below 75 % capture or where an hour lacks both. [tCO2]
    calculated_t : float | None  The same scope over the same hours; None where an hour lacks a part. [tCO2]
    difference : float | None  (measured - calculated) / calculated over the hours that have both. [1]
    capture : float | None  Valid share of the running hours; None where the kiln stood. [1]
    valid : bool  20 valid hours of a day, 25 days of a month, pro rata of the time it ran.
    """

    measured_t: float | None
    calculated_t: float | None
    difference: float | None
    verdict: str
    capture: float | None
    valid: bool
    valid_hours: int
    running_hours: int


@dataclass(frozen=True, slots=True)
class StackSpans:
    """The comparison of a period, of its quarters, whose capture rate HJ 75 asks for, of its months and days.

    hours : how many hours the kiln ran had each verdict.
    last_day : (difference, verdict) of the newest hours, the newest last.
    """

    whole: StackSpan
    quarters: tuple[StackSpan, ...]
    months: tuple[StackSpan, ...]
    days: tuple[StackSpan, ...]
    hours: tuple[tuple[str, int], ...]
    last_day: tuple[tuple[float | None, str], ...]


@dataclass(frozen=True, slots=True)
class StackHours:
    """Hour by hour: tonnes measured (substituted included) and calculated, and which hours are valid and running."""

    measured: Floats
    calculated: Floats
    valid: Mask
    running: Mask


def stack_spans(given: StackHours, *, plan: CrossCheckPlan, calendar: Calendar) -> StackSpans:
    """Every span of the calendar."""
    every = [verdict_of(part, plan=plan) for part in _hourly(given)]
    counted = Counter(verdict for (_, verdict), ran in zip(every, given.running, strict=True) if ran)
    days = tuple(stack_span(given, span, plan=plan, calendar=calendar) for span in calendar.days)
    return StackSpans(
        whole=stack_span(given, calendar.whole, plan=plan, calendar=calendar),
        quarters=tuple(stack_span(given, span, plan=plan, calendar=calendar) for span in calendar.quarters),
        months=tuple(stack_span(given, span, plan=plan, calendar=calendar) for span in calendar.months),
        days=days,
        hours=tuple((verdict, counted[verdict]) for verdict in VERDICTS),
        last_day=tuple(every[-LAST_HOURS:]),
    )


def stack_span(given: StackHours, span: Span, *, plan: CrossCheckPlan, calendar: Calendar) -> StackSpan:
    """One span of the comparison."""
    measured, calculated = given.measured[span.hours], given.calculated[span.hours]
    valid, running = given.valid[span.hours], given.running[span.hours]
    capture = capture_rate(valid, running)
    total = period_total(measured, valid=valid, running=running)
    both = np.isfinite(measured) & np.isfinite(calculated)
    below = float(calculated[both].sum())
    decided = has_total(valid, running) and below > 0
    difference, verdict = verdict_of(float(measured[both].sum()) / below - 1 if decided else None, plan=plan)
    return StackSpan(
        measured_t=None if np.isnan(total) else float(total),
        calculated_t=None if np.isnan(calculated).any() else float(calculated.sum()),
        difference=difference,
        verdict=verdict,
        capture=None if np.isnan(capture) else capture,
        valid=_is_valid(given, span, calendar),
        valid_hours=int((valid & running).sum()),
        running_hours=int(running.sum()),
    )


def verdict_of(difference: float | None, *, plan: CrossCheckPlan) -> tuple[float | None, str]:
    """A relative difference and what the plan's limits say of it."""
    if difference is None:
        return None, "undecided"
    size = abs(difference)
    return difference, "diagnose" if size > plan.diagnose else "warn" if size > plan.warn else "agrees"


def _hourly(given: StackHours) -> list[float | None]:
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = given.measured / given.calculated - 1
    usable = np.isfinite(difference) & given.valid & given.running & (given.calculated > 0)
    return [float(value) if use else None for value, use in zip(difference, usable, strict=True)]


def _is_valid(given: StackHours, span: Span, calendar: Calendar) -> bool:
    """A day by its valid hours, a month by its valid days, anything longer by its months; part of a month pro rata."""
    if span.kind == DAY:
        return _day_is_valid(given, span)
    if span.kind != MONTH:
        months = [month for month in calendar.months if span.first <= month.first and month.end <= span.end]
        return all(_is_valid(given, month, calendar) for month in months)
    days = [day for day in calendar.days if span.first <= day.first and day.end <= span.end]
    stood = sum(not given.running[day.hours].any() for day in days)
    length = monthrange(span.day.year, span.day.month)[1]
    valid = sum(_day_is_valid(given, day) for day in days)
    outside = length - len(days)  # days of the month that the period does not hold: nothing was missed in them
    return valid > 0 and month_is_valid(valid, month=span.day.month, stopped_days=stood + outside, days=length)


def _day_is_valid(given: StackHours, day: Span) -> bool:
    running = given.running[day.hours]
    valid = (given.valid[day.hours] & running).sum()
    return bool(running.any()) and day_is_valid(float(valid), running_hours=float(running.sum()))
