"""How rows get into the tables of the embedded store, statement by statement.

Readings are appended; what jobs write is laid over the rows that are there; finished days are settled. Turns, errors
and transactions are the caller's (`tanji.store.embedded`), the SQL itself is `tanji.store.embedded_sql`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tanji.store import embedded_sql as sql
from tanji.store.schema import Measurement


class Writer:
    """Writes by one cursor, within transactions of the caller's.

    keyed : (bucket, measurement) of tables that have a primary key, as stores made before 2026-12 do.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self.keyed: frozenset[tuple[str, str]] = frozenset()

    def prepare(
        self, bucket: str, shape: Measurement, fields: Sequence[str], *, stored: tuple[str, ...] | None
    ) -> tuple[str, ...]:
        """Make the table of a measurement (`stored` None), or add the new fields of an open one; returns its fields."""
        if stored is None:
            stored = tuple(shape.fields)
            self.run(sql.create(bucket, shape))
        table = sql.table_name(bucket, shape.name)
        for field in fields:
            if field not in stored:
                kind = sql.SQL_TYPES[shape.field_type(field) or "float"]
                self.run([f"alter table {table} add column {sql.quoted(field)} {kind}"])
                stored = (*stored, field)
        return stored

    def add_series(self, bucket: str, measurement: str, fresh: Mapping[tuple[str, ...], int]) -> None:
        """Enter the numbers of new series."""
        size = len(fresh)
        names = {"sid": list(fresh.values()), "bucket": [bucket] * size, "measurement": [measurement] * size}
        tags = pa.array([list(tags) for tags in fresh], pa.list_(pa.string()))
        self._insert("series", pa.table(names | {"tags": tags}), "select * from incoming")

    def lay(
        self, bucket: str, shape: Measurement, fields: Sequence[str], *, stored: Sequence[str], incoming: pa.Table
    ) -> None:
        """Append a batch, or lay it over the rows that are there already."""
        target = sql.target(bucket, shape, fields)
        if shape.name in sql.APPENDED:
            self._insert(target, incoming, sql.append(fields, repeated=False))
            return
        if (bucket, shape.name) in self.keyed:
            self._insert(target, incoming, sql.upsert(fields))
            return
        low, high = pc.min_max(incoming.column("ts")).as_py().values()
        repeated = _any_repeated(incoming)
        if self._cursor.execute(sql.any_between(bucket, shape, low, high)).fetchall():
            times = low, high
            self.run(sql.replace(bucket, shape, fields, stored=stored, times=times, repeated=repeated), incoming)
        else:
            self._insert(target, incoming, sql.append(fields, repeated=repeated))

    def run(self, statements: Iterable[str], incoming: pa.Table | None = None) -> None:
        """Run statements, one after the other, which may name the table `incoming`."""
        if incoming is not None:
            self._cursor.register("incoming", incoming)
        try:
            for statement in statements:
                self._cursor.execute(statement).fetchall()
        finally:
            if incoming is not None:
                self._cursor.unregister("incoming")

    def _insert(self, target: str, incoming: pa.Table, select: str) -> None:
        self.run([f"insert into {target} {select}"], incoming)


def _any_repeated(incoming: pa.Table) -> bool:
    """Whether two rows of a batch have the same series and time; jobs never write one, and grouping costs a fifth."""
    number, time = incoming.column("sid").to_numpy(), incoming.column("ts").to_numpy()
    order = np.lexsort((time, number))
    return bool(((np.diff(number[order]) == 0) & (np.diff(time[order]) == 0)).any())
