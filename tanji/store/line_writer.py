"""Line protocol out of checked tables, whole columns at a time (InfluxDB line protocol reference; platform.md 2.3).

The escaped series prefix is made once per tag set; the rest is joined by Arrow, and the payload is a copy of the
string array's own buffer. Tags are sorted by key, the canonical order; integer fields carry the suffix `i`, floats
never; a null field is left out; time is in ms. `tanji.acquisition` has a formatter of its own for what gateways send.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tanji.store.schema import TIME, Measurement
from tanji.store.series import distinct_tags

MOST_LINES = 20_000
"""Lines per body: the best rate measured, and far below every server's limit on a body (platform.md 1.8)."""

_ESCAPES = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})


def bodies(measurement: Measurement, rows: pa.Table) -> Iterator[bytes]:
    """`rows`, as `check_rows` returned them, as bodies of at most `MOST_LINES` lines."""
    numbers, tag_sets = distinct_tags(measurement, rows)
    prefixes = pa.array([series_prefix(measurement, tags) for tags in tag_sets], pa.string())
    fields = rows.column_names[1 + len(measurement.tags) :]
    for start in range(0, rows.num_rows, MOST_LINES):
        page = rows.slice(start, MOST_LINES).combine_chunks()
        columns = {name: page.column(name).chunk(0) for name in (TIME, *fields)}
        time = columns.pop(TIME).cast(pa.string())
        series = prefixes.take(pa.array(numbers[start : start + MOST_LINES]))
        yield _payload(pc.binary_join_element_wise(series, _field_set(columns), time, " ") if len(time) else time)


def is_distinct(measurement: Measurement, rows: pa.Table) -> bool:
    """Whether no two rows have the same tags and time."""
    numbers, tag_sets = distinct_tags(measurement, rows)
    time = rows.column(TIME).to_numpy()
    if not len(time):
        return True
    first = int(time.min())
    if int(time.max()) - first >= (1 << 62) // max(1, len(tag_sets)):
        return False
    keys = np.sort((time - first) * len(tag_sets) + numbers)
    return bool((keys[1:] != keys[:-1]).all())


def series_prefix(measurement: Measurement, tags: tuple[str, ...]) -> str:
    """Measurement and tags as a line begins with them, tags sorted by key."""
    pairs = sorted(zip(measurement.tags, tags, strict=True))
    return ",".join([measurement.name, *(f"{name}={value.translate(_ESCAPES)}" for name, value in pairs)])


def _field_set(columns: dict[str, pa.Array]) -> pa.Array:
    """`name=value,...` of every row, without the fields that are null there."""
    parts = [pc.binary_join_element_wise(f"{name}=", _literal(column), "") for name, column in columns.items()]
    return pc.binary_join_element_wise(*parts, ",", null_handling="skip")


def _literal(column: pa.Array) -> pa.Array:
    if pa.types.is_floating(column.type):
        return _without_exponents(column, column.cast(pa.string()))
    if pa.types.is_integer(column.type):
        return pc.binary_join_element_wise(column.cast(pa.string()), "i", "")
    escaped = pc.replace_substring(pc.replace_substring(column, "\\", "\\\\"), '"', '\\"')
    return pc.binary_join_element_wise('"', escaped, '"', "")


def _without_exponents(column: pa.Array, texts: pa.Array) -> pa.Array:
    """The shortest texts that read back to the same bits, as plain digits.

    openGemini 1.5.2 reads a number with an exponent up to one bit off, and plain digits exactly [measured].
    """
    with_exponent = pc.match_substring(texts, "e")
    if not pc.any(with_exponent).as_py():
        return texts
    values = column.filter(with_exponent).to_pylist()
    plain = [np.format_float_positional(value, trim="0") for value in values]
    return pc.replace_with_mask(texts, pc.fill_null(with_exponent, False), pa.array(plain, pa.string()))


def _payload(lines: pa.Array) -> bytes:
    """All lines, each with its line feed."""
    ended = pc.binary_join_element_wise(lines, "\n", "")
    offsets = np.frombuffer(ended.buffers()[1], np.int32)[ended.offset : ended.offset + len(ended) + 1]
    return bytes(memoryview(ended.buffers()[2])[offsets[0] : offsets[-1]])
