"""Admission: which parsed lines of a body may be sealed (DESIGN section 2, the sealer).

A reading of a known point of this plant is admitted; an unknown point, another plant, a time before 1970, a count that
is negative or above 2^53, and what the parser found to be no reading are parked with the reason; lines of other
measurements go on unsealed. A counter is sealed in whole counts: of one whose device has decimals the begun count is
left to a later reading (decision 0022). The flag DUPLICATE is given by sealing alone, so a sender's is taken off
(trust.md 2.3). Names are judged once per distinct name of a body, not once per reading. Parsing is
`tanji.acquisition.line_protocol`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from services.sealer.frame import MAX_POINTS, Columns
from services.sealer.parked import ParkedLine
from tanji.acquisition.line_format import series
from tanji.acquisition.line_protocol import OtherLine, Parsed
from tanji.plant.model import Plant
from tanji.trust.canonical import LARGEST_COUNTER
from tanji.trust.payload_line import DUPLICATE
from tanji.trust.plant_note import COUNTER


@dataclass(frozen=True, slots=True)
class Admitted:
    """A body after admission: what is spooled, what is parked, what goes to the health bucket."""

    readings: Columns
    parked: tuple[ParkedLine, ...]
    others: tuple[OtherLine, ...]


class Admission:
    """The points of one plant, asked for every body."""

    def __init__(self, plant: Plant) -> None:
        self.plant_id = plant.site.id
        self.points = frozenset(point.id for point in plant.points)
        if len(self.points) > MAX_POINTS:
            raise ValueError(f"expected at most {MAX_POINTS} points in a plant, got {len(self.points)}")
        self._counters = frozenset(point.id for point in plant.points if point.kind == COUNTER)

    def judge(self, parsed: Parsed) -> Admitted:
        """Sort a parsed body."""
        parked = tuple(
            ParkedLine(line.line.decode("utf-8", "replace"), line.reason, line.number) for line in parsed.parked
        )
        plants, plant = _dictionary(parsed.readings.column("plant"))
        points, point = _dictionary(parsed.readings.column("point"))
        columns = _columns(parsed.readings)
        counts = np.array([name in self._counters for name in points], bool)
        sealable = _sealable(columns, counts[point] if counts.any() else None)
        ours = np.array([name == self.plant_id for name in plants], bool)
        known = np.array([name in self.points for name in points], bool)
        if ours.all() and known.all() and sealable.all():
            return Admitted(Columns(tuple(points), point.astype(np.uint16), *columns), parked, parsed.others)
        admitted = ours[plant] & known[point] & sealable
        refused = self._refused(np.flatnonzero(~admitted), plants, plant, points, point, columns)
        kept = [name for name in points if name in self.points]
        number_of = {name: number for number, name in enumerate(kept)}
        renumbered = np.array([number_of.get(name, 0) for name in points], np.uint16)
        readings = Columns(tuple(kept), renumbered[point[admitted]], *(column[admitted] for column in columns))
        return Admitted(readings, parked + tuple(refused), parsed.others)

    def _refused(
        self,
        rows: np.ndarray,
        plants: list[str],
        plant: np.ndarray,
        points: list[str],
        point: np.ndarray,
        columns: tuple[np.ndarray, ...],
    ) -> Iterable[ParkedLine]:
        """Parked lines of readings that are not ours, written out again as line protocol in ms."""
        time, value, present, quality = columns
        for row in rows.tolist():
            plant_id, point_id = plants[plant[row]], points[point[row]]
            if plant_id != self.plant_id:
                reason = f"wrong plant: expected {self.plant_id}, got {plant_id}"
            elif point_id not in self.points:
                reason = f"unknown point: {point_id} is not in the plant file"
            elif time[row] < 0:
                reason = "impossible time: expected one after 1970"
            else:
                reason = f"no count: expected a number from 0 to {LARGEST_COUNTER} of a counter"
            number = float(value[row]) if present[row] else None
            yield ParkedLine(line_of(plant_id, point_id, int(time[row]), number, int(quality[row])), reason)


def line_of(plant_id: str, point_id: str, time_ms: int, value: float | None, quality: int) -> str:
    """One reading as line protocol, time in ms."""
    number = "" if value is None else f"value={value!r},"
    return f"{series(plant_id, point_id)} {number}quality={quality}i {time_ms}"


def _sealable(columns: tuple[np.ndarray, ...], is_count: np.ndarray | None) -> np.ndarray:
    """Which readings a sealed line can hold; `is_count` are those of counters, which become whole counts here."""
    time, value, present, _ = columns
    fits: np.ndarray = time >= 0
    if is_count is not None:
        possible = (value >= 0) & (value <= LARGEST_COUNTER)
        fits &= ~(is_count & present) | possible
        whole = is_count & possible
        value[whole] = np.floor(value[whole]) + 0.0  # -0.0 is 0, and is spelled so
    return fits


def _columns(readings: pa.Table) -> tuple[np.ndarray, ...]:
    """Columns time, value (0.0 where there is none), present, quality."""
    value = _flat(readings.column("value"))
    if value.null_count == 0:
        numbers, present = np.array(value.to_numpy(zero_copy_only=False)), np.ones(len(value), bool)
    else:
        present = value.is_valid().to_numpy(zero_copy_only=False)
        numbers = np.array(value.fill_null(0.0).to_numpy(zero_copy_only=False))
    time = _flat(readings.column("time")).to_numpy(zero_copy_only=False)
    quality = _flat(readings.column("quality")).to_numpy(zero_copy_only=False).astype(np.uint32) & ~np.uint32(DUPLICATE)
    return time, numbers, present, quality


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _dictionary(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """Distinct names of a column, and for each row which of them it is."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    encoded = _flat(column.unify_dictionaries())
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False)
