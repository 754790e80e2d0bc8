"""Windows: hand-made sums, and pages put together as if they had been one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tanji.store.ordering import arrange
from tanji.store.schema import MEASUREMENTS
from tanji.store.windows import merge, summarise

READING = MEASUREMENTS["reading"]
KEYS = [("hx01", "b"), ("hx01", "a"), ("hx01", "c")]


def rows(series: list[int], time: list[int], value: list[float]) -> pa.Table:
    fields = {"value": pa.array(value, pa.float64())}
    return arrange(READING, series=np.array(series, np.int32), keys=KEYS, time=np.array(time, np.int64), fields=fields)


def test_a_mean_adds_in_the_order_of_time_as_influxdb_does() -> None:
    values = [1e16, 1.0, -1e16, 1.0] * 3
    table = summarise(READING, rows([0] * 12, list(range(12)), values), "value", width_ms=100)
    total = 0.0
    for value in values:
        total += value
    assert table.column("mean").to_pylist() == [total / 12]


def test_a_window_before_the_epoch_starts_at_a_multiple_of_its_width() -> None:
    table = summarise(READING, rows([0, 0], [-1, 0], [1.0, 2.0]), "value", width_ms=10)
    assert table.column("time").to_pylist() == [-10, 0]


def test_pages_of_different_times_become_one_sorted_table() -> None:
    pages = [
        summarise(READING, rows([0, 1], [0, 5], [1.0, 2.0]), "value", width_ms=10),
        summarise(READING, rows([], [], []), "value", width_ms=10),
        summarise(READING, rows([1, 2], [10, 11], [3.0, 4.0]), "value", width_ms=10),
    ]
    whole = summarise(READING, rows([0, 1, 1, 2], [0, 5, 10, 11], [1.0, 2.0, 3.0, 4.0]), "value", width_ms=10)
    assert merge(READING, pages) == whole
    assert merge(READING, pages).schema == whole.schema
