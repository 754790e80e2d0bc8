"""How rows come out of the tables of the embedded store: every question on a cursor of its own, from any thread.

The SQL is `tanji.store.embedded_sql`; which series are meant, and how an answer is arranged, is the store's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from tanji.store import embedded_sql as sql
from tanji.store.embedded_file import transaction, translated
from tanji.store.schema import FIELD_TYPES, Measurement


class Reader:
    """Asks an open file; errors are StoreUnavailable."""

    def __init__(self, root: duckdb.DuckDBPyConnection) -> None:
        self._root = root

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        with self._asking() as cursor:
            return cursor.execute(statement).fetchall()

    def fetch(self, bucket: str, shape: Measurement, select: str) -> dict[str, Any]:
        """Columns of all parts of a table in order of arrival, from one snapshot. select : with a place for `part`."""
        with self._asking() as cursor, transaction(cursor):
            found = [cursor.execute(select.format(part=part)).fetchnumpy() for part in sql.parts(bucket, shape)]
        found = [part for part in found if len(part["ts"])] or found[:1]
        if len(found) == 1:
            return found[0]
        together: Callable[[list[np.ndarray]], np.ndarray] = np.ma.concatenate
        return {name: together([part[name] for part in found]) for name in found[0]}

    def extent(self, bucket: str, shape: Measurement, condition: str) -> tuple[int, int]:
        """First and last time of the rows meant [UTC ms]; (0, -1) where there are none."""
        low, high = self.rows(sql.extent(bucket, shape, condition))[0]
        return (0, -1) if low is None else (low, high)

    @contextmanager
    def _asking(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with translated("read"):
            cursor = self._root.cursor()
            try:
                yield cursor
            finally:
                cursor.close()


def as_arrow(found: dict[str, Any], shape: Measurement, fields: Sequence[str]) -> dict[str, pa.Array]:
    """The fields of what was fetched, null where masked; a field that no row has is all null."""
    return {field: _arrow(found.get(field), shape, field, len(found["ts"])) for field in fields}


def _arrow(column: Any, shape: Measurement, field: str, size: int) -> pa.Array:
    """A numpy column, masked where null, as Arrow; a field that no row has is all null."""
    kind = FIELD_TYPES[shape.field_type(field) or "float"]
    if column is None:
        return pa.nulls(size, kind)
    mask = np.ma.getmaskarray(column) if np.ma.is_masked(column) else None
    return pa.array(np.ma.getdata(column), kind, mask=mask)
