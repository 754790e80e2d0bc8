"""A summary in words: rows and texts of one language, ready for the templates. No arithmetic beyond formatting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from tanji.domain.items import Boundary, Item, RuleSetId
from tanji.report import charts, numbers
from tanji.report.model import Figure, Run, Series, Summary, Total
from tanji.report.unverified import is_unverified, total_is_unverified
from tanji.report.words import Words

MOST_NAMED = 3
"""Streams a card names before it only counts: the tables below name them all."""

Truth = Mapping[tuple[str, ...], float]
"""True tonnes where a simulator knows them: (boundary, ruleset), (boundary, ruleset, item, method) or ("cems",)."""


@dataclass(frozen=True, slots=True)
class View:
    """One summary in one language."""

    summary: Summary
    words: Words
    truth: Truth
    run: Run | None = None

    def stream_name(self, stream: str) -> str:
        """A stream's name as people call it."""
        return self.words.choose(*self.summary.stream_names.get(stream, (stream, stream)))

    def period(self) -> str:
        """From and to in the plant's local time."""
        zone = self.summary.timezone
        return f"{numbers.local_time(self.summary.start_ms, zone)} – {numbers.local_time(self.summary.end_ms, zone)}"

    def clinker(self) -> str:
        """Clinker output of the period, with the hours it lacks."""
        text = f"{numbers.tonnes(self.summary.clinker_t)} {self.words('page.unit_clinker')}"
        lacking = self.summary.clinker_missing_hours
        return f"{text} ({self.words('page.lacking', missing=lacking)})" if lacking else text

    def cards(self) -> list[dict[str, Any]]:
        """The totals, the compliance figure first."""
        ordered = sorted(self.summary.totals, key=lambda total: not total.compliance)
        return [self.card(total) for total in ordered]

    def card(self, total: Total) -> dict[str, Any]:
        """One total with everything that qualifies it."""
        words = self.words
        missing = self.missing(total)
        expanded = numbers.expanded(total.u_rel)
        notes = [words("page.uncertainty", percent=numbers.percent(expanded))] if expanded is not None else []
        notes += [words("page.substituted_share", percent=numbers.percent(total.substituted))]
        truth = self.truth.get((total.boundary, total.ruleset))
        return {
            "boundary": words(f"boundary.{total.boundary}"),
            "ruleset": words(f"ruleset_long.{total.ruleset}"),
            "key": f"{total.boundary}-{total.ruleset}",
            "compliance": total.compliance,
            "unverified": total_is_unverified(self.summary, total.boundary, total.ruleset),
            "tonnes": numbers.tonnes(total.co2_t),
            "intensity": numbers.intensity(total.t_per_t_clinker),
            "notes": notes if total.co2_t is not None else [words("page.no_figure")],
            "incomplete": None
            if total.complete
            else words("page.incomplete", missing=total.missing_hours, hours=total.hours),
            "missing": words("page.missing_streams", streams=missing) if missing else None,
            "truth": None if truth is None else numbers.tonnes(truth),
            "deviation": None if truth is None else numbers.signed_percent(deviation(total.co2_t, truth)),
            "mix": self.mix(total),
        }

    def missing(self, total: Total) -> str:
        """The streams that lack hours, the worst first; a long list is cut with a count."""
        worst = sorted(total.missing, key=lambda entry: -entry[1])
        named = [f"{self.stream_name(stream)} {self.words('page.hours', hours=h)}" for stream, h in worst[:MOST_NAMED]]
        rest = len(worst) - len(named)
        named += [self.words("page.and_more", count=rest)] if rest else []
        return self.words.choose("、", ", ").join(named)

    def mix(self, total: Total) -> list[dict[str, str]]:
        """The parts of a total, for a bar; negative parts are left to the table."""
        parts = [figure for figure in self.summary.items_of(total.boundary, total.ruleset) if figure.counted]
        whole = sum(max(0.0, figure.co2_t) for figure in parts)
        return [
            {
                "name": self.words(f"item.{figure.item}"),
                "share": numbers.percent(figure.co2_t / whole, digits=1),
                "width": f"{figure.co2_t / whole * 100:.2f}%",
                "colour": charts.colour(figure.item),
            }
            for figure in parts
            if whole and figure.co2_t > 0
        ]

    def boundaries(self) -> list[dict[str, Any]]:
        """One table for every boundary: items by method down, rule sets across."""
        return [
            {
                "name": self.words(f"boundary.{boundary}"),
                "rulesets": [self.words(f"ruleset.{ruleset}") for ruleset in self.summary.rulesets],
                "counted": list(self.item_rows(boundary, counted=True)),
                "apart": list(self.item_rows(boundary, counted=False)),
                "total": [self.total_cell(boundary, ruleset) for ruleset in self.summary.rulesets],
            }
            for boundary in Boundary
        ]

    def item_rows(self, boundary: Boundary, *, counted: bool) -> Iterator[dict[str, Any]]:
        """Rows of the items table; an item is in the upper part where it counts in any rule set."""
        mine = [figure for figure in self.summary.items if figure.boundary == boundary]
        order = {str(item): position for position, item in enumerate(Item)}
        for item, method in sorted({(f.item, f.method) for f in mine}, key=lambda key: (order[key[0]], key[1])):
            cells = {f.ruleset: f for f in mine if (f.item, f.method) == (item, method) and f.counted == counted}
            if cells:
                yield {
                    "item": self.words(f"item.{item}"),
                    "method": self.words(f"method.{method}"),
                    "cells": [self.cell(cells.get(ruleset)) for ruleset in self.summary.rulesets],
                }

    def cell(self, figure: Figure | None) -> dict[str, Any] | None:
        """One figure of the items table; None where the rule set has no such figure."""
        if figure is None:
            return None
        truth = self.truth.get((figure.boundary, figure.ruleset, figure.item, figure.method))
        shown = self.cell_of(figure.co2_t, figure.u_rel, figure.missing_hours, truth)
        return shown | {"unverified": is_unverified(figure, self.summary)}

    def total_cell(self, boundary: Boundary, ruleset: RuleSetId) -> dict[str, Any]:
        """The last row of the items table."""
        total = self.summary.total(boundary, ruleset)
        shown = self.cell_of(total.co2_t, total.u_rel, total.missing_hours, self.truth.get((boundary, ruleset)))
        return shown | {"unverified": total_is_unverified(self.summary, boundary, ruleset)}

    def cell_of(self, co2_t: float | None, u_rel: float | None, missing: int, truth: float | None) -> dict[str, Any]:
        """Tonnes, expanded uncertainty, missing hours and truth, in words."""
        return {
            "tonnes": numbers.tonnes(co2_t),
            "unverified": False,
            "uncertainty": numbers.percent(numbers.expanded(u_rel)) if u_rel is not None else "",
            "missing": self.words("page.lacking", missing=missing) if missing else "",
            "truth": "" if truth is None else numbers.tonnes(truth),
            "deviation": "" if truth is None else numbers.signed_percent(deviation(co2_t, truth)),
        }

    def stream_rows(self) -> list[dict[str, Any]]:
        """Every figure by stream, for whoever wants to follow a tonne to its source."""
        return [
            {
                "boundary": self.words(f"boundary.{figure.boundary}"),
                "ruleset": self.words(f"ruleset.{figure.ruleset}"),
                "stream": self.stream_name(figure.stream),
                "item": self.words(f"item.{figure.item}"),
                "method": self.words(f"method.{figure.method}"),
                "tonnes": numbers.tonnes(figure.co2_t),
                "expanded": numbers.percent(numbers.expanded(figure.u_rel)),
                "substituted": numbers.percent(figure.substituted),
                "counted": figure.counted,
                "unverified": is_unverified(figure, self.summary),
            }
            for figure in self.summary.figures
        ]

    def stack(self) -> dict[str, Any] | None:
        """Calculation against flue gas."""
        check = self.summary.flue_gas
        if check is None:
            return None
        truth = self.truth.get(("cems",))
        return {
            "measured": numbers.tonnes(check.common_measured_t if check.common_hours else None),
            "calculated": numbers.tonnes(check.common_calculated_t if check.common_hours else None),
            "difference": numbers.signed_percent(check.difference),
            "verdict": self.words(f"verdict.{check.verdict}"),
            "level": check.verdict,
            "scope": self.words("page.cross_check_scope", hours=check.common_hours),
            "incomplete": None
            if check.common_hours == check.hours
            else self.words("page.incomplete", missing=check.hours - check.common_hours, hours=check.hours),
            "truth": None if truth is None else numbers.tonnes(truth),
            "deviation": None if truth is None else numbers.signed_percent(deviation(check.measured_t, truth)),
        }

    def quality_rows(self) -> list[dict[str, Any]]:
        """Capture and substitution by stream."""
        return [
            {
                "stream": self.stream_name(row.stream),
                "captured": numbers.percent(row.captured),
                "substituted": numbers.count(row.substituted_hours),
                "stopped": numbers.count(row.stopped_hours),
                "missing": numbers.count(row.missing_hours),
                "bad": row.missing_hours > 0,
            }
            for row in self.summary.streams
        ]

    def run_rows(self) -> list[dict[str, str]]:
        """What a demonstration brought in; nothing in a plant that runs."""
        if self.run is None:
            return []
        readings, live = self.run.readings, self.run.live
        counts = (
            (self.words("page.run_points"), readings.points, "page.unit_points"),
            (self.words("page.run_accepted"), readings.accepted, "page.unit_readings"),
            (self.words("page.run_stored"), readings.stored, "page.unit_readings"),
            (self.words("page.run_flagged"), readings.flagged, "page.unit_readings"),
            (self.words("page.run_expected", seconds=live.seconds), live.expected, "page.unit_readings"),
            (self.words("page.run_received", seconds=live.seconds), live.received, "page.unit_readings"),
        )
        return [{"name": name, "count": numbers.count(count), "unit": self.words(unit)} for name, count, unit in counts]

    def plots(self) -> list[dict[str, Any]]:
        """The last day and the days of the period for the compliance figure, and the stack."""
        boundary, ruleset = self.summary.compliance
        names = {"boundary": self.words(f"boundary.{boundary}"), "ruleset": self.words(f"ruleset.{ruleset}")}
        plots = [self.bars("page.chart_day", self.summary.last_day[boundary, ruleset], names)]
        if self.summary.last_day_flue_gas is not None:
            plots.append(self.curves("page.chart_stack", self.summary.last_day_flue_gas))
        if self.summary.hours > 48:
            plots.append(self.bars("page.chart_days", self.summary.days[boundary, ruleset], names))
        return plots

    def bars(self, title: str, series: Series, names: Mapping[str, str]) -> dict[str, Any]:
        """A stacked bar plot with its title and legend."""
        text = self.words(title, **names)
        drawing = charts.stacked_bars(series, timezone=self.summary.timezone, label=text)
        legend = [{"name": self.words(f"item.{item}"), "colour": charts.colour(item)} for item, _ in series.columns]
        return {"title": text, "svg": Markup(drawing), "legend": legend}

    def curves(self, title: str, series: Series) -> dict[str, Any]:
        """A line plot with its title and legend."""
        drawing = charts.lines(series, timezone=self.summary.timezone, label=self.words(title))
        legend = [{"name": self.words(f"page.{name}"), "colour": charts.colour(name)} for name, _ in series.columns]
        return {"title": self.words(title), "svg": Markup(drawing), "legend": legend}


def deviation(value: float | None, truth: float) -> float | None:
    """(value - truth) / truth [1]; None where either is missing."""
    return None if value is None or truth == 0 else value / truth - 1
