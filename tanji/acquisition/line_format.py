"""Readings as line protocol, whole columns at a time.

The inverse of `tanji.acquisition.line_protocol`: measurement `reading`, tags `plant` and `point`, fields `value`
(float) and `quality` (integer), time in ms; a failed read has only `quality`. Numbers are written in their shortest
form that reads back to the same bits. Only readings are written here; the store writes the other measurements itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ESCAPES = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
"""What line protocol escapes in tag values."""


def series(plant_id: str, point_id: str) -> str:
    """Line-protocol series key of a point's readings, escaped."""
    return f"reading,plant={plant_id.translate(ESCAPES)},point={point_id.translate(ESCAPES)}"


def format_readings(table: pa.Table, *, plant_id: str) -> bytes:
    """Lines of a reading table (columns point, time [ms], value, quality), one per row, each ended by a newline.

    A null value, and one that is not finite, is a failed read and gives a line with `quality` alone.
    """
    if table.num_rows == 0:
        return b""
    keys, indices = _dictionary(table.column("point"))
    prefixes = pa.array([series(plant_id, key) for key in keys], pa.string())
    numbers = _flat(table.column("value"))
    finite = pc.is_finite(numbers)
    if pc.all(finite, skip_nulls=True).as_py() is False:
        numbers = pc.if_else(finite, numbers, pa.scalar(None, pa.float64()))
    words, times = (_flat(table.column(name)) for name in ("quality", "time"))
    value = pc.cast(numbers, pa.string())
    if numbers.null_count:
        fields = pc.fill_null(_join(" value=", value, ",quality="), " quality=")
        return _bytes(_join(prefixes.take(indices), fields, pc.cast(words, pa.string()), "i ", _text(times), "\n"))
    parts = (prefixes.take(indices), " value=", value, *_quality(words), _text(times), "\n")
    return _bytes(_join(*parts))


def _quality(words: pa.Array) -> tuple[Any, ...]:
    """The quality field; a body of one single word, the usual case, needs no column."""
    spread = pc.min_max(words).as_py()
    if spread["min"] == spread["max"]:
        return (f",quality={spread['min']}i ",)
    return ",quality=", pc.cast(words, pa.string()), "i "


def _text(times: pa.Array) -> Any:
    """Times as text; equal times are formatted once."""
    spread = pc.min_max(times).as_py()
    return str(spread["min"]) if spread["min"] == spread["max"] else pc.cast(times, pa.string())


def _join(*parts: Any) -> pa.Array:
    scalars = [pa.scalar(part) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*scalars, "")


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _dictionary(column: pa.ChunkedArray) -> tuple[list[str], pa.Array]:
    encoded = _flat(column)
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices


def _bytes(lines: pa.Array) -> bytes:
    """The lines lie back to back in the array's data buffer: slice it and copy once."""
    offsets = np.frombuffer(lines.buffers()[1], np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return bytes(memoryview(lines.buffers()[2])[offsets[0] : offsets[-1]])
