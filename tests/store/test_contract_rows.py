"""The storage contract on every adapter: rows come back sorted, the last arrival of equal tags and time standing."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

from tanji.errors import StoreRefused
from tanji.store.influx import InfluxStore
from tanji.store.port import Store

from .contract import HOUR_MS, START_MS, plain, readings

TAG = pa.dictionary(pa.int32(), pa.string())


def test_a_store_is_the_port(store: Store) -> None:
    for method in ("write", "read", "latest", "count", "windows", "delete", "close"):
        assert callable(getattr(store, method))


def test_rows_come_back_sorted_by_tags_then_time_in_the_declared_columns(store: Store, bucket: str) -> None:
    store.write(
        bucket, "reading", readings([("b", 2, 4.0, 0), ("a.x", 1, 1.5, 8), ("b", 1, 3.0, 0), ("a.x", 0, -0.0, 0)])
    )
    table = store.read(bucket, "reading")
    assert table.schema == pa.schema(
        [("time", pa.int64()), ("plant", TAG), ("point", TAG), ("value", pa.float64()), ("quality", pa.int64())]
    )
    expected = [("a.x", 0, -0.0, 0), ("a.x", 1, 1.5, 8), ("b", 1, 3.0, 0), ("b", 2, 4.0, 0)]
    assert plain(table) == [(START_MS + time, point, value, quality) for point, time, value, quality in expected]
    assert math.copysign(1, table.column("value")[0].as_py()) == -1
    assert table.column("point").chunk(0).dictionary.to_pylist() == ["a.x", "b"]


def test_a_failed_read_is_a_row_with_quality_and_no_value(store: Store, bucket: str) -> None:
    store.write(bucket, "reading", readings([("a", 0, None, 1), ("a", 1, 2.0, 0)]))
    assert plain(store.read(bucket, "reading")) == [(START_MS, "a", None, 1), (START_MS + 1, "a", 2.0, 0)]
    assert plain(store.read(bucket, "reading", fields=("value",))) == [(START_MS + 1, "a", 2.0)]
    assert store.count(bucket, "reading") == 2


def test_a_row_without_any_field_is_no_row(store: Store, bucket: str) -> None:
    store.write(bucket, "reading", readings([("a", 0, None, None), ("a", 1, 2.0, None), ("a", 2, None, 3)]))
    assert plain(store.read(bucket, "reading")) == [(START_MS + 1, "a", 2.0, None), (START_MS + 2, "a", None, 3)]
    assert store.count(bucket, "reading") == 2


def test_the_last_arrival_of_equal_point_and_time_is_the_one_returned(store: Store, bucket: str) -> None:
    store.write(bucket, "reading", readings([("a", 0, 1.0, 1), ("a", 0, 2.0, 2), ("b", 0, 5.0, 0)]))
    store.write(bucket, "reading", readings([("a", 0, 3.0, 3)]))
    assert plain(store.read(bucket, "reading")) == [(START_MS, "a", 3.0, 3), (START_MS, "b", 5.0, 0)]
    assert plain(store.latest(bucket, "reading")) == [(START_MS, "a", 3.0, 3), (START_MS, "b", 5.0, 0)]
    assert store.count(bucket, "reading") == 2
    windows = store.windows(bucket, "reading", "value", start_ms=START_MS, end_ms=START_MS + 1, width_ms=HOUR_MS)
    assert windows.column("count").to_pylist() == [1, 1]


def test_a_null_erases_nothing(store: Store, bucket: str) -> None:
    store.write(bucket, "reading", readings([("a", 0, 1.0, 1)]))
    store.write(bucket, "reading", readings([("a", 0, None, 2)]))
    assert plain(store.read(bucket, "reading")) == [(START_MS, "a", 1.0, 2)]


def activity(amount: float, *, line: str = "line1") -> pa.Table:
    names = ("amount_t", "electricity_mwh", "running_h", "captured", "substituted")
    fields = {name: [value] for name, value in zip(names, (amount, 0.0, 1.0, 1.0, 0.0), strict=True)}
    return pa.table({"time": [START_MS], "plant": ["hx01"], "line": [line], "stream": ["kiln_coal"], **fields})


def test_what_jobs_write_is_replaced_by_tags_and_time(store: Store, bucket: str) -> None:
    store.write(bucket, "activity", activity(20.0))
    store.write(bucket, "activity", activity(21.5))
    store.write(bucket, "activity", activity(3.0, line="line2"))
    table = store.read(bucket, "activity")
    assert table.column("amount_t").to_pylist() == [21.5, 3.0]
    assert table.column("co2_t").to_pylist() == [None, None]
    assert store.count(bucket, "activity") == 2


def test_equal_tags_and_time_inside_one_table_leave_the_last(store: Store, bucket: str) -> None:
    store.write(bucket, "activity", pa.concat_tables([activity(1.0), activity(2.0), activity(3.0)]))
    assert store.read(bucket, "activity").column("amount_t").to_pylist() == [3.0]


def test_every_version_of_a_figure_is_kept_in_the_history(store: Store, bucket: str) -> None:
    tags = ("plant", "line", "stream", "boundary", "ruleset", "item", "method")
    rows = {"time": [START_MS] * 2, **{tag: [tag] * 2 for tag in tags}, "revision": ["1", "2"]}
    fields = {
        "co2_t": [1.0, 1.5],
        "u_rel": [0.02] * 2,
        "substituted": [0.0] * 2,
        "reason": ["first", 'late "A" = 化验, \\'],
    }
    store.write(bucket, "emission_history", pa.table(rows | fields))
    table = store.read(bucket, "emission_history")
    assert table.column("revision").to_pylist() == ["1", "2"]
    assert table.column("reason").to_pylist() == fields["reason"]
    assert store.count(bucket, "emission_history") == 2


def test_a_text_of_two_lines_is_kept_or_refused_as_such(store: Store, bucket: str) -> None:
    rows = {"time": [START_MS], "plant": ["hx01"], "point": ["a"], "quality": [1], "rule_set": ["one\ntwo"]}
    if isinstance(store, InfluxStore) and not store.server().keeps_every_value:  # openGemini 1.5.2
        with pytest.raises(StoreRefused, match=r"flag\.rule_set: expected a text without line feeds"):
            store.write(bucket, "flag", pa.table(rows))
        assert store.count(bucket, "flag") == 0
        return
    store.write(bucket, "flag", pa.table(rows))
    assert store.read(bucket, "flag").column("rule_set").to_pylist() == ["one\ntwo"]


def test_the_health_measurement_takes_new_fields(store: Store, bucket: str) -> None:
    for name, value in (("uptime_s", 5.0), ("backlog", 2.0)):
        store.write(bucket, "health", pa.table({"time": [0], "plant": ["hx01"], "part": ["sealer"], name: [value]}))
    table = store.read(bucket, "health")
    assert table.column_names == ["time", "plant", "part", "backlog", "uptime_s"]
    assert table.to_pylist() == [{"time": 0, "plant": "hx01", "part": "sealer", "backlog": 2.0, "uptime_s": 5.0}]
    assert store.latest(bucket, "health").num_rows == 1
    assert store.read(bucket, "health", fields=("never_written",)).num_rows == 0
    assert store.count(bucket, "health") == 1


def test_a_field_nobody_has_written_yet_is_null_everywhere(store: Store, bucket: str) -> None:
    store.write(bucket, "reading", readings([("a", 0, 1.0, None)]))
    assert plain(store.read(bucket, "reading")) == [(START_MS, "a", 1.0, None)]
    assert plain(store.latest(bucket, "reading")) == [(START_MS, "a", 1.0, None)]
    assert store.read(bucket, "reading", fields=("quality",)).num_rows == 0
    assert store.count(bucket, "reading") == 1
    windows = store.windows(bucket, "reading", "quality", start_ms=START_MS, end_ms=START_MS + 1, width_ms=1)
    assert windows.num_rows == 0
