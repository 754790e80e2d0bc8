"""The store on a server of the InfluxDB family: line protocol in, InfluxQL out (platform.md 1.5).

InfluxDB 1.x, 2.x and openGemini serve the same port; what differs is told by `/ping` at first use and kept here:
where bytes are written, how a bucket is made, and how an answer is known to be whole. influxdb-client writes bytes
where the server has `/api/v2/write` and administers 2.x; its batching and its query objects are never used
(platform.md section 2). The database may be down when the store is made. Nothing is retried: the caller holds the rows.

Means of a window that crosses a shard (7 days, from Monday) may differ from the embedded store's in the last bit,
since the server adds shard by shard; windows that divide a day never do.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tanji.errors import StoreUnavailable
from tanji.store import influx_query, schema
from tanji.store.influx_http import ANSWER_S, Connection, failure, unreachable
from tanji.store.influx_query import Statement, condition, quoted, select
from tanji.store.influx_server import Server, ServerKind, recognise
from tanji.store.line_writer import MOST_LINES, bodies, is_distinct
from tanji.store.parallel import send_all
from tanji.store.schema import FIELD_TYPES, Measurement
from tanji.store.windows import windows_schema

DEFAULT_POLICY = "autogen"  # what CREATE DATABASE makes on 1.x, and the virtual mapping of a bucket on 2.x
CHUNK_ROWS = 10_000
Columns = dict[str, pa.DataType]


@dataclass(frozen=True, slots=True)
class _Least:
    """What tells whether an answer is whole where the sentinel does not: how many rows there were just before.

    On openGemini a failed statement leaves an empty CSV body and the sentinel runs all the same (platform.md 1.9).
    """

    fields: Sequence[str]
    meant: Statement
    whole: bool = False  # one row of the answer for each stored row, so that their number can be compared

    def rows(self, counts: Sequence[int]) -> int:
        """Rows the answer must have at least, from the number of values of each field."""
        return max(counts) if self.whole else min(1, max(counts))


class InfluxStore:
    """The port on InfluxDB 1.x, 2.x or openGemini. `token`: an API token, or `user:password` on 1.x."""

    def __init__(self, url: str, *, token: str | None = None, org: str = "plant") -> None:
        self._token, self._org = token, org
        self._connection = Connection(url, headers=_authorization(token))
        self._known: Server | None = None
        self._lock = threading.Lock()
        self._client: Any = None
        self.closed = threading.Event()  # for who asks this server again and again: it need not be asked any more

    def server(self) -> Server:
        """Which server answers; asked once. `UnsupportedServer` if it cannot be relied on."""
        if self._known is None:
            self._known = recognise(self._connection.ping())
        return self._known

    def ensure_bucket(self, name: str) -> None:
        """Make the bucket (on 1.x and openGemini: the database) unless it is there."""
        schema.check_bucket(name)
        if self.server().creates_databases_by_query:
            form = {"q": f"CREATE DATABASE {quoted(name)}"}
            influx_query.json_series(b"".join(self._connection.ask(form, accept="application/json")))
            return
        with self._client_errors():
            buckets = self._v2_client().buckets_api()
            if buckets.find_bucket_by_name(name) is None:
                self._make_bucket(name, buckets)

    def _make_bucket(self, name: str, buckets: Any) -> None:
        from influxdb_client.rest import ApiException

        organisations = self._v2_client().organizations_api().find_organizations(org=self._org)
        if not organisations:  # a token for buckets alone sees no organisation, and none but its own buckets
            raise StoreUnavailable(
                f"expected bucket {name}, or a token that sees organisation {self._org} and may make it, got neither;"
                " have the bucket made by an administrator, or give the token access to it"
            )
        try:
            buckets.create_bucket(bucket_name=name, org=organisations[0])
        except ApiException:
            if buckets.find_bucket_by_name(name) is None:  # else somebody else has just made it
                raise

    def write(self, bucket: str, measurement: str, rows: pa.Table) -> None:
        """Send `rows`; durable when this returns, as far as the server's own log is (see the port)."""
        shape = schema.find_measurement(measurement)
        table = schema.check_rows(shape, rows)
        schema.check_bucket(bucket)
        if table.num_rows > MOST_LINES and is_distinct(shape, table):  # else the order of the bodies decides what stays
            send_all(bodies(shape, table), lambda body: self._send(bucket, body))
            return
        for body in bodies(shape, table):
            self._send(bucket, body)

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
        shape = schema.find_measurement(measurement)
        meant = condition(start_ms, end_ms, schema.check_where(shape, where))
        wanted = self._fields(bucket, shape) if fields is None else schema.check_fields(shape, fields)
        columns = _columns(shape, wanted)
        if meant is None or not wanted:
            return influx_query.empty(shape, columns)
        asked = select(map(quoted, wanted), shape, meant)
        return self._rows(bucket, shape, columns, asked, _Least(wanted, meant, whole=True))

    def latest(self, bucket: str, measurement: str, *, where: Mapping[str, Sequence[str]] | None = None) -> pa.Table:
        """The newest row of every series (see the port)."""
        shape = schema.find_measurement(measurement)
        meant = condition(None, None, schema.check_where(shape, where))
        wanted = self._fields(bucket, shape)
        columns = _columns(shape, wanted)
        if meant is None or not wanted:
            return influx_query.empty(shape, columns)
        asked = select(map(quoted, wanted), shape, meant, " ORDER BY time DESC LIMIT 1")
        return self._rows(bucket, shape, columns, asked, _Least(wanted, meant))

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
        shape = schema.find_measurement(measurement)
        meant = condition(start_ms, end_ms, schema.check_where(shape, where))
        fields = self._fields(bucket, shape)
        if meant is None or not fields:
            return 0
        if len(fields) > 2 or "text" in shape.fields.values():  # rows with any field: only the rows themselves can tell
            return int(self.read(bucket, measurement, start_ms=start_ms, end_ms=end_ms, where=where).num_rows)
        each = self._counts(bucket, shape, fields, meant)
        if len(fields) == 1:
            return each[0]
        # Rows with either field = rows with one + rows with the other - rows with both, where their sum exists.
        both = f"(SELECT {' + '.join(map(quoted, fields))} AS both FROM {quoted(shape.name)}{meant.text})"
        answer = self._json(bucket, Statement(f'SELECT count("both") FROM {both}', meant.params))
        return sum(each) - (_first_row(answer) or [0])[0]

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
        shape = schema.find_measurement(measurement)
        schema.check_number_field(shape, field)
        meant = condition(start_ms, end_ms, schema.check_where(shape, where))
        result = windows_schema(shape, FIELD_TYPES[shape.field_type(field) or "float"])
        if meant is None:
            return result.empty_table()
        columns = {name: result.field(name).type for name in ("mean", "min", "max", "count")}
        expressions = (f'{name}({quoted(field)}) AS "{name}"' for name in columns)
        ending = f", time({schema.check_width(width_ms)}ms) fill(none)"
        asked = select(expressions, shape, meant, ending)
        return self._rows(bucket, shape, columns, asked, _Least((field,), meant)).select(result.names)

    def delete(
        self,
        bucket: str,
        measurement: str,
        *,
        start_ms: int,
        end_ms: int,
        where: Mapping[str, Sequence[str]],
    ) -> None:
        """Remove rows of named series by DELETE, which 1.x and 2.x serve (see the port)."""
        shape = schema.find_measurement(measurement)
        meant = condition(start_ms, end_ms, schema.check_deletion(shape, where))
        schema.check_bucket(bucket)
        if meant is not None:
            self._json(bucket, Statement(f"DELETE FROM {quoted(shape.name)}{meant.text}", meant.params))

    def close(self) -> None:
        """Drop the connections."""
        self.closed.set()
        self._connection.close()
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _fields(self, bucket: str, shape: Measurement) -> tuple[str, ...]:
        """The fields of a measurement; those stored so far if it is open."""
        schema.check_bucket(bucket)
        if not shape.open:
            return tuple(shape.fields)
        answer = self._json(bucket, Statement(f"SHOW FIELD KEYS FROM {quoted(shape.name)}", {}))
        names = {row[0] for series in answer for row in series["values"]}
        return tuple(sorted(name for name in names if shape.field_type(name)))

    def _rows(self, bucket: str, shape: Measurement, columns: Columns, asked: Statement, least: _Least) -> pa.Table:
        """The rows of a SELECT, known to be complete."""
        schema.check_bucket(bucket)
        trusted = self.server().sentinel_shows_errors
        expected = 0 if trusted else least.rows(self._counts(bucket, shape, least.fields, least.meant))
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

    def _counts(self, bucket: str, shape: Measurement, fields: Sequence[str], meant: Statement) -> list[int]:
        """How many values each field has."""
        counts = ", ".join(f"count({quoted(field)})" for field in fields)
        answer = self._json(bucket, Statement(f"SELECT {counts} FROM {quoted(shape.name)}{meant.text}", meant.params))
        return _first_row(answer) or [0] * len(fields)

    def _json(self, bucket: str, statement: Statement) -> list[dict[str, Any]]:
        return influx_query.json_series(self._ask_json(bucket, statement))

    def _ask_json(self, bucket: str, statement: Statement) -> bytes:
        return b"".join(self._connection.ask(_form(bucket, statement), accept="application/json"))

    def _send(self, bucket: str, body: bytes) -> None:
        if not self.server().has_api_v2_write:
            query = {"db": bucket, "precision": "ms"}
            self._connection.post("/write", query=query, body=body)
            return
        from influxdb_client.client.write_api import SYNCHRONOUS

        target = bucket if self.server().kind is ServerKind.INFLUXDB_2 else f"{bucket}/{DEFAULT_POLICY}"
        with self._client_errors():
            writer = self._v2_client().write_api(write_options=SYNCHRONOUS)
            writer.write(target, org=self._org, record=body, write_precision="ms")

    def _v2_client(self) -> Any:
        with self._lock:
            if self._client is None:
                # Slow to import, and of no use on older servers.
                from influxdb_client.client.influxdb_client import InfluxDBClient

                timeout = int(ANSWER_S * 1000)
                token = self._token or ""
                self._client = InfluxDBClient(self._connection.url, token=token, org=self._org, timeout=timeout)
            return self._client

    @contextmanager
    def _client_errors(self) -> Iterator[None]:
        """Errors of influxdb-client as ours."""
        from influxdb_client.rest import ApiException

        with unreachable(self._connection.url):
            try:
                yield
            except ApiException as err:
                raise failure(err.status or 503, str(err.body or err.reason)) from err


def _authorization(token: str | None) -> dict[str, str]:
    """`user:password` goes as Basic, which every 1.x knows; anything else is a token of 2.x."""
    if not token:
        return {}
    if ":" in token:
        return {"Authorization": "Basic " + base64.b64encode(token.encode()).decode()}
    return {"Authorization": f"Token {token}"}


def _form(bucket: str, statement: Statement) -> dict[str, str]:
    return {"db": bucket, "epoch": "ms", "q": statement.text, "params": json.dumps(dict(statement.params))}


def _columns(shape: Measurement, fields: Sequence[str]) -> Columns:
    return {field: FIELD_TYPES[shape.field_type(field) or "float"] for field in fields}


def _first_row(series: list[dict[str, Any]]) -> list[int]:
    """The counts of an answer with one row; empty where there is none."""
    return [int(count or 0) for count in series[0]["values"][0][1:]] if series else []
