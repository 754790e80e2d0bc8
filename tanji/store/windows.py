"""Mean, lowest, highest and number of values per series and window, as InfluxDB computes them.

Sums are taken one value after the other in the order of time, which is what InfluxDB's mean does, so that both
stores give the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tanji.store.schema import TAG_TYPE, TIME, Measurement


def windows_schema(measurement: Measurement, number: pa.DataType) -> pa.Schema:
    """Columns of an answer of `windows`; `number` is the type of lowest and highest."""
    tags = [pa.field(tag, TAG_TYPE) for tag in measurement.tags]
    summary = [("mean", pa.float64()), ("min", number), ("max", number), ("count", pa.int64())]
    return pa.schema([*tags, pa.field(TIME, pa.int64()), *(pa.field(name, kind) for name, kind in summary)])


def summarise(measurement: Measurement, rows: pa.Table, field: str, *, width_ms: int) -> pa.Table:
    """Windows of `width_ms` [ms] over an arranged table in which every row has `field`."""
    rows = rows.combine_chunks()
    schema = windows_schema(measurement, rows.schema.field(field).type)
    if rows.num_rows == 0:
        return schema.empty_table()
    start = rows.column(TIME).to_numpy() // width_ms * width_ms
    changed = np.concatenate(([True], start[1:] != start[:-1]))
    for tag in measurement.tags:
        indices = rows.column(tag).chunk(0).indices.to_numpy()
        changed[1:] |= indices[1:] != indices[:-1]
    first = np.flatnonzero(changed)
    values = rows.column(field).to_numpy()
    count = np.diff(np.append(first, len(values)))
    total = np.bincount(np.cumsum(changed) - 1, weights=values)  # adds in row order, unlike reduceat
    taken = pa.array(first)
    columns = [rows.column(tag).chunk(0).take(taken) for tag in measurement.tags]
    columns += [start[first], total / count, np.minimum.reduceat(values, first), np.maximum.reduceat(values, first)]
    return pa.table([*columns, count], schema=schema)


def merge(measurement: Measurement, pages: Sequence[pa.Table]) -> pa.Table:
    """Pages of different times as one table, sorted by tags, then time."""
    if len(pages) == 1:
        return pages[0]
    plain = [pa.table({name: _plain(page.column(name)) for name in page.column_names}) for page in pages]
    table = pa.concat_tables(plain).sort_by([(name, "ascending") for name in (*measurement.tags, TIME)])
    columns = {name: table.column(name).combine_chunks() for name in table.column_names}
    for tag in measurement.tags:
        values = pc.unique(columns[tag]).sort()
        columns[tag] = pa.DictionaryArray.from_arrays(pc.index_in(columns[tag], value_set=values), values)
    return pa.table(columns, schema=pages[0].schema)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
