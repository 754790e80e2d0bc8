"""The activity job: hours of every source stream, valid, substituted or without value (quality.md section 7).

A stream is the sum of its points less what it subtracts, its stack measurement, or its manual entries. An hour of a
point without enough valid data is substituted by the mean of its last valid running hours and counted as such; an
hour that cannot be substituted has no value, and is reported. Emissions are the next job's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from calc_jobs.history import History
from calc_jobs.readings import Readings
from calc_jobs.sources import (
    CO2_TONNES,
    TONNES,
    EntrySource,
    MeterSource,
    Source,
    StackSource,
    running_minutes,
    unit_factor,
)
from calc_jobs.uncertainties import Uncertainties
from tanji.domain.factors import FactorLibrary
from tanji.domain.items import StreamKind
from tanji.errors import DomainError
from tanji.ledger.entries import AMOUNT, Entry
from tanji.plant.model import Plant, Stream
from tanji.quality.hours import Grid, Hours, substitute
from tanji.quality.rules import Floats

FIELDS = ("amount_t", "electricity_mwh", "co2_t", "running_h", "captured", "substituted")
TAGS = ("plant", "line", "stream")
ELECTRICITY = frozenset(kind for kind in StreamKind if kind.value.startswith("electricity"))


@dataclass(frozen=True, slots=True)
class StreamHours:
    """One stream's hours. `amount` is in the unit of `field`, NaN where there is no value; shares are fractions."""

    stream: Stream
    field: str
    amount: Floats
    running_h: Floats
    captured: Floats
    substituted: Floats
    u_rel: Floats


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
        sources, field = sources_of(plant, stream, entries=entries, library=library, at_ms=grid.start_ms)
        if not sources:
            continue
        parts = []
        for source in sources:
            if source.gate not in running:
                running[source.gate] = running_minutes(plant, source.gate, readings, grid=grid)
            hours = source.hours(plant, readings, running[source.gate], grid=grid)
            parts.append(_filled(plant, stream, source, hours, grid=grid, history=history))
        result[stream.id] = _together(stream, field, sources, parts, uncertainties)
    return result


def sources_of(
    plant: Plant, stream: Stream, *, entries: Sequence[Entry], library: FactorLibrary, at_ms: int
) -> tuple[tuple[Source, ...], str]:
    """What a stream is measured by, and the field of `activity` it fills; nothing for a stream without a source."""
    gate = gate_of(plant, stream)
    if stream.flue_gas is not None:
        return (StackSource(stream.flue_gas, gate),), CO2_TONNES
    density = _density(plant, stream, library, at_ms)
    if stream.ledger:
        own = tuple(entry for entry in entries if entry.stream == stream.id and entry.parameter == AMOUNT)
        field = "electricity_mwh" if stream.kind in ELECTRICITY else TONNES
        return (EntrySource(own, density),), field
    sources: list[Source] = []
    fields: set[str] = set()
    for points, sign in ((stream.points, 1.0), (stream.subtract, -1.0)):
        for point_id in points:
            point = plant.points_by_id[point_id]
            factor, field = unit_factor(point, density=density)
            sources.append(MeterSource(point, gate, factor, sign))
            fields.add(field)
    if len(fields) > 1:
        raise DomainError(f"{stream.id}: expected points of one dimension, got {', '.join(sorted(fields))}")
    return tuple(sources), next(iter(fields), TONNES)


def gate_of(plant: Plant, stream: Stream) -> str | None:
    """State point that gates a stream. Electricity flows while the kiln stands, so only a point named for it does."""
    return stream.running if stream.kind in ELECTRICITY else plant.running_point(stream)


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
    """One source's share in a stream: signed amount, what of it was substituted, and the hours it came from."""

    amount: Floats
    replaced: Floats
    hours: Hours


def _filled(plant: Plant, stream: Stream, source: Source, hours: Hours, *, grid: Grid, history: History) -> _Part:
    amount, replaced = hours.amount, np.zeros(grid.hours)
    if not hours.valid.all():
        before = history(stream.id, source, grid.start_ms)
        count = before.amount.size
        filled, bad = substitute(
            np.concatenate((before.amount, amount)),
            valid=np.concatenate((np.ones(count, np.bool_), hours.valid)),
            running_h=np.concatenate((before.running_h, hours.running_h)),
            lookback=plant.quality.lookback_valid_hours,
        )
        amount = filled[count:]
        replaced = np.where(bad[count:], np.abs(amount), 0.0)
    return _Part(amount * source.sign, replaced, hours)


def _together(
    stream: Stream, field: str, sources: Sequence[Source], parts: Sequence[_Part], uncertainties: Uncertainties
) -> StreamHours:
    amounts = np.array([part.amount for part in parts])
    gross = np.abs(amounts).sum(axis=0)
    replaced = np.array([part.replaced for part in parts]).sum(axis=0)
    bad = ~np.array([part.hours.valid for part in parts]).all(axis=0)
    share = np.divide(replaced, gross, out=np.zeros(gross.size), where=gross > 0)
    share[np.isnan(gross)] = 1.0  # no value at all: nothing of it was measured
    share[bad & (gross == 0)] = 1.0
    return StreamHours(
        stream,
        field,
        amounts.sum(axis=0),
        parts[0].hours.running_h,
        np.array([part.hours.captured for part in parts]).min(axis=0),
        share,
        uncertainties.of_sources(sources, np.abs(amounts)),
    )


def _density(plant: Plant, stream: Stream, library: FactorLibrary, at_ms: int) -> float | None:
    if stream.fuel is None:
        return None
    day = local_day(plant, at_ms).date()
    try:
        return library.find("fuel_density", applies_to=stream.fuel, ruleset=plant.rulesets[0], on=day).value
    except DomainError:
        return None
