"""The uncertainty budget in words and in JSON: one line for each source, the largest first (R37, JJF 1059.1).

`tables` is what `templates/budget.html.j2` shows, in one language; `as_json` is the same for machines, complete and
unrounded. Both are of the compliance rule set, in each boundary. The budget itself is `tanji.report.budget`.
"""

from __future__ import annotations

from typing import Any

from tanji.domain import uncertainty
from tanji.domain.items import Boundary
from tanji.domain.uncertainty_budget import Budget, BudgetRow
from tanji.report import numbers
from tanji.report.model import Summary
from tanji.report.words import Words

SMALLEST_SHARE = 0.0005
"""Share of the variance below which a source has no line of its own in a table; together they have one. [1]"""


def tables(summary: Summary, words: Words) -> list[dict[str, Any]]:
    """The budgets of the compliance rule set as texts, one a boundary; none where there is no figure."""
    return [_table(summary, words, boundary, budget) for boundary, budget in _shown(summary)]


def as_json(summary: Summary) -> list[dict[str, Any]]:
    """The same budgets as numbers: `u_rel` and `share` are fractions, everything ending in `_t` is tCO2."""
    ruleset = summary.compliance[1]
    return [
        {
            "boundary": str(boundary),
            "ruleset": str(ruleset),
            "co2_t": budget.co2_t,
            "standard_uncertainty_t": budget.standard_uncertainty,
            "coverage_factor": uncertainty.COVERAGE_FACTOR,
            "expanded_uncertainty_t": uncertainty.expanded(budget.standard_uncertainty),
            "u_rel": budget.u_rel,
            "sources": [
                {
                    "source": row.source,
                    "kind": row.kind,
                    "quantity": row.quantity,
                    "streams": list(row.streams),
                    "value": row.value,
                    "unit": row.unit,
                    "u_rel": row.u_rel,
                    "sensitivity_t": row.sensitivity,
                    "contribution_t": row.standard_uncertainty,
                    "share": row.share,
                }
                for row in budget.rows
            ],
        }
        for boundary, budget in _shown(summary)
    ]


def _shown(summary: Summary) -> list[tuple[Boundary, Budget]]:
    ruleset = summary.compliance[1]
    order = sorted(Boundary, key=lambda boundary: boundary != summary.compliance[0])
    budgets = [(boundary, summary.budgets[boundary, ruleset]) for boundary in order]
    return [(boundary, budget) for boundary, budget in budgets if budget.u_rel is not None]


def _table(summary: Summary, words: Words, boundary: Boundary, budget: Budget) -> dict[str, Any]:
    large = [row for row in budget.rows if row.share >= SMALLEST_SHARE]
    rest = [row for row in budget.rows if row.share < SMALLEST_SHARE and row.standard_uncertainty]
    return {
        "boundary": words(f"boundary.{boundary}"),
        "ruleset": words(f"ruleset.{summary.compliance[1]}"),
        "rows": [_row(summary, words, row) for row in large],
        "rest": _rest(words, rest) if rest else None,
        "tonnes": numbers.tonnes(budget.co2_t),
        "standard": numbers.tonnes(budget.standard_uncertainty),
        "standard_percent": numbers.percent(budget.u_rel),
        "expanded": numbers.tonnes(float(uncertainty.expanded(budget.standard_uncertainty))),
        "expanded_percent": numbers.percent(numbers.expanded(budget.u_rel)),
    }


def _row(summary: Summary, words: Words, row: BudgetRow) -> dict[str, str]:
    return {
        "name": _name(summary, words, row),
        "kind": words(f"source_kind.{row.kind}"),
        "detail": _detail(summary, words, row),
        "value": _value(row),
        "u_rel": numbers.percent(row.u_rel),
        "sensitivity": numbers.tonnes(row.sensitivity / 100),
        "contribution": numbers.tonnes(row.standard_uncertainty),
        "share": numbers.percent(row.share, digits=1),
    }


def _value(row: BudgetRow) -> str:
    """A value with its unit: amounts whole, anything else with four significant digits."""
    if row.value is None:
        return numbers.ABSENT
    text = f"{row.value:,.0f}" if abs(row.value) >= 1000 else f"{row.value:.4g}"
    unit = numbers.unit(row.unit).replace("1e4N", "10⁴ N")
    return text if unit in ("", "1") else f"{text}{numbers.NARROW}{unit}"


def _rest(words: Words, rows: list[BudgetRow]) -> dict[str, str]:
    """All sources too small for a line: they are independent, so their squares add up."""
    return {
        "name": words("page.budget_rest", count=len(rows)),
        "contribution": numbers.tonnes(float(uncertainty.root_of_squares(*(row.standard_uncertainty for row in rows)))),
        "share": numbers.percent(sum(row.share for row in rows)),
    }


def _name(summary: Summary, words: Words, row: BudgetRow) -> str:
    """A meter by its name; a laboratory value or factor by its quantity."""
    if row.kind == "instrument":
        names = summary.meter_names.get(row.source) or summary.meter_names.get(row.source.rpartition(".")[0])
        return words.choose(*names) if names else row.source
    return words(f"quantity.{row.quantity}")


def _detail(summary: Summary, words: Words, row: BudgetRow) -> str:
    """The laboratory or the record of the library, and the streams it speaks for."""
    streams = words.choose("、", ", ").join(
        words.choose(*summary.stream_names.get(stream, (stream, stream))) for stream in row.streams
    )
    origin = {"laboratory": row.source.partition("@")[2], "factor": row.source}.get(row.kind, "")
    return f"{origin} · {streams}" if origin else streams
