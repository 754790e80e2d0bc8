"""What one meter, one stack or one ledger entry gives in an hour, before streams are put together.

A source knows which points it needs and turns readings (or manual entries) into hours in the unit used inside the
code: t, MWh, 10^4 Nm3 of gas, or tCO2 of a stack (standard.md section 11.1). Formulas are `tanji.quality.hours` and
`tanji.domain.cems`; substitution is the activity job's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from calc_jobs.quality import increments
from calc_jobs.readings import Readings
from tanji.domain import cems, units
from tanji.domain.fuel import NORMAL_CUBIC_METRES_PER_GAS_UNIT
from tanji.domain.limits import within
from tanji.errors import DomainError
from tanji.ledger.entries import Entry
from tanji.plant.model import FlueGas, Plant, Point
from tanji.quality import hours
from tanji.quality.hours import MS_PER_HOUR, Grid, Hours, Minutes
from tanji.quality.rules import Floats

TONNES, MEGAWATT_HOURS, GIGAJOULES, CO2_TONNES = "amount_t", "electricity_mwh", "heat_gj", "co2_t"
"""Fields of an `activity` row; a gas fuel's amount, in 10^4 Nm3, stands in the first."""

DIMENSIONS: dict[str, tuple[str, float]] = {
    "mass": (TONNES, 1.0),
    "mass_rate": (TONNES, 1.0),
    "normal_volume": (TONNES, 1 / NORMAL_CUBIC_METRES_PER_GAS_UNIT),
    "normal_volume_rate": (TONNES, 1 / NORMAL_CUBIC_METRES_PER_GAS_UNIT),
    "energy": (MEGAWATT_HOURS, 1.0),
    "power": (MEGAWATT_HOURS, 1.0),
    "heat": (GIGAJOULES, 1.0),
}
VOLUMES = ("volume", "volume_rate")

Density = Callable[[Grid], Floats]
"""Tonnes per cubic metre of a fuel that is metered by volume, by hour of a grid. [t/m3]"""


@dataclass(frozen=True, slots=True)
class MeterSource:
    """One rate or counter point of a stream; `sign` -1 where the stream subtracts it. `factor` as in `unit_factor`.

    density : of what is metered by volume, None for anything else.
    """

    point: Point
    gate: str | None
    factor: float
    sign: float = 1.0
    density: Density | None = None

    @property
    def points(self) -> tuple[str, ...]:
        """Points whose readings are needed."""
        return (self.point.id,) if self.gate is None else (self.point.id, self.gate)

    def hours(self, plant: Plant, readings: Readings, running: Floats, *, grid: Grid) -> Hours:
        """Hours of the point in the unit used inside the code."""
        plan, found = plant.quality, readings.of(self.point.id)
        usable = found.usable(self.point)
        if self.point.kind == "counter":
            count = np.where(usable, found.value, np.nan)
            steps = increments(self.point, found.time_ms, count, maximum_span_ms=reach_ms(plant))
            minutes = hours.lay_on_minutes(hours.counter_spans(steps), grid=grid)
            result = hours.counter_hours(minutes, running, valid_minutes=plan.valid_minutes_per_hour)
        else:
            minutes = rate_minutes(plant, self.point, readings, grid=grid)
            result = hours.rate_hours(
                minutes, running, valid_minutes=plan.valid_minutes_per_hour, valid_share=plan.valid_share_per_minute
            )
        amount = result.amount * self.factor
        if self.density is not None:
            amount = amount * self.density(grid)
        return Hours(amount, result.valid, result.running_h, result.captured)


@dataclass(frozen=True, slots=True)
class StackSource:
    """A flue-gas measurement: mean over valid running minutes of CO2 fraction x flow, x running time."""

    gas: FlueGas
    gate: str | None
    sign: float = 1.0

    @property
    def points(self) -> tuple[str, ...]:
        """Points whose readings are needed."""
        own = (self.gas.co2, self.gas.velocity, self.gas.temperature, self.gas.pressure, self.gas.humidity)
        return own if self.gate is None else (*own, self.gate)

    def hours(self, plant: Plant, readings: Readings, running: Floats, *, grid: Grid) -> Hours:
        """Hours of CO2 out of the stack [t]."""
        gas, plan = self.gas, plant.quality
        valid = np.ones(grid.minutes, np.bool_)
        means: list[Floats] = []
        for point_id in self.points[:5]:
            point = plant.points_by_id[point_id]
            minutes = rate_minutes(plant, point, readings, grid=grid)
            valid &= minutes.covered >= plan.valid_share_per_minute - hours.ROUNDING
            means.append(np.asarray(units.conversion(point.unit).to_internal(_mean(minutes))))
        co2, velocity, temperature, pressure, humidity = means
        # A formula refuses what is outside its hard range; such a minute is not valid (standard.md section 14.5).
        valid &= within(f"co2_fraction_{gas.basis}", co2) & within("humidity", humidity)
        valid &= within("temperature", temperature) & within("pressure", pressure)
        valid &= within("stack_velocity", gas.velocity_field_factor * velocity)
        rate = np.zeros(grid.minutes)
        flow = cems.standard_flow(
            velocity[valid],
            area=gas.area_m2,
            temperature=temperature[valid],
            pressure=pressure[valid],
            humidity=humidity[valid],
            basis=gas.basis,
            velocity_field_factor=gas.velocity_field_factor,
        )
        rate[valid] = cems.co2_mass_rate(co2[valid], standard_flow=flow)
        return hours.mean_hours(rate, valid, running, valid_minutes=plan.valid_minutes_per_hour)


