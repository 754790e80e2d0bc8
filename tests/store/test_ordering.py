"""Any order of arrival in, one order out; checked against Python's own sort."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tanji.store.ordering import arrange
from tanji.store.schema import MEASUREMENTS

READING = MEASUREMENTS["reading"]
KEYS = [("hx01", "b"), ("hx01", "never"), ("hx00", "z"), ("hx01", "a")]
ROWS = st.lists(
    st.tuples(
        st.sampled_from([0, 2, 3]), st.integers(-3, 3), st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)
    )
)


@settings(deadline=None, derandomize=True)
@given(ROWS)
def test_rows_are_sorted_and_the_last_value_of_equal_keys_stays(
    rows: list[tuple[int, int, int | None, int | None]],
) -> None:
    merged: dict[tuple[tuple[str, ...], int], list[int | None]] = {}
    for series, time, value, quality in rows:
        cell = merged.setdefault((KEYS[series], time), [None, None])
        cell[:] = [new if new is not None else old for old, new in zip(cell, (value, quality), strict=True)]
    series, time, value, quality = zip(*rows, strict=True) if rows else ((), (), (), ())
    table = arrange(
        READING,
        series=np.array(series, np.int32),
        keys=KEYS,
        time=np.array(time, np.int64),
        fields={"value": pa.array(value, pa.float64()), "quality": pa.array(quality, pa.int64())},
    )
    got = [tuple(row.values()) for row in table.to_pylist()]
    assert got == [(time, *key, *cell) for (key, time), cell in sorted(merged.items(), key=lambda item: item[0])]
    assert table.schema == READING.arrow_schema(("value", "quality"))
    for tag in READING.tags:
        dictionary = table.column(tag).chunk(0).dictionary.to_pylist()
        assert dictionary == sorted(set(table.column(tag).to_pylist()))
