"""Where a month stands: levels of GB 16780 and the plant's own targets, with the gap to each (R41, R42).

Clinker energy is net of the waste heat, level 3 follows the altitude, cement levels its clinker share (standard.md
section 14.1): all by `tanji.domain.benchmark`. The comprehensive energy of cement is put together here from the
indicators of the same month, clinker share x clinker energy + cement-stage electricity [M]. No text has been checked
yet, so every level carries its mark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tanji.domain import benchmark
from tanji.domain.benchmark import Standing
from tanji.domain.intensity import comprehensive_energy
from tanji.domain.items import Boundary, Indicator, RuleSetId
from tanji.errors import DomainError
from tanji.plant.model import Plant
from tanji.report.intensities import Calendar, Intensity, Ratio, together

Values = Mapping[Indicator, float]

HIGHER_IS_BETTER = frozenset({Indicator.THERMAL_SUBSTITUTION})
"""Targets that are reached from below."""


@dataclass(frozen=True, slots=True)
class Target:
    """An indicator beside the plant's own target, both in the indicator's unit.

    gap : float  (value - target) / target; above 0 is more than the target. [1]
    met : bool  Whether the target is reached.
    """

    name: Indicator
    value: float
    target: float
    gap: float
    met: bool


@dataclass(frozen=True, slots=True)
class Levels:
    """What one span reaches; an indicator that is not defined in it is not there."""

    standings: tuple[Standing, ...]
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class LevelsOf:
    """Levels of the whole period, its years and its months, in the order of the calendar."""

    whole: Levels
    years: tuple[Levels, ...]
    months: tuple[Levels, ...]


def levels(found: Sequence[Intensity], plant: Plant, *, calendar: Calendar) -> LevelsOf:
    """Levels and targets of every span, by the edition in force on its first day."""

    def one(kind: str, position: int, day: date) -> Levels:
        return levels_of(values_of(found, plant, kind=kind, position=position), plant, on=day)

    return LevelsOf(
        one("whole", 0, calendar.whole.day),
        tuple(one("years", position, span.day) for position, span in enumerate(calendar.years)),
        tuple(one("months", position, span.day) for position, span in enumerate(calendar.months)),
    )


def values_of(found: Sequence[Intensity], plant: Plant, *, kind: str, position: int) -> dict[Indicator, float]:
    """Each indicator of the plant as a whole, its lines together."""
    values: dict[Indicator, float] = {}
    for name in Indicator:
        ratios = [ratio_of(row, kind, position) for row in values_of_rows(found, plant.compliance, name)]
        whole = together(ratios).value if ratios else None
        if whole is not None:
            values[name] = whole
    return values


def values_of_rows(
    found: Sequence[Intensity], compliance: tuple[Boundary, RuleSetId], name: Indicator
) -> list[Intensity]:
    """The rows of an indicator under the compliance boundary and rule set; cement is always of the enterprise."""
    boundary = Boundary.ENTERPRISE if name is Indicator.EMISSION_PER_CEMENT else compliance[0]
    return [row for row in found if (row.name, row.boundary, row.ruleset) == (name, boundary, compliance[1])]


def ratio_of(row: Intensity, kind: str, position: int) -> Ratio:
    """The ratio of one span."""
    ratio: Ratio = row.whole if kind == "whole" else getattr(row, kind)[position]
    return ratio


def levels_of(values: Values, plant: Plant, *, on: date) -> Levels:
    """Levels and targets of the indicators of one span."""
    standings = []
    ratio = values.get(Indicator.CLINKER_RATIO)
    for indicator, value in benchmarked(values, on=on).items():
        try:
            entry = benchmark.find(indicator, on=on)
            standings.append(
                benchmark.classify(value, benchmark=entry, clinker_ratio=ratio, altitude=plant.site.altitude_m)
            )
        except DomainError:
            continue  # no edition in force on the day, or a clinker share nobody can grind
    targets = tuple(target(name, values[name], wanted) for name, wanted in plant.targets.items() if name in values)
    return Levels(tuple(standings), targets)


def benchmarked(values: Values, *, on: date) -> dict[str, float]:
    """What the level tables speak of, from the indicators. [kgce/t and kWh/t]

    By hand: net coal 94 kgce/t, 48 kWh/t: 94 + 48 x 0.1229 = 99.90 kgce/t clinker; at 75 % clinker and 26 kWh/t in the
    cement stage 0.75 x 99.90 + 26 x 0.1229 = 78.12 kgce/t cement.
    """
    per_kwh = benchmark.coefficients()["electricity"].value
    coal, power = values.get(Indicator.NET_COAL_PER_CLINKER), values.get(Indicator.ELECTRICITY_PER_CLINKER)
    stage, ratio = values.get(Indicator.CEMENT_GRINDING_ELECTRICITY), values.get(Indicator.CLINKER_RATIO)
    result: dict[str, float | None] = {"clinker_comprehensive_energy": None, "clinker_comprehensive_coal": coal}
    result |= {"clinker_comprehensive_electricity": power, "cement_comprehensive_energy": None}
    result["cement_grinding_electricity"] = stage
    if coal is not None and power is not None:
        clinker = float(comprehensive_energy(coal, electricity_intensity=power, electricity_coefficient=per_kwh))
        result["clinker_comprehensive_energy"] = clinker
        if stage is not None and ratio is not None:
            energy = comprehensive_energy(clinker * ratio, electricity_intensity=stage, electricity_coefficient=per_kwh)
            result["cement_comprehensive_energy"] = float(energy)
    return {name: value for name, value in result.items() if value is not None}


def target(name: Indicator, value: float, wanted: float) -> Target:
    """A value beside its target."""
    gap = benchmark.target_gap(value, target=wanted)
    return Target(name, value, wanted, gap, gap >= 0 if name in HIGHER_IS_BETTER else gap <= 0)
