"""Where an intensity stands: levels of GB 16780 and the plant's own targets, standard.md section 14.1 (R41, R42).

Levels and coefficients are data, `benchmarks.toml`. Level tables need what their standard counts: coal net of waste
heat (`intensity.net_coal`), cement adjusted to its clinker share, level 3 corrected above 1500 m. An intensity that is
not defined has no level. No official text has been checked yet: `verified` is false and each mark is shown.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from tanji.domain.cems import STANDARD_PRESSURE, atmospheric_pressure
from tanji.domain.limits import RANGE_TOLERANCE
from tanji.errors import DomainError

BEYOND = "beyond"
"""Worse than the loosest level."""

UNDEFINED = "undefined"
"""The intensity is missing or not defined: the kiln stood."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A conversion a benchmark edition uses, with its confidence mark."""

    value: float
    unit: str
    confidence: str
    note: str


@dataclass(frozen=True, slots=True)
class AltitudeRule:
    """Correction above `above_m` [m]: factor = intercept - slope x P/101325, on the limit or on the measurement."""

    above_m: float
    intercept: float
    slope: float
    multiplies: str
    confidence: str
    note: str


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Levels of one indicator in one edition, from strict to loose, in `unit`."""

    edition_id: str
    indicator: str
    levels: tuple[float, ...]
    level_names: tuple[str, ...]
    unit: str
    document: str
    clause: str
    confidence: str
    verified: bool
    valid_from: date
    valid_to: date | None
    note: str
    clinker_reference: float | None = None
    per_clinker_point: tuple[float, ...] = ()
    altitude: AltitudeRule | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """An intensity beside the levels that hold for it, all in the benchmark's unit."""

    value: float
    level: str
    levels: tuple[float, ...]
    benchmark: Benchmark

    @property
    def gaps(self) -> tuple[float, ...]:
        """Value less each level: negative where the level is met. [unit of the benchmark]"""
        return tuple(self.value - level for level in self.levels)


def find(indicator: str, *, on: date, edition_id: str | None = None) -> Benchmark:
    """The newest benchmark of an indicator in force on a plant-local day; DomainError, with what exists, if none.

    indicator : for instance clinker_comprehensive_coal.
    on : plant-local day.
    edition_id : a named edition; None means the newest, GB 16780 before the efficiency notice.
    """
    known = load()
    found = [
        benchmark
        for benchmark in known
        if benchmark.indicator == indicator
        and benchmark.valid_from <= on
        and (benchmark.valid_to is None or on <= benchmark.valid_to)
        and (benchmark.edition_id == edition_id if edition_id else benchmark.edition_id.startswith("gb16780"))
    ]
    if not found:
        names = ", ".join(sorted(f"{benchmark.edition_id}.{benchmark.indicator}" for benchmark in known))
        raise DomainError(f"benchmark: expected one of {names}, got {edition_id or ''}.{indicator} on {on}")
    return max(found, key=lambda benchmark: benchmark.valid_from)


def adjusted_levels(
    benchmark: Benchmark, *, clinker_ratio: float | None = None, altitude: float = 0.0
) -> tuple[float, ...]:
    """Levels that hold for a plant: moved by the clinker share of its cement, and level 3 by its altitude. [its unit]

    cement: level + coefficient x (clinker share - 75 %) in percentage points (5.4); altitude: level 3 x
    (1.179 - 0.211 P/101325) above 1500 m (5.3). standard.md section 14.1 [C]; not yet checked.

    benchmark : of `find`.
    clinker_ratio : clinker in cement, needed where levels depend on it. [1]
    altitude : of the plant. [m]

    By hand, cement of 80 % clinker: 5 points above 75: 80 + 5.5 = 85.5, 87 + 5.75 = 92.75, 94 + 6 = 100 kgce/t.
    """
    levels = benchmark.levels
    if benchmark.clinker_reference is not None:
        if clinker_ratio is None or not 0 <= clinker_ratio <= 1:
            raise DomainError(f"clinker_ratio: expected 0 to 1 for {benchmark.indicator}, got {clinker_ratio}")
        points = 100 * (clinker_ratio - benchmark.clinker_reference)
        pairs = zip(levels, benchmark.per_clinker_point, strict=True)
        levels = tuple(level + points * coefficient for level, coefficient in pairs)
    if benchmark.altitude is not None and benchmark.altitude.multiplies == "limit":
        levels = (*levels[:-1], levels[-1] * altitude_factor(altitude, rule=benchmark.altitude))
    return levels


