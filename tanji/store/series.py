"""Series numbers of the embedded store: tag values in, a small integer out, without touching rows one by one.

A row of a typed table names its series by number (`sid`); the tags of a series are kept once. Only the distinct
combinations of a batch are looked up in Python, the rows are mapped by array indexing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tanji.store.schema import Measurement


class SeriesIndex:
    """Every series of one bucket and measurement; numbers are unique across the whole store."""

    def __init__(self, measurement: Measurement) -> None:
        self.measurement = measurement
        self._number: dict[tuple[str, ...], int] = {}

    def add(self, tags: tuple[str, ...], number: int) -> None:
        """Remember a series."""
        self._number[tags] = number

    def select(self, where: Mapping[str, Sequence[str]]) -> list[int] | None:
        """Numbers of the series whose tags are among `where`; None means every series."""
        if not where:
            return None
        tests = [(self.measurement.tags.index(tag), frozenset(values)) for tag, values in where.items()]
        known = list(self._number.items())
        return sorted(number for tags, number in known if all(tags[at] in values for at, values in tests))

    def number_rows(
        self, rows: pa.Table, *, first_free: int
    ) -> tuple[npt.NDArray[np.int32], dict[tuple[str, ...], int]]:
        """Series number of every row, and the series not known so far, numbered from `first_free`.

        New ones are not remembered: `add` them once they are committed.
        """
        compact, tag_sets = distinct_tags(self.measurement, rows)
        fresh: dict[tuple[str, ...], int] = {}
        numbers = np.empty(len(tag_sets), np.int32)
        for place, tags in enumerate(tag_sets):
            number = self._number.get(tags)
            numbers[place] = fresh.setdefault(tags, first_free + len(fresh)) if number is None else number
        return numbers[compact], fresh


def distinct_tags(measurement: Measurement, rows: pa.Table) -> tuple[npt.NDArray[np.integer], list[tuple[str, ...]]]:
    """For every row which tag set it has, and the tag sets; `rows` as `check_rows` returned them."""
    code: npt.NDArray[np.integer] = np.zeros(rows.num_rows, np.int64)
    distinct = min(1, rows.num_rows)
    columns = [rows.column(tag).combine_chunks() for tag in measurement.tags]
    for column in columns:
        # Renumbered after every tag, so that the product of many tags cannot overflow.
        code, distinct = _renumber(code * np.int64(len(column.dictionary)) + column.indices.to_numpy())
    row_of = np.empty(distinct, np.int64)
    row_of[code] = np.arange(len(code))
    taken = pa.array(row_of)
    return code, list(zip(*(column.take(taken).to_pylist() for column in columns), strict=True))


def _renumber(code: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.integer], int]:
    """The codes as 0, 1, 2 ... in their own order, and how many distinct ones there are."""
    size = int(code.max()) + 1 if len(code) else 0
    if size > 4 * len(code) + 1024:  # a table as large as the code space would cost more than sorting the rows
        distinct, compact = np.unique(code, return_inverse=True)
        return compact, len(distinct)
    place = np.zeros(size, np.int32)
    place[code] = 1
    place = np.cumsum(place, dtype=np.int32) - np.int32(1)
    return place[code], int(place[-1]) + 1 if size else 0
