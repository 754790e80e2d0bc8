"""Readings of several frames as arrays over the plant's own numbering of points, and as the store's table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from services.sealer.frame import Frame


@dataclass(frozen=True, slots=True)
class Rows:
    """Readings; `point` indexes the points of the plant file, `value` holds 0.0 where `present` is false."""

    point: np.ndarray
    time: np.ndarray
    value: np.ndarray
    present: np.ndarray
    quality: np.ndarray

    def __len__(self) -> int:
        return len(self.time)

    def take(self, index: np.ndarray | slice) -> Rows:
        """The rows at `index`, or where a mask is true, or of a slice."""
        return Rows(self.point[index], self.time[index], self.value[index], self.present[index], self.quality[index])

    def same_as(self, other: Rows) -> np.ndarray:
        """Where the reading is the same: presence, quality, and the 64 bits of the value (trust.md section 8, 9)."""
        bits = self.value.view(np.int64) == other.value.view(np.int64)
        same: np.ndarray = (self.present == other.present) & (self.quality == other.quality) & bits
        return same


def concatenated(parts: Sequence[Rows]) -> Rows:
    """Several, one after the other."""
    names = Rows.__slots__
    return Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class PointTable:
    """The points of a plant by number, and the way between frames, rows and the store's tables."""

    def __init__(self, plant_id: str, points: Sequence[str]) -> None:
        self.plant_id = plant_id
        self.names = tuple(points)
        self._number = {name: number for number, name in enumerate(points)}
        self._dictionary = pa.array(self.names, pa.string())

    def __len__(self) -> int:
        return len(self.names)

    def number(self, frames: Sequence[Frame]) -> Rows:
        """Readings of frames, in order. A point that left the plant file since it was spooled gets the number -1."""
        return concatenated([self._numbered(frame) for frame in frames])

    def from_store(self, table: pa.Table) -> Rows:
        """Rows of a reading table of this plant; points the plant file does not know are left out."""
        column = table.column("point").unify_dictionaries().combine_chunks()
        lookup = np.array([self._number.get(name, -1) for name in column.dictionary.to_pylist()], np.int32)
        point = lookup[column.indices.to_numpy(zero_copy_only=False)]
        value = table.column("value").combine_chunks()
        present = value.is_valid().to_numpy(zero_copy_only=False)
        quality = np.zeros(len(point), np.int64)
        if "quality" in table.column_names:
            quality = table.column("quality").fill_null(0).to_numpy()
        rows = Rows(point, table.column("time").to_numpy(), value.fill_null(0.0).to_numpy(), present, quality)
        return rows if (point >= 0).all() else rows.take(point >= 0)

    def to_store(self, rows: Rows) -> pa.Table:
        """Rows as the store's `reading` table."""
        value = pa.array(rows.value, mask=None if rows.present.all() else ~rows.present)
        plant = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(rows), np.int32)), pa.array([self.plant_id]))
        point = pa.DictionaryArray.from_arrays(pa.array(rows.point), self._dictionary)
        quality = pa.array(rows.quality, pa.int64())
        return pa.table({"time": rows.time, "plant": plant, "point": point, "value": value, "quality": quality})

    def _numbered(self, frame: Frame) -> Rows:
        columns = frame.columns
        lookup = np.array([self._number.get(name, -1) for name in columns.points], np.int32)
        point = lookup[columns.point]
        return Rows(point, columns.time, columns.value, columns.present, columns.quality.astype(np.int64))
