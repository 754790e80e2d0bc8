"""Rows of any engine brought into the one form the port promises: sorted by tags then time, one row each.

Both adapters end here, so that their answers are equal to the bit: same order, same dictionaries (sorted, only the
values that occur), last arrival kept. Sorting is one stable counting sort by series; only a series whose rows did
not arrive in the order of time is sorted again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tanji.store.schema import TIME, Measurement
from tanji.store.series import distinct_tags

IntArray = npt.NDArray[np.signedinteger]


def arrange(
    measurement: Measurement,
    *,
    series: npt.NDArray[np.integer],
    keys: Sequence[tuple[str, ...]],
    time: npt.NDArray[np.int64],
    fields: Mapping[str, pa.Array],
) -> pa.Table:
    """The answer table of rows given in order of arrival.

    series : array  For each row an index into `keys`, the tag values in the order of the measurement's tags.
    time : array  [UTC ms]
    fields : Arrow arrays of the same length; of equal tags and time, the last value that is not null stays.
    """
    count = np.bincount(series, minlength=1) if len(series) else np.zeros(1, np.int64)
    ordered = sorted(np.flatnonzero(count).tolist(), key=lambda index: keys[index])
    narrow = np.min_scalar_type(max(len(ordered) - 1, 0))  # numpy sorts keys of 8 and 16 bits by counting
    rank_of = np.zeros(count.size, narrow)
    rank_of[ordered] = np.arange(len(ordered), dtype=narrow)
    rank = rank_of[series]
    order = _order(rank, time, count[ordered])
    if order is not None:
        rank, time = np.repeat(np.arange(len(ordered), dtype=narrow), count[ordered]), time[order]
        taken = pa.array(order)
        fields = {name: column.take(taken) for name, column in fields.items()}
    repeated = (rank[1:] == rank[:-1]) & (time[1:] == time[:-1])
    if repeated.any():
        starts = np.flatnonzero(np.concatenate(([True], ~repeated)))
        rank, time = rank[starts], time[starts]
        fields = {name: _last_of_each(column, starts) for name, column in fields.items()}
    columns = [pa.array(time)]
    columns += tag_columns(measurement, rank=rank, keys=[keys[index] for index in ordered])
    return pa.table([*columns, *fields.values()], [TIME, *measurement.tags, *fields])


def newest(measurement: Measurement, tables: Sequence[pa.Table]) -> pa.Table:
    """The newest row of every series among the rows of several answers, in the order of the port."""
    rows = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    if not rows.num_rows:
        return rows
    series, keys = distinct_tags(measurement, rows)
    fields = {name: rows.column(name).chunk(0) for name in rows.column_names[1 + len(measurement.tags) :]}
    rows = arrange(measurement, series=series, keys=keys, time=rows.column(TIME).to_numpy(), fields=fields)
    series, _ = distinct_tags(measurement, rows)
    return rows.take(pa.array(np.flatnonzero(np.append(series[1:] != series[:-1], True))))


def tag_columns(
    measurement: Measurement, *, rank: npt.NDArray[np.integer], keys: Sequence[tuple[str, ...]]
) -> list[pa.DictionaryArray]:
    """A dictionary column per tag; `rank` indexes `keys`, whose values all occur."""
    columns = []
    for position in range(len(measurement.tags)):
        values = sorted({key[position] for key in keys})
        index_of = {value: index for index, value in enumerate(values)}
        lookup = np.array([index_of[key[position]] for key in keys] or [0], np.int32)
        columns.append(pa.DictionaryArray.from_arrays(pa.array(lookup[rank]), pa.array(values, pa.string())))
    return columns


def _order(rank: npt.NDArray[np.integer], time: npt.NDArray[np.int64], count: IntArray) -> IntArray | None:
    """Permutation into (rank, time, arrival); None where the rows already are so. count : rows of every rank."""
    grouped, ascending = not (rank[1:] < rank[:-1]).any(), not (time[1:] < time[:-1]).any()
    if grouped and (ascending or not ((rank[1:] == rank[:-1]) & (time[1:] < time[:-1])).any()):
        return None
    order: IntArray = np.argsort(rank, kind="stable")
    if not ascending:
        for high, rows in zip(np.cumsum(count).tolist(), count.tolist(), strict=True):
            own = order[high - rows : high]
            times = time[own]
            if (times[1:] < times[:-1]).any():
                order[high - rows : high] = own[np.argsort(times, kind="stable")]
    return order


def _last_of_each(column: pa.Array, starts: IntArray) -> pa.Array:
    """The last value that is not null of each group of rows; groups begin at `starts`."""
    valid = np.asarray(column.is_valid())
    last = np.maximum.reduceat(np.where(valid, np.arange(len(column)), -1), starts)
    return column.take(pa.array(last, mask=last < 0))
