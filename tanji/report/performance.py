"""How good the figures of a period are, and how good the plant is: everything a summary says beside the totals.

Intensities with levels and targets, allowance position, reconciliation of the totals, flue gas against calculation,
what a reviewer has to look at, and the defaults nobody has verified (R8, R14, R30, R41, R44, R52). Each is computed by
its own module; this one hands them what they need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from tanji.domain.factors import FactorLibrary
from tanji.plant.model import Plant
from tanji.report.counting import Counted
from tanji.report.defaults import Default, defaults
from tanji.report.grid import hourly
from tanji.report.intensities import FIELDS, TAGS, Calendar, Intensity, intensities
from tanji.report.levels import LevelsOf, levels
from tanji.report.model import HOUR_MS, Figure
from tanji.report.periods import DAY, MONTH, QUARTER, WHOLE, YEAR, spans
from tanji.report.positions import LinePosition, positions
from tanji.report.reconciling import Bridge, bridges
from tanji.report.review import Review, review
from tanji.report.stack_spans import StackHours, StackSpans, stack_spans


@dataclass(frozen=True, slots=True)
class Performance:
    """Everything beside the totals; `stack` is None for a plant without a stack measurement."""

    calendar: Calendar
    intensities: tuple[Intensity, ...]
    levels: LevelsOf
    positions: tuple[LinePosition, ...]
    bridges: tuple[Bridge, ...]
    stack: StackSpans | None
    review: Review
    defaults: tuple[Default, ...]
    line_names: dict[str, tuple[str, str]]

    @property
    def unverified(self) -> tuple[Default, ...]:
        """Defaults behind the figures that nobody has compared with their source."""
        return tuple(default for default in self.defaults if not default.verified)


def performance(
    plant: Plant,
    *,
    emission: pa.Table,
    intensity: pa.Table,
    items: Sequence[Figure],
    counted: Counted,
    stack: StackHours | None,
    library: FactorLibrary,
    start_ms: int,
    end_ms: int,
) -> Performance:
    """Everything of [start, end).

    emission, intensity : rows of the period. items : its item figures. counted : what each total counts.
    """
    calendar = calendar_of(start_ms, end_ms, timezone=plant.site.timezone)
    grid = hourly(intensity, tags=TAGS, fields=FIELDS, start_ms=start_ms, end_ms=end_ms)
    found = intensities(grid, calendar=calendar)
    last_day = calendar.days[-1].day
    return Performance(
        calendar=calendar,
        intensities=found,
        levels=levels(found, plant, calendar=calendar),
        positions=positions(found, plant, calendar=calendar, library=library),
        bridges=bridges(items, plant, counted),
        stack=None if stack is None else stack_spans(stack, plan=plant.cross_check, calendar=calendar),
        review=review(emission, plant, found, items=counted[plant.compliance], calendar=calendar, start_ms=start_ms),
        defaults=defaults(plant, on=last_day, library=library),
        line_names={line.id: (line.name.zh, line.name.en) for line in plant.lines},
    )


def calendar_of(start_ms: int, end_ms: int, *, timezone: str) -> Calendar:
    """The plant-local days, months, quarters and years of a period [UTC ms]."""
    hours = (end_ms - start_ms) // HOUR_MS
    whole, years, quarters, months, days = (
        spans(kind, start_ms=start_ms, hours=hours, timezone=timezone) for kind in (WHOLE, YEAR, QUARTER, MONTH, DAY)
    )
    return Calendar(whole[0], years, quarters, months, days)
