"""Hourly rows of a store table as a matrix: one row per series, one column per hour, NaN where nothing is there.

The shape every figure is computed from: a hole stays visible, so that no sum can be silently smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tanji.report.model import HOUR_MS

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Grid:
    """Series by hours. `keys` holds the tag values of each series in the order of `tags`."""

    tags: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    fields: dict[str, Floats]
    hours: int

    def column(self, tag: str) -> tuple[str, ...]:
        """The value of one tag for every series."""
        position = self.tags.index(tag)
        return tuple(key[position] for key in self.keys)

    def select(self, **wanted: str | Sequence[str]) -> Mask:
        """Which series have these tag values; a sequence means any of them."""
        chosen = np.ones(len(self.keys), dtype=np.bool_)
        for tag, values in wanted.items():
            allowed = {values} if isinstance(values, str) else set(values)
            chosen &= np.fromiter((value in allowed for value in self.column(tag)), np.bool_, len(self.keys))
        return chosen


def hourly(table: pa.Table, *, tags: Sequence[str], fields: Sequence[str], start_ms: int, end_ms: int) -> Grid:
    """Lay a table with `time`, tag and field columns out as a grid of [start, end).

    start_ms, end_ms : int  Full hours. [UTC ms]
    """
    hours = (end_ms - start_ms) // HOUR_MS
    column = (table["time"].to_numpy() - start_ms) // HOUR_MS
    inside = (column >= 0) & (column < hours)
    codes = np.zeros(len(column), dtype=np.int64)
    dictionaries: list[list[str]] = []
    for tag in tags:
        indices, values = encoded(table[tag])
        codes = codes * max(1, len(values)) + indices
        dictionaries.append(values)
    series, row = np.unique(codes[inside], return_inverse=True)
    matrices = {}
    for field in fields:
        matrix = np.full((len(series), hours), np.nan)
        values_of = table[field].to_numpy().astype(np.float64)  # null arrives as NaN
        matrix[row, column[inside]] = values_of[inside]
        matrices[field] = matrix
    keys = tuple(decoded(int(code), dictionaries) for code in series)
    return Grid(tags=tuple(tags), keys=keys, fields=matrices, hours=hours)


def encoded(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[str]]:
    """A tag column as indices into its distinct values, sorted, so that every store gives the same order of sums."""
    array = pa.concat_arrays(column.cast(pa.string()).chunks or [pa.array([], pa.string())]).dictionary_encode()
    values: list[str] = array.dictionary.to_pylist()
    ordered = sorted(values)
    position = np.array([ordered.index(value) for value in values], dtype=np.int64)
    return position[array.indices.to_numpy()], ordered


def decoded(code: int, dictionaries: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The tag values behind a mixed-radix series code."""
    values: list[str] = []
    for dictionary in reversed(dictionaries):
        code, index = divmod(code, max(1, len(dictionary)))
        values.append(dictionary[index])
    return tuple(reversed(values))


def total_of(matrix: Floats) -> Floats:
    """Sum over the series, hour by hour, of what is there [the matrix's unit]; 0 where nothing is."""
    result: Floats = np.nansum(matrix, axis=0)
    return result
