"""Rows that jobs write, as matrices of series by hour: what is stored, what differs, what has to be written.

A row that did not change is not rewritten: it keeps its revision and its bytes. Differences below the rounding of a
different order of addition are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tanji.quality.hours import MS_PER_HOUR, Grid
from tanji.quality.rules import Floats, Mask

TOLERANCE = 1e-12
"""Relative difference below which two figures are the same."""

Cells = NDArray[Any]
"""A field of many series by hour: numbers, NaN where there is none, or texts, empty where there is none."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Fields of series (rows, each under its tag values) by hour (columns); `texts` apart, as codes of `words`."""

    keys: tuple[tuple[str, ...], ...]
    fields: dict[str, Floats]
    texts: dict[str, Cells]
    there: Mask

    def aligned(self, keys: Sequence[tuple[str, ...]], *, hours: int) -> Matrix:
        """The same with exactly these series, in this order; a series that is not there is empty."""
        row_of = {key: row for row, key in enumerate(self.keys)}
        rows = np.array([row_of.get(key, -1) for key in keys], np.int64)
        found = rows >= 0
        fields, texts = {}, {}
        for name, values in self.fields.items():
            fields[name] = np.full((len(keys), hours), np.nan)
            fields[name][found] = values[rows[found]]
        for name, words in self.texts.items():
            texts[name] = np.full((len(keys), hours), "", object)
            texts[name][found] = words[rows[found]]
        there = np.zeros((len(keys), hours), np.bool_)
        there[found] = self.there[rows[found]]
        return Matrix(tuple(keys), fields, texts, there)


def matrix(
    table: pa.Table, *, tags: Sequence[str], fields: Sequence[str], grid: Grid, texts: Sequence[str] = ()
) -> Matrix:
    """Lay stored rows out on a grid."""
    count = table.num_rows
    if not count:
        empty = np.empty((0, grid.hours))
        words = np.empty((0, grid.hours), object)
        return Matrix((), dict.fromkeys(fields, empty), dict.fromkeys(texts, words), empty.astype(np.bool_))
    mixed = np.zeros(count, np.int64)
    values_of: list[list[str]] = []
    for tag in tags:
        column = _one_chunk(table.column(tag))
        values = column.dictionary.to_pylist()
        mixed = mixed * len(values) + column.indices.to_numpy(zero_copy_only=False)
        values_of.append(values)
    series, row = np.unique(mixed, return_inverse=True)
    keys = []
    for code in series.tolist():
        parts = []
        for values in reversed(values_of):
            code, index = divmod(code, len(values))
            parts.append(values[index])
        keys.append(tuple(reversed(parts)))
    column_of = (table.column("time").to_numpy() - grid.start_ms) // MS_PER_HOUR
    laid, spelled = {}, {}
    for name in fields:
        laid[name] = np.full((len(series), grid.hours), np.nan)
        laid[name][row, column_of] = table.column(name).to_numpy().astype(np.float64)
    for name in texts:
        spelled[name] = np.full((len(series), grid.hours), "", object)
        spelled[name][row, column_of] = table.column(name).fill_null("").to_numpy()
    there = np.zeros((len(series), grid.hours), np.bool_)
    there[row, column_of] = True
    return Matrix(tuple(keys), laid, spelled, there)


def kept(new: Mapping[str, Floats], old: Matrix) -> tuple[dict[str, Floats], Mask]:
    """`new`, with the stored value where there is none any more, then wholly substituted; and where that is so.

    A store erases nothing, and a figure that lost its data is not a figure less: it stands, marked, until better comes.
    """
    lost = np.zeros(old.there.shape, np.bool_)
    result = {}
    for name, values in new.items():
        gone = np.isnan(values) & np.isfinite(old.fields[name])
        lost |= gone
        result[name] = np.where(gone, old.fields[name], values)
    result["substituted"] = np.where(lost, 1.0, result["substituted"])
    return result, lost


def differs(new: Mapping[str, Floats], old: Matrix, *, texts: Mapping[str, Cells] | None = None) -> Mask:
    """Where a row is not stored yet, or a field of it says something else; NaN is the same as NaN."""
    changed = ~old.there
    for name, values in new.items():
        was = old.fields[name]
        same = (values == was) | (np.isnan(values) & np.isnan(was))
        if not same.all():  # the exact comparison is cheap, and nearly always enough
            same |= np.isclose(values, was, rtol=TOLERANCE, atol=0.0)
        changed |= ~same
    for name, words in (texts or {}).items():
        changed |= words != old.texts[name]
    return changed


def table(
    keys: Sequence[tuple[str, ...]],
    fields: Mapping[str, Floats],
    *,
    tags: Sequence[str],
    chosen: Mask,
    grid: Grid,
    whole: Sequence[str] = (),
    texts: Mapping[str, Cells] | None = None,
) -> pa.Table:
    """The chosen cells as rows; NaN becomes null, fields named in `whole` become integers."""
    row, column = np.nonzero(chosen)
    columns: dict[str, pa.Array] = {"time": pa.array(grid.hour_ms[column])}
    for position, tag in enumerate(tags):
        values = sorted({key[position] for key in keys})
        code = np.array([values.index(key[position]) for key in keys], np.int32)
        columns[tag] = pa.DictionaryArray.from_arrays(pa.array(code[row], pa.int32()), pa.array(values, pa.string()))
    for name, matrix_of in fields.items():
        values_of = matrix_of[row, column]
        columns[name] = pa.array(values_of.astype(np.int64)) if name in whole else pa.array(values_of, from_pandas=True)
    for name, words in (texts or {}).items():
        columns[name] = pa.array(words[row, column], pa.string())
    return pa.table(columns)


def _one_chunk(column: pa.ChunkedArray) -> pa.DictionaryArray:
    whole = column.combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
