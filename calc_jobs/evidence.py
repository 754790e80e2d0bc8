"""What stands behind a figure of an hour: factor records, laboratory results, instruments, readings.

Everything is told as it entered, with its source; unverified defaults stay marked as such (standard.md section 0.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from calc_jobs import missing
from calc_jobs.provenance import Use, find_factor
from calc_jobs.readings import Readings
from tanji.acquisition.flags import Flag
from tanji.domain.factors import FactorLibrary
from tanji.ledger.entries import AMOUNT, CLOSING_FACTOR, Entry, stock_parameters
from tanji.plant.model import Meter, Plant, Point, Stream
from tanji.quality.hours import MS_PER_HOUR


@dataclass(frozen=True, slots=True)
class FactorUsed:
    """A record of the factor library whose value entered; `verified` once a named person compared it (未核实 else)."""

    id: str
    quantity: str
    value: float
    unit: str
    source: str
    clause: str
    edition: str
    confidence: str
    verified: bool
    verified_by: str


@dataclass(frozen=True, slots=True)
class ResultUsed:
    """A laboratory result or manual entry that holds in the hour; one that was not `accepted` was substituted."""

    sample_id: str
    parameter: str
    value: float
    unit: str
    basis: str
    laboratory: str
    method: str
    valid_from_ms: int
    valid_to_ms: int
    accepted: bool


@dataclass(frozen=True, slots=True)
class InstrumentUsed:
    """The meter behind a point; `permissible_error` of its accuracy class as a fraction. [1]"""

    id: str
    name_zh: str
    name_en: str
    kind: str
    accuracy_class: str
    permissible_error: float | None
    certificate: str
    certificate_due: str


@dataclass(frozen=True, slots=True)
class PointUsed:
    """Readings of one point in the hour, in `unit` as stored; counters also with the reading that closes the hour.

    flags : how many readings carry each flag. first, last : (time UTC ms, value). mean : of usable readings.
    """

    point: str
    role: str
    name_zh: str
    name_en: str
    kind: str
    unit: str
    instrument: InstrumentUsed
    count: int
    usable: int
    first: tuple[int, float | None] | None
    last: tuple[int, float | None] | None
    mean: float | None
    flags: dict[str, int]


def factors_used(library: FactorLibrary, uses: Sequence[Use], *, at: int, on: date) -> tuple[FactorUsed, ...]:
    """Records that entered in an hour (its place on the grid, its plant-local day), each once."""
    found: dict[str, FactorUsed] = {}
    for use in uses:
        for key in use.factors if not use.expected or use.missing[at] else ():
            one = find_factor(library, key, on=on)
            if one is not None:
                told = (one.id, one.quantity, one.value, one.unit, one.source, one.clause, one.edition, one.confidence)
                found[one.id] = FactorUsed(*told, one.verified, one.verified_by)
    return tuple(found.values())


def results_used(
    plant: Plant, stream: Stream, uses: Sequence[Use], entries: Sequence[Entry], *, hour_ms: int
) -> tuple[ResultUsed, ...]:
    """Results and manual entries of what the formula asked for, and of the stream's amount."""
    wanted = {(use.stream, use.quantity) for use in uses if use.expected}
    wanted |= {
        (stream.id, name) for name in (AMOUNT, CLOSING_FACTOR, *(stock_parameters(stream) if stream.stock else ()))
    }
    return tuple(
        _result(plant, entry)
        for entry in sorted(entries, key=lambda entry: (entry.parameter, entry.valid_from_ms, entry.sample_id))
        if (entry.stream, entry.parameter) in wanted
        and entry.valid_from_ms < hour_ms + MS_PER_HOUR
        and entry.valid_to_ms > hour_ms
    )


def _result(plant: Plant, entry: Entry) -> ResultUsed:
    return ResultUsed(
        entry.sample_id,
        entry.parameter,
        entry.value,
        entry.unit,
        entry.basis,
        entry.laboratory,
        entry.method,
        entry.valid_from_ms,
        entry.valid_to_ms,
        missing.accepted(plant, plant.streams_by_id[entry.stream], entry),
    )


def points_used(plant: Plant, stream: Stream, readings: Readings, hour_ms: int) -> tuple[PointUsed, ...]:
    """Points of a stream with their readings in the hour; the one that gates it last."""
    roles = {point: "amount" for point in stream.points} | {point: "subtracted" for point in stream.subtract}
    if stream.flue_gas is not None:
        gas = stream.flue_gas
        roles |= {getattr(gas, role): role for role in ("co2", "velocity", "temperature", "pressure", "humidity")}
    gate = plant.running_point(stream)
    if gate is not None:
        roles.setdefault(gate, "running")
    return tuple(_point(plant, plant.points_by_id[point], role, readings, hour_ms) for point, role in roles.items())


def _point(plant: Plant, point: Point, role: str, readings: Readings, hour_ms: int) -> PointUsed:
    # The reading that closes the hour ends a counter's last step.
    closing = 1 if point.kind == "counter" else 0
    found = readings.of(point.id).between(hour_ms, hour_ms + MS_PER_HOUR + closing)
    usable = found.usable(point)
    flags = {flag.name or str(int(flag)): int((found.word & int(flag) != 0).sum()) for flag in Flag}
    pairs = [
        (int(time), float(value) if np.isfinite(value) else None)
        for time, value in zip(found.time_ms[[0, -1]], found.value[[0, -1]], strict=True)
    ] if found.time_ms.size else [None, None]  # fmt: skip
    return PointUsed(
        point.id,
        role,
        point.name.zh,
        point.name.en,
        point.kind,
        point.unit,
        _instrument(plant.meters_by_id[point.meter]),
        int(found.time_ms.size),
        int(usable.sum()),
        pairs[0],
        pairs[1],
        float(found.value[usable].mean()) if usable.any() and point.kind != "counter" else None,
        {name: count for name, count in flags.items() if count},
    )


def _instrument(meter: Meter) -> InstrumentUsed:
    certificate = meter.certificate
    return InstrumentUsed(
        meter.id,
        meter.name.zh,
        meter.name.en,
        meter.kind,
        meter.accuracy_class or "",
        meter.permissible_error,
        "" if certificate is None else certificate.number,
        "" if certificate is None else certificate.due,
    )
