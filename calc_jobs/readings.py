"""Readings of many points as arrays, with the neighbours an hour needs from outside it.

One read of the store for the window and its margins. A point that was silent at an edge of the window gets its nearest
usable reading from farther away, up to the plan's look-back, because a counter's increment and a state reach across a
hole. Flag words of the quality job are merged in: the effective word is raw OR flag.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tanji.acquisition.flags import INVALID, Flag
from tanji.plant import names
from tanji.plant.model import Plant, Point
from tanji.quality.hours import MS_PER_HOUR
from tanji.quality.rules import Floats, Mask, Times
from tanji.store.port import Store

Words = NDArray[np.int64]

COUNTER_INVALID = INVALID & ~Flag.RESET
"""The first reading after a reset is a good start for what follows; only the step before it is unknown."""
FIRST_STEP_MS = MS_PER_HOUR
"""How far a search for a neighbour looks at first; each further look doubles."""


@dataclass(frozen=True, slots=True)
class PointReadings:
    """One point's readings, ascending in time [UTC ms]; `value` is NaN where a read failed, `word` the flag word."""

    time_ms: Times
    value: Floats
    word: Words

    def usable(self, point: Point) -> Mask:
        """Which readings may enter a figure."""
        mask = COUNTER_INVALID if point.kind == "counter" else INVALID
        good: Mask = np.isfinite(self.value) & ((self.word & int(mask)) == 0)
        return good

    def between(self, start_ms: int, end_ms: int) -> PointReadings:
        """The readings of [start_ms, end_ms)."""
        low, high = np.searchsorted(self.time_ms, (start_ms, end_ms))
        return PointReadings(self.time_ms[low:high], self.value[low:high], self.word[low:high])


