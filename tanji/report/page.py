"""The report of a period as one self-contained HTML file: plots, tables, and the truth beside them where it is known.

Chinese first, English after it; nothing is fetched from anywhere. The parts it is made of serve the web pages too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tanji.report import budget_view, numbers
from tanji.report.model import Run, Summary
from tanji.report.sections import sections
from tanji.report.view import Truth, View
from tanji.report.words import LANGUAGES, Words

TEMPLATES = PackageLoader("tanji.report", "templates")
"""The shared templates; the pages of the ledger service load them from here."""


@cache
def style() -> str:
    """The style sheet."""
    return files("tanji.report").joinpath("templates/tanji.css").read_text(encoding="utf-8")


def write_report(
    path: Path, summary: Summary, *, truth: Mapping[str, Any] | None = None, run: Run | None = None
) -> None:
    """Write the report of a period.

    run : Run | None  What a demonstration brought in: counts of readings.
    truth : mapping | None  What a simulator knows, in the shape of `demo/summary.json`: `totals` and `figures` with
        `truth_t` [tCO2], `cems` with `truth_t` [tCO2].
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(summary, truth=truth, run=run), encoding="utf-8")


def render(summary: Summary, *, truth: Mapping[str, Any] | None = None, run: Run | None = None) -> str:
    """The report as text."""
    environment = Environment(loader=TEMPLATES, autoescape=True, undefined=StrictUndefined)
    known = known_truth(truth)
    return environment.get_template("report.html.j2").render(
        summary=summary,
        css=Markup(style()),
        budget_tables=budget_view.tables,
        sections=sections,
        views=[View(summary, Words(language), known, run) for language in LANGUAGES],
        flagged=numbers.count(summary.flagged_readings),
    )


def known_truth(truth: Mapping[str, Any] | None) -> Truth:
    """The truth under the keys the view asks by."""
    if truth is None:
        return {}
    known: dict[tuple[str, ...], float] = {}
    for total in truth.get("totals", ()):
        known[total["boundary"], total["ruleset"]] = total["truth_t"]
    for figure in truth.get("figures", ()):
        known[figure["boundary"], figure["ruleset"], figure["item"], figure["method"]] = figure["truth_t"]
    if "cems" in truth:
        known["cems",] = truth["cems"]["truth_t"]
    return {key: value for key, value in known.items() if value is not None}
