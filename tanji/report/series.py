"""Figures over time for the plots: hours of the last day, local days of the period, stack against calculation.

A step that lacks a part is None, a gap in the plot. Accounting days are the plant's local ones (DESIGN section 3).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from tanji.domain.items import Boundary, Item, Method, RuleSetId
from tanji.report.counting import COUNTED
from tanji.report.grid import Floats, Grid
from tanji.report.model import HOUR_MS, Series

DAY_HOURS = 24


def by_item(grid: Grid, *, boundary: Boundary, ruleset: RuleSetId, items: Collection[Item]) -> dict[str, Floats]:
    """Hourly tonnes of each counted item [tCO2]; NaN where one of its streams has none."""
    columns: dict[str, Floats] = {}
    for item in items:
        chosen = grid.select(boundary=boundary, ruleset=ruleset, item=item, counted=COUNTED)
        if chosen.any():
            once = grid.select(method=Method.MONTH_FLOOR)  # at the last hour of a month; absent elsewhere is right
            tonnes = np.where(once[:, None], np.nan_to_num(grid.fields["co2_t"]), grid.fields["co2_t"])
            columns[str(item)] = tonnes[chosen].sum(axis=0)
    return columns


def last_hours(columns: dict[str, Floats], *, end_ms: int, hours: int = DAY_HOURS) -> Series:
    """The newest hours of hourly columns."""
    length = min(hours, *(len(values) for values in columns.values())) if columns else 0
    times = tuple(end_ms - (length - step) * HOUR_MS for step in range(length))
    newest = tuple((name, plain(values[len(values) - length :])) for name, values in columns.items())
    return Series(times, HOUR_MS, newest)


def local_days(columns: dict[str, Floats], *, start_ms: int, timezone: str) -> Series:
    """Tonnes by local day; the first and last may be part of a day."""
    hours = len(next(iter(columns.values()))) if columns else 0
    zone = ZoneInfo(timezone)
    starts = [start_ms + hour * HOUR_MS for hour in range(hours)]
    dates = [datetime.fromtimestamp(time / 1000, zone).date() for time in starts]
    first = [hour for hour in range(hours) if hour == 0 or dates[hour] != dates[hour - 1]]
    edges = [*first, hours]
    summed = {
        name: np.array([values[edges[day] : edges[day + 1]].sum() for day in range(len(first))])
        for name, values in columns.items()
    }
    return Series(
        tuple(starts[hour] for hour in first),
        DAY_HOURS * HOUR_MS,
        tuple((name, plain(values)) for name, values in summed.items()),
    )


def plain(values: Floats) -> tuple[float | None, ...]:
    """Numbers with None for a hole."""
    return tuple(None if np.isnan(value) else float(value) for value in values)
