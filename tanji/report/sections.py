"""Everything beside the totals in one language, gathered for `performance.html.j2`; page and report show the same."""

from __future__ import annotations

from typing import Any

from tanji.report import performance_view, position_view, review_view
from tanji.report.model import Summary
from tanji.report.unverified import unverified_rows
from tanji.report.words import Words


def sections(summary: Summary, words: Words) -> dict[str, Any]:
    """Rows of every section under the names the template asks for."""
    return {
        "indicators": performance_view.indicator_rows(summary, words),
        "columns": performance_view.columns(words),
        "months": performance_view.month_rows(summary, words),
        "days": performance_view.day_rows(summary, words),
        "positions": position_view.position_rows(summary, words),
        "bridges": review_view.bridges(summary, words),
        "stack": review_view.stack(summary, words),
        "hours": list(review_view.last_hours(summary, words)),
        "substitution": review_view.substitution(summary, words),
        "notes": review_view.notes(summary, words),
        "factors": unverified_rows(summary, words),
    }
