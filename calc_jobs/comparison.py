"""Two tables of readings compared row by row: what is sealed against what is stored (R35; trust.md section 8, trap 9).

Values are equal where their 64 bits are; a failed read equals only a failed read. A row of one point and time is
`changed` (value, or value and quality), `quality` (only the quality differs), `missing` from the store, or `added` to
it. Rows stored before sealing began are `unsealed`: there is nothing to compare them with, and they are no difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

HOUR_MS = 3_600_000
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Kind(StrEnum):
    """Kinds of differences, as reports name them."""

    CHANGED = "changed"
    QUALITY = "quality"
    MISSING = "missing"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Rows:
    """Readings as arrays, sorted by series and time; `series` indexes the names both sides share.

    value : 0.0 where `present` is false. quality : -1 where the store has none.
    """

    series: Integers
    time: Integers
    value: npt.NDArray[np.float64]
    present: Mask
    quality: Integers

    def __len__(self) -> int:
        return len(self.time)

    def take(self, chosen: Mask | Integers) -> Rows:
        """The chosen rows."""
        numbers = self.value[chosen], self.present[chosen], self.quality[chosen]
        return Rows(self.series[chosen], self.time[chosen], *numbers)


@dataclass(frozen=True, slots=True)
class Compared:
    """The differences of one period.

    plant_id : the plant that was sealed; a row of another one is added.
    names : plant and point of every series. changed, quality : pairs of equal length, sealed and stored.
    unsealed : how many rows of the store were there before sealing began.
    """

    plant_id: str
    names: tuple[tuple[str, str], ...]
    rows: int
    changed: tuple[Rows, Rows]
    quality: tuple[Rows, Rows]
    missing: Rows
    added: Rows
    unsealed: int

    def differs(self) -> bool:
        """Whether there is a difference at all."""
        return any(len(rows) for _, rows in self.each())

    def each(self) -> tuple[tuple[Kind, Rows], ...]:
        """The rows of each kind: as stored where they are stored, else as sealed."""
        stored_changed, stored_quality = self.changed[1], self.quality[1]
        return (
            (Kind.CHANGED, stored_changed),
            (Kind.QUALITY, stored_quality),
            (Kind.MISSING, self.missing),
            (Kind.ADDED, self.added),
        )


def compare(sealed: pa.Table, stored: pa.Table, *, plant_id: str, began_ms: int | None = None) -> Compared:
    """Compare two `reading` tables as the store's port answers them.

    began_ms : when sealing began [UTC ms]; None: nothing is older than it.
    """
    names, (ours, theirs) = _shared(sealed, stored)
    if len(ours) == len(theirs) and (ours.series == theirs.series).all() and (ours.time == theirs.time).all():
        first, second = ours, theirs
        missing = added = np.empty(0, np.int64)
    else:
        here, there, missing, added = _matched(ours, theirs)
        first, second = ours.take(here), theirs.take(there)
    other_value = (first.present != second.present) | (first.value.view(np.int64) != second.value.view(np.int64))
    other_quality = ~other_value & (first.quality != second.quality)
    extra = theirs.take(added)
    before = _before_sealing(extra, ours, began_ms)
    return Compared(
        plant_id=plant_id,
        names=names,
        rows=len(ours),
        changed=(first.take(other_value), second.take(other_value)),
        quality=(first.take(other_quality), second.take(other_quality)),
        missing=ours.take(missing),
        added=extra.take(~before),
        unsealed=int(before.sum()),
    )


def rows_of(table: pa.Table, names: tuple[tuple[str, str], ...]) -> Rows:
    """A `reading` table as rows of these series, all of which `names` has."""
    keys, codes = _keys(table)
    number = {name: place for place, name in enumerate(names)}
    return _rows(table, np.array([number[key] for key in keys] or [0], np.int64)[codes])


def _shared(*tables: pa.Table) -> tuple[tuple[tuple[str, str], ...], list[Rows]]:
    """The series of all tables in their order, and the tables as rows of them."""
    names = tuple(sorted({key for table in tables for key in _keys(table)[0]}))
    return names, [rows_of(table, names) for table in tables]


def _keys(table: pa.Table) -> tuple[list[tuple[str, str]], Integers]:
    """The series of a table, and which one each row is of."""
    plant, point = (table.column(name).unify_dictionaries().combine_chunks() for name in ("plant", "point"))
    points = point.dictionary.to_pylist()
    codes = plant.indices.to_numpy().astype(np.int64) * max(1, len(points)) + point.indices.to_numpy()
    distinct = np.flatnonzero(np.bincount(codes, minlength=1)) if len(codes) else np.empty(0, np.int64)
    place = np.zeros(int(distinct[-1]) + 1 if len(distinct) else 1, np.int64)
    place[distinct] = np.arange(len(distinct))
    plants = plant.dictionary.to_pylist()
    return [(plants[code // len(points)], points[code % len(points)]) for code in distinct.tolist()], place[codes]


def _rows(table: pa.Table, series: Integers) -> Rows:
    value = table.column("value").combine_chunks()
    present = value.is_valid().to_numpy(zero_copy_only=False)
    quality = table.column("quality").combine_chunks().fill_null(-1).to_numpy(zero_copy_only=False)
    numbers = value.fill_null(0.0).to_numpy(zero_copy_only=False)
    return Rows(series, table.column("time").to_numpy(), numbers, present, quality)


def _matched(ours: Rows, theirs: Rows) -> tuple[Integers, Integers, Integers, Integers]:
    """Rows of both sides that are of one series and time, then those that only the one and only the other has."""
    first = int(min((rows.time.min() for rows in (ours, theirs) if len(rows)), default=0))
    last = int(max((rows.time.max() for rows in (ours, theirs) if len(rows)), default=0))
    span = last - first + 1
    mine, other = (rows.series * span + (rows.time - first) for rows in (ours, theirs))
    place = np.searchsorted(other, mine)
    found = place < len(other)
    found[found] = other[place[found]] == mine[found]
    here, there = np.flatnonzero(found), place[found]
    alone = np.ones(len(other), bool)
    alone[there] = False
    return here, there, np.flatnonzero(~found), np.flatnonzero(alone)


def _before_sealing(extra: Rows, sealed: Rows, began_ms: int | None) -> Mask:
    """Rows that are older than sealing, in hours of which nothing of their series is sealed."""
    if began_ms is None or not len(extra) or extra.time.min() >= began_ms:
        return np.zeros(len(extra), bool)
    sealed_hours, hours = (rows.series << 32 | rows.time // HOUR_MS for rows in (sealed, extra))
    before: Mask = (extra.time < began_ms) & ~np.isin(hours, np.unique(sealed_hours))
    return before
