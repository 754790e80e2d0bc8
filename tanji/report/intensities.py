"""Indicators of a period from the hourly `intensity` rows: ratios of sums by hour, day, month and year (R41).

Numerator and denominator are added over the same hours and divided once, never averaged; a span in which the kiln
stood has no value (standard.md section 7). Rows are written by the intensity job; levels and targets are
`tanji.report.levels`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tanji.domain.items import Boundary, Indicator, RuleSetId
from tanji.domain.ratios import quotient
from tanji.report.grid import Floats, Grid
from tanji.report.periods import Span

TAGS = ("line", "name", "boundary", "ruleset")
FIELDS = ("numerator", "denominator", "running_h")
LAST_HOURS = 24

UNITS = {
    Indicator.EMISSION_PER_CLINKER: "tCO2/t",
    Indicator.PROCESS_PER_CLINKER: "tCO2/t",
    Indicator.EMISSION_PER_CEMENT: "tCO2/t",
    Indicator.HEAT_PER_CLINKER: "GJ/t",
    Indicator.COAL_PER_CLINKER: "kgce/t",
    Indicator.NET_COAL_PER_CLINKER: "kgce/t",
    Indicator.ELECTRICITY_PER_CLINKER: "kWh/t",
    Indicator.THERMAL_SUBSTITUTION: "1",
    Indicator.MEAL_CLINKER_RATIO: "t/t",
    Indicator.CLINKER_RATIO: "1",
    Indicator.SUBSTITUTED_SHARE: "1",
    Indicator.CEMENT_GRINDING_ELECTRICITY: "kWh/t",
}
"""Unit of every indicator."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """Sums over the hours of a span, and their quotient; None where it is not defined.

    hours : int  Hours that have both parts.
    """

    value: float | None
    numerator: float
    denominator: float
    hours: int


@dataclass(frozen=True, slots=True)
class Intensity:
    """One indicator of one line (or the site) in one boundary under one rule set.

    years, months, days : one ratio for every span of the period; `last_day` is by hour, the newest last.
    """

    line: str
    name: Indicator
    boundary: Boundary
    ruleset: RuleSetId
    whole: Ratio
    years: tuple[Ratio, ...]
    months: tuple[Ratio, ...]
    days: tuple[Ratio, ...]
    last_day: tuple[float | None, ...]

    @property
    def unit(self) -> str:
        """Unit of the value."""
        return UNITS[self.name]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The spans of a period."""

    whole: Span
    years: tuple[Span, ...]
    quarters: tuple[Span, ...]
    months: tuple[Span, ...]
    days: tuple[Span, ...]


def intensities(grid: Grid, *, calendar: Calendar) -> tuple[Intensity, ...]:
    """Every indicator that has rows, in the order of the enum; site rows after those of the lines."""
    order = {str(name): position for position, name in enumerate(Indicator)}
    rows = sorted(range(len(grid.keys)), key=lambda row: (order[grid.keys[row][1]], grid.keys[row]))
    return tuple(_intensity(grid, row, calendar=calendar) for row in rows)


def _intensity(grid: Grid, row: int, *, calendar: Calendar) -> Intensity:
    line, name, boundary, ruleset = grid.keys[row]
    above, below, ran = (grid.fields[field][row] for field in FIELDS)
    newest = quotient(above[-LAST_HOURS:], denominator=np.where(ran > 0, below, np.nan)[-LAST_HOURS:])

    def each(spans: Iterable[Span]) -> tuple[Ratio, ...]:
        return tuple(ratio(above[span.hours], below[span.hours], ran=ran[span.hours]) for span in spans)

    return Intensity(
        line=line,
        name=Indicator(name),
        boundary=Boundary(boundary),
        ruleset=RuleSetId(ruleset),
        whole=ratio(above, below, ran=ran),
        years=each(calendar.years),
        months=each(calendar.months),
        days=each(calendar.days),
        last_day=tuple(None if np.isnan(value) else float(value) for value in np.atleast_1d(newest)),
    )


def ratio(above: Floats, below: Floats, *, ran: Floats) -> Ratio:
    """Sum over sum; hours that lack a part are in neither, and a span in which nothing ran has no value.

    ran : running hours. [h]
    """
    both = np.isfinite(above) & np.isfinite(below)
    numerator, denominator = float(above[both].sum()), float(below[both].sum())
    value = float(quotient(numerator, denominator=denominator))
    stood = np.isnan(value) or not np.nansum(ran[both]) > 0
    return Ratio(None if stood else value, numerator, denominator, int(both.sum()))


def together(ratios: Iterable[Ratio]) -> Ratio:
    """Several lines as one: their sums over each other."""
    found = list(ratios)
    numerator, denominator = sum(one.numerator for one in found), sum(one.denominator for one in found)
    value = float(quotient(numerator, denominator=denominator))
    hours = min((one.hours for one in found), default=0)
    return Ratio(None if np.isnan(value) else value, numerator, denominator, hours)
