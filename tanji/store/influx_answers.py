"""Answers of a server of the InfluxDB family that are known to be whole (platform.md 1.7 and 1.9).

A SELECT comes as CSV, whose errors hide behind HTTP 200: InfluxDB tells of them by leaving out a sentinel statement,
openGemini not even so, and is asked beforehand how many rows there are. What is asked is `tanji.store.influx`'s.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tanji.errors import StoreUnavailable
from tanji.store import checks, influx_query
from tanji.store.influx_http import Connection
from tanji.store.influx_query import Statement, quoted
from tanji.store.influx_server import Server
from tanji.store.schema import FIELD_TYPES, Measurement

CHUNK_ROWS = 10_000
Columns = dict[str, pa.DataType]


@dataclass(frozen=True, slots=True)
class Least:
    """What tells whether an answer is whole where the sentinel does not: how many rows there were just before.

    On openGemini a failed statement leaves an empty CSV body and the sentinel runs all the same (platform.md 1.9).
    """

    fields: Sequence[str]
    meant: Statement
    whole: bool = False  # one row of the answer for each stored row, so that their number can be compared

    def rows(self, counts: Sequence[int]) -> int:
        """Rows the answer must have at least, from the number of values of each field."""
        return max(counts) if self.whole else min(1, max(counts))


class Answers:
    """Asks a server. `server` says which one it is, and may be asked only once it is needed."""

    def __init__(self, connection: Connection, server: Callable[[], Server]) -> None:
        self._connection, self._server = connection, server

    def rows(self, bucket: str, shape: Measurement, columns: Columns, asked: Statement, least: Least) -> pa.Table:
        """The rows of a SELECT, known to be complete."""
        checks.check_bucket(bucket)
        trusted = self._server().sentinel_shows_errors
        expected = 0 if trusted else least.rows(self.counts(bucket, shape, least.fields, least.meant))
        if not trusted and not expected:
            return influx_query.empty(shape, columns)
        text = asked.text + (influx_query.SENTINEL if trusted else "")
        form = _form(bucket, Statement(text, asked.params)) | {"chunked": "true", "chunk_size": str(CHUNK_ROWS)}
        blocks = self._connection.ask(form, accept="application/csv")
        table = influx_query.read_csv(blocks, shape, columns, sentinel=trusted)
        if table is None:
            # Alone, or 2.x would only say that the statement was not executed (platform.md 1.7 trap 1).
            return influx_query.read_json(self._ask_json(bucket, asked), shape, columns)
        if table.num_rows < expected:
            raise StoreUnavailable(f"{shape.name}: expected at least {expected} rows, got {table.num_rows}")
        return table

    def counts(self, bucket: str, shape: Measurement, fields: Sequence[str], meant: Statement) -> list[int]:
        """How many values each field has."""
        counts = ", ".join(f"count({quoted(field)})" for field in fields)
        answer = self.series(bucket, Statement(f"SELECT {counts} FROM {quoted(shape.name)}{meant.text}", meant.params))
        return first_row(answer) or [0] * len(fields)

    def series(self, bucket: str, statement: Statement) -> list[dict[str, Any]]:
        """The series of a JSON answer; a failed statement raises."""
        return influx_query.json_series(self._ask_json(bucket, statement))

    def _ask_json(self, bucket: str, statement: Statement) -> bytes:
        return b"".join(self._connection.ask(_form(bucket, statement), accept="application/json"))


def columns_of(shape: Measurement, fields: Sequence[str]) -> Columns:
    """Names and types of fields, in their order."""
    return {field: FIELD_TYPES[shape.field_type(field) or "float"] for field in fields}


def first_row(series: list[dict[str, Any]]) -> list[int]:
    """The counts of an answer with one row; empty where there is none."""
    return [int(count or 0) for count in series[0]["values"][0][1:]] if series else []


def _form(bucket: str, statement: Statement) -> dict[str, str]:
    return {"db": bucket, "epoch": "ms", "q": statement.text, "params": json.dumps(dict(statement.params))}
