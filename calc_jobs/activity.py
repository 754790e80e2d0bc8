"""The activity job: hours of every source stream, valid, substituted or without value (quality.md section 7).

A stream is the sum of its points less what it subtracts, its stack measurement, or its manual entries. An hour of a
point without enough valid data is substituted by the rule of the plan (`calc_jobs.missing`), counted as such, and the
rule goes with it; an hour that cannot be substituted has no value, and is reported. Hours of a closed month carry its
factor (`calc_jobs.stocktake`). Emissions are the next job's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from calc_jobs import missing, stocktake
from calc_jobs.history import History
from calc_jobs.missing import Substitutes, Texts
from calc_jobs.readings import Readings
from calc_jobs.sources import (
    CO2_TONNES,
    GIGAJOULES,
    TONNES,
    Density,
    EntrySource,
    MeterSource,
    Source,
    StackSource,
    running_minutes,
    unit_factor,
)
from calc_jobs.uncertainties import Around, Uncertainties
from tanji.domain.factors import FactorLibrary
from tanji.domain.items import StreamKind
from tanji.errors import DomainError
from tanji.ledger.entries import Entry
from tanji.plant.instruments import metered_by_volume
from tanji.plant.model import Plant, Stream
from tanji.quality.hours import Grid, Hours
from tanji.quality.rules import Floats

FIELDS = ("amount_t", "electricity_mwh", "heat_gj", "co2_t", "running_h", "captured", "substituted")
TAGS = ("plant", "line", "stream")
ELECTRICITY = frozenset(kind for kind in StreamKind if kind.value.startswith("electricity"))
HEAT = (StreamKind.HEAT_PURCHASED, StreamKind.HEAT_SOLD)
UNGATED = ELECTRICITY | {*HEAT, StreamKind.CAPTIVE_POWER, StreamKind.OTHER_FACILITY}
"""Kinds that go on while a kiln stands: only a state point named for such a stream gates it."""


@dataclass(frozen=True, slots=True)
class StreamHours:
    """One stream's hours. `amount` is in the unit of `field`, NaN where there is no value; shares are fractions.

    rule : by which rule of the plan an hour was substituted, empty where nothing was.
    """

    stream: Stream
    field: str
    amount: Floats
    running_h: Floats
    captured: Floats
    substituted: Floats
    u_rel: Floats
    rule: Texts


def compute(
    plant: Plant,
    readings: Readings,
    *,
    grid: Grid,
    entries: Sequence[Entry],
    library: FactorLibrary,
    history: History,
) -> dict[str, StreamHours]:
    """Hours of every stream that has a source; `readings` carry effective flag words."""
    running: dict[str | None, Floats] = {}
    result: dict[str, StreamHours] = {}
    uncertainties = Uncertainties(plant, library, on=local_day(plant, grid.start_ms))
    for stream in plant.streams:
        sources, field = sources_of(plant, stream, entries=entries, library=library)
        if not sources:
            continue
        parts = []
        for source in sources:
            if source.gate not in running:
                running[source.gate] = running_minutes(plant, source.gate, readings, grid=grid)
            hours = source.hours(plant, readings, running[source.gate], grid=grid)
            found = missing.fill(plant, stream, source, hours, grid=grid, history=history, entries=entries)
            parts.append(_Part(source.sign, found, hours))
        factor = stocktake.factors(stream, entries, grid=grid)
        around = Around(readings, entries, parts[0].hours.running_h, grid)
        result[stream.id] = _together(stream, field, sources, parts, uncertainties, factor=factor, around=around)
    return result


def sources_of(
    plant: Plant, stream: Stream, *, entries: Sequence[Entry], library: FactorLibrary
) -> tuple[tuple[Source, ...], str]:
    """What a stream is measured by, and the field of `activity` it fills; nothing for a stream without a source."""
    gate = gate_of(plant, stream)
    if stream.flue_gas is not None:
        return (StackSource(stream.flue_gas, gate),), CO2_TONNES
    density = _density(plant, stream, library)
    if stream.ledger:
        in_heat = stream.kind in HEAT and stream.heat_carrier is None
        field = "electricity_mwh" if stream.kind in ELECTRICITY else GIGAJOULES if in_heat else TONNES
        return (EntrySource(stocktake.amounts(stream, entries), density),), field
    sources: list[Source] = []
    fields: set[str] = set()
    for points, sign in ((stream.points, 1.0), (stream.subtract, -1.0)):
        for point_id in points:
            point = plant.points_by_id[point_id]
            factor, field = unit_factor(point, density=density)
            sources.append(MeterSource(point, gate, factor, sign, density if metered_by_volume(point) else None))
            fields.add(field)
    if len(fields) > 1:
        raise DomainError(f"{stream.id}: expected points of one dimension, got {', '.join(sorted(fields))}")
    return tuple(sources), next(iter(fields), TONNES)


def gate_of(plant: Plant, stream: Stream) -> str | None:
    """State point that gates a stream, None where nothing does."""
    return stream.running if stream.kind in UNGATED else plant.running_point(stream)


def local_day(plant: Plant, time_ms: int) -> datetime:
    """Plant-local time; its date says which edition of a factor is in force."""
    return datetime.fromtimestamp(time_ms / 1000, ZoneInfo(plant.site.timezone))


def rows(hours: Mapping[str, StreamHours]) -> tuple[list[tuple[str, str, str]], dict[str, Floats]]:
    """Stream ids and the fields of `activity` as matrices, one row a stream; NaN where a field does not apply."""
    keys = [(stream, found.field, found.stream.line or "") for stream, found in hours.items()]
    size = next(iter(hours.values())).amount.size if hours else 0
    matrices = {field: np.full((len(keys), size), np.nan) for field in FIELDS}
    for row, found in enumerate(hours.values()):
        matrices[found.field][row] = found.amount
        matrices["running_h"][row] = found.running_h
        matrices["captured"][row] = found.captured
        matrices["substituted"][row] = found.substituted
    return keys, matrices


@dataclass(frozen=True, slots=True)
class _Part:
    """One source's share in a stream: its sign, its amounts with their substitutes, and the hours they came from."""

    sign: float
    found: Substitutes
    hours: Hours


