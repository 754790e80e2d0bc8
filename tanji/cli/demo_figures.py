"""What the demo says: `demo/summary.json`, which other tools read, and the same as tables on a terminal.

Tonnes are unrounded JSON numbers. `figures` holds the items that count in their total, `information` those that are
only shown. A figure that could not be computed is null, never zero.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tanji.plant.model import Name
from tanji.report.model import Figure, Summary

PIPE_WIDTH = 140
"""Columns of the tables where nobody's terminal says how many there are."""


@dataclass(frozen=True, slots=True)
class Readings:
    """Counts of readings: distinct and acknowledged, read back from the store, carrying a flag."""

    points: int
    accepted: int
    stored: int
    flagged: int


@dataclass(frozen=True, slots=True)
class Live:
    """The live period: seconds, readings due (points x seconds), readings found in the store."""

    seconds: int
    expected: int
    received: int


def as_json(
    summary: Summary, truth: Mapping[str, Any], *, readings: Readings, live: Live, seconds: float
) -> dict[str, Any]:
    """The content of `summary.json`; `truth` as `services.simulator.truth` tells it, `seconds` the demo's run time."""
    true_total = {(row["boundary"], row["ruleset"]): row["truth_t"] for row in truth["totals"]}
    check = summary.flue_gas
    return {
        "plant": summary.plant,
        "from": moment(summary.start_ms),
        "to": moment(summary.end_ms),
        "rulesets": [str(ruleset) for ruleset in summary.rulesets],
        "totals": [
            {
                "boundary": str(total.boundary),
                "ruleset": str(total.ruleset),
                "co2_t": total.co2_t if total.complete else None,
                "truth_t": true_total[total.boundary, total.ruleset],
                "u_rel": total.u_rel,
                "t_per_t_clinker": total.t_per_t_clinker,
                "missing_hours": total.missing_hours,
                "substituted": total.substituted,
            }
            for total in summary.totals
        ],
        "figures": [figure_json(figure, truth) for figure in summary.items if figure.counted],
        "information": [figure_json(figure, truth) for figure in summary.items if not figure.counted],
        "cems": {
            "co2_t": None if check is None else check.measured_t,
            "truth_t": truth["cems"]["truth_t"],
            "calculated_t": None if check is None else check.calculated_t,
            "difference": None if check is None else check.difference,
        },
        "clinker_t": summary.clinker_t,
        "clinker_truth_t": truth["clinker_t"],
        "readings": asdict(readings),
        "live": asdict(live),
        "seconds": round(seconds, 1),
    }


def figure_json(figure: Figure, truth: Mapping[str, Any]) -> dict[str, Any]:
    """One item beside its truth; null where the simulator keeps none."""
    key = {
        "boundary": str(figure.boundary),
        "ruleset": str(figure.ruleset),
        "item": figure.item,
        "method": figure.method,
    }
    told = (row["truth_t"] for row in truth["figures"] if all(row[name] == value for name, value in key.items()))
    return {**key, "co2_t": figure.co2_t, "truth_t": next(told, None), "u_rel": figure.u_rel}


def moment(time_ms: int) -> str:
    """RFC 3339, UTC."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat().replace("+00:00", "Z")


def print_figures(figures: Mapping[str, Any], *, names: Name, out: Path) -> None:
    """The figures for a person, on standard output."""
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=PIPE_WIDTH)
    console.print(f"\n[bold]{names.zh}[/bold] {names.en}   {figures['from']} .. {figures['to']}")
    console.print(table("totals 合计, tCO2", figures["totals"], ("boundary", "ruleset"), intensity=True))
    console.print(table("items 分项, tCO2", figures["figures"], ("boundary", "ruleset", "item", "method")))
    console.print(
        table("shown, not counted 仅列示, tCO2", figures["information"], ("boundary", "ruleset", "item", "method"))
    )
    stack, clinker = figures["cems"], figures["clinker_t"]
    console.print(
        f"flue gas 烟气直测 {tonnes(stack['co2_t'])} t against calculation {tonnes(stack['calculated_t'])} t"
        f" ({share(stack['difference'])}); truth {tonnes(stack['truth_t'])} t"
    )
    console.print(f"clinker 熟料 {tonnes(clinker)} t; truth {tonnes(figures['clinker_truth_t'])} t")
    readings, live = figures["readings"], figures["live"]
    console.print(
        f"readings 读数: {readings['accepted']:,} acknowledged, {readings['stored']:,} stored, {readings['flagged']:,}"
        f" flagged, {readings['points']} points;"
        f" live: {live['received']:,} of {live['expected']:,} in {live['seconds']} s"
    )
    console.print(f"{figures['seconds']} s   {out / 'report.html'}   {out / 'summary.json'}")


def table(title: str, rows: list[Mapping[str, Any]], keys: tuple[str, ...], *, intensity: bool = False) -> Table:
    """Rows with their truth and the difference to it."""
    made = Table(title=title, title_justify="left")
    for key in keys:
        made.add_column(key, no_wrap=True)
    for heading in ("computed", "truth", "difference", *(("t/t clinker",) if intensity else ())):
        made.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        computed, true = row["co2_t"], row["truth_t"]
        off = None if computed is None or not true else computed / true - 1
        tail = (f"{row['t_per_t_clinker']:.4f}" if row["t_per_t_clinker"] is not None else "-",) if intensity else ()
        made.add_row(*(str(row[key]) for key in keys), tonnes(computed), tonnes(true), share(off), *tail)
    return made


def tonnes(value: float | None) -> str:
    """Tonnes for reading; a dash where there is no figure."""
    return "-" if value is None else f"{value:,.1f}"


def share(value: float | None) -> str:
    """A fraction as people read it."""
    return "-" if value is None else f"{value:+.2%}"
