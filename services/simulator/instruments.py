"""Meters between the true signal and the reading: error within class, noise, registers, counters that roll over.

A meter has one systematic error for the whole scenario, uniform within +-0.6 of its class (R33: class is the largest
permissible error of the reading); its counter integrates with that error and no noise. Every Modbus value passes
`tanji.acquisition.registers`, so what history writes is bit for bit what a poller would have read. OPC UA values are
rounded to the resolution of the control system.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.simulator.faults import Column, Fault, distort, fail, faults_of, recount
from services.simulator.noise import generator, reading_noise, systematic, words
from services.simulator.scenario import MINUTE_MS, Scenario
from services.simulator.signals import Model, signal
from tanji.acquisition.registers import RegisterLayout, through_registers
from tanji.plant.model import Plant, Point

Array = NDArray[np.float64]

SHARE_OF_CLASS: Final = 0.6
NOISE: Final[dict[str, float]] = {"rate": 0.005, "concentration": 0.005, "condition": 0.003}
"""Standard deviation of single readings, relative to the reading."""
QUIET_METERS: Final = {"electricity_meter": 0.002, "temperature": 0.001, "pressure": 0.0001, "control_system": 0.001}
OPCUA_DIGITS: Final = 6
"""Significant decimal places a control system hands over; fewer would look like a stuck value at low readings."""


def layout_of(plant: Plant, point: Point) -> RegisterLayout | None:
    """The registers of a Modbus point."""
    if point.modbus is None:
        return None
    register, meter = point.modbus, plant.meters_by_id[point.meter]
    return RegisterLayout(
        table=register.table,
        address=register.address,
        type=register.type,
        order=register.order,
        bit=register.bit,
        unit_id=meter.unit_id,
        mask=register.mask,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Instrument:
    """One point with its meter. `track` is the true signal on the grid, `counts` the totaliser at each step."""

    point: Point
    layout: RegisterLayout | None
    seed: int
    origin_ms: int
    error: float
    noise: float
    track: Array
    counts: Array | None
    faults: tuple[Fault, ...]

    def read(self, times: NDArray[np.int64]) -> Column:
        """Readings in stored form at these times: counters as register counts, everything else scaled."""
        values = self._counted(times) if self.counts is not None else self._measured(times)
        column = Column(times, values, np.zeros(times.size, np.int64), np.ones(times.size, np.bool_))
        for fault in self._touching(times):
            fail(fault, column)
        return column

    def true(self, times: NDArray[np.int64]) -> Array:
        """The error-free signal; a state holds until the next step, everything else is a straight line between."""
        step, part = self._position(times)
        before = self.track[step]
        if self.point.kind == "state":
            return before
        return before + (self.track[step + 1] - before) * part

    def _measured(self, times: NDArray[np.int64]) -> Array:
        shown = self._shown(times)
        for fault in self._touching(times):
            start = self._registered(self._shown(np.array([fault.start_ms])))[0]
            shown = distort(fault, times, shown, at_start=start, dice=words(self.seed, self.point.id, times))
        return self._registered(shown)

    def _shown(self, times: NDArray[np.int64]) -> Array:
        true = self.true(times)
        if self.point.kind == "state":
            return true
        noise = self.noise * reading_noise(self.seed, self.point.id, times) if self.noise else 0.0
        shown = true * (1 + self.error + noise)
        ceiling = self.point.limits.high
        return shown if ceiling is None or self.point.unit != "1" else np.minimum(shown, ceiling)

    def _registered(self, shown: Array) -> Array:
        if self.layout is None:
            return np.round(shown, OPCUA_DIGITS)
        return through_registers(shown, self.layout, scale=self.point.scale, offset=self.point.offset)

    def _counted(self, times: NDArray[np.int64]) -> Array:
        """Register counts: the integral of the measured rate, cut to whole counts, modulo the register."""
        total = self._total(times)
        for fault in self.faults:
            total = recount(fault, times, total, at=self._total, rollover=self.point.rollover)
        counts = np.floor(total)
        if self.point.rollover is not None:
            counts = np.mod(counts, self.point.rollover)
        return counts if self.layout is None else through_registers(counts, self.layout, scale=1, offset=0)

    def _total(self, times: NDArray[np.int64]) -> Array:
        assert self.counts is not None
        step, part = self._position(times)
        before, after = self.track[step], self.track[step + 1]
        gained = (before * part + (after - before) * part**2 / 2) / 60  # of the minute [unit]
        return self.counts[step] + gained * (1 + self.error) / self.point.scale

    def _position(self, times: NDArray[np.int64]) -> tuple[NDArray[np.int64], Array]:
        step, rest = np.divmod(times - self.origin_ms, MINUTE_MS)
        if step[0] < 0 or step[-1] > self.track.size - 2:
            raise IndexError(f"expected times inside the model's {self.track.size} minutes, got minute {step[-1]}")
        return step, rest / MINUTE_MS

    def _touching(self, times: NDArray[np.int64]) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults if fault.overlaps(int(times[0]), int(times[-1]) + 1))


def instrument(plant: Plant, scenario: Scenario, found: Model, point: Point) -> Instrument:
    """The instrument of a point, with the error its meter has in this scenario."""
    meter = plant.meters_by_id[point.meter]
    track = signal(found, point)
    error = systematic(scenario.seed, meter.id, bound=SHARE_OF_CLASS * (meter.permissible_error or 0.0))
    noise = QUIET_METERS.get(meter.kind, NOISE[point.kind]) if point.kind in NOISE else 0.0
    counts = None
    if point.kind == "counter":
        gained = np.concatenate([[0.0], np.cumsum((track[1:] + track[:-1]) / 120)])  # [unit]
        counts = _first_count(scenario, point) + gained * (1 + error) / point.scale
    return Instrument(
        point=point,
        layout=layout_of(plant, point),
        seed=scenario.seed,
        origin_ms=scenario.origin_ms,
        error=0.0 if point.kind in ("state", "parameter") or point.unit in ("1", "rpm") else error,
        noise=noise,
        track=track,
        counts=counts,
        faults=faults_of(plant, scenario.faults, point.id),
    )


def _first_count(scenario: Scenario, point: Point) -> float:
    """What a totaliser shows at the start: between 55 and 97 % of its register, or of ten years' running."""
    years = (point.rated_per_h or 1.0) / point.scale * 8760 * 10
    end = min(float(point.rollover or years), years)
    return float(np.floor(generator(scenario.seed, f"{point.id} first count").uniform(0.55, 0.97) * end))
