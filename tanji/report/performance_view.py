"""Intensity, levels and targets in words: rows of one language for `performance.html.j2` (R41, R42).

No arithmetic beyond formatting. What a level rests on, and that nobody has verified it, stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tanji.domain.benchmark import Standing
from tanji.domain.items import Indicator
from tanji.domain.limits import diagnose
from tanji.report import numbers
from tanji.report.intensities import UNITS, Intensity, together
from tanji.report.levels import Levels, Target, ratio_of, values_of_rows
from tanji.report.model import Summary
from tanji.report.periods import Span
from tanji.report.review import RATIO_RANGES
from tanji.report.unverified import indicator_is_unverified
from tanji.report.words import Words

LEVEL_OF = {
    Indicator.NET_COAL_PER_CLINKER: "clinker_comprehensive_coal",
    Indicator.ELECTRICITY_PER_CLINKER: "clinker_comprehensive_electricity",
    Indicator.CEMENT_GRINDING_ELECTRICITY: "cement_grinding_electricity",
}
"""Indicators that a level table of GB 16780 is for; the comprehensive energies have rows of their own."""

ENERGIES = ("clinker_comprehensive_energy", "cement_comprehensive_energy")

BY_MONTH = (
    Indicator.EMISSION_PER_CLINKER,
    Indicator.HEAT_PER_CLINKER,
    Indicator.NET_COAL_PER_CLINKER,
    Indicator.ELECTRICITY_PER_CLINKER,
    Indicator.THERMAL_SUBSTITUTION,
    Indicator.EMISSION_PER_CEMENT,
)
"""What the tables by month and day show: as much as a phone can."""


def shown(name: Indicator, value: float | None) -> str:
    """A value with the digits its indicator deserves, without its unit."""
    if value is None:
        return numbers.ABSENT
    match UNITS[name]:
        case "tCO2/t":
            return f"{value:.4f}"
        case "1" if name is Indicator.SUBSTITUTED_SHARE:
            return numbers.percent(value)
        case "1":
            return numbers.percent(value, digits=1)
        case "GJ/t" | "t/t":
            return f"{value:.3f}"
        case _:
            return f"{value:.1f}"


def unit(name: Indicator) -> str:
    """The unit as people write it; nothing for a share, which has its percent sign."""
    return "" if UNITS[name] == "1" else numbers.unit(UNITS[name])


def indicator_rows(summary: Summary, words: Words) -> list[dict[str, Any]]:
    """Every indicator of the whole period, by line where there are several, with level and target."""
    given = summary.performance
    standings = {standing.benchmark.indicator: standing for standing in given.levels.whole.standings}
    targets = {target.name: target for target in given.levels.whole.targets}
    rows = []
    for name in Indicator:
        mine = values_of_rows(given.intensities, summary.compliance, name)
        for row in mine:
            alone = len(mine) == 1
            rows.append(
                {
                    "name": words(f"indicator.{name}"),
                    "of": "" if alone else line_name(summary, row.line, words),
                    "value": shown(name, row.whole.value),
                    "unit": unit(name),
                    "level": level(standings.get(LEVEL_OF.get(name, "")), words) if alone else None,
                    "target": aim(targets.get(name), words) if alone else "",
                    "range": outside(name, row, words),
                    "mark": words("page.unverified") if indicator_is_unverified(row, summary) else "",
                }
            )
    rows += [
        {
            "name": words(f"benchmark.{name}"),
            "of": "",
            "value": f"{standings[name].value:.1f}",
            "unit": "kgce/t",
            "level": level(standings[name], words),
            "target": "",
            "range": "",
            "mark": "",
        }
        for name in ENERGIES
        if name in standings
    ]
    return rows


def outside(name: Indicator, row: Intensity, words: Words) -> str:
    """That a derived ratio lies outside what is usual; it diagnoses only."""
    ranges = RATIO_RANGES.get(name)
    if ranges is None or row.whole.value is None:
        return ""
    given: dict[str, Any] = {ranges: row.whole.value}
    return "".join(words(f"ratio.{found.verdict}") for found in diagnose(**given))


def level(standing: Standing | None, words: Words) -> dict[str, str] | None:
    """The level an indicator reaches, the levels themselves, and the gap to the next better one."""
    if standing is None:
        return None
    entry = standing.benchmark
    pairs = zip(entry.level_names, standing.levels, strict=True)
    listed = " / ".join(f"{words(f'level.{name}')} {value:.1f}" for name, value in pairs)
    missed = [position for position, gap in enumerate(standing.gaps) if gap > 0]
    gap = ""
    if missed:
        nearest = max(missed)
        to = words(f"level.{entry.level_names[nearest]}")
        gap = words("page.gap_to", level=to, gap=f"{standing.gaps[nearest]:+.1f}")
    mark = "" if entry.verified else f"{words('page.unverified')} [{entry.confidence}]"
    colour = {"level_1": "", "level_2": "", "level_3": "warn"}.get(standing.level, "bad")
    return {"name": words(f"level.{standing.level}"), "colour": colour, "listed": listed, "gap": gap, "mark": mark}


def aim(target: Target | None, words: Words) -> str:
    """The plant's own target and how far it is."""
    if target is None:
        return ""
    key = "page.target_met" if target.met else "page.target_missed"
    return words(key, target=shown(target.name, target.target), gap=away(target, words))


