"""Allowance position of every line and calendar year of a period, by the rule of that year (standard.md 15, R44).

E and I are those of the clinker boundary under method B over the hours of the period: the year's position is final only
when the year is whole and verified. The balance value is a published number, so it is a record of the factor library
with document and approval (quantity `balance_value` of `clinker`); what exempts a line is a fact about it, so it stands
in the plant file. Without a balance value there is no position, never a default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from tanji.domain.factors import Factor, FactorLibrary
from tanji.domain.items import Boundary, Indicator, RuleSetId
from tanji.domain.position import AllowanceRule, LineFacts, Position, load, position
from tanji.plant.model import Line, Plant
from tanji.report.intensities import Calendar, Intensity, Ratio

Lacking = Literal["rule", "balance_value", "clinker"]


@dataclass(frozen=True, slots=True)
class LinePosition:
    """One line in one year.

    emission_t : float  E of the hours there are. [tCO2]
    intensity : float | None  I; None while no clinker was made. [tCO2/t]
    position : Position | None  None where something is lacking, which `lacking` names.
    balance : Factor | None  The record of the balance value, whether or not the rule needs it.
    complete : bool  Whether every hour of the calendar year is in it.
    """

    line: str
    year: int
    emission_t: float
    intensity: float | None
    balance: Factor | None
    position: Position | None
    lacking: Lacking | None
    complete: bool


def positions(
    found: Sequence[Intensity], plant: Plant, *, calendar: Calendar, library: FactorLibrary
) -> tuple[LinePosition, ...]:
    """The position of every line in every year of the period; nothing where method B is not computed."""
    result = []
    for line in plant.lines:
        key = (line.id, Indicator.EMISSION_PER_CLINKER, Boundary.CLINKER, RuleSetId.CETS_AG_02_01)
        row = next((row for row in found if (row.line, row.name, row.boundary, row.ruleset) == key), None)
        if row is not None:
            for span, ratio in zip(calendar.years, row.years, strict=True):
                complete = span.complete and ratio.hours == span.end - span.first
                result.append(line_position(line, ratio, year=span.day.year, library=library, complete=complete))
    return tuple(result)


def line_position(
    line: Line, ratio: Ratio, *, year: int, library: FactorLibrary, complete: bool = True
) -> LinePosition:
    """The position of one line.

    By hand, B 0.85 and 816,000 t from 1,000,000 t of clinker: (0.85 - 0.816)/0.85 = 0.04; x 0.15 = 0.006; x 816,000 t
    = 4,896 t surplus.
    """
    balance = balance_value(library, year=year)
    rule = load().get(year)
    lacking = _lacking(rule, line, ratio, balance)
    found = None
    if rule is not None and lacking is None:
        value = None if balance is None else balance.value
        intensity = float("nan") if ratio.value is None else ratio.value
        found = position(ratio.numerator, intensity=intensity, balance_value=value, rule=rule, facts=facts_of(line))
    return LinePosition(line.id, year, ratio.numerator, ratio.value, balance, found, lacking, complete)


def facts_of(line: Line) -> LineFacts:
    """What the plant file says about a line's exemptions."""
    stated = line.allowance
    return LineFacts(
        white_cement_only=stated.white_cement_only,
        carbide_slag_fraction=stated.carbide_slag_fraction,
        gypsum_to_acid=stated.gypsum_to_acid,
        closed_or_new=stated.closed_or_new,
    )


def balance_value(library: FactorLibrary, *, year: int) -> Factor | None:
    """The record published for a year: of that data year, or first valid in it; never the one of another year."""
    own = [
        factor
        for factor in library.factors
        if (factor.quantity, factor.applies_to) == ("balance_value", "clinker")
        and (factor.data_year or factor.valid_from.year) == year
        and factor.in_force(max(factor.valid_from, date(year, 1, 1)))
    ]
    return max(own, key=lambda factor: factor.valid_from, default=None)


def _lacking(rule: AllowanceRule | None, line: Line, ratio: Ratio, balance: Factor | None) -> Lacking | None:
    if rule is None:
        return "rule"
    exempt = rule.kind == "verified" or _stands_apart(rule, line)
    if exempt:
        return None
    return "clinker" if ratio.value is None else "balance_value" if balance is None else None


def _stands_apart(rule: AllowanceRule, line: Line) -> bool:
    """Whether the line needs no balance value: exempt, or with a rule of its own."""
    ordinary = position(1.0, intensity=1.0, balance_value=1.0, rule=rule, facts=facts_of(line))
    return ordinary.basis != "balance"
