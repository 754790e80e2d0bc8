"""Faults on demand: what goes wrong at a point, or at every point of a device, over an interval.

A fault is data of the scenario, so history and live servers show the same one. Each kind does one thing; what the
quality rules should make of it is theirs to find out. Kinds that the device itself admits (`drop_out`, `dead_slave`,
`bad_status`) carry the flag word the poller would write; the others look like plain readings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tanji.acquisition.flags import Flag, from_opcua
from tanji.plant.model import Plant


class FaultKind(StrEnum):
    """What goes wrong."""

    STUCK = "stuck"  # repeats the value it had when the fault began
    DRIFT = "drift"  # grows away by `size` of the reading an hour [1/h]
    SPIKES = "spikes"  # single outliers of `size` times the reading, about one reading in 15
    DROP_OUT = "drop_out"  # answers nothing: failed reads
    MISSING = "missing"  # not even read: no rows
    ROLLOVER = "rollover"  # a counter passes the end of its register at the start of the interval
    RESET = "reset"  # a counter falls back to 0 at the start of the interval
    DEAD_SLAVE = "dead_slave"  # a whole unit id behind a gateway answers nothing
    BAD_STATUS = "bad_status"  # OPC UA status `status`, no value if it is bad
    CLOCK_JUMP = "clock_jump"  # the time stamp is `size` seconds off
    SCALE = "scale"  # a wrong scale factor: reads `size` times the truth


CountsAt = Callable[[NDArray[np.int64]], NDArray[np.float64]]

SPIKE_EVERY: Final = 15
BAD_SENSOR_FAILURE: Final = 0x808C0000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault.

    target : str  Point id; for `dead_slave` a meter id, whose unit falls silent with all its points.
    start_ms, end_ms : int  Interval [start, end). [ms UTC]
    size : float  What the kind says.
    status : int  OPC UA status code of `bad_status`.
    """

    kind: FaultKind
    target: str
    start_ms: int
    end_ms: int
    size: float = 0.0
    status: int = BAD_SENSOR_FAILURE

    def covers(self, times: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the times lie in the interval."""
        return (times >= self.start_ms) & (times < self.end_ms)

    def overlaps(self, start_ms: int, end_ms: int) -> bool:
        """Whether the fault touches [start, end)."""
        return self.start_ms < end_ms and start_ms < self.end_ms


@dataclass(slots=True)
class Column:
    """Readings of one point on their way to the table; faults change it in place."""

    times: NDArray[np.int64]
    values: NDArray[np.float64]
    quality: NDArray[np.int64]
    present: NDArray[np.bool_]


def faults_of(plant: Plant, faults: Iterable[Fault], point_id: str) -> tuple[Fault, ...]:
    """The faults that touch a point, those of its slave included."""
    meter = plant.meters_by_id[plant.points_by_id[point_id].meter]

    def silenced(fault: Fault) -> bool:
        dead = plant.meters_by_id.get(fault.target)
        return dead is not None and (dead.device, dead.unit_id) == (meter.device, meter.unit_id)

    return tuple(
        fault
        for fault in faults
        if (silenced(fault) if fault.kind is FaultKind.DEAD_SLAVE else fault.target == point_id)
    )


def distort(
    fault: Fault, times: NDArray[np.int64], values: NDArray[np.float64], *, at_start: float, dice: NDArray[np.uint64]
) -> NDArray[np.float64]:
    """What the instrument shows under a fault of its value, before its registers.

    at_start : float  Value at the beginning of the fault, in the same unit.
    dice : array  Random words, one for each time.
    """
    inside = fault.covers(times)
    hours = (times - fault.start_ms) / 3.6e6
    match fault.kind:
        case FaultKind.STUCK:
            return np.where(inside, at_start, values)
        case FaultKind.DRIFT:
            return np.where(inside, values * (1 + fault.size * hours), values)
        case FaultKind.SPIKES:
            return np.where(inside & (dice % np.uint64(SPIKE_EVERY) == 0), values * fault.size, values)
        case FaultKind.SCALE:
            return np.where(inside, values * fault.size, values)
        case _:
            return values


def fail(fault: Fault, column: Column) -> None:
    """Apply what the reading suffers after the registers: no value, a status, another time, no row."""
    inside = fault.covers(column.times)
    match fault.kind:
        case FaultKind.DROP_OUT | FaultKind.DEAD_SLAVE:
            column.values[inside] = np.nan
            column.quality[inside] |= int(Flag.COMM)
        case FaultKind.BAD_STATUS:
            if fault.status >> 30 >= 2:  # bad: the value is not to be used and is not sent
                column.values[inside] = np.nan
            column.quality[inside] |= int(from_opcua(fault.status))
        case FaultKind.MISSING:
            column.present &= ~inside
        case FaultKind.CLOCK_JUMP:
            column.times = np.where(inside, column.times + round(fault.size * 1000), column.times)
        case _:
            pass


def recount(
    fault: Fault, times: NDArray[np.int64], counts: NDArray[np.float64], *, at: CountsAt, rollover: int | None
) -> NDArray[np.float64]:
    """Counts of a totaliser under a fault, before they are cut to its register.

    at : callable  Undisturbed counts at any times.
    """
    if fault.kind is FaultKind.ROLLOVER:
        return counts - at(np.array([fault.start_ms]))[0] + (rollover or 0)
    if fault.start_ms > times[-1]:
        return counts
    began = at(np.array([fault.start_ms]))[0]
    gained = at(np.clip(times, fault.start_ms, fault.end_ms)) - began
    hours = np.clip(times - fault.start_ms, 0, fault.end_ms - fault.start_ms) / 3.6e6
    match fault.kind:
        case FaultKind.RESET:
            return np.where(times >= fault.start_ms, counts - began, counts)
        case FaultKind.STUCK:
            return np.where(fault.covers(times), began, counts)
        case FaultKind.SCALE:
            return counts + gained * (fault.size - 1)
        case FaultKind.DRIFT:
            return counts + gained * fault.size * hours / 2  # the mean of an error that grows evenly
        case _:
            return counts
