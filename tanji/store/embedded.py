"""The embedded store: one DuckDB file, owned by one process (DESIGN section 4, platform.md section 7).

Readings go to an append table without primary key, because a key costs more than the insert; reading them back keeps
the last arrival of equal point and time, as InfluxDB would. `compact` moves finished days, sorted, to a second table.
What jobs write is rewritten now and then: a batch is laid over the rows of its times. A write is one transaction,
durable when `write` returns; after kill -9 the next open replays the log of DuckDB.

Writers take turns by a lock; every reader works on a cursor of its own. How rows get into the tables and out of
them is `tanji.store.embedded_writer` and `embedded_reader`; SQL holds only checked names and integers, values are bound
or registered.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from tanji.errors import InstanceLocked
from tanji.store import checks, schema
from tanji.store import embedded_sql as sql
from tanji.store.embedded_file import connect, transaction, translated
from tanji.store.embedded_reader import Reader, as_arrow
from tanji.store.embedded_writer import Writer
from tanji.store.ordering import arrange
from tanji.store.schema import FIELD_TYPES, Measurement
from tanji.store.series import SeriesIndex
from tanji.store.windows import merge, summarise, windows_schema

WINDOW_ROWS_MS = 31 * sql.DAY_MS  # one month of rows at a time keeps a year of windows in bounded memory

_OPEN: weakref.WeakValueDictionary[Path, EmbeddedStore] = weakref.WeakValueDictionary()


class EmbeddedStore:
    """The port on a DuckDB file. `InstanceLocked` if another process, or another object here, has it open."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path).resolve()
        if self._path in _OPEN:
            raise InstanceLocked(f"{self._path} is already open in this process")
        self._lock = threading.Lock()
        self._root = connect(self._path)
        _OPEN[self._path] = self
        self._cursor = self._root.cursor()
        self._writer, self._reader = Writer(self._cursor), Reader(self._root)
        self._keys: list[tuple[str, ...]] = []
        self._series: dict[tuple[str, str], SeriesIndex] = {}
        self._columns: dict[tuple[str, str], tuple[str, ...]] = {}
        try:
            with translated("open"):
                self._load()
        except BaseException:
            self.close()
            raise

    def write(self, bucket: str, measurement: str, rows: pa.Table) -> None:
        """Store `rows` in one transaction, on disk when this returns (see the port)."""
        shape = schema.find_measurement(measurement)
        table = checks.check_rows(shape, rows)
        checks.check_bucket(bucket)
        if table.num_rows == 0:
            return
        fields = tuple(table.column_names[1 + len(shape.tags) :])
        with self._lock, translated("write"):
            known = len(self._keys)
            index = self._series.setdefault((bucket, measurement), SeriesIndex(shape))
            number, fresh = index.number_rows(table, first_free=known)
            # Before the commit: a reader may meet the rows the moment they are committed.
            self._keys.extend(fresh)
            incoming = pa.table([number, table.column("time"), *table.select(fields).columns], ["sid", "ts", *fields])
            try:
                with transaction(self._cursor):
                    stored = self._columns.get((bucket, measurement))
                    columns = self._writer.prepare(bucket, shape, fields, stored=stored)
                    if fresh:
                        self._writer.add_series(bucket, measurement, fresh)
                    self._writer.lay(bucket, shape, fields, stored=columns, incoming=incoming)
            except BaseException:
                del self._keys[known:]
                raise
            for tags, added in fresh.items():
                index.add(tags, added)
            self._columns[bucket, measurement] = columns

    def read(
        self,
        bucket: str,
        measurement: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        where: Mapping[str, Sequence[str]] | None = None,
        fields: Sequence[str] | None = None,
    ) -> pa.Table:
        """Rows in [start_ms, end_ms), sorted by tags then time (see the port)."""
        shape, stored, chosen = self._question(bucket, measurement, where)
        wanted = stored if fields is None else checks.check_fields(shape, fields)
        present = [field for field in wanted if field in stored]
        if not present or chosen == []:
            return shape.arrow_schema(wanted).empty_table()
        condition = sql.condition(chosen, start_ms, end_ms)
        if len(present) < len(stored):
            condition += f" and ({' or '.join(f'{sql.quoted(field)} is not null' for field in present)})"
        select = f"select sid, ts, {', '.join(map(sql.quoted, present))} from {{part}} where {condition}"
        return self._answer(shape, wanted, self._reader.fetch(bucket, shape, select))

    def latest(self, bucket: str, measurement: str, *, where: Mapping[str, Sequence[str]] | None = None) -> pa.Table:
        """The newest row of every series (see the port)."""
        shape, stored, chosen = self._question(bucket, measurement, where)
        if not stored or chosen == []:
            return shape.arrow_schema(stored).empty_table()
        select = sql.newest(sql.condition(chosen, None, None))
        found = self._reader.fetch(bucket, shape, select)
        newest = np.full(len(self._keys), np.iinfo(np.int64).min)
        np.maximum.at(newest, found["sid"], found["ts"])
        kept = found["ts"] == newest[found["sid"]]
        return self._answer(shape, stored, {name: column[kept] for name, column in found.items()})

    def count(
        self,
        bucket: str,
        measurement: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        where: Mapping[str, Sequence[str]] | None = None,
    ) -> int:
        """How many rows `read` would return."""
        shape, stored, chosen = self._question(bucket, measurement, where)
        if not stored or chosen == []:
            return 0
        condition = sql.condition(chosen, start_ms, end_ms)
        return int(self._reader.rows(sql.count(bucket, shape, condition))[0][0])

    def windows(
        self,
        bucket: str,
        measurement: str,
        field: str,
        *,
        start_ms: int,
        end_ms: int,
        width_ms: int,
        where: Mapping[str, Sequence[str]] | None = None,
    ) -> pa.Table:
        """Mean, min, max and count of `field` per tags and window of `width_ms` (see the port)."""
        shape, _, chosen = self._question(bucket, measurement, where)
        checks.check_number_field(shape, field)
        step = checks.check_width(width_ms) * max(1, WINDOW_ROWS_MS // width_ms)
        pages = [windows_schema(shape, FIELD_TYPES[shape.field_type(field) or "float"]).empty_table()]
        first, last = (
            self._reader.extent(bucket, shape, sql.condition(chosen, start_ms, end_ms)) if chosen != [] else (0, -1)
        )
        for page in range(first // step * step, last + 1, step):
            low, high = max(page, start_ms), min(page + step, end_ms)
            rows = self.read(bucket, measurement, start_ms=low, end_ms=high, where=where, fields=(field,))
            pages.append(summarise(shape, rows, field, width_ms=width_ms))
        return merge(shape, [page for page in pages if page.num_rows] or pages)

    def delete(
        self,
        bucket: str,
        measurement: str,
        *,
        start_ms: int,
        end_ms: int,
        where: Mapping[str, Sequence[str]],
    ) -> None:
        """Remove rows of named series in one transaction, on disk when this returns (see the port)."""
        checks.check_deletion(schema.find_measurement(measurement), where)
        shape, _, chosen = self._question(bucket, measurement, where)
        if not chosen:
            return
        held = sql.condition(chosen, start_ms, end_ms)
        with self._lock, translated("delete"), transaction(self._cursor):
            self._writer.run(f"delete from {part} where {held}" for part in sql.parts(bucket, shape))

    def compact(self, *, before_ms: int) -> int:
        """Sort the readings before `before_ms` [UTC ms], a day at a time, keeping last arrivals; days moved.

        Meant for the night, with the start of the day. Readers go on meanwhile, writers wait for one day's sort.
        """
        moved = 0
        for bucket, measurement in list(self._columns):
            if measurement in sql.APPENDED:
                moved += sum(1 for _ in self._settle(bucket, schema.find_measurement(measurement), before_ms))
        with self._lock, suppress(duckdb.TransactionException):  # a reader is at work: the next checkpoint does it
            self._writer.run(["checkpoint"])
        return moved

    def close(self) -> None:
        """Close the file; nothing acknowledged is waiting in memory."""
        with self._lock:
            self._cursor.close()
            self._root.close()
            _OPEN.pop(self._path, None)

    def _load(self) -> None:
        self._writer.run([sql.CREATE_SERIES])
        rows = self._cursor.execute("select sid, bucket, measurement, tags from series order by sid").fetchall()
        for number, bucket, measurement, tags in rows:
            shape = schema.find_measurement(measurement)
            self._series.setdefault((bucket, measurement), SeriesIndex(shape)).add(tuple(tags), number)
            self._keys.append(tuple(tags))
        for bucket, measurement in self._series:
            described = self._cursor.execute(f"describe {sql.table_name(bucket, measurement)}").fetchall()
            self._columns[bucket, measurement] = tuple(row[0] for row in described if row[0] not in ("sid", "ts"))
        keyed = {row[0] for row in self._cursor.execute(sql.KEYED).fetchall()}
        self._writer.keyed = frozenset((bucket, name) for bucket, name in self._series if f"{bucket}.{name}" in keyed)

    def _settle(self, bucket: str, shape: Measurement, before_ms: int) -> Iterator[int]:
        """Move finished days to the sorted table, each in its own transaction; yields the days."""
        hot, settled = sql.parts(bucket, shape)[::-1]
        days = f"select distinct ts // {sql.DAY_MS} from {hot} where ts < {int(before_ms)} order by 1"
        for (day,) in self._reader.rows(days):
            held = f"ts >= {day * sql.DAY_MS} and ts < {min((day + 1) * sql.DAY_MS, before_ms)}"
            with self._lock, translated("compact"), transaction(self._cursor):
                self._writer.run(sql.settle(hot, settled, shape, held))
            yield day

    def _question(
        self, bucket: str, measurement: str, where: Mapping[str, Sequence[str]] | None
    ) -> tuple[Measurement, tuple[str, ...], list[int] | None]:
        """The measurement, the fields stored for it here, and the series meant (None: all)."""
        shape = schema.find_measurement(measurement)
        conditions = checks.check_where(shape, where)
        checks.check_bucket(bucket)
        stored = self._columns.get((bucket, measurement), tuple(shape.fields))
        if shape.open:
            stored = tuple(sorted(stored))
        index = self._series.get((bucket, measurement))
        if index is None or (bucket, measurement) not in self._columns:
            return shape, stored, []
        return shape, stored, index.select(conditions)

    def _answer(self, shape: Measurement, wanted: Sequence[str], found: dict[str, Any]) -> pa.Table:
        columns = as_arrow(found, shape, wanted)
        time = np.ma.getdata(found["ts"])
        return arrange(shape, series=np.ma.getdata(found["sid"]), keys=self._keys, time=time, fields=columns)
