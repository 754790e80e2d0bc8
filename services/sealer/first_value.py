"""The first value of a point and time stands (DESIGN section 3, trust.md 2.3 and 2.8): what of a batch is written.

A reading newer than everything its point has in the store is new; that is the usual case and costs a sort. An older
or equal one is compared with the store: the same reading again is dropped, a different one changes nothing and is
reported, a value where there was only a failed read fills it, and one that was never there is late. Deciding happens
here; writing, retrying and parking in `services.sealer.forward`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.sealer.arrivals import Touched, spans_after, touched
from services.sealer.neighbours import Neighbours, ranges
from services.sealer.rows import PointTable, Rows, concatenated
from tanji.plant.names import raw_bucket
from tanji.store.port import Store

NEVER = -(1 << 62)
"""Before every time."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Readings that came second, beside those that stand."""

    refused: Rows
    standing: Rows


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a batch. `written` includes late readings and `filled` ones."""

    written: Rows
    touched: Touched
    conflict: Conflict
    repeated: int = 0
    filled: int = 0
    replayed: int = 0


class FirstValue:
    """Knows for every point the newest time in the store."""

    def __init__(self, points: PointTable, *, store: Store) -> None:
        self._points = points
        self._store = store
        self._bucket = raw_bucket(points.plant_id)
        self._where = {"plant": [points.plant_id]}
        self._neighbours = Neighbours(points, store=store)
        self._newest = np.full(len(points), NEVER)  # newest row of each point [UTC ms]
        self._newest_value = np.full(len(points), NEVER)  # newest row that has a value

    def load(self) -> None:
        """Start from what the store has."""
        latest = self._points.from_store(self._store.latest(self._bucket, "reading", where=self._where))
        self._newest[:] = self._newest_value[:] = NEVER
        self._newest[latest.point] = latest.time
        self._newest_value[latest.point[latest.present]] = latest.time[latest.present]
        failed = latest.take(~latest.present)
        for point, time in zip(failed.point.tolist(), failed.time.tolist(), strict=True):
            hour = self._neighbours.hours([point], before=time).get(point)
            self._newest_value[point] = NEVER if hour is None else hour

    def decide(self, batch: Rows, *, perhaps_stored: bool) -> Decision:
        """What of `batch` is written and which hours that touches.

        `perhaps_stored`: a crash may have come between writing these very rows and remembering it, so one that is in
        the store already touches its hours all the same.
        """
        order = np.argsort(batch.point.astype(np.uint16), kind="stable")
        rows = batch.take(order)
        if self._all_new(rows):
            return Decision(rows, self._touched_by_new(rows), _no_conflict(rows))
        rows = batch.take(np.lexsort((batch.time, batch.point)))
        rows, inner = _settle_inside(rows)
        is_old = rows.time <= self._newest[rows.point]
        new, old = rows.take(~is_old), rows.take(is_old)
        outer = self._compare(old)
        touching = old.take(outer.is_late | outer.fills | (outer.repeats & perhaps_stored))
        spans = self._neighbours.spans(touching, beside=new)
        late = old.take(outer.is_late | outer.fills)
        hours = touched(np.concatenate((new.time, touching.time)), [*self._new_spans(new), *spans])
        repeated = int(outer.repeats.sum())
        return Decision(
            concatenated([new, late]),
            hours,
            Conflict(*(concatenated(pair) for pair in zip(_pair(inner.conflict), _pair(outer.conflict), strict=True))),
            repeated=inner.repeated + (0 if perhaps_stored else repeated),
            filled=inner.filled + int(outer.fills.sum()),
            replayed=repeated if perhaps_stored else 0,
        )

    def confirm(self, decision: Decision) -> None:
        """The rows of `decision` are in the store now."""
        rows = decision.written
        np.maximum.at(self._newest, rows.point, rows.time)
        np.maximum.at(self._newest_value, rows.point[rows.present], rows.time[rows.present])

    def _all_new(self, rows: Rows) -> bool:
        """Whether times rise strictly inside each point and begin after the store's newest."""
        same = rows.point[1:] == rows.point[:-1]
        if (same & (rows.time[1:] <= rows.time[:-1])).any():
            return False
        first = np.concatenate(([0], np.flatnonzero(~same) + 1)) if len(rows) else np.empty(0, np.int64)
        return bool((rows.time[first] > self._newest[rows.point[first]]).all())

    def _touched_by_new(self, rows: Rows) -> Touched:
        return touched(rows.time, self._new_spans(rows))

    def _new_spans(self, rows: Rows) -> list[tuple[np.ndarray, np.ndarray]]:
        """New rows reach back to the row before them, and those with a value to the value before them."""
        spans = [spans_after(rows.point, rows.time, before=self._newest)] if len(rows) else []
        valued = rows if rows.present.all() else rows.take(rows.present)
        if len(valued) and (valued is not rows or (self._newest != self._newest_value).any()):
            spans.append(spans_after(valued.point, valued.time, before=self._newest_value))
        return spans

    def _compare(self, old: Rows) -> _Compared:
        """Compare rows with those of their points and times in the store."""
        found = [np.zeros(len(old), bool) for _ in range(4)]
        is_late, fills, repeats, conflicts = found
        standing = old.take(np.arange(len(old)))
        for start, end, index in ranges(old, width=len(self._points)):
            names = [self._points.names[point] for point in np.unique(old.point[index]).tolist()]
            where = self._where | {"point": names}
            stored = self._points.from_store(
                self._store.read(self._bucket, "reading", start_ms=start, end_ms=end, where=where)
            )
            part = old.take(index)
            place = _places(part, stored, start)
            there = place >= 0
            is_late[index] = ~there
            here, first = part.take(there), stored.take(place[there])
            index = index[there]
            repeats[index] = here.same_as(first)
            fills[index] = here.present & ~first.present
            conflicts[index] = ~(repeats[index] | fills[index])
            for name in Rows.__slots__:
                getattr(standing, name)[index] = getattr(first, name)
        return _Compared(is_late, fills, repeats, Conflict(old.take(conflicts), standing.take(conflicts)))


