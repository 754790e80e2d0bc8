"""Reconciliation, flue gas by span, substitution and review notes in words, for the templates.

No arithmetic beyond formatting (R8, R14, R52). Tonnes of a reconciliation are shown to a tenth, so that a reader
can add them up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tanji.domain.boundary import ReconciliationRow
from tanji.report import numbers, rule_words
from tanji.report.model import HOUR_MS, Summary
from tanji.report.performance_view import shown, span_name, unit
from tanji.report.reconciling import Side
from tanji.report.review import Noted, Substituted
from tanji.report.stack_spans import StackSpan
from tanji.report.words import Words


def bridges(summary: Summary, words: Words) -> list[dict[str, Any]]:
    """Every pair of totals with the items that lead from the one to the other."""
    return [
        {
            "a": side(bridge.a, words),
            "b": side(bridge.b, words),
            "total_a": exact(bridge.reconciliation.total_a),
            "total_b": exact(bridge.reconciliation.total_b),
            "difference": signed(bridge.reconciliation.difference),
            "incomplete": not (summary.total(*bridge.a).complete and summary.total(*bridge.b).complete),
            "rows": [bridge_row(row, words) for row in bridge.reconciliation.rows if row.why != "same"],
        }
        for bridge in summary.performance.bridges
    ]


def bridge_row(row: ReconciliationRow, words: Words) -> dict[str, str]:
    """One item; a side that does not count it has a dash, not a zero."""
    return {
        "item": words(f"item.{row.item}"),
        "a": exact(row.emission_a) if row.counted_a else numbers.ABSENT,
        "b": exact(row.emission_b) if row.counted_b else numbers.ABSENT,
        "difference": signed(row.difference),
        "why": words(f"why.{row.why}"),
    }


def side(given: Side, words: Words) -> str:
    """A boundary and rule set."""
    return f"{words(f'boundary.{given[0]}')} · {words(f'ruleset.{given[1]}')}"


def exact(tonnes: float) -> str:
    """Tonnes to a tenth."""
    return f"{tonnes:,.1f}"


def signed(tonnes: float) -> str:
    """Tonnes to a tenth with their sign."""
    return f"{tonnes:+,.1f}" if round(tonnes, 1) else "0.0"


def stack(summary: Summary, words: Words) -> dict[str, Any] | None:
    """Flue gas against calculation: verdicts of single hours, months, quarters, and days, the newest first."""
    spans, calendar = summary.performance.stack, summary.performance.calendar
    if spans is None:
        return None
    longer = zip((*calendar.months, *calendar.quarters), (*spans.months, *spans.quarters), strict=True)
    days = reversed(list(zip(calendar.days, spans.days, strict=True)))
    return {
        "hours": [{"name": words(f"verdict_short.{v}"), "level": v, "count": numbers.count(n)} for v, n in spans.hours],
        "longer": [stack_row(span_name(span, words), row, words) for span, row in longer],
        "days": [stack_row(span_name(span, words), row, words) for span, row in days],
    }


def stack_row(name: str, row: StackSpan, words: Words) -> dict[str, str]:
    """One span; below 75 % capture it has no total and no verdict."""
    return {
        "name": name,
        "measured": numbers.tonnes(row.measured_t),
        "calculated": numbers.tonnes(row.calculated_t),
        "difference": numbers.signed_percent(row.difference),
        "verdict": words(f"verdict_short.{row.verdict}"),
        "level": row.verdict,
        "capture": numbers.percent(row.capture),
        "valid": words("page.span_valid" if row.valid else "page.span_invalid"),
        "hours": f"{row.valid_hours}/{row.running_hours}",
    }


def last_hours(summary: Summary, words: Words) -> Iterator[dict[str, str]]:
    """The newest hours: intensity, deviation of the stack, substituted share and rules; the newest first."""
    given = summary.performance
    stack_hours = given.stack.last_day if given.stack is not None else ()
    rows = [row for row in given.intensities if (row.boundary, row.ruleset) == summary.compliance]
    intensity = next((row for row in rows if row.name == "emission_per_clinker"), None)
    hours = len(given.review.last_day)
    for back in range(1, hours + 1):
        substituted = given.review.last_day[-back]
        difference, verdict = stack_hours[-back] if back <= len(stack_hours) else (None, "undecided")
        value = intensity.last_day[-back] if intensity is not None and back <= len(intensity.last_day) else None
        yield {
            "name": numbers.local_time(summary.end_ms - back * HOUR_MS, summary.timezone)[-5:],
            "intensity": numbers.intensity(value),
            "difference": numbers.signed_percent(difference),
            "verdict": words(f"verdict_short.{verdict}"),
            "level": verdict,
            "share": numbers.percent(substituted.share),
            "rules": rules(substituted, words),
        }


def rules(given: Substituted, words: Words) -> str:
    """The rules a span's substituted data rest on."""
    named = dict.fromkeys(rule_words.rule(one.rule, words) for one in given.rules)
    return words.choose("；", "; ").join(named)


def substitution(summary: Summary, words: Words) -> dict[str, Any]:
    """Share of the compliance total by month and day and by which rule, and the hours of every stream."""
    given, calendar = summary.performance.review, summary.performance.calendar
    boundary, ruleset = summary.compliance
    return {
        "total": side((boundary, ruleset), words),
        "share": numbers.percent(given.whole.share),
        "rules": [
            {"rule": rule_words.rule(one.rule, words), "share": numbers.percent(one.share), "hours": one.hours,
             "tonnes": numbers.tonnes(one.co2_t)}
            for one in given.whole.rules
        ],
        "months": [
            span_row(span_name(span, words), one, words)
            for span, one in zip(calendar.months, given.months, strict=True)
        ],
        "days": [
            span_row(span_name(span, words), one, words)
            for span, one in reversed(list(zip(calendar.days, given.days, strict=True)))
            if one.rules
        ],
        "streams": [
            {"stream": words.choose(*summary.stream_names.get(row.stream, (row.stream, row.stream))),
             "rule": rule_words.rule(row.rule, words), "hours": numbers.count(row.hours)}
            for row in given.streams
        ],
    }  # fmt: skip


def span_row(name: str, given: Substituted, words: Words) -> dict[str, str]:
    """Share and rules of one span."""
    return {"name": name, "share": numbers.percent(given.share), "rules": rules(given, words)}


def notes(summary: Summary, words: Words) -> list[str]:
    """What a reviewer has to look at, one sentence each."""
    given = summary.performance.review
    found = [note(entry, summary, words) for entry in given.noted]
    for stream, hours in given.warned:
        name = words.choose(*summary.stream_names.get(stream, (stream, stream)))
        found.append(words("page.note_input", stream=name, hours=numbers.count(hours)))
    return found


def note(entry: Noted, summary: Summary, words: Words) -> str:
    """A derived ratio out of range."""
    diagnosis = entry.diagnosis
    low, high = (shown(entry.name, value) for value in (diagnosis.expected.low, diagnosis.expected.high))
    line = words.choose(*summary.performance.line_names.get(entry.line, (entry.line, entry.line)))
    return words(
        f"note.{diagnosis.verdict}",
        span="" if entry.span is None else f"{span_name(entry.span, words)} ",
        line=line,
        ratio=words(f"indicator.{entry.name}"),
        ruleset=words(f"ruleset.{entry.ruleset}"),
        value=shown(entry.name, diagnosis.value),
        unit=unit(entry.name),
        low=low,
        high=high,
    )