def _together(
    stream: Stream,
    field: str,
    sources: Sequence[Source],
    parts: Sequence[_Part],
    uncertainties: Uncertainties,
    *,
    factor: Floats,
    around: Around,
) -> StreamHours:
    amounts = np.array([part.found.amount * part.sign for part in parts]) * factor
    bad = np.array([part.found.replaced for part in parts])
    gross = np.abs(amounts).sum(axis=0)
    replaced = np.where(bad, np.abs(amounts), 0.0).sum(axis=0)
    share = np.divide(replaced, gross, out=np.zeros(gross.size), where=gross > 0)
    share[np.isnan(gross)] = 1.0  # no value at all: nothing of it was measured
    share[bad.any(axis=0) & (gross == 0)] = 1.0
    return StreamHours(
        stream,
        field,
        amounts.sum(axis=0),
        parts[0].hours.running_h,
        np.array([part.hours.captured for part in parts]).min(axis=0),
        share,
        uncertainties.of_amount(stream, sources, amounts, around),
        rules_of(*(part.found.rule for part in parts), prefix="amount: "),
    )


def rules_of(*rules: Texts, prefix: str = "") -> Texts:
    """Rules of several inputs as one text by hour, each once; empty where there is none."""
    result: Texts = np.full(rules[0].size, "", object)
    for hour in np.flatnonzero(np.any([rule != "" for rule in rules], axis=0)).tolist():
        result[hour] = "; ".join(dict.fromkeys(f"{prefix}{rule[hour]}" for rule in rules if rule[hour]))
    return result


def _density(plant: Plant, stream: Stream, library: FactorLibrary) -> Density | None:
    """Density of a stream's fuel, each hour by the record in force on its local day; None without any record."""
    fuel, ruleset = stream.fuel, plant.rulesets[0]
    if not any((record.quantity, record.applies_to) == ("fuel_density", fuel) for record in library.factors):
        return None

    def on(day: date) -> float:
        try:
            return library.find("fuel_density", applies_to=fuel or "", ruleset=ruleset, on=day).value
        except DomainError:
            return np.nan

    def by_hour(grid: Grid) -> Floats:
        days = [local_day(plant, hour).date() for hour in grid.hour_ms.tolist()]
        known = {day: on(day) for day in dict.fromkeys(days)}
        return np.array([known[day] for day in days], np.float64)

    return by_hour