EMPTY = PointReadings(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings of a window [start_ms, end_ms) with its margins, by point; `word` is raw, `stored` what jobs wrote."""

    start_ms: int
    end_ms: int
    points: Mapping[str, PointReadings]
    stored: Mapping[str, Words]

    def of(self, point_id: str) -> PointReadings:
        """Readings of a point as they arrived."""
        return self.points.get(point_id, EMPTY)

    def stored_words(self, point_id: str) -> Words:
        """The quality job's flag word beside every reading of a point, 0 where it wrote none."""
        return self.stored.get(point_id, EMPTY.word)

    def effective(self, words: Mapping[str, Words] | None = None) -> Readings:
        """The same readings with raw OR flag as their word; `words` replaces what is stored."""
        flags = self.stored if words is None else {**self.stored, **words}
        points = {
            point: replace(found, word=found.word | flags[point]) if point in flags else found
            for point, found in self.points.items()
        }
        return replace(self, points=points)


class ReadingSource:
    """Reads windows of one plant's raw bucket."""

    def __init__(self, plant: Plant, store: Store) -> None:
        self._plant = plant
        self._store = store
        self.margin_ms = margin_ms(plant)
        self.reach_ms = plant.quality.lookback_valid_hours * MS_PER_HOUR

    def raw(
        self, start_ms: int, end_ms: int, *, points: Sequence[str] | None = None, margins: int = 2
    ) -> dict[str, PointReadings]:
        """What `window` reads of the raw bucket: all that does not depend on what jobs wrote."""
        return self._read(start_ms - margins * self.margin_ms, end_ms + margins * self.margin_ms, points)

    def window(
        self,
        start_ms: int,
        end_ms: int,
        *,
        points: Sequence[str] | None = None,
        margins: int = 2,
        raw: dict[str, PointReadings] | None = None,
    ) -> Readings:
        """Readings of [start_ms, end_ms) and `margins` margins on either side, neighbours included.

        raw : the answer of `raw` for the same window, where it has been fetched already.
        """
        low, high = start_ms - margins * self.margin_ms, end_ms + margins * self.margin_ms
        chosen = [point.id for point in self._plant.metered_points] if points is None else list(points)
        found = self.raw(start_ms, end_ms, points=points, margins=margins) if raw is None else dict(raw)
        stored = self._stored(low, high, points, found)
        earlier = [point for point in chosen if not self._reaches(found, stored, point, before=start_ms)]
        later = [
            point
            for point in chosen
            if self._plant.points_by_id[point].kind in ("counter", "state")
            and not self._reaches(found, stored, point, after=end_ms)
        ]
        self._extend(found, stored, earlier, low, step=-1)
        self._extend(found, stored, later, high, step=+1)
        return Readings(start_ms, end_ms, found, stored)

    def _read(self, start_ms: int, end_ms: int, points: Sequence[str] | None) -> dict[str, PointReadings]:
        where = None if points is None else {"point": points}
        bucket = names.raw_bucket(self._plant.site.id)
        return by_point(self._store.read(bucket, "reading", start_ms=start_ms, end_ms=end_ms, where=where))

    def _stored(
        self, start_ms: int, end_ms: int, points: Sequence[str] | None, found: Mapping[str, PointReadings]
    ) -> dict[str, Words]:
        where = None if points is None else {"point": points}
        bucket = names.derived_bucket(self._plant.site.id)
        table = self._store.read(bucket, "flag", start_ms=start_ms, end_ms=end_ms, where=where, fields=("quality",))
        return {
            point: _aligned(found[point].time_ms, flags) for point, flags in by_point(table).items() if point in found
        }

    def _reaches(
        self,
        found: Mapping[str, PointReadings],
        stored: Mapping[str, Words],
        point: str,
        *,
        before: int | None = None,
        after: int | None = None,
    ) -> bool:
        """Whether there is a usable reading at or before `before`, or at or after `after`."""
        if point not in found:
            return False
        readings = found[point]
        if point in stored:
            readings = replace(readings, word=readings.word | stored[point])
        if before is not None:
            readings = readings.between(readings.time_ms[0], before + 1)
        if after is not None:
            readings = readings.between(after, readings.time_ms[-1] + 1)
        return bool(readings.usable(self._plant.points_by_id[point]).any())

    def _extend(
        self,
        found: dict[str, PointReadings],
        stored: dict[str, Words],
        points: Iterable[str],
        edge_ms: int,
        *,
        step: int,
    ) -> None:
        """Add the nearest usable reading beyond an edge, for the points that have none within it."""
        wanted, near, far = list(points), 0, FIRST_STEP_MS
        while wanted and near < self.reach_ms:
            far = min(far, self.reach_ms)
            low, high = (edge_ms - far, edge_ms - near) if step < 0 else (edge_ms + near, edge_ms + far)
            beyond = self._read(low, high, wanted)
            flags = self._stored(low, high, wanted, beyond)
            for point, readings in beyond.items():
                word = flags.get(point, np.zeros(readings.word.size, np.int64))
                judged = replace(readings, word=readings.word | word)
                good = np.flatnonzero(judged.usable(self._plant.points_by_id[point]))
                if good.size:
                    pick = good[-1:] if step < 0 else good[:1]
                    one = PointReadings(readings.time_ms[pick], readings.value[pick], readings.word[pick])
                    _join(found, stored, point, one, word[pick], front=step < 0)
                    wanted.remove(point)
            near, far = far, far * 2


def margin_ms(plant: Plant) -> int:
    """How far from an hour a reading may lie and still decide about a flag in it. [ms]"""
    longest = max((point.limits.stuck_s or 0.0 for point in plant.points), default=0.0)
    return round(max(longest, plant.quality.maximum_gap_s) * 1000)


def by_point(table: pa.Table) -> dict[str, PointReadings]:
    """Slices of a table sorted by point, then time: columns point, time, quality and, for readings, value."""
    if not table.num_rows:
        return {}
    column = table.column("point").combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0)
    codes = column.indices.to_numpy(zero_copy_only=False)
    start = np.concatenate(([0], np.flatnonzero(np.diff(codes)) + 1, [codes.size]))
    time = table.column("time").to_numpy()
    words = table.column("quality")
    word = (words.fill_null(0) if words.null_count else words).to_numpy()
    has_value = "value" in table.column_names
    value = table.column("value").to_numpy() if has_value else np.full(codes.size, np.nan)
    return {
        column.dictionary[int(codes[low])].as_py(): PointReadings(time[low:high], value[low:high], word[low:high])
        for low, high in zip(start[:-1].tolist(), start[1:].tolist(), strict=True)
    }


def _aligned(time_ms: Times, flags: PointReadings) -> Words:
    """Flag words beside the readings they speak of."""
    words = np.zeros(time_ms.size, np.int64)
    at = np.minimum(np.searchsorted(time_ms, flags.time_ms), max(time_ms.size - 1, 0))
    match = time_ms[at] == flags.time_ms
    words[at[match]] = flags.word[match]
    return words


def _join(
    found: dict[str, PointReadings],
    stored: dict[str, Words],
    point: str,
    one: PointReadings,
    word: Words,
    *,
    front: bool,
) -> None:
    here = found.get(point, EMPTY)
    parts = (one, here) if front else (here, one)
    known = stored.get(point, np.zeros(here.word.size, np.int64))
    found[point] = PointReadings(
        np.concatenate([part.time_ms for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.word for part in parts]),
    )
    stored[point] = np.concatenate((word, known) if front else (known, word))
