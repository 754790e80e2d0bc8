"""Which figures rest on factors nobody has compared with their source, and which factors those are (未核实; R30).

A mark stands wherever such a figure is shown, until a named person approves the record in the ledger; standard.md
section 0.2. Which factors a plant falls back on is `tanji.report.defaults`.
"""

from __future__ import annotations

from typing import Any

from tanji.domain.items import Boundary, Indicator, RuleSetId
from tanji.report import numbers, rule_words
from tanji.report.intensities import UNITS, Intensity
from tanji.report.model import Figure, Summary
from tanji.report.words import Words

CALORIFIC_VALUES = ("net_calorific_value", "calorific_value")
OF_HEAT = (
    Indicator.HEAT_PER_CLINKER,
    Indicator.COAL_PER_CLINKER,
    Indicator.NET_COAL_PER_CLINKER,
    Indicator.THERMAL_SUBSTITUTION,
)
"""Indicators that calorific values enter."""


def unverified_rows(summary: Summary, words: Words) -> list[dict[str, Any]]:
    """The records behind the figures that nobody has compared with their source."""
    between = words.choose("、", ", ")
    return [
        {
            "name": rule_words.quantity(entry.quantity, words),
            "value": f"{entry.value:g}",
            "unit": "" if entry.unit == "1" else numbers.unit(entry.unit),
            "streams": between.join(words.choose(*summary.stream_names[stream]) for stream in entry.streams),
            "rulesets": ", ".join(words(f"ruleset.{ruleset}") for ruleset in entry.rulesets),
            "source": f"{entry.source} ({entry.note})" if entry.note else entry.source,
            "mark": entry.confidence,
        }
        for entry in summary.performance.unverified
    ]


def is_unverified(figure: Figure, summary: Summary) -> bool:
    """Whether a part of an item figure rests on an unverified record."""
    keys = {
        (ruleset, stream)
        for entry in summary.performance.unverified
        for ruleset in entry.rulesets
        for stream in entry.streams
    }
    own = (figure.boundary, figure.ruleset, figure.item, figure.method)
    return any(
        (part.ruleset, part.stream) in keys and part.co2_t != 0
        for part in summary.figures
        if (part.boundary, part.ruleset, part.item, part.method) == own
    )


def total_is_unverified(summary: Summary, boundary: Boundary, ruleset: RuleSetId) -> bool:
    """Whether a counted item of a total rests on an unverified record."""
    return any(is_unverified(figure, summary) for figure in summary.items_of(boundary, ruleset) if figure.counted)


def indicator_is_unverified(row: Intensity, summary: Summary) -> bool:
    """Whether tonnes or heat in an indicator rest on an unverified record; what was weighed or metered does not."""
    if UNITS[row.name] == "tCO2/t":
        return total_is_unverified(summary, row.boundary, row.ruleset)
    used = (entry.quantity for entry in summary.performance.unverified if row.ruleset in entry.rulesets)
    return row.name in OF_HEAT and any(quantity in CALORIFIC_VALUES for quantity in used)
