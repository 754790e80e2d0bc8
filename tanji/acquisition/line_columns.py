"""The quick reader of line protocol: plain bodies of readings, whole columns at a time.

It takes a body only if every line is provably `reading,plant=P,point=Q value=V,quality=Wi T` (or quality first, or
quality alone) without escapes, quotes, comments or blanks, and returns None for anything else, which the line-by-line
reader then judges. The proof is the position of every structural byte: ten to a line in one order, and the names
between them compared eight bytes at a time. Arrow turns texts into numbers more generously than line protocol does
(leading plus, hexadecimal times, `nan`), so each of these generosities is closed before its columns are believed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tanji.acquisition.flags import HIGHEST_WORD
from tanji.acquisition.parsed_lines import LATEST_MS, NANOSECOND, NANOSECONDS_PER_MS, SCHEMA, Parsed

LARGEST_BODY: Final = 1 << 30
"""Arrow's text columns have int32 offsets."""

_FULL: Final = np.frombuffer(b",=,= =,= \n", np.uint8)  # structure of a line with both fields
_SHORT: Final = np.frombuffer(b",=,= = \n", np.uint8)  # and of one with quality alone
_KEY: Final = re.compile(r"reading,plant=([^,= \x7f]+),point=([^,= \x7f]+)")
_WORD: Final = re.compile(rb"[0-9]{1,10}i")

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Lines:
    """Where the texts of each line begin and end in the body; `valued` are the lines that have a value."""

    key: tuple[Positions, Positions]
    word: tuple[Positions, Positions]
    time: tuple[Positions, Positions]
    value: tuple[Positions, Positions]
    valued: NDArray[np.bool_] | None


def read(body: bytes, *, precision: str) -> Parsed | None:
    """The readings of a plain body, or None if the body needs the line-by-line reader."""
    if not body.startswith(b"reading,plant=") or len(body) > LARGEST_BODY:
        return None
    if not body.endswith(b"\n"):
        body += b"\n"
    data = np.frombuffer(body, np.uint8)
    lines = _lines(data)
    if lines is None:
        return None
    try:
        values, times = _values(data, lines), _times(data, lines, precision)
        names, words = _names(data, lines), _words(data, lines)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    if values is None or times is None or names is None or words is None:
        return None
    return Parsed(pa.Table.from_arrays([*names, times, values, words], schema=SCHEMA))


def _lines(data: NDArray[np.uint8]) -> _Lines | None:
    """Every text's place, if all lines are plain."""
    # Everything up to the comma but for the plus of an exponent: controls, blank, quote, hash, brackets.
    marks = np.flatnonzero(((data <= 0x2C) & (data != ord("+"))) | (data == ord("=")) | (data == ord("\\")))
    signs = data[marks]
    last = np.flatnonzero(signs == ord("\n"))
    sizes = np.diff(last, prepend=-1)
    valued = sizes == len(_FULL)
    if valued.all():
        full, short = marks.reshape(-1, len(_FULL)), None
        if not (signs.reshape(full.shape) == _FULL).all():
            return None
    else:
        if not (valued | (sizes == len(_SHORT))).all():
            return None
        full, short = _rows(marks, last[valued], len(_FULL)), _rows(marks, last[~valued], len(_SHORT))
        if not (data[full] == _FULL).all() or not (data[short] == _SHORT).all():
            return None
    return _placed(data, full, short, marks[last], valued)


def _rows(marks: Positions, last: Positions, size: int) -> Positions:
    rows: Positions = marks[last[:, None] + np.arange(1 - size, 1)]
    return rows


def _placed(
    data: NDArray[np.uint8], full: Positions, short: Positions | None, ends: Positions, valued: NDArray[np.bool_]
) -> _Lines | None:
    """The names of the fields are checked here, those of measurement and tags with the distinct keys."""
    starts = np.concatenate(([0], ends[:-1] + 1))
    value_first = len(full) == 0 or data[full[0, 4] + 1] == ord("v")
    first, second = (b" value=", b",quality=") if value_first else (b" quality=", b",value=")
    if not _named(data, full[:, 4], full[:, 5], first) or not _named(data, full[:, 6], full[:, 7], second):
        return None
    word, value = (7, 5) if value_first else (5, 7)
    if short is None:
        words = (full[:, word] + 1, full[:, word + 1])
        key_ends, times = full[:, 4], full[:, 8] + 1
    else:
        if not _named(data, short[:, 4], short[:, 5], b" quality="):
            return None
        words = _merged(valued, full[:, word], short[:, 5]) + 1, _merged(valued, full[:, word + 1], short[:, 6])
        key_ends, times = _merged(valued, full[:, 4], short[:, 4]), _merged(valued, full[:, 8], short[:, 6]) + 1
    values = full[:, value] + 1, full[:, value + 1]
    return _Lines((starts, key_ends), words, (times, ends), values, None if short is None else valued)


