"""The checks every row and every question passes before an engine sees it, for both adapters alike.

The engine is no guard: InfluxDB answers an unknown field with silence, stores half a body on a type conflict and
notices one only inside a shard (platform.md 1.7, traps 2-4 and 8), so names, types and finiteness are checked here.
Which measurements there are is `tanji.store.schema`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tanji.errors import StoreRefused
from tanji.store.schema import EARLIEST_MS, FIELD_TYPES, LATEST_MS, TAG_TYPE, TIME, Measurement

BUCKET_NAME = re.compile(r"[a-z0-9_]+\Z")
# A tag with a backslash has no unambiguous escape in line protocol, and a line break has none at all.
FORBIDDEN_IN_TAG = r"[\\\x00-\x1f\x7f]"
FORBIDDEN_IN_TEXT = "\x00"  # ends a string in too many tools to be worth storing

MOST_EXACT = 2**53
"""What a server that computes integers as floats still keeps exactly."""


def check_bucket(bucket: str) -> str:
    """The bucket's name if it can be one on every engine: no slash, no quote, no space (platform.md 1.6)."""
    if not BUCKET_NAME.match(bucket):
        raise StoreRefused(f"bucket: expected lower-case letters, digits and underscores, got {bucket!r}")
    return bucket


def check_fields(measurement: Measurement, fields: Sequence[str]) -> tuple[str, ...]:
    """The fields of a question, each known; the engine would answer an unknown one with no rows (trap 2)."""
    for field in fields:
        if measurement.field_type(field) is None:
            known = ", ".join(measurement.fields) or "any lower-case name"
            raise StoreRefused(f"{measurement.name}: expected fields among {known}, got {field!r}")
    if not fields or len(set(fields)) != len(fields):
        raise StoreRefused(f"{measurement.name}: expected distinct fields, at least one, got {list(fields)}")
    return tuple(fields)


def check_number_field(measurement: Measurement, field: str) -> str:
    """A field that can be averaged."""
    check_fields(measurement, (field,))
    if measurement.field_type(field) == "text":
        raise StoreRefused(f"{measurement.name}.{field}: expected a float or int field, got text")
    return field


