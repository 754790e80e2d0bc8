"""The storage contract on every adapter: ranges, conditions, latest rows and windows, down to a day of noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tanji.errors import StoreRefused
from tanji.store.embedded import EmbeddedStore
from tanji.store.influx import InfluxStore
from tanji.store.port import Store

from .contract import HOUR_MS, START_MS, plain, readings


def test_the_range_is_half_open(store: Store, bucket: str) -> None:
    store.write(bucket, "reading", readings([("a", time, float(time), 0) for time in range(5)]))
    table = store.read(bucket, "reading", start_ms=START_MS + 1, end_ms=START_MS + 3)
    assert table.column("value").to_pylist() == [1.0, 2.0]
    assert store.count(bucket, "reading", start_ms=START_MS + 1, end_ms=START_MS + 3) == 2
    assert store.count(bucket, "reading", start_ms=START_MS + 3) == 2
    assert store.count(bucket, "reading", end_ms=START_MS + 3) == 3
    assert store.read(bucket, "reading", start_ms=START_MS + 3, end_ms=START_MS + 3).num_rows == 0
    assert store.read(bucket, "reading", start_ms=-(2**62), end_ms=2**62).num_rows == 5


def test_conditions_choose_tags_and_an_unknown_value_finds_nothing(store: Store, bucket: str) -> None:
    store.write(bucket, "reading", readings([("a", 0, 1.0, 0), ("b", 0, 2.0, 0), ("c", 0, 3.0, 0)]))
    store.write(bucket, "reading", readings([("a", 0, 9.0, 0)], plant="hx02"))
    table = store.read(bucket, "reading", where={"plant": ["hx01"], "point": ["a", "c", "never"]})
    assert table.column("value").to_pylist() == [1.0, 3.0]
    assert store.read(bucket, "reading", where={"point": []}).num_rows == 0
    assert store.count(bucket, "reading", where={"point": ["a"]}) == 2
    assert store.count(bucket, "reading", where={"point": ["never"]}) == 0
    assert store.read(bucket, "reading", where={"point": ["a' OR 1=1 --", 'a" OR "']}).num_rows == 0


def test_nothing_stored_is_an_empty_table_with_the_same_columns(store: Store, bucket: str) -> None:
    empty = store.read(bucket, "reading")
    store.write(bucket, "reading", readings([]))
    store.write(bucket, "reading", readings([("a", 0, 1.0, 0)]))
    assert empty.num_rows == 0
    assert empty.schema == store.read(bucket, "reading").schema
    assert store.count(bucket, "flag") == 0
    assert store.latest(bucket, "flag").num_rows == 0
    windows = store.windows(bucket, "flag", "quality", start_ms=0, end_ms=1, width_ms=1)
    assert windows.num_rows == 0
    assert windows.column_names == ["plant", "point", "time", "mean", "min", "max", "count"]


def test_latest_is_the_newest_row_of_every_series(store: Store, bucket: str) -> None:
    store.write(bucket, "reading", readings([("a", 5, 1.0, 0), ("b", 7, 2.0, 0), ("a", 9, None, 4), ("b", 6, 3.0, 0)]))
    assert plain(store.latest(bucket, "reading")) == [(START_MS + 9, "a", None, 4), (START_MS + 7, "b", 2.0, 0)]
    assert plain(store.latest(bucket, "reading", where={"point": ["b"]})) == [(START_MS + 7, "b", 2.0, 0)]


def test_windows_start_at_multiples_of_their_width_and_count_values_only(store: Store, bucket: str) -> None:
    rows = [("a", 0, 1.0, 0), ("a", 1000, 2.0, 0), ("a", 1500, None, 1), ("a", 2000, 4.0, 0), ("b", 2500, 7.0, 0)]
    store.write(bucket, "reading", readings([*rows, ("a", 3000, 100.0, 0)]))
    table = store.windows(bucket, "reading", "value", start_ms=START_MS + 500, end_ms=START_MS + 3000, width_ms=2000)
    assert table.column_names == ["plant", "point", "time", "mean", "min", "max", "count"]
    assert plain(table) == [
        ("a", START_MS, 2.0, 2.0, 2.0, 1),
        ("a", START_MS + 2000, 4.0, 4.0, 4.0, 1),
        ("b", START_MS + 2000, 7.0, 7.0, 7.0, 1),
    ]
    integers = store.windows(bucket, "reading", "quality", start_ms=START_MS, end_ms=START_MS + 9000, width_ms=9000)
    assert integers.schema.field("max").type == pa.int64()
    assert integers.column("mean").to_pylist() == [1 / 5, 0.0]


def noise(points: list[str], *, start: int, minutes: int, rng: np.random.Generator) -> pa.Table:
    """Readings of every size, some failed, in no order."""
    size = len(points) * minutes
    columns = {
        "time": START_MS + np.repeat(np.arange(start, start + minutes) * 60_000, len(points)),
        "plant": ["hx01"] * size,
        "point": pa.DictionaryArray.from_arrays(np.tile(np.arange(len(points), dtype=np.int32), minutes), points),
        "value": pa.array(rng.normal(0, 1, size) * 10.0 ** rng.integers(-9, 9, size), mask=rng.random(size) < 0.02),
        "quality": rng.integers(0, 2**32, size),
    }
    return pa.table(columns).take(rng.permutation(size))


def test_both_engines_give_equal_tables_for_a_day_of_noise(
    influx_url: str, tmp_path: Path, new_bucket: Callable[[Store], str]
) -> None:
    embedded, influx = EmbeddedStore(tmp_path / "tsdb.duckdb"), InfluxStore(influx_url)
    bucket, rng = new_bucket(influx), np.random.default_rng(7)
    points = [f"kiln{k}.p{place:02d}" for k in (2, 1) for place in range(12)]
    for start in range(0, 1440, 480):
        table = noise(points, start=start, minutes=480, rng=rng)
        for store in (embedded, influx):
            store.write(bucket, "reading", table)
    questions: list[Callable[[Store], pa.Table | int]] = [
        lambda store: store.read(bucket, "reading"),
        lambda store: store.read(bucket, "reading", where={"point": points[3:9]}, fields=("quality", "value")),
        lambda store: store.read(bucket, "reading", start_ms=START_MS + HOUR_MS, end_ms=START_MS + 2 * HOUR_MS),
        lambda store: store.latest(bucket, "reading"),
        lambda store: store.count(bucket, "reading"),
        lambda store: store.windows(
            bucket, "reading", "value", start_ms=START_MS + 7, end_ms=START_MS + 86_400_000, width_ms=HOUR_MS
        ),
        lambda store: store.windows(
            bucket, "reading", "quality", start_ms=START_MS, end_ms=START_MS + 86_400_000, width_ms=HOUR_MS
        ),
    ]
    for ask in questions:
        ours, theirs = ask(embedded), ask(influx)
        assert ours == theirs if isinstance(ours, int) else ours.equals(theirs)
        assert isinstance(ours, int) or ours.schema == theirs.schema
    embedded.compact(before_ms=START_MS + 86_400_000)
    assert embedded.read(bucket, "reading").equals(influx.read(bucket, "reading"))
    embedded.close()
    influx.close()


def test_windows_over_more_than_a_month_are_one_table(store: Store, bucket: str) -> None:
    days = [day * 86_400_000 for day in (0, 1, 40, 41, 80)]
    store.write(bucket, "reading", readings([("b", day, float(place), 0) for place, day in enumerate(days)]))
    store.write(bucket, "reading", readings([("a", days[2], 7.0, 0)]))
    table = store.windows(
        bucket, "reading", "value", start_ms=START_MS, end_ms=START_MS + days[-1] + 1, width_ms=86_400_000
    )
    assert table.column("point").to_pylist() == ["a", *["b"] * 5]
    assert table.column("time").to_pylist() == [START_MS + days[2], *(START_MS + day for day in days)]
    assert table.column("point").chunk(0).dictionary.to_pylist() == ["a", "b"]


def test_windows_of_all_time_cost_only_what_is_stored(store: Store, bucket: str) -> None:
    store.write(bucket, "reading", readings([("a", 0, 1.0, 0), ("a", 5 * HOUR_MS, 2.0, 0)]))
    table = store.windows(bucket, "reading", "value", start_ms=0, end_ms=2**62, width_ms=HOUR_MS)
    assert table.column("time").to_pylist() == [START_MS, START_MS + 5 * HOUR_MS]
    assert table.column("count").to_pylist() == [1, 1]
    with pytest.raises(StoreRefused, match="a width of at least 1 ms, got 0"):
        store.windows(bucket, "reading", "value", start_ms=0, end_ms=1, width_ms=0)
