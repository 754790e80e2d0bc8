"""The embedded store: one DuckDB file, owned by one process (DESIGN section 4, platform.md section 7).

Readings go to an append table without primary key, because a key costs more than the insert; reading them back keeps
the last arrival of equal point and time, as InfluxDB would. `compact` moves finished days, sorted, to a second table.
What jobs write is rewritten now and then: a batch is laid over the rows of its times. A write is one transaction,
durable when `write` returns; after kill -9 the next open replays the log of DuckDB.

Writers take turns by a lock; every reader works on a cursor of its own. SQL holds only names checked by
`tanji.store.schema` and integers; values are bound or registered.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tanji.errors import InstanceLocked, StoreUnavailable
from tanji.store import embedded_sql as sql
from tanji.store import schema
from tanji.store.ordering import arrange
from tanji.store.schema import FIELD_TYPES, Measurement
from tanji.store.series import SeriesIndex
from tanji.store.windows import merge, summarise, windows_schema

WINDOW_ROWS_MS = 31 * sql.DAY_MS  # one month of rows at a time keeps a year of windows in bounded memory
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "1GB",  # of the 4 GiB a plant's box has; DuckDB would take four fifths
    "checkpoint_threshold": "64MB",  # a checkpoint per 16 MB of log, the default, costs a tenth of an import
    "autoinstall_known_extensions": "false",  # closed networks: never reach for a server
    "autoload_known_extensions": "false",
}

_OPEN: weakref.WeakValueDictionary[Path, EmbeddedStore] = weakref.WeakValueDictionary()


class EmbeddedStore:
    """The port on a DuckDB file. `InstanceLocked` if another process, or another object here, has it open."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path).resolve()
        if self._path in _OPEN:
            raise InstanceLocked(f"{self._path} is already open in this process")
        self._lock = threading.Lock()
        self._root = _connect(self._path)
        _OPEN[self._path] = self
        self._writer = self._root.cursor()
        self._keys: list[tuple[str, ...]] = []
        self._series: dict[tuple[str, str], SeriesIndex] = {}
        self._columns: dict[tuple[str, str], tuple[str, ...]] = {}
        self._keyed: set[tuple[str, str]] = set()
        try:
            with _translated("open"):
                self._load()
        except BaseException:
            self.close()
            raise

    def write(self, bucket: str, measurement: str, rows: pa.Table) -> None:
        """Store `rows` in one transaction, on disk when this returns (see the port)."""
        shape = schema.find_measurement(measurement)
        table = schema.check_rows(shape, rows)
        schema.check_bucket(bucket)
        if table.num_rows == 0:
            return
        fields = tuple(table.column_names[1 + len(shape.tags) :])
        with self._lock, _translated("write"):
            known = len(self._keys)
            index = self._series.setdefault((bucket, measurement), SeriesIndex(shape))
            number, fresh = index.number_rows(table, first_free=known)
            # Before the commit: a reader may meet the rows the moment they are committed.
            self._keys.extend(fresh)
            incoming = pa.table([number, table.column("time"), *table.select(fields).columns], ["sid", "ts", *fields])
            try:
                with _transaction(self._writer):
                    columns = self._prepare(bucket, shape, fields)
                    if fresh:
                        self._insert("series", _series_rows(bucket, measurement, fresh), "select * from incoming")
                    self._lay(bucket, shape, fields, columns, incoming)
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
        wanted = stored if fields is None else schema.check_fields(shape, fields)
        present = [field for field in wanted if field in stored]
        if not present or chosen == []:
            return shape.arrow_schema(wanted).empty_table()
        condition = sql.condition(chosen, start_ms, end_ms)
        if len(present) < len(stored):
            condition += f" and ({' or '.join(f'{sql.quoted(field)} is not null' for field in present)})"
        select = f"select sid, ts, {', '.join(map(sql.quoted, present))} from {{part}} where {condition}"
        return self._answer(shape, wanted, self._fetch(bucket, shape, select))

    def latest(self, bucket: str, measurement: str, *, where: Mapping[str, Sequence[str]] | None = None) -> pa.Table:
        """The newest row of every series (see the port)."""
        shape, stored, chosen = self._question(bucket, measurement, where)
        if not stored or chosen == []:
            return shape.arrow_schema(stored).empty_table()
        select = sql.newest(sql.condition(chosen, None, None))
        found = self._fetch(bucket, shape, select)
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
        with self._reader() as cursor:
            found = cursor.execute(sql.count(bucket, shape, condition)).fetchall()
        return int(found[0][0])

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
        schema.check_number_field(shape, field)
        step = schema.check_width(width_ms) * max(1, WINDOW_ROWS_MS // width_ms)
        pages = [windows_schema(shape, FIELD_TYPES[shape.field_type(field) or "float"]).empty_table()]
        first, last = self._extent(bucket, shape, sql.condition(chosen, start_ms, end_ms)) if chosen != [] else (0, -1)
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
        schema.check_deletion(schema.find_measurement(measurement), where)
        shape, _, chosen = self._question(bucket, measurement, where)
        if not chosen:
            return
        held = sql.condition(chosen, start_ms, end_ms)
        with self._lock, _translated("delete"), _transaction(self._writer):
            for part in sql.parts(bucket, shape):
                self._writer.execute(f"delete from {part} where {held}").fetchall()

    def compact(self, *, before_ms: int) -> int:
        """Sort the readings before `before_ms` [UTC ms], a day at a time, keeping last arrivals; days moved.

        Meant for the night, with the start of the day. Readers go on meanwhile, writers wait for one day's sort.
        """
        moved = 0
        for bucket, measurement in list(self._columns):
            if measurement in sql.APPENDED:
                moved += sum(1 for _ in self._settle(bucket, schema.find_measurement(measurement), before_ms))
        with self._lock, suppress(duckdb.TransactionException):  # a reader is at work: the next checkpoint does it
            self._writer.execute("checkpoint").fetchall()
        return moved

    def close(self) -> None:
        """Close the file; nothing acknowledged is waiting in memory."""
        with self._lock:
            self._writer.close()
            self._root.close()
            _OPEN.pop(self._path, None)

    def _load(self) -> None:
        self._writer.execute(sql.CREATE_SERIES).fetchall()
        rows = self._writer.execute("select sid, bucket, measurement, tags from series order by sid").fetchall()
        for number, bucket, measurement, tags in rows:
            shape = schema.find_measurement(measurement)
            self._series.setdefault((bucket, measurement), SeriesIndex(shape)).add(tuple(tags), number)
            self._keys.append(tuple(tags))
        for bucket, measurement in self._series:
            described = self._writer.execute(f"describe {sql.table_name(bucket, measurement)}").fetchall()
            self._columns[bucket, measurement] = tuple(row[0] for row in described if row[0] not in ("sid", "ts"))
        keyed = {row[0] for row in self._writer.execute(sql.KEYED).fetchall()}
        self._keyed = {(bucket, name) for bucket, name in self._series if f"{bucket}.{name}" in keyed}

    def _prepare(self, bucket: str, shape: Measurement, fields: Sequence[str]) -> tuple[str, ...]:
        """Make the table of a measurement, or add the new fields of an open one; returns its fields."""
        table = sql.table_name(bucket, shape.name)
        stored = self._columns.get((bucket, shape.name))
        if stored is None:
            stored = tuple(shape.fields)
            for statement in sql.create(bucket, shape):
                self._writer.execute(statement).fetchall()
        for field in fields:
            if field not in stored:
                kind = sql.SQL_TYPES[shape.field_type(field) or "float"]
                self._writer.execute(f"alter table {table} add column {sql.quoted(field)} {kind}").fetchall()
                stored = (*stored, field)
        return stored

    def _lay(
        self, bucket: str, shape: Measurement, fields: Sequence[str], stored: Sequence[str], incoming: pa.Table
    ) -> None:
        """Append a batch, or lay it over the rows that are there already."""
        target = sql.target(bucket, shape, fields)
        if shape.name in sql.APPENDED:
            self._insert(target, incoming, sql.append(fields, repeated=False))
            return
        if (bucket, shape.name) in self._keyed:
            self._insert(target, incoming, sql.upsert(fields))
            return
        low, high = pc.min_max(incoming.column("ts")).as_py().values()
        repeated = _any_repeated(incoming)
        if self._writer.execute(sql.any_between(bucket, shape, low, high)).fetchall():
            self._writer.register("incoming", incoming)
            try:
                times = low, high
                for statement in sql.replace(bucket, shape, fields, stored=stored, times=times, repeated=repeated):
                    self._writer.execute(statement).fetchall()
            finally:
                self._writer.unregister("incoming")
        else:
            self._insert(target, incoming, sql.append(fields, repeated=repeated))

    def _insert(self, target: str, incoming: pa.Table, select: str) -> None:
        self._writer.register("incoming", incoming)
        try:
            self._writer.execute(f"insert into {target} {select}").fetchall()
        finally:
            self._writer.unregister("incoming")

    def _settle(self, bucket: str, shape: Measurement, before_ms: int) -> Iterator[int]:
        """Move finished days to the sorted table, each in its own transaction; yields the days."""
        hot, settled = sql.parts(bucket, shape)[::-1]
        days = f"select distinct ts // {sql.DAY_MS} from {hot} where ts < {int(before_ms)} order by 1"
        for (day,) in self._writer_rows(days):
            held = f"ts >= {day * sql.DAY_MS} and ts < {min((day + 1) * sql.DAY_MS, before_ms)}"
            with self._lock, _translated("compact"), _transaction(self._writer):
                for statement in sql.settle(hot, settled, shape, held):
                    self._writer.execute(statement).fetchall()
            yield day

    def _writer_rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self._reader() as cursor:
            return cursor.execute(statement).fetchall()

    @contextmanager
    def _reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with _translated("read"):
            cursor = self._root.cursor()
            try:
                yield cursor
            finally:
                cursor.close()

    def _question(
        self, bucket: str, measurement: str, where: Mapping[str, Sequence[str]] | None
    ) -> tuple[Measurement, tuple[str, ...], list[int] | None]:
        """The measurement, the fields stored for it here, and the series meant (None: all)."""
        shape = schema.find_measurement(measurement)
        conditions = schema.check_where(shape, where)
        schema.check_bucket(bucket)
        stored = self._columns.get((bucket, measurement), tuple(shape.fields))
        if shape.open:
            stored = tuple(sorted(stored))
        index = self._series.get((bucket, measurement))
        if index is None or (bucket, measurement) not in self._columns:
            return shape, stored, []
        return shape, stored, index.select(conditions)

    def _fetch(self, bucket: str, shape: Measurement, select: str) -> dict[str, Any]:
        """Columns of all parts of a table in order of arrival, from one snapshot."""
        with self._reader() as cursor, _transaction(cursor):
            found = [cursor.execute(select.format(part=part)).fetchnumpy() for part in sql.parts(bucket, shape)]
        found = [part for part in found if len(part["ts"])] or found[:1]
        if len(found) == 1:
            return found[0]
        together: Callable[[list[np.ndarray]], np.ndarray] = np.ma.concatenate
        return {name: together([part[name] for part in found]) for name in found[0]}

    def _extent(self, bucket: str, shape: Measurement, condition: str) -> tuple[int, int]:
        """First and last time of the rows meant [UTC ms]; (0, -1) where there are none."""
        with self._reader() as cursor:
            low, high = cursor.execute(sql.extent(bucket, shape, condition)).fetchall()[0]
        return (0, -1) if low is None else (low, high)

    def _answer(self, shape: Measurement, wanted: Sequence[str], found: dict[str, Any]) -> pa.Table:
        columns = {field: _arrow(found.get(field), shape, field, len(found["ts"])) for field in wanted}
        time = np.ma.getdata(found["ts"])
        return arrange(shape, series=np.ma.getdata(found["sid"]), keys=self._keys, time=time, fields=columns)


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), config=SETTINGS)
    except duckdb.IOException as err:
        if "lock" in str(err).lower():
            raise InstanceLocked(f"{path} is in use by another process, expected to be its only owner: {err}") from err
        raise StoreUnavailable(f"{path}: expected a DuckDB file that can be opened, got {err}") from err
    except duckdb.Error as err:
        raise StoreUnavailable(f"{path}: expected a DuckDB file, got {err}") from err


