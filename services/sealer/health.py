"""Lines of other measurements, host metrics mostly, on their way to `<plant>_health`: never sealed, best effort.

The store keeps one open measurement `health` with tags plant and part; the series key of the line becomes `part`, its
numbers and booleans become fields. While the store is down the newest lines are kept in memory up to a limit; losing
one costs a metric, never a reading.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Sequence

import pyarrow as pa

from tanji.acquisition.line_protocol import OtherLine
from tanji.acquisition.line_scanner import take_apart
from tanji.errors import StoreRefused
from tanji.plant.names import health_bucket
from tanji.store.port import Store

MOST_WAITING = 20_000
"""Lines kept while the store is down: some minutes of one host, a few MB."""

Row = tuple[int, str, dict[str, float]]


class Health:
    """A short queue in front of the health bucket."""

    def __init__(self, plant_id: str, *, store: Store) -> None:
        self._plant_id = plant_id
        self._store = store
        self._waiting: deque[OtherLine] = deque(maxlen=MOST_WAITING)
        self._lock = threading.Lock()
        self.written = 0
        self.dropped = 0

    def offer(self, lines: Sequence[OtherLine]) -> None:
        """Queue lines; the oldest give way when there are too many."""
        with self._lock:
            self.dropped += max(0, len(self._waiting) + len(lines) - MOST_WAITING)
            self._waiting.extend(lines)

    def flush(self) -> None:
        """Hand what waits to the store. StoreUnavailable leaves it waiting."""
        with self._lock:
            lines = list(self._waiting)
        if not lines:
            return
        rows = [row for line in lines if (row := _row(line)) is not None]
        try:
            if rows:
                self._store.write(health_bucket(self._plant_id), "health", self._table(rows))
            self.written += len(rows)
            self.dropped += len(lines) - len(rows)
        except StoreRefused:
            self.dropped += len(lines)
        with self._lock:
            done = set(map(id, lines))
            self._waiting = deque((line for line in self._waiting if id(line) not in done), MOST_WAITING)

    def _table(self, rows: list[Row]) -> pa.Table:
        names = sorted({name for _, _, fields in rows for name in fields})
        columns = {"time": pa.array([time for time, _, _ in rows], pa.int64())}
        columns["plant"] = pa.array([self._plant_id] * len(rows)).dictionary_encode()
        columns["part"] = pa.array([part for _, part, _ in rows], pa.string()).dictionary_encode()
        for name in names:
            columns[name] = pa.array([fields.get(name) for _, _, fields in rows], pa.float64())
        return pa.table(columns)


def _row(line: OtherLine) -> Row | None:
    """Time [ms], part and numbers of a line; None if it has no number."""
    key, pairs, time = take_apart(line)
    numbers = {_name(name): float(value) for name, value in pairs if not isinstance(value, str)}
    part = re.sub(r"[\x00-\x1f\x7f]", " ", key.decode("utf-8", "replace").replace("\\", ""))
    return (time, part, numbers) if numbers else None


def _name(raw: bytes) -> str:
    """A field name the open measurement takes: lower case, letters, digits and underscores, not one of its tags."""
    name = re.sub(r"[^a-z0-9_]", "_", raw.decode("utf-8", "replace").lower())
    return name if name[0].isalpha() and name not in ("time", "plant", "part") else f"x_{name}"
