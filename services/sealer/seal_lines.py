"""Readings as payload lines, whole columns at a time (trust.md 2.3; docs/trust-format.md section 6).

A value is written as `repr` writes a float. Arrow does the same, and faster, for numbers of up to ten digits before the
point and few zeros behind it, but for the `.0` of a whole one; the few others are written by `repr` itself. Counters
are written as whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.sealer.rows import Rows
from tanji.trust.canonical import LARGEST_COUNTER
from tanji.trust.payload import payload_root

SMALLEST_PLAIN, LARGEST_PLAIN = 1e-4, 1e10
"""Between these, and for zero, Arrow's text of a float is that of `repr`, but for the `.0`."""

FAILED = "-"


@dataclass(frozen=True, slots=True)
class Points:
    """The points of a point map, sorted, and what their kinds say. Rows number them in this order."""

    names: tuple[str, ...]
    is_counter: np.ndarray
    is_parameter: np.ndarray


@dataclass(frozen=True, slots=True)
class Payload:
    """Payload lines, sorted and unique, as a whole and one by one. first_ms, last_ms : their times; 0 for none."""

    data: bytes
    lines: list[bytes]
    first_ms: int
    last_ms: int

    @property
    def root(self) -> bytes:
        """RFC 6962 root over the lines."""
        return payload_root(self.data, self.lines)


def payload(rows: Rows, points: Points) -> Payload:
    """The lines of rows sorted by point and time, none twice."""
    if not len(rows):
        return Payload(b"", [], 0, 0)
    names = pa.array(points.names, pa.string()).take(pa.array(rows.point))
    time = pc.cast(pa.array(rows.time), pa.string())
    data = _bytes(pc.binary_join_element_wise(names, time, value_texts(rows, points), _quality(rows.quality), " "))
    lines = data.splitlines(keepends=True)  # ASCII, and no carriage return is ever in it
    first, last = int(rows.time.min()), int(rows.time.max())
    if len(str(first)) != len(str(last)) or _has_ties(rows):  # then the order of texts is another than that of numbers
        lines.sort()
        data = b"".join(lines)
    return Payload(data, lines, first, last)


def value_texts(rows: Rows, points: Points) -> pa.Array:
    """The value of every row as text."""
    values = rows.value
    counts = points.is_counter[rows.point] & rows.present
    texts = _float_texts(values)
    if counts.any():
        whole = pc.cast(pa.array(np.where(counts, values, 0.0).astype(np.int64)), pa.string())
        texts = pc.if_else(pa.array(counts), whole, texts)
    if not rows.present.all():
        texts = pc.if_else(pa.array(rows.present), texts, pa.scalar(FAILED))
    return texts


def sealable(rows: Rows, points: Points) -> np.ndarray:
    """Which rows the grammar has a line for; the door parks the others, so none is left but of an older spool."""
    counts = points.is_counter[rows.point] & rows.present
    whole = (rows.value == np.floor(rows.value)) & (rows.value >= 0) & (rows.value <= LARGEST_COUNTER)
    found: np.ndarray = (rows.time >= 0) & (~counts | whole) & np.isfinite(rows.value)
    return found


def _quality(words: np.ndarray) -> Any:
    """The flag words and the ends of the lines; one single word, the usual case, needs no column."""
    if words.min() == words.max():
        return pa.scalar(f"{int(words[0])}\n")
    distinct, place = np.unique(words, return_inverse=True)
    return pa.array([f"{word}\n" for word in distinct.tolist()], pa.string()).take(pa.array(place))


def _float_texts(values: np.ndarray) -> Any:
    texts = pc.cast(pa.array(values), pa.string())
    whole = values == np.floor(values)
    if whole.any():
        ends = pa.DictionaryArray.from_arrays(pa.array(whole.astype(np.int8)), pa.array(["", ".0"]))
        texts = pc.binary_join_element_wise(texts, ends.cast(pa.string()), "")
    size = np.abs(values)
    odd = np.flatnonzero(((size < SMALLEST_PLAIN) & (size != 0)) | (size >= LARGEST_PLAIN))
    if len(odd):
        mask = np.zeros(len(values), bool)
        mask[odd] = True
        texts = pc.replace_with_mask(texts, pa.array(mask), pa.array([repr(v) for v in values[odd].tolist()]))
    return texts


def _has_ties(rows: Rows) -> bool:
    return bool(((rows.point[1:] == rows.point[:-1]) & (rows.time[1:] == rows.time[:-1])).any())


def _bytes(lines: pa.Array) -> bytes:
    """The lines lie back to back in the array's data buffer."""
    offsets = np.frombuffer(lines.buffers()[1], np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return bytes(memoryview(lines.buffers()[2])[offsets[0] : offsets[-1]])