@contextmanager
def _translated(action: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as err:  # names and types were checked before: what is left is the disk, or a closed store
        raise StoreUnavailable(f"embedded store: cannot {action}: {err}") from err


@contextmanager
def _transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    cursor.begin()
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):
            cursor.rollback()
        raise
    cursor.commit()


def _any_repeated(incoming: pa.Table) -> bool:
    """Whether two rows of a batch have the same series and time; jobs never write one, and grouping costs a fifth."""
    number, time = incoming.column("sid").to_numpy(), incoming.column("ts").to_numpy()
    order = np.lexsort((time, number))
    return bool(((np.diff(number[order]) == 0) & (np.diff(time[order]) == 0)).any())


def _series_rows(bucket: str, measurement: str, fresh: Mapping[tuple[str, ...], int]) -> pa.Table:
    names = {"sid": list(fresh.values()), "bucket": [bucket] * len(fresh), "measurement": [measurement] * len(fresh)}
    return pa.table(names | {"tags": pa.array([list(tags) for tags in fresh], pa.list_(pa.string()))})


def _arrow(column: Any, shape: Measurement, field: str, size: int) -> pa.Array:
    """A numpy column, masked where null, as Arrow; a field that no row has is all null."""
    kind = FIELD_TYPES[shape.field_type(field) or "float"]
    if column is None:
        return pa.nulls(size, kind)
    mask = np.ma.getmaskarray(column) if np.ma.is_masked(column) else None
    return pa.array(np.ma.getdata(column), kind, mask=mask)
