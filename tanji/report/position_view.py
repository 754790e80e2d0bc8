"""The allowance position in words: what it is, what it rests on, or what is lacking for it (standard.md 15, R44)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tanji.domain.position import load
from tanji.report import numbers
from tanji.report.model import Summary
from tanji.report.performance_view import line_name
from tanji.report.positions import LinePosition
from tanji.report.words import Words


def position_rows(summary: Summary, words: Words) -> list[dict[str, Any]]:
    """The allowance position of every line and year, or what is lacking for it."""
    rows = summary.performance.positions
    return [{"line": line_name(summary, row.line, words), **position_row(row, words)} for row in rows]


def position_row(row: LinePosition, words: Words) -> dict[str, Any]:
    """One line and year."""
    found, rule = row.position, load().get(row.year)
    basis = words(f"position.{found.basis}") if found else words(f"lacking.{row.lacking}", year=row.year, known=known())
    certain = found is not None and found.basis != "apart"
    surplus = found.surplus if found is not None and certain else None
    balance = row.balance
    return {
        "year": words("page.year", year=row.year),
        "surplus": numbers.ABSENT if surplus is None else f"{surplus:+,.0f}",
        "word": "" if not surplus else words("page.surplus" if surplus > 0 else "page.deficit"),
        "rate": numbers.signed_percent(found.rate) if found is not None and certain else numbers.ABSENT,
        "emission": numbers.tonnes(row.emission_t),
        "intensity": numbers.intensity(row.intensity),
        "balance": numbers.ABSENT if balance is None else f"{balance.value:.4f} {numbers.unit(balance.unit)}",
        "balance_source": "" if balance is None else balance.source,
        "balance_mark": balance is not None and not balance.verified,
        "basis": basis,
        "rule": "" if rule is None else rule.document,
        "rule_mark": rule is not None and not rule.verified and words("page.unverified") + f" [{rule.confidence}]",
        "part": "" if row.complete else words("page.position_part"),
        "formula": words("page.position_formula", slope=f"{rule.slope:g}", cap=numbers.percent(rule.cap, digits=0))
        if rule is not None and rule.kind == "balance"
        else "",
    }


def known() -> str:
    """Years whose rule is known."""
    years: Sequence[int] = sorted(load())
    return ", ".join(map(str, years))
