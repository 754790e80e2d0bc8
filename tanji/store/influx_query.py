"""InfluxQL statements, and their answers as columns (platform.md 1.5 and 1.7).

Rows are asked for as CSV, which the server writes and pyarrow reads fastest, and come in blocks so that a long answer
is never held as text. CSV hides errors behind HTTP 200: a sentinel statement behind the SELECT does not run when it
failed, so an answer that does not end with the sentinel's block is no answer. Values of conditions are bound
parameters; names come from `tanji.store.schema` alone; times are integers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv

from tanji.errors import StoreError, StoreRefused, StoreUnavailable
from tanji.store.ordering import arrange
from tanji.store.schema import EARLIEST_MS, LATEST_MS, TAG_TYPE, TIME, Measurement

SENTINEL = "; SHOW MEASUREMENTS LIMIT 1"
SENTINEL_BLOCK = re.compile(rb"(?:\A|\n)name,tags,name\nmeasurements,,[^\n]*\n*\Z")
NS_PER_MS = 1_000_000
TAIL_BYTES = 4096  # longer than any sentinel block

# Statement errors that pass when the server, its permissions or its buckets have been looked after.
PASSING = re.compile(r"not found: |timeout|interrupted|closed|not executed|authori[sz]")
MISSING_MEASUREMENT = "measurement not found"  # openGemini's error for what InfluxDB answers with no rows
_TAG_SEPARATOR = re.compile(r"(?<!\\),")
_ESCAPED = re.compile(r"\\([,= ])")


@dataclass(frozen=True, slots=True)
class Statement:
    """One SELECT and its bound values."""

    text: str
    params: Mapping[str, str]


def condition(start_ms: int | None, end_ms: int | None, where: Mapping[str, Sequence[str]]) -> Statement | None:
    """The WHERE clause; None where nothing can fulfil it.

    The end of time is always named, or a GROUP BY time would end now. Times are written in nanoseconds, without a unit:
    openGemini 1.5.2 takes no negative time that has one [measured].
    """
    low = EARLIEST_MS if start_ms is None else max(int(start_ms), EARLIEST_MS)
    high = LATEST_MS if end_ms is None else min(int(end_ms) - 1, LATEST_MS)
    if low > high or any(not values for values in where.values()):
        return None
    tests, params = [f"time <= {high * NS_PER_MS}"], dict[str, str]()
    if start_ms is not None:
        tests.insert(0, f"time >= {low * NS_PER_MS}")
    for tag, values in where.items():
        names = {f"{tag}_{place}": value for place, value in enumerate(values)}
        tests.append("(" + " OR ".join(f'"{tag}" = ${name}' for name in names) + ")")
        params |= names
    return Statement(" WHERE " + " AND ".join(tests), params)


def select(expressions: Iterable[str], measurement: Measurement, where: Statement, ending: str = "") -> Statement:
    """A SELECT grouped by all tags, so that every series is told by its tag set; `ending` follows the tags."""
    tags = ", ".join(quoted(tag) for tag in measurement.tags)
    text = f"SELECT {', '.join(expressions)} FROM {quoted(measurement.name)}{where.text} GROUP BY {tags}{ending}"
    return Statement(text, where.params)


def quoted(name: str) -> str:
    """A checked name as an InfluxQL identifier."""
    return f'"{name}"'


def read_csv(
    blocks: Iterable[bytes], measurement: Measurement, columns: Mapping[str, pa.DataType], *, sentinel: bool = True
) -> pa.Table | None:
    """The arranged rows of a CSV answer; None where it must be asked again in JSON.

    That is where the sentinel is expected and missing, and where a tag set cannot be told from its text.

    columns : names and types behind `time`, in the order of the SELECT.
    """
    multiline = any(pa.types.is_string(kind) for kind in columns.values())
    pages, held = [], b""
    for block in [b"".join(blocks)] if multiline else blocks:  # a text may hold line feeds: no cutting then
        held = held + block
        if not multiline:
            cut = held.rfind(b"\n", 0, max(0, len(held) - TAIL_BYTES)) + 1
            pages.append(_parse(held, cut, columns))
            held = held[cut:]
    end = len(held)
    if sentinel:
        found = SENTINEL_BLOCK.search(held, max(0, len(held) - TAIL_BYTES))
        if found is None:
            return None
        end = found.start()
    pages.append(_parse(held, end, columns))
    table = pa.concat_tables(pages).unify_dictionaries().combine_chunks()
    if table.num_rows == 0:
        return empty(measurement, columns)
    tags = table.column("tags").chunk(0)
    keys = [_tag_values(measurement, text) for text in tags.dictionary.to_pylist()]
    if None in keys:
        return None
    return arrange(
        measurement,
        series=tags.indices.to_numpy(),
        keys=[key for key in keys if key is not None],
        time=table.column(TIME).to_numpy(),
        fields={name: table.column(name).chunk(0) for name in columns},
    )


def read_json(body: bytes, measurement: Measurement, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """The same from a JSON answer; a failed statement raises. Slower by far: for what CSV could not say."""
    keys, series, values = [], [], []
    for entry in json_series(body):
        tags = entry.get("tags", {})
        keys.append(tuple(str(tags.get(tag, "")) for tag in measurement.tags))
        series += [len(keys) - 1] * len(entry["values"])
        values += entry["values"]
    if not values:
        return empty(measurement, columns)
    time, *rest = zip(*values, strict=True)
    fields = {name: _from_json(cells, kind) for (name, kind), cells in zip(columns.items(), rest, strict=True)}
    return arrange(measurement, series=np.array(series), keys=keys, time=np.array(time, np.int64), fields=fields)


def json_series(body: bytes) -> list[dict[str, Any]]:
    """The series of the only statement of a JSON answer; its error raises."""
    try:
        answer = json.loads(body)
        result = answer["results"][0] if answer.get("results") else {}
        error = answer.get("error") or result.get("error")
    except (ValueError, AttributeError, KeyError) as err:
        raise StoreUnavailable(f"expected a JSON answer to a query, got {body[:200]!r}") from err
    if error and MISSING_MEASUREMENT not in str(error):
        raise statement_error(str(error))
    series: list[dict[str, Any]] = result.get("series", [])
    return series


def statement_error(text: str) -> StoreError:
    """The error for a failed statement."""
    kind = StoreUnavailable if PASSING.search(text) else StoreRefused
    return kind(f"expected rows, got the server's error: {text}")


def empty(measurement: Measurement, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """An answer without rows."""
    tags = [pa.field(tag, TAG_TYPE) for tag in measurement.tags]
    fields = [pa.field(name, kind) for name, kind in columns.items()]
    return pa.schema([pa.field(TIME, pa.int64()), *tags, *fields]).empty_table()


def _parse(text: bytes, end: int, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """The whole lines of `text` before `end`, parsed in place; the header may come again with every chunk."""
    header = ",".join(["name,tags", TIME, *columns]).encode() + b"\n"
    kinds = {"tags": TAG_TYPE, TIME: pa.int64(), **columns}
    if text.find(b"\n" + header, 0, end) >= 0:
        text = text[:end].replace(b"\n" + header, b"\n")
        end = len(text)
    start = len(header) if text.startswith(header) else 0
    if start >= end or text[start : min(end, start + 2)].isspace():  # no line begins with a blank
        return pa.schema(list(kinds.items())).empty_table()
    lines = pa.py_buffer(text).slice(start, end - start)
    try:
        return pcsv.read_csv(
            pa.BufferReader(lines),
            read_options=pcsv.ReadOptions(column_names=["name", *kinds]),
            parse_options=pcsv.ParseOptions(newlines_in_values=any(map(pa.types.is_string, columns.values()))),
            convert_options=pcsv.ConvertOptions(
                column_types=kinds, include_columns=list(kinds), null_values=[""], strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid as err:
        raise StoreUnavailable(f"expected CSV with columns {header.decode().strip()}, got {err}") from err


def _tag_values(measurement: Measurement, text: str) -> tuple[str, ...] | None:
    """Tag values out of the CSV column `tags`; None where the text can be read in more than one way.

    1.6.7 escapes commas in the values (trap 5), 2.9.1 does not [measured]: there a comma makes pairs that are no tags.
    """
    pairs = [pair.partition("=") for pair in _TAG_SEPARATOR.split(text)]
    if sorted(name for name, _, _ in pairs) != sorted(measurement.tags):
        return None
    values = {name: _ESCAPED.sub(r"\1", value) for name, _, value in pairs}
    return tuple(values[tag] for tag in measurement.tags)


def _from_json(cells: Iterable[Any], kind: pa.DataType) -> pa.Array:
    number = float if pa.types.is_floating(kind) else None  # JSON writes 100.0 as 100
    return pa.array([cell if cell is None or number is None else number(cell) for cell in cells], kind)
