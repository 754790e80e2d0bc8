"""SQL of the embedded store: table names, conditions, inserts (DuckDB; platform.md section 7).

Only names checked by `tanji.store.checks` and integers ever become text here; everything else is registered or bound.
Running it is left to `tanji.store.embedded` and `tanji.store.embedded_writer`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tanji.store.schema import FieldType, Measurement

DAY_MS = 86_400_000
APPENDED = frozenset({"reading"})
SQL_TYPES: dict[FieldType, str] = {"float": "double", "int": "bigint", "text": "varchar"}
CREATE_SERIES = (
    "create table if not exists series(sid integer primary key, bucket varchar not null,"
    " measurement varchar not null, tags varchar[] not null)"
)


def quoted(name: str) -> str:
    """A checked name as an SQL identifier."""
    return f'"{name}"'


def table_name(bucket: str, measurement: str) -> str:
    """The table of a bucket's measurement."""
    return quoted(f"{bucket}.{measurement}")


def parts(bucket: str, shape: Measurement) -> list[str]:
    """The tables of a measurement, older arrivals first."""
    hot = table_name(bucket, shape.name)
    return [table_name(bucket, f"{shape.name}.settled"), hot] if shape.name in APPENDED else [hot]


def create(bucket: str, shape: Measurement) -> list[str]:
    """The tables of a measurement. Without primary key: keeping one costs more than the rest of a write."""
    columns = [
        "sid integer",
        "ts bigint",
        *(f"{quoted(name)} {SQL_TYPES[kind]}" for name, kind in shape.fields.items()),
    ]
    return [f"create table {part}({', '.join(columns)})" for part in parts(bucket, shape)]


def condition(chosen: Sequence[int] | None, start_ms: int | None, end_ms: int | None) -> str:
    """What follows `where`: series (None: all) and [start_ms, end_ms) [UTC ms]."""
    tests = [] if chosen is None else [f"sid in ({', '.join(map(str, chosen))})"]
    tests += [] if start_ms is None else [f"ts >= {int(start_ms)}"]
    tests += [] if end_ms is None else [f"ts < {int(end_ms)}"]
    return " and ".join(tests) or "true"


def target(bucket: str, shape: Measurement, fields: Sequence[str]) -> str:
    """What is inserted into: the table and the columns that are written."""
    return f"{table_name(bucket, shape.name)}(sid, ts, {', '.join(map(quoted, fields))})"


def append(fields: Sequence[str], *, repeated: bool) -> str:
    """What follows `insert into`: the batch as it is, or, where keys may be equal, the last of each field by field."""
    if not repeated:
        return "select * from incoming"
    last = ", ".join(f"arg_max({quoted(field)}, arrival)" for field in fields)
    return f"select sid, ts, {last} from (select *, row_number() over () as arrival from incoming) group by sid, ts"


def any_between(bucket: str, shape: Measurement, low: int, high: int) -> str:
    """Whether there is a row of a time between two, both included."""
    return f"select 1 from {table_name(bucket, shape.name)} where ts >= {low} and ts <= {high} limit 1"


def replace(
    bucket: str,
    shape: Measurement,
    fields: Sequence[str],
    *,
    stored: Sequence[str],
    times: tuple[int, int],
    repeated: bool,
) -> list[str]:
    """Lays a batch over the `stored` fields of rows between two `times`, both included: a null erases nothing."""
    low, high = times
    table, between = table_name(bucket, shape.name), f"ts >= {low} and ts <= {high}"
    incoming = append(fields, repeated=repeated)
    if repeated:
        named = ", ".join(["sid", "ts", *map(quoted, fields)])
        incoming = f"select * from ({incoming}) given({named})"
    both = ", ".join(
        f"coalesce(i.{quoted(field)}, o.{quoted(field)})" if field in fields else f"o.{quoted(field)}"
        for field in stored
    )
    return [
        f"create or replace temp table merged as select i.sid, i.ts, {both} from ({incoming}) i"
        f" left join (select * from {table} where {between}) o using (sid, ts)",
        f"delete from {table} using merged where {table}.sid = merged.sid and {table}.ts = merged.ts"
        f" and {table}.ts >= {low} and {table}.ts <= {high}",
        f"insert into {target(bucket, shape, stored)} select * from merged",
        "drop table merged",
    ]


def upsert(fields: Sequence[str]) -> str:
    """What follows `insert into` a table with a primary key, as stores made before 2026-12 have them."""
    kept = ", ".join(f"{quoted(field)} = coalesce(excluded.{quoted(field)}, {quoted(field)})" for field in fields)
    return f"{append(fields, repeated=True)} on conflict (sid, ts) do update set {kept}"


KEYED = "select table_name from duckdb_constraints() where constraint_type = 'PRIMARY KEY'"
"""Names of the tables with a primary key."""


def count(bucket: str, shape: Measurement, held: str) -> str:
    """Number of rows; `union` drops a reading stored twice, a table with a key has no second part."""
    selects = [f"select sid, ts from {part} where {held}" for part in parts(bucket, shape)]
    return f"select count(*) from ({' union '.join(selects)})"


def extent(bucket: str, shape: Measurement, held: str) -> str:
    """First and last time; nulls where there is no row."""
    selects = [f"select min(ts) as low, max(ts) as high from {part} where {held}" for part in parts(bucket, shape)]
    return f"select min(low), max(high) from ({' union all '.join(selects)})"


def newest(held: str) -> str:
    """Template of the newest row of every series of one part, in order of arrival."""
    return (
        f"select p.* from {{part}} p join (select sid, max(ts) as ts from {{part}} where {held} group by sid) newest"
        " using (sid, ts) order by p.rowid"
    )


def settle(hot: str, settled: str, shape: Measurement, held: str) -> list[str]:
    """Moves rows to the sorted table; of equal series and time the last arrivals stay."""
    last = ", ".join(f"arg_max({quoted(field)}, arrival)" for field in shape.fields)
    return [
        f"insert into {settled} select sid, ts, {last} from (select *, rowid as arrival from {hot} where {held})"
        " group by sid, ts order by sid, ts",
        f"delete from {hot} where {held}",
    ]