def _named(data: NDArray[np.uint8], begins: Positions, ends: Positions, name: bytes) -> bool:
    """Whether this name, its separators included, stands at all these places."""
    if not (ends - begins == len(name) - 1).all():
        return False
    # The last eight bytes up to the equals sign, read as one number at any alignment; a name has at least seven
    # bytes with its separators, and the byte before those belongs to the text before it.
    windows: NDArray[np.uint64] = np.ndarray((len(data) - 7,), "<u8", data, strides=(1,))
    wanted = int.from_bytes(name[-8:].rjust(8, b"\0"), "little")
    shift = 8 * max(0, 8 - len(name))
    found = windows[ends - 7] >> np.uint64(shift)
    return bool((found == np.uint64(wanted >> shift)).all())


def _merged(valued: NDArray[np.bool_], full: Positions, short: Positions) -> Positions:
    merged = np.empty(len(valued), np.int64)
    merged[valued], merged[~valued] = full, short
    return merged


def _texts(data: NDArray[np.uint8], place: tuple[Positions, Positions], kind: pa.DataType) -> pa.Array:
    """The texts as every second element of an Arrow array over the body itself; what lies between them is null."""
    offsets = np.empty((len(place[0]), 2), np.int32)
    offsets[:, 0], offsets[:, 1] = place
    size = 2 * len(offsets) - 1
    present = pa.py_buffer(b"\x55" * (size // 8 + 1))
    return pa.Array.from_buffers(kind, size, [present, pa.py_buffer(offsets), pa.py_buffer(data)])


def _numbers(texts: pa.Array, kind: pa.DataType) -> NDArray[Any]:
    column = pc.cast(texts, kind)
    return np.frombuffer(column.buffers()[1], kind.to_pandas_dtype())[: len(column)][::2]


def _values(data: NDArray[np.uint8], lines: _Lines) -> pa.Array | None:
    if not len(lines.value[0]):
        return pa.nulls(len(lines.time[0]), pa.float64())
    leading = data[lines.value[0]]
    if (leading == ord("+")).any():
        return None
    numbers = _numbers(_texts(data, lines.value, pa.string()), pa.float64())
    if not np.isfinite(numbers).all():
        return None
    if lines.valued is None:
        return pa.array(np.ascontiguousarray(numbers))
    column = np.zeros(len(lines.valued))
    column[lines.valued] = numbers
    return pa.array(column, mask=~lines.valued)


def _times(data: NDArray[np.uint8], lines: _Lines, precision: str) -> pa.Array | None:
    """Column time [ms], if every time is one a store can hold."""
    unit = NANOSECOND[precision]
    factor, divisor = max(1, unit // NANOSECONDS_PER_MS), max(1, NANOSECONDS_PER_MS // unit)
    starts, ends = lines.time
    second = data[np.minimum(starts + 1, ends)]
    if ((second | 0x20) == ord("x")).any():
        return None
    times = _numbers(_texts(data, lines.time, pa.string()), pa.int64())
    limit = LATEST_MS // factor * divisor
    if times.max() > limit or times.min() < -limit:
        return None
    return pa.array(np.ascontiguousarray(times) if factor == divisor else times * factor // divisor)


def _names(data: NDArray[np.uint8], lines: _Lines) -> tuple[pa.DictionaryArray, pa.DictionaryArray] | None:
    """Columns plant and point, from the distinct series keys."""
    keys = _texts(data, lines.key, pa.binary()).dictionary_encode()
    plants: dict[str, int] = {}
    points: dict[str, int] = {}
    pairs = []
    for key in keys.dictionary.to_pylist():
        match = _KEY.fullmatch(key.decode())
        if match is None:
            return None
        pairs.append((plants.setdefault(match[1], len(plants)), points.setdefault(match[2], len(points))))
    indices = _every_second(keys)
    codes = np.array(pairs, np.int32)
    return _named_column(plants, codes[:, 0], indices), _named_column(points, codes[:, 1], indices)


def _named_column(names: dict[str, int], codes: NDArray[np.int32], indices: NDArray[np.int32]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes[indices]), pa.array(list(names), pa.string()))


def _every_second(texts: pa.DictionaryArray) -> NDArray[np.int32]:
    return np.frombuffer(texts.indices.buffers()[1], np.int32)[: len(texts)][::2]


def _words(data: NDArray[np.uint8], lines: _Lines) -> pa.Array | None:
    """Column quality, from the distinct texts."""
    words = _texts(data, lines.word, pa.binary()).dictionary_encode()
    texts = words.dictionary.to_pylist()
    if not all(_WORD.fullmatch(text) for text in texts):
        return None
    numbers = np.array([int(text[:-1]) for text in texts], np.int64)
    if numbers.max() > HIGHEST_WORD:
        return None
    return pa.array(numbers[_every_second(words)])