@dataclass(frozen=True, slots=True)
class _Compared:
    is_late: np.ndarray
    fills: np.ndarray
    repeats: np.ndarray
    conflict: Conflict


@dataclass(frozen=True, slots=True)
class _Settled:
    conflict: Conflict
    repeated: int
    filled: int


def _settle_inside(rows: Rows) -> tuple[Rows, _Settled]:
    """Leave one reading for each point and time; `rows` are sorted by point, time and arrival."""
    same = np.zeros(len(rows), bool)
    same[1:] = (rows.point[1:] == rows.point[:-1]) & (rows.time[1:] == rows.time[:-1])
    if not same.any():
        return rows, _Settled(_no_conflict(rows), 0, 0)
    previous = np.maximum(np.arange(len(rows)) - 1, 0)
    differs = same & ~rows.same_as(rows.take(previous))
    group = np.cumsum(~same) - 1
    kept, refused, standing, filled = ~same, [], [], 0
    for number in np.unique(group[differs]).tolist():  # rare: a plain repeat is settled without a loop
        first, *others = np.flatnonzero(group == number).tolist()
        for row in others:
            if rows.present[row] and not rows.present[first]:
                kept[first], kept[row] = False, True
                first, filled = row, filled + 1
            elif not rows.take(np.array([row])).same_as(rows.take(np.array([first])))[0]:
                refused.append(row)
                standing.append(first)
    repeated = int(len(rows) - kept.sum()) - filled - len(refused)
    conflict = Conflict(*(rows.take(np.array(index, np.int64)) for index in (refused, standing)))
    return rows.take(kept), _Settled(conflict, repeated, filled)


def _places(wanted: Rows, stored: Rows, start: int) -> np.ndarray:
    """For each wanted row the stored row of the same point and time, or -1; all within a range from `start` [ms]."""
    if not len(stored):
        return np.full(len(wanted), -1)
    keys = (stored.point.astype(np.int64) << 40) + (stored.time - start)
    order = np.argsort(keys, kind="stable")
    wanted_keys = (wanted.point.astype(np.int64) << 40) + (wanted.time - start)
    place = np.minimum(np.searchsorted(keys, wanted_keys, sorter=order), len(keys) - 1)
    return np.where(keys[order[place]] == wanted_keys, order[place], -1)


def _no_conflict(rows: Rows) -> Conflict:
    nobody = rows.take(np.empty(0, np.int64))
    return Conflict(nobody, nobody)


def _pair(conflict: Conflict) -> tuple[Rows, Rows]:
    return conflict.refused, conflict.standing
