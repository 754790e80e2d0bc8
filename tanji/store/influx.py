"""The store on a server of the InfluxDB family: line protocol in, InfluxQL out (platform.md 1.5).

InfluxDB 1.x, 2.x and openGemini serve the same port; what differs is told by `/ping` at first use and kept here:
where bytes are written, how a bucket is made, what is asked. How an answer is known to be whole is
`tanji.store.influx_answers`, what influxdb-client does is `tanji.store.influx_client`. The database may be down when
the store is made. Nothing is retried: the caller holds the rows.

Means of a window that crosses a shard (7 days, from Monday) may differ from the embedded store's in the last bit,
since the server adds shard by shard; windows that divide a day never do.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tanji.store import checks, influx_query, ordering, schema
from tanji.store.influx_answers import Answers, Least, columns_of, first_row
from tanji.store.influx_client import ApiClient
from tanji.store.influx_http import Connection, authorization
from tanji.store.influx_query import Statement, condition, quoted, select
from tanji.store.influx_server import Server, ServerKind, recognise
from tanji.store.line_writer import MOST_LINES, bodies, is_distinct
from tanji.store.parallel import send_all
from tanji.store.schema import FIELD_TYPES, TIME, Measurement
from tanji.store.windows import windows_schema

DEFAULT_POLICY = "autogen"  # what CREATE DATABASE makes on 1.x, and the virtual mapping of a bucket on 2.x


class InfluxStore:
    """The port on InfluxDB 1.x, 2.x or openGemini. `token`: an API token, or `user:password` on 1.x."""

    def __init__(self, url: str, *, token: str | None = None, org: str = "plant") -> None:
        self._connection = Connection(url, headers=authorization(token))
        self._client = ApiClient(self._connection.url, token=token, org=org)
        self._answers = Answers(self._connection, self.server)
        self._known: Server | None = None
        self.closed = threading.Event()  # for who asks this server again and again: it need not be asked any more

    def server(self) -> Server:
        """Which server answers; asked once. `UnsupportedServer` if it cannot be relied on."""
        if self._known is None:
            self._known = recognise(self._connection.ping())
        return self._known

    def ensure_bucket(self, name: str) -> None:
        """Make the bucket (on 1.x and openGemini: the database) unless it is there."""
        checks.check_bucket(name)
        if self.server().creates_databases_by_query:
            form = {"q": f"CREATE DATABASE {quoted(name)}"}
            influx_query.json_series(b"".join(self._connection.ask(form, accept="application/json")))
            return
        self._client.ensure_bucket(name)

    def write(self, bucket: str, measurement: str, rows: pa.Table) -> None:
        """Send `rows`; durable when this returns, as far as the server's own log is (see the port)."""
        shape = schema.find_measurement(measurement)
        table = checks.check_rows(shape, rows)
        checks.check_bucket(bucket)
        if not self.server().keeps_every_value:
            checks.check_plain_values(shape, table)
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
        meant = condition(start_ms, end_ms, checks.check_where(shape, where))
        wanted = self._fields(bucket, shape) if fields is None else checks.check_fields(shape, fields)
        columns = columns_of(shape, wanted)
        if meant is None or not wanted:
            return influx_query.empty(shape, columns)
        asked = select(map(quoted, wanted), shape, meant)
        return self._answers.rows(bucket, shape, columns, asked, Least(wanted, meant, whole=True))

    def latest(self, bucket: str, measurement: str, *, where: Mapping[str, Sequence[str]] | None = None) -> pa.Table:
        """The newest row of every series (see the port)."""
        shape = schema.find_measurement(measurement)
        meant = condition(None, None, checks.check_where(shape, where))
        wanted = self._fields(bucket, shape)
        columns = columns_of(shape, wanted)
        if meant is None or not wanted:
            return influx_query.empty(shape, columns)
        if not self.server().limits_every_series:
            return self._newest(bucket, shape, meant, where=where, fields=wanted)
        asked = select(map(quoted, wanted), shape, meant, " ORDER BY time DESC LIMIT 1")
        return self._answers.rows(bucket, shape, columns, asked, Least(wanted, meant))

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
        meant = condition(start_ms, end_ms, checks.check_where(shape, where))
        fields = self._fields(bucket, shape)
        if meant is None or not fields:
            return 0
        if len(fields) > 2 or "text" in shape.fields.values():  # rows with any field: only the rows themselves can tell
            return int(self.read(bucket, measurement, start_ms=start_ms, end_ms=end_ms, where=where).num_rows)
        each = self._answers.counts(bucket, shape, fields, meant)
        if len(fields) == 1:
            return each[0]
        # Rows with either field = rows with one + rows with the other - rows with both, where their sum exists.
        both = f"(SELECT {' + '.join(map(quoted, fields))} AS both FROM {quoted(shape.name)}{meant.text})"
        answer = self._answers.series(bucket, Statement(f'SELECT count("both") FROM {both}', meant.params))
        return sum(each) - (first_row(answer) or [0])[0]

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
        checks.check_number_field(shape, field)
        meant = condition(start_ms, end_ms, checks.check_where(shape, where))
        result = windows_schema(shape, FIELD_TYPES[shape.field_type(field) or "float"])
        if meant is None:
            return result.empty_table()
        columns = {name: result.field(name).type for name in ("mean", "min", "max", "count")}
        expressions = (f'{name}({quoted(field)}) AS "{name}"' for name in columns)
        ending = f", time({checks.check_width(width_ms)}ms) fill(none)"
        asked = select(expressions, shape, meant, ending)
        return self._answers.rows(bucket, shape, columns, asked, Least((field,), meant)).select(result.names)

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
        meant = condition(start_ms, end_ms, checks.check_deletion(shape, where))
        checks.check_bucket(bucket)
        if meant is not None:
            self._answers.series(bucket, Statement(f"DELETE FROM {quoted(shape.name)}{meant.text}", meant.params))

    def close(self) -> None:
        """Drop the connections."""
        self.closed.set()
        self._connection.close()
        self._client.close()

    def _fields(self, bucket: str, shape: Measurement) -> tuple[str, ...]:
        """The fields of a measurement; those stored so far if it is open."""
        checks.check_bucket(bucket)
        if not shape.open:
            return tuple(shape.fields)
        answer = self._answers.series(bucket, Statement(f"SHOW FIELD KEYS FROM {quoted(shape.name)}", {}))
        names = {row[0] for series in answer for row in series["values"]}
        return tuple(sorted(name for name in names if shape.field_type(name)))

    def _newest(
        self,
        bucket: str,
        shape: Measurement,
        meant: Statement,
        *,
        where: Mapping[str, Sequence[str]] | None,
        fields: Sequence[str],
    ) -> pa.Table:
        """The newest row of every series, where LIMIT does not count by series.

        `last` tells when that was, and nothing more: openGemini 1.5.2 answers `SELECT last(a), b` with the newest `b`
        there is, not with that of the row [measured].
        """
        lasts = ordering.newest(shape, [self._last_times(bucket, shape, field, meant) for field in fields])
        pages = [influx_query.empty(shape, columns_of(shape, fields))]
        for time in pc.unique(lasts.column(TIME)).to_pylist():
            pages.append(self.read(bucket, shape.name, start_ms=time, end_ms=time + 1, where=where, fields=fields))
        return ordering.newest(shape, pages)

    def _last_times(self, bucket: str, shape: Measurement, field: str, meant: Statement) -> pa.Table:
        """Tags and time of the last value of `field` in every series."""
        asked = select([f"last({quoted(field)}) AS {quoted(field)}"], shape, meant)
        rows = self._answers.rows(bucket, shape, columns_of(shape, [field]), asked, Least((field,), meant))
        return rows.select([TIME, *shape.tags])

    def _send(self, bucket: str, body: bytes) -> None:
        if not self.server().has_api_v2_write:
            query = {"db": bucket, "precision": "ms"}
            self._connection.post("/write", query=query, body=body)
            return
        target = bucket if self.server().kind is ServerKind.INFLUXDB_2 else f"{bucket}/{DEFAULT_POLICY}"
        self._client.write(target, body)
