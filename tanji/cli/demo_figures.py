"""What the demo says: `demo/summary.json`, which other tools read, and the same as tables on a terminal.

Tonnes are unrounded JSON numbers. `figures` holds the items that count in their total, `information` those that are
only shown. A figure that could not be computed is null, never zero.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from tanji.plant.model import Name
from tanji.report import budget_view, performance_json
from tanji.report.model import Figure, Live, Readings, Summary
from tanji.report.words import Words

PIPE_WIDTH = 140
"""Columns of the tables where nobody's terminal says how many there are."""


def as_json(summary: Summary, truth: Mapping[str, Any], *, readings: Readings, live: Live) -> dict[str, Any]:
    """The figures of `summary.json`; `truth` as `services.simulator.truth` tells it."""
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
        "budgets": budget_view.as_json(summary),
        "information": [figure_json(figure, truth) for figure in summary.items if not figure.counted],
        "cems": {
            "co2_t": None if check is None else check.measured_t,
            "truth_t": truth["cems"]["truth_t"],
            "calculated_t": None if check is None else check.calculated_t,
            "difference": None if check is None else check.difference,
        },
        **performance_json.as_json(summary),
        "clinker_t": summary.clinker_t,
        "clinker_truth_t": truth["clinker_t"],
        "readings": asdict(readings),
        "live": asdict(live),
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
    """The figures for a person, on standard output; every table fits a terminal of 80 columns."""
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=PIPE_WIDTH)
    console.print(f"\n[bold]{names.zh}[/bold] {names.en}\n{figures['from']} .. {figures['to']}\n")
    console.print(totals(figures["totals"]))
    for total in figures["totals"]:
        key = (total["boundary"], total["ruleset"])
        counted, shown = (
            [row for row in figures[kind] if (row["boundary"], row["ruleset"]) == key]
            for kind in ("figures", "information")
        )
        console.print(items(f"{called('boundary', key[0])}, {key[1]}, tCO2", counted, shown))
    stack, clinker = figures["cems"], figures["clinker_t"]
    console.print(
        f"flue gas 烟气直测 {tonnes(stack['co2_t'])} tCO2, truth {tonnes(stack['truth_t'])}\n"
        f"calculation of the same scope 同口径核算 {tonnes(stack['calculated_t'])} tCO2,"
        f" difference {share(stack['difference'])}"
    )
    console.print(f"clinker 熟料 {tonnes(clinker)} t, truth {tonnes(figures['clinker_truth_t'])}")
    readings, live = figures["readings"], figures["live"]
    console.print(
        f"readings 读数 {readings['accepted']:,} acknowledged, {readings['stored']:,} stored,"
        f" {readings['flagged']:,} flagged; {readings['points']} points\n"
        f"live 实时 {live['seconds']} s: {live['received']:,} received of {live['expected']:,} expected"
    )
    console.print(f"{out / 'report.html'}   {out / 'summary.json'}")


def totals(rows: list[Mapping[str, Any]]) -> Table:
    """Every total beside its truth, with the intensity."""
    made = headed("totals 合计, tCO2", ("boundary", "ruleset"), ("computed", "truth", "difference", "tCO2/t clinker"))
    for row in rows:
        intensity = "-" if row["t_per_t_clinker"] is None else f"{row['t_per_t_clinker']:.4f}"
        made.add_row(row["boundary"], row["ruleset"], *beside_truth(row), intensity)
    return made


def items(title: str, counted: list[Mapping[str, Any]], shown: list[Mapping[str, Any]]) -> Table:
    """The items of one total, then those that are only shown."""
    made = headed(title, ("item", "method"), ("computed", "truth", "difference"))
    for row in counted:
        made.add_row(row["item"], row["method"], *beside_truth(row))
    if shown:
        made.add_row("not counted 仅列示", style="dim")
    for row in shown:
        made.add_row(row["item"], row["method"], *beside_truth(row), style="dim")
    return made


def headed(title: str, names: tuple[str, ...], numbers: tuple[str, ...]) -> Table:
    """An empty table whose numbers are never cut: a name may break over two lines, a figure may not."""
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in names:
        made.add_column(name, overflow="fold")
    for name in numbers:
        made.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    return made


def beside_truth(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """Computed and true tonnes, and the difference between them."""
    computed, true = row["co2_t"], row["truth_t"]
    return tonnes(computed), tonnes(true), share(None if computed is None or not true else computed / true - 1)


def called(section: str, name: str) -> str:
    """A name as the summary has it, and in Chinese."""
    return f"{name} {Words('zh')(f'{section}.{name}')}"


def tonnes(value: float | None) -> str:
    """Tonnes for reading; a dash where there is no figure."""
    return "-" if value is None else f"{value:,.1f}"


def share(value: float | None) -> str:
    """A fraction as people read it."""
    return "-" if value is None else f"{value:+.2%}"
