"""Which hours a batch of readings touches, and the `arrival` rows that tell the jobs (DESIGN section 2).

A counter's increment and a rate's mean are carried from one reading to the next, so a new reading concerns every hour
from the reading before it to the reading after it. Readings here are those with a value: a failed read carries nothing
over. Two readings more than `WIDEST_GAP_MS` apart are no neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tanji.plant.names import raw_bucket
from tanji.store.port import Store

HOUR_MS = 3_600_000
WIDEST_GAP_MS = 366 * 24 * HOUR_MS
"""No figure is carried over more than a year; and a device clock that fell back to 1970, or jumped to 2099, must not
have half a million hours computed again with every batch."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Hours (UTC, start in ms, distinct and sorted) and how many readings of the batch lie in each."""

    hour: np.ndarray
    count: np.ndarray


def hour_of(time: np.ndarray) -> np.ndarray:
    """Start of the hour of each time [UTC ms]."""
    return time // HOUR_MS * HOUR_MS


def touched(time: np.ndarray, spans: list[tuple[np.ndarray, np.ndarray]]) -> Touched:
    """Hours of the readings at `time`, and every hour of the spans (first hour, last hour; both included)."""
    own, own_count = np.unique(hour_of(time), return_counts=True)
    hours = [own]
    for first, last in spans:
        for start, end in set(zip(first.tolist(), last.tolist(), strict=True)):
            hours.append(np.arange(start, end + 1, HOUR_MS))
    hour = np.unique(np.concatenate(hours))
    count = np.zeros(len(hour), np.int64)
    count[np.searchsorted(hour, own)] = own_count
    return Touched(hour, count)


def spans_after(point: np.ndarray, time: np.ndarray, *, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spans of rows sorted by point and time, each from the row before it; `before` is the last time per point.

    Only spans that leave the own hour are returned.
    """
    previous = np.empty_like(time)
    previous[1:] = time[:-1]
    first = np.ones(len(time), bool)
    first[1:] = point[1:] != point[:-1]
    previous[first] = before[point[first]]
    return crossing(previous, time)


def crossing(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last hour of the pairs of times that lie in different hours and not too far apart."""
    # Differences of sentinels overflow, so nearness is judged by comparison.
    first, last = hour_of(start), hour_of(end)
    wanted = (first != last) & (start >= end - WIDEST_GAP_MS)
    return first[wanted], last[wanted]


class ArrivalLog:
    """Writes `arrival` rows; their times only ever rise, over restarts too, so a job can follow them."""

    def __init__(self, plant_id: str, *, store: Store, clock: Callable[[], int]) -> None:
        self._plant_id = plant_id
        self._store = store
        self._clock = clock
        self._last_ms: int | None = None

    def load(self) -> None:
        """Continue after the latest row in the store."""
        rows = self._store.latest(raw_bucket(self._plant_id), "arrival", where={"plant": [self._plant_id]})
        self._last_ms = max(rows.column("time").to_pylist(), default=None)

    def rows(self, hours: Touched) -> pa.Table:
        """Rows for these hours, each with a time nobody has had."""
        start = self._clock()
        if self._last_ms is not None:
            start = max(start, self._last_ms + 1)
        size = len(hours.hour)
        self._last_ms = start + size - 1
        plant = pa.DictionaryArray.from_arrays(pa.array(np.zeros(size, np.int32)), pa.array([self._plant_id]))
        time = pa.array(np.arange(start, start + size, dtype=np.int64))
        return pa.table({"time": time, "plant": plant, "hour_ms": hours.hour, "count": hours.count})

    def write(self, rows: pa.Table) -> None:
        """Append rows; the same rows may be written again after a failure."""
        self._store.write(raw_bucket(self._plant_id), "arrival", rows)
