"""For late readings: the hours of the readings before and after them (DESIGN section 2: exactly the hours touched).

Inside the hours of the batch the stored readings are read; beyond them only hours matter, so hourly windows are asked
for, after finding by counts which day has any row at all, up to a year away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from services.sealer.arrivals import HOUR_MS, WIDEST_GAP_MS, hour_of
from services.sealer.rows import PointTable, Rows, concatenated
from tanji.plant.names import raw_bucket
from tanji.store.port import Store

DAY_MS = 24 * HOUR_MS
FARTHEST_DAY = WIDEST_GAP_MS // DAY_MS
MOST_POINT_HOURS = 500
"""Rows of one read: 500 point-hours at one reading a second are 1.8 million rows, some 60 MB."""

Span = tuple[np.ndarray, np.ndarray]


def ranges(rows: Rows, *, width: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """Whole-hour-wise groups of `rows`: start and end of each [UTC ms, half open] tight around its rows, and the rows.

    Hours that follow each other are one group, but not more than `width` points may hold without filling the memory.
    """
    if not len(rows):
        return
    hour = rows.time // HOUR_MS
    hours = np.unique(hour)
    most = max(1, MOST_POINT_HOURS // max(1, width))
    begins = [0]
    for place in range(1, len(hours)):
        if hours[place] != hours[place - 1] + 1 or hours[place] - hours[begins[-1]] >= most:
            begins.append(place)
    group = np.searchsorted(hours[begins], hour, side="right") - 1
    for number in range(len(begins)):
        index = np.flatnonzero(group == number)
        yield int(rows.time[index].min()), int(rows.time[index].max()) + 1, index


class Neighbours:
    """Looks for readings with a value around others."""

    def __init__(self, points: PointTable, *, store: Store) -> None:
        self._points = points
        self._store = store
        self._bucket = raw_bucket(points.plant_id)

    def spans(self, late: Rows, *, beside: Rows) -> list[Span]:
        """For each late row the hours of the value before it and after it; `beside` are new rows of the same batch."""
        batch = concatenated([late, beside])
        batch = batch.take(batch.present)
        return [
            self._spans_of(late.take(index), batch, start // HOUR_MS * HOUR_MS, -(-end // HOUR_MS) * HOUR_MS)
            for start, end, index in ranges(late, width=len(self._points))
        ]

    def hours(self, points: Sequence[int], *, before: int | None = None, after: int | None = None) -> dict[int, int]:
        """Hour [UTC ms] of the nearest stored value before a time, or from a time on, for the points that have one."""
        found: dict[int, int] = {}
        search = _Search(self._store, self._bucket, before=before, after=after)
        choose = max if before is not None else min
        day: int | None = 0
        width = 1
        while day is not None:
            missing = {self._points.names[point]: point for point in points if point not in found}
            if not missing:
                break
            where = self._where(list(missing.values()))
            for name, hour in search.windows(where, day, day + width):
                found[missing[name]] = choose(found.get(missing[name], hour), hour)
            near, width = day + width, 2 * width
            day = search.first_day(where, near)
        return found

    def _spans_of(self, late: Rows, batch: Rows, start: int, end: int) -> Span:
        """Spans of rows that lie in [start, end), whole hours."""
        points = np.unique(late.point).tolist()
        stored = self._points.from_store(
            self._store.read(
                self._bucket, "reading", start_ms=start, end_ms=end, where=self._where(points), fields=("value",)
            )
        )
        inside = batch.take((batch.time >= start) & (batch.time < end))
        point = np.concatenate((stored.point, inside.point))
        time = np.concatenate((stored.time, inside.time))
        earlier = self._edge(points, batch.take(batch.time < start), before=start)
        later = self._edge(points, batch.take(batch.time >= end), after=end)
        first, last = np.empty(len(late), np.int64), np.empty(len(late), np.int64)
        for number in points:
            times = np.unique(time[point == number])
            mine = late.point == number
            at = late.time[mine]
            first[mine] = _nearest(times, np.searchsorted(times, at, "left") - 1, at, beyond=earlier.get(number))
            last[mine] = _nearest(times, np.searchsorted(times, at, "right"), at, beyond=later.get(number))
        return first, last

    def _edge(
        self, points: list[int], batch: Rows, *, before: int | None = None, after: int | None = None
    ) -> dict[int, int]:
        """Hour of the nearest value outside the range, stored or in the batch."""
        choose = max if before is not None else min
        edges = self.hours(points, before=before, after=after)
        hours = hour_of(batch.time)
        for point in np.intersect1d(points, batch.point).tolist():
            nearest = int(choose(hours[batch.point == point]))
            edges[point] = choose(edges.get(point, nearest), nearest)
        return edges

    def _where(self, points: Sequence[int]) -> dict[str, list[str]]:
        return {"plant": [self._points.plant_id], "point": [self._points.names[point] for point in points]}


class _Search:
    """Days counted away from a time, backwards before it or forwards from it."""

    def __init__(self, store: Store, bucket: str, *, before: int | None, after: int | None) -> None:
        self._store, self._bucket = store, bucket
        self._before, self._after = before, after

    def windows(self, where: Mapping[str, Sequence[str]], near: int, far: int) -> Iterator[tuple[str, int]]:
        """Points and hours that have a value, in days [near, far)."""
        start, end = self._range(near, far)
        found = self._store.windows(
            self._bucket, "reading", "value", start_ms=start, end_ms=end, width_ms=HOUR_MS, where=where
        )
        yield from zip(found.column("point").to_pylist(), found.column("time").to_pylist(), strict=True)

    def first_day(self, where: Mapping[str, Sequence[str]], near: int) -> int | None:
        """The first day from `near` on that has any row."""
        low, high = near, near + 1
        while not self._any(where, near, high):
            if high >= FARTHEST_DAY:
                return None
            low, high = high, min(2 * high - near, FARTHEST_DAY)
        while high - low > 1:
            middle = (low + high) // 2
            if self._any(where, low, middle):
                high = middle
            else:
                low = middle
        return low

    def _any(self, where: Mapping[str, Sequence[str]], near: int, far: int) -> bool:
        start, end = self._range(near, far)
        return self._store.count(self._bucket, "reading", start_ms=start, end_ms=end, where=where) > 0

    def _range(self, near: int, far: int) -> tuple[int, int]:
        if self._before is not None:
            return self._before - far * DAY_MS, self._before - near * DAY_MS
        after = self._after or 0
        return after + near * DAY_MS, after + far * DAY_MS


def _nearest(times: np.ndarray, place: np.ndarray, at: np.ndarray, *, beyond: int | None) -> np.ndarray:
    """Hour of the time at `place`; outside `times` the hour `beyond`, else the row's own hour."""
    own = hour_of(at)
    outside = (place < 0) | (place >= len(times))
    inner = hour_of(times[np.where(outside, 0, place)]) if len(times) else own
    found = np.where(outside, own if beyond is None else beyond, inner)
    return np.where(np.abs(found - own) > WIDEST_GAP_MS, own, found)