def away(target: Target, words: Words) -> str:
    """How far a value is from its target: of a share in percentage points, of anything else relative to the target."""
    if UNITS[target.name] == "1":
        return words("page.percentage_points", points=numbers.signed_points(target.value - target.target))
    return numbers.signed_percent(target.gap)


def month_rows(summary: Summary, words: Words) -> list[dict[str, Any]]:
    """Months, then years where the period has more than one month: indicators with their levels."""
    given = summary.performance
    months = [("months", place, span) for place, span in enumerate(given.calendar.months)]
    years = [("years", place, span) for place, span in enumerate(given.calendar.years)] if len(months) > 1 else []
    return [
        {
            "name": span_name(span, words),
            "part": "" if span.complete else words("page.part"),
            "year": kind == "years",
            "cells": list(cells(summary, words, kind=kind, place=place)),
        }
        for kind, place, span in (*months, *years)
    ]


def day_rows(summary: Summary, words: Words) -> list[dict[str, Any]]:
    """Days of the period, the newest first."""
    days = list(enumerate(summary.performance.calendar.days))
    return [
        {
            "name": span_name(span, words),
            "part": "" if span.complete else words("page.part"),
            "year": False,
            "cells": list(cells(summary, words, kind="days", place=place)),
        }
        for place, span in reversed(days)
    ]


def cells(summary: Summary, words: Words, *, kind: str, place: int) -> Iterator[dict[str, Any]]:
    """One value for every column of `BY_MONTH`; level and target beside it where the span has them."""
    given = summary.performance
    levels: Levels | None = None if kind == "days" else getattr(given.levels, kind)[place]
    for name in BY_MONTH:
        rows = values_of_rows(given.intensities, summary.compliance, name)
        value = together(ratio_of(row, kind, place) for row in rows).value if rows else None
        standings = {one.benchmark.indicator: one for one in levels.standings} if levels else {}
        found = level(standings.get(LEVEL_OF.get(name, "")), words)
        target = next((one for one in levels.targets if one.name is name), None) if levels else None
        yield {
            "value": shown(name, value),
            "level": found["name"] if found else "",
            "colour": found["colour"] if found else "",
            "gap": found["gap"] if found else "",
            "target": words("page.target_gap", gap=away(target, words)) if target else "",
            "missed": target is not None and not target.met,
        }


def columns(words: Words) -> list[dict[str, str]]:
    """Heads of the tables by month and day."""
    return [{"name": words(f"indicator.{name}"), "unit": unit(name)} for name in BY_MONTH]


def span_name(span: Span, words: Words) -> str:
    """A year, a quarter, a month or a day as people write it."""
    day = span.day
    match span.kind:
        case "year":
            return words("page.year", year=day.year)
        case "quarter":
            return f"{day.year}-Q{(day.month + 2) // 3}"
        case "month":
            return f"{day:%Y-%m}"
        case _:
            return f"{day:%m-%d}"


def line_name(summary: Summary, line: str, words: Words) -> str:
    """A line's name as people call it; the site's where it is of no line."""
    return words.choose(*summary.performance.line_names.get(line, (summary.name_zh, summary.name_en)))