def check_where(measurement: Measurement, where: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    """The tag conditions of a question, each on a tag the measurement has."""
    conditions: dict[str, tuple[str, ...]] = {}
    for tag, values in (where or {}).items():
        if tag not in measurement.tags:
            raise StoreRefused(f"{measurement.name}: expected tags among {', '.join(measurement.tags)}, got {tag!r}")
        if isinstance(values, str):
            raise StoreRefused(f"{measurement.name}.{tag}: expected a sequence of values, got the text {values!r}")
        conditions[tag] = tuple(dict.fromkeys(values))
    return conditions


def check_deletion(measurement: Measurement, where: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The tag conditions of a deletion, which names every tag."""
    conditions = check_where(measurement, where)
    if set(conditions) != set(measurement.tags):
        got = ", ".join(conditions) or "none"
        raise StoreRefused(f"{measurement.name}: expected every tag ({', '.join(measurement.tags)}) named, got {got}")
    return conditions


def check_width(width_ms: int) -> int:
    """Width of a window [ms]."""
    if width_ms <= 0:
        raise StoreRefused(f"windows: expected a width of at least 1 ms, got {width_ms}")
    return width_ms


def check_rows(measurement: Measurement, rows: pa.Table) -> pa.Table:
    """`rows` in canonical columns (time, tags as dictionaries, fields), or refused with what was expected and got.

    Rows without any field are left out; a column of only nulls may have any type.
    """
    fields = [name for name in rows.column_names if name != TIME and name not in measurement.tags]
    for field in fields:
        if measurement.field_type(field) is None:
            known = ", ".join([TIME, *measurement.tags, *measurement.fields])
            raise StoreRefused(f"{measurement.name}: expected columns among {known}, got {field!r}")
    if len(set(rows.column_names)) != rows.num_columns:
        raise StoreRefused(f"{measurement.name}: expected distinct columns, got {rows.column_names}")
    columns = {TIME: _check_time(measurement, rows)}
    columns |= {tag: _check_tag(measurement, rows, tag) for tag in measurement.tags}
    columns |= {field: _check_field(measurement, rows, field) for field in fields}
    table = pa.table(columns)
    return _without_empty_rows(table, fields)


def check_plain_values(measurement: Measurement, rows: pa.Table) -> None:
    """StoreRefused where not every server keeps a value of `rows`, which are as `check_rows` returned them."""
    for name in rows.column_names[1 + len(measurement.tags) :]:
        column = rows.column(name)
        if pa.types.is_string(column.type) and pc.any(pc.match_substring(column, "\n")).as_py():
            raise _refuse(measurement, name, "a text without line feeds, which this server does not keep", "one with")
        if pa.types.is_integer(column.type):
            low, high = pc.min_max(column).as_py().values()
            if low is not None and not -MOST_EXACT <= low <= high <= MOST_EXACT:
                expected = "integers up to 2^53, as this server rounds those beyond"
                raise _refuse(measurement, name, expected, low if low < -MOST_EXACT else high)


def _column(measurement: Measurement, rows: pa.Table, name: str) -> pa.Array:
    if name not in rows.column_names:
        raise StoreRefused(f"{measurement.name}: expected a column {name!r}, got {', '.join(rows.column_names)}")
    column = rows.column(name)
    if column.num_chunks != 1 and pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _refuse(measurement: Measurement, name: str, expected: str, got: object) -> StoreRefused:
    return StoreRefused(f"{measurement.name}.{name}: expected {expected}, got {got}")


def _check_time(measurement: Measurement, rows: pa.Table) -> pa.Array:
    column = _column(measurement, rows, TIME)
    if not pa.types.is_integer(column.type) or column.null_count:
        got = f"{column.null_count} nulls" if column.null_count else column.type
        raise _refuse(measurement, TIME, "int64 UTC ms without nulls", got)
    if len(column):
        low, high = pc.min_max(column).as_py().values()
        if low < EARLIEST_MS or high > LATEST_MS:
            raise _refuse(measurement, TIME, f"{EARLIEST_MS}..{LATEST_MS} ms", low if low < EARLIEST_MS else high)
    return column.cast(pa.int64())


def _check_tag(measurement: Measurement, rows: pa.Table, tag: str) -> pa.DictionaryArray:
    column = _column(measurement, rows, tag)
    plain = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(plain) or pa.types.is_large_string(plain)) and len(column):
        raise _refuse(measurement, tag, "text", column.type)
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    elif column.type != TAG_TYPE:
        column = column.cast(TAG_TYPE)
    if column.null_count or column.dictionary.null_count:
        raise _refuse(measurement, tag, "a value in every row", "a null")
    values = column.dictionary
    for value in values.filter(pc.or_(pc.equal(values, ""), pc.match_substring_regex(values, FORBIDDEN_IN_TAG))):
        expected = "a value that is not empty, without backslash or line break"
        raise _refuse(measurement, tag, expected, repr(value.as_py()))
    return column


def _check_field(measurement: Measurement, rows: pa.Table, field: str) -> pa.Array:
    column = _column(measurement, rows, field)
    kind = measurement.field_type(field) or "float"
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    fits = {
        "float": pa.types.is_floating,
        "int": pa.types.is_integer,
        "text": lambda given: pa.types.is_string(given) or pa.types.is_large_string(given),
    }[kind](column.type)
    if not fits and column.null_count != len(column):
        raise _refuse(measurement, field, kind, column.type)
    if not fits:
        return pa.nulls(len(column), FIELD_TYPES[kind])
    try:
        column = column.cast(FIELD_TYPES[kind])
    except pa.ArrowInvalid as err:
        raise _refuse(measurement, field, kind, err) from err
    if kind == "float" and pc.all(pc.is_finite(column)).as_py() is False:
        # InfluxDB answers 400 to NaN and inf (trap 4); a missing value is a null.
        got = column.filter(pc.invert(pc.is_finite(column)))[0].as_py()
        raise _refuse(measurement, field, "a finite number or null", got)
    return _check_text(measurement, field, column) if kind == "text" else column


def _check_text(measurement: Measurement, field: str, column: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring(column, FORBIDDEN_IN_TEXT)).as_py():
        raise _refuse(measurement, field, "text without NUL", "text with NUL")
    # CSV, which InfluxDB is read by, cannot tell an empty text from an absent one.
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _without_empty_rows(table: pa.Table, fields: Sequence[str]) -> pa.Table:
    if any(table.column(field).null_count == 0 for field in fields):
        return table
    present = pa.array([False] * table.num_rows, pa.bool_())
    for field in fields:
        present = pc.or_(present, pc.is_valid(table.column(field)))
    return table.filter(present)