def altitude_factor(altitude: float, *, rule: AltitudeRule) -> float:
    """Altitude correction of a benchmark: 1 up to the limit of the rule. [1]

    1.179 - 0.211 P/101325 with P by `cems.atmospheric_pressure`; standard.md section 14.1 (5.3) [C]; not yet checked.

    altitude : of the plant. [m]
    rule : of the benchmark's edition.

    By hand, 2000 m: (1 - 2000/44300)^5.256 = 0.784417; 1.179 - 0.211 x 0.784417 = 1.013488.
    """
    if altitude <= rule.above_m:
        return 1.0
    return rule.intercept - rule.slope * float(atmospheric_pressure(altitude)) / STANDARD_PRESSURE


def classify(
    value: float, *, benchmark: Benchmark, clinker_ratio: float | None = None, altitude: float = 0.0
) -> Standing:
    """The level an intensity reaches; `beyond` where it is worse than all, `undefined` where it is not-a-number.

    A value equal to a level meets it.

    value : intensity. [unit of the benchmark]
    benchmark, clinker_ratio, altitude : as in `adjusted_levels`.

    >>> classify(98.0, benchmark=find("clinker_comprehensive_coal", on=date(2026, 3, 1))).level
    'level_2'
    """
    levels = adjusted_levels(benchmark, clinker_ratio=clinker_ratio, altitude=altitude)
    if math.isnan(value):
        return Standing(value, UNDEFINED, levels, benchmark)
    compared = [value] * len(levels)
    if benchmark.altitude is not None and benchmark.altitude.multiplies == "measurement":
        compared[-1] = value * altitude_factor(altitude, rule=benchmark.altitude)
    for one, level, name in zip(compared, levels, benchmark.level_names, strict=True):
        if one <= level * (1 + RANGE_TOLERANCE):
            return Standing(value, name, levels, benchmark)
    return Standing(value, BEYOND, levels, benchmark)


def target_gap(value: float, *, target: float) -> float:
    """How far an intensity is from the plant's own target, relative to it; negative where the target is met. [1]

    value, target : in one unit; the target is the plant's input, there is no default. [any]

    >>> round(target_gap(0.84, target=0.80), 6)
    0.05
    """
    if not target > 0:
        raise DomainError(f"target: expected a number above 0, got {target}")
    return value / target - 1


@cache
def load() -> tuple[Benchmark, ...]:
    """Every benchmark of `benchmarks.toml`, read once."""
    return read(Path(__file__).with_name("benchmarks.toml").read_text(encoding="utf-8"))


@cache
def coefficients(edition_id: str = "gb16780_2021") -> Mapping[str, Coefficient]:
    """Coefficients of an edition under `waste_heat` and `electricity`.

    edition_id : table of `benchmarks.toml`.
    """
    tables = tomllib.loads(Path(__file__).with_name("benchmarks.toml").read_text(encoding="utf-8"))
    if edition_id not in tables:
        raise DomainError(f"edition_id: expected one of {', '.join(tables)}, got {edition_id}")
    return {name: Coefficient(**entry) for name, entry in tables[edition_id].get("coefficients", {}).items()}


def read(text: str) -> tuple[Benchmark, ...]:
    """Benchmarks from the text of a benchmarks file; DomainError if one is incomplete or its levels do not rise."""
    try:
        tables: dict[str, Any] = tomllib.loads(text)
        found = tuple(
            _benchmark(edition_id, edition, indicator, record)
            for edition_id, edition in tables.items()
            for indicator, record in edition["records"].items()
        )
    except (KeyError, TypeError, ValueError) as err:
        raise DomainError(f"benchmarks.toml: expected editions with their records, got {err}") from err
    for benchmark in found:
        if list(benchmark.levels) != sorted(benchmark.levels) or len(benchmark.levels) != len(benchmark.level_names):
            raise DomainError(f"benchmarks.toml: {benchmark.indicator}: expected a rising value for each level name")
    return found


def _benchmark(edition_id: str, edition: Mapping[str, Any], indicator: str, record: Mapping[str, Any]) -> Benchmark:
    altitude = AltitudeRule(**edition["altitude"]) if record.get("altitude") else None
    return Benchmark(
        edition_id=edition_id,
        indicator=indicator,
        levels=tuple(float(level) for level in record["levels"]),
        level_names=tuple(edition["level_names"]),
        unit=record["unit"],
        document=edition["document"],
        clause=record["clause"],
        confidence=edition["confidence"],
        verified=edition["verified"],
        valid_from=edition["valid_from"],
        valid_to=edition.get("valid_to"),
        note=edition["note"],
        clinker_reference=record.get("clinker_reference"),
        per_clinker_point=tuple(record.get("per_clinker_point", ())),
        altitude=altitude,
    )
