"""Intensity, levels, position, reconciliation, flue gas, substitution and review as JSON, complete and unrounded.

For `demo/summary.json` and whoever reads figures by machine; shares are fractions, what is not defined is null. The
same in words is `tanji.report.sections`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from tanji.domain.benchmark import Standing
from tanji.report.intensities import Intensity, Ratio
from tanji.report.levels import Levels
from tanji.report.model import Summary
from tanji.report.periods import Span
from tanji.report.positions import LinePosition
from tanji.report.reconciling import Bridge
from tanji.report.review import Noted, Substituted


def as_json(summary: Summary) -> dict[str, Any]:
    """Every section under its name."""
    given, calendar = summary.performance, summary.performance.calendar
    return {
        "intensity": [intensity(row, calendar.months, calendar.days) for row in given.intensities],
        "levels": {
            "period": levels(given.levels.whole),
            "months": named(calendar.months, (levels(one) for one in given.levels.months)),
        },
        "position": [position(row) for row in given.positions],
        "reconciliation": [bridge(one) for one in given.bridges],
        "flue_gas": stack(summary),
        "substituted": {
            "period": substituted(given.review.whole),
            "months": named(calendar.months, map(substituted, given.review.months)),
            "days": named(calendar.days, map(substituted, given.review.days)),
            "last_day": [substituted(one) for one in given.review.last_day],
            "streams": [asdict(row) for row in given.review.streams],
        },
        "review": {
            "ratios": [noted(entry) for entry in given.review.noted],
            "inputs": [{"stream": stream, "hours": hours} for stream, hours in given.review.warned],
        },
        "unverified": [
            {
                "id": entry.id,
                "quantity": entry.quantity,
                "value": entry.value,
                "unit": entry.unit,
                "source": entry.source,
                "confidence": entry.confidence,
                "rulesets": [str(ruleset) for ruleset in entry.rulesets],
                "streams": list(entry.streams),
            }
            for entry in given.unverified
        ],
    }


def named(spans: Iterable[Span], given: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry a span, under the local day it begins on."""
    pairs = zip(spans, given, strict=True)
    return [{"from": span.day.isoformat(), "complete": span.complete, **entry} for span, entry in pairs]


def ratio(given: Ratio) -> dict[str, Any]:
    """A ratio of sums with both parts."""
    return asdict(given)


def intensity(row: Intensity, months: Sequence[Span], days: Sequence[Span]) -> dict[str, Any]:
    """One indicator of one line."""
    return {
        "name": str(row.name),
        "line": row.line,
        "boundary": str(row.boundary),
        "ruleset": str(row.ruleset),
        "unit": row.unit,
        **ratio(row.whole),
        "months": named(months, map(ratio, row.months)),
        "days": named(days, map(ratio, row.days)),
        "last_day": list(row.last_day),
    }


def levels(given: Levels) -> dict[str, Any]:
    """Levels of GB 16780 and the plant's own targets."""
    return {
        "levels": [level(standing) for standing in given.standings],
        "targets": [asdict(target) for target in given.targets],
    }


def level(standing: Standing) -> dict[str, Any]:
    """One indicator beside the levels that hold for it."""
    entry = standing.benchmark
    return {
        "indicator": entry.indicator,
        "value": standing.value,
        "unit": entry.unit,
        "level": standing.level,
        "limits": dict(zip(entry.level_names, standing.levels, strict=True)),
        "gaps": dict(zip(entry.level_names, standing.gaps, strict=True)),
        "document": entry.document,
        "clause": entry.clause,
        "confidence": entry.confidence,
        "verified": entry.verified,
    }


def position(row: LinePosition) -> dict[str, Any]:
    """The allowance position of one line in one year; null where something is lacking."""
    found, balance = row.position, row.balance
    certain = found is not None and found.basis != "apart"
    return {
        "line": row.line,
        "year": row.year,
        "emission_t": row.emission_t,
        "intensity": row.intensity,
        "balance_value": None if balance is None else balance.value,
        "balance_value_verified": None if balance is None else balance.verified,
        "basis": None if found is None else found.basis,
        "surplus_t": found.surplus if found is not None and certain else None,
        "rate": found.rate if found is not None and certain else None,
        "quota_t": found.quota if found is not None and certain else None,
        "lacking": row.lacking,
        "complete": row.complete,
        "rule_verified": None if found is None else found.rule.verified,
    }


def bridge(one: Bridge) -> dict[str, Any]:
    """From one total to another: the differences of the items add up to that of the totals."""
    found = one.reconciliation
    return {
        "a": [str(part) for part in one.a],
        "b": [str(part) for part in one.b],
        "total_a": found.total_a,
        "total_b": found.total_b,
        "difference": found.difference,
        "items": [
            {"item": str(row.item), "a": row.emission_a, "b": row.emission_b, "difference": row.difference}
            | {"counted_a": row.counted_a, "counted_b": row.counted_b, "why": row.why}
            for row in found.rows
        ],
    }


def stack(summary: Summary) -> dict[str, Any] | None:
    """Flue gas against calculation; null without a stack measurement."""
    spans, calendar = summary.performance.stack, summary.performance.calendar
    if spans is None:
        return None
    return {
        "period": asdict(spans.whole),
        "quarters": named(calendar.quarters, map(asdict, spans.quarters)),
        "months": named(calendar.months, map(asdict, spans.months)),
        "days": named(calendar.days, map(asdict, spans.days)),
        "hours": dict(spans.hours),
        "last_day": [{"difference": difference, "verdict": verdict} for difference, verdict in spans.last_day],
    }


def substituted(given: Substituted) -> dict[str, Any]:
    """Substituted share of the compliance total, rule by rule."""
    return asdict(given)


def noted(entry: Noted) -> dict[str, Any]:
    """A derived ratio out of range."""
    found = entry.diagnosis
    return {
        "line": entry.line,
        "ratio": str(entry.name),
        "ruleset": str(entry.ruleset),
        "from": None if entry.span is None else entry.span.day.isoformat(),
        "value": found.value,
        "verdict": found.verdict,
        "low": found.expected.low,
        "high": found.expected.high,
        "unit": found.unit,
    }