@dataclass(frozen=True, slots=True)
class EntrySource:
    """Manual entries of an amount, spread evenly over the time each holds for; overlapping ones add up."""

    entries: Sequence[Entry]
    density: Density | None
    gate: None = None
    sign: float = 1.0
    points: tuple[str, ...] = ()

    def hours(self, plant: Plant, readings: Readings, running: Floats, *, grid: Grid) -> Hours:
        """Hours in the unit used inside the code; an hour is known as far as an entry holds for it."""
        # in an order of what they say, not of when they came: sums must not depend on it
        held = sorted(self.entries, key=lambda entry: (entry.valid_from_ms, entry.valid_to_ms, entry.value))
        amount = np.zeros(grid.minutes)
        covered = np.zeros(grid.minutes)
        for entry in held:
            span = hours.Spans(np.array([entry.valid_from_ms]), np.array([entry.valid_to_ms]), np.array([entry.value]))
            minutes = hours.lay_on_minutes(span, grid=grid)
            held_here = minutes.amount != 0  # a day without a density concerns nothing but its own entries
            amount[held_here] += (minutes.amount * entry_factor(entry, self.density, grid=grid))[held_here]
            covered = np.maximum(covered, minutes.covered)
        return hours.counter_hours(
            Minutes(amount, covered), running, valid_minutes=plant.quality.valid_minutes_per_hour
        )


Source = MeterSource | StackSource | EntrySource


def reach_ms(plant: Plant) -> int:
    """Longest hole that a counter or a state is carried across [ms]: the look-back of the plan."""
    return plant.quality.lookback_valid_hours * MS_PER_HOUR


def running_minutes(plant: Plant, gate: str | None, readings: Readings, *, grid: Grid) -> Floats:
    """Running share of every minute of what a state point gates."""
    if gate is None:
        return hours.running_minutes(None, grid=grid)
    point, found = plant.points_by_id[gate], readings.of(gate)
    spans = hours.state_spans(
        found.time_ms,
        found.value,
        found.usable(point),
        maximum_gap_ms=_gap_ms(plant),
        period_ms=round(plant.period_s(point) * 1000),
        maximum_span_ms=reach_ms(plant),
    )
    return hours.running_minutes(spans, grid=grid)


def rate_minutes(plant: Plant, point: Point, readings: Readings, *, grid: Grid) -> Minutes:
    """Minutes of a rate, concentration or condition point, in its declared unit."""
    found = readings.of(point.id)
    spans = hours.rate_spans(
        found.time_ms,
        found.value,
        found.usable(point),
        maximum_gap_ms=_gap_ms(plant),
        period_ms=round(plant.period_s(point) * 1000),
    )
    return hours.lay_on_minutes(spans, grid=grid)


def unit_factor(point: Point, *, density: Density | None) -> tuple[float, str]:
    """What turns counts (counter) or unit x h (rate) into the unit used inside the code, and the field it belongs to.

    A volume becomes m3, which the density by hour makes t of; without one there is no such field.
    """
    conversion = units.conversion(point.unit)
    factor = conversion.factor * (point.scale if point.kind == "counter" else 1.0)
    if conversion.dimension in VOLUMES:
        if density is None:
            raise DomainError(f"{point.id}: expected a density to turn {point.unit} into t, got none")
        return factor, TONNES
    if conversion.dimension not in DIMENSIONS:
        expected = ", ".join((*DIMENSIONS, *VOLUMES))
        raise DomainError(f"{point.id}: expected a unit of {expected}, got {point.unit}")
    field, share = DIMENSIONS[conversion.dimension]
    return factor * share, field


def entry_factor(entry: Entry, density: Density | None, *, grid: Grid) -> Floats:
    """What turns the value of a manual entry into the unit of its stream, for each minute of a grid."""
    if entry.unit == "m3":
        if density is None:
            raise DomainError(f"{entry.stream}: expected a density to turn m3 into t, got none")
        return np.repeat(density(grid), hours.MINUTES_PER_HOUR)
    return np.full(grid.minutes, 1 / NORMAL_CUBIC_METRES_PER_GAS_UNIT if entry.unit == "Nm3" else 1.0)


def _gap_ms(plant: Plant) -> int:
    return round(plant.quality.maximum_gap_s * 1000)


def _mean(minutes: Minutes) -> Floats:
    length = minutes.covered * hours.MS_PER_MINUTE
    mean: Floats = np.divide(minutes.amount, length, out=np.full(length.size, np.nan), where=length > 0)
    return mean
