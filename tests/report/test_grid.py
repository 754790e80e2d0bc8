"""Hourly rows as a grid: holes stay NaN, rows outside the period stay out (R55)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tanji.report.grid import hourly

HOUR_MS = 3_600_000


def test_a_hole_stays_a_hole_and_rows_outside_stay_out() -> None:
    table = pa.table(
        {
            "time": pa.array([-HOUR_MS, 0, 2 * HOUR_MS, 3 * HOUR_MS, HOUR_MS], pa.int64()),
            "line": ["l", "l", "l", "l", "m"],
            "stream": ["a", "a", "a", "a", "a"],
            "co2_t": pa.array([9.0, 1.0, 3.0, 9.0, None]),
        }
    )
    grid = hourly(table, tags=("line", "stream"), fields=("co2_t",), start_ms=0, end_ms=3 * HOUR_MS)
    assert grid.keys == (("l", "a"), ("m", "a"))
    np.testing.assert_array_equal(grid.fields["co2_t"], [[1.0, np.nan, 3.0], [np.nan] * 3])


def test_dictionary_columns_in_several_chunks_are_one_series_each() -> None:
    parts = [
        pa.table({"time": [0], "stream": pa.array(["b"]).dictionary_encode(), "co2_t": [1.0]}),
        pa.table({"time": [HOUR_MS], "stream": pa.array(["a"]).dictionary_encode(), "co2_t": [2.0]}),
        pa.table({"time": [HOUR_MS], "stream": pa.array(["b"]).dictionary_encode(), "co2_t": [3.0]}),
    ]
    grid = hourly(pa.concat_tables(parts), tags=("stream",), fields=("co2_t",), start_ms=0, end_ms=2 * HOUR_MS)
    found = dict(zip(grid.column("stream"), grid.fields["co2_t"].tolist(), strict=True))
    assert found["b"] == [1.0, 3.0]
    assert found["a"][1] == 2.0


def test_an_empty_table_is_a_grid_without_series() -> None:
    table = pa.table(
        {"time": pa.array([], pa.int64()), "stream": pa.array([], pa.string()), "co2_t": pa.array([], pa.float64())}
    )
    grid = hourly(table, tags=("stream",), fields=("co2_t",), start_ms=0, end_ms=HOUR_MS)
    assert grid.keys == () and grid.fields["co2_t"].shape == (0, 1) and grid.hours == 1
