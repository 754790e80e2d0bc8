"""The storage contract on every adapter: deleted rows are gone, and nothing else is."""

from __future__ import annotations

import pytest

from tanji.errors import StoreRefused
from tanji.store.influx import InfluxStore
from tanji.store.influx_server import ServerKind
from tanji.store.port import Store

from .contract import START_MS, plain, readings


def deletes(store: Store) -> Store:
    """A store that can take rows back."""
    if isinstance(store, InfluxStore) and store.server().kind is ServerKind.OPENGEMINI:
        pytest.skip("openGemini refuses DELETE (platform.md 1.9)")
    return store


def test_deleted_rows_are_gone_and_their_neighbours_stay(store: Store, bucket: str) -> None:
    deletes(store).write(bucket, "reading", readings([("a", time, float(time), 0) for time in range(5)]))
    store.write(bucket, "reading", readings([("b", 2, 9.0, 0)]))
    where = {"plant": ["hx01"], "point": ["a"]}
    store.delete(bucket, "reading", start_ms=START_MS + 1, end_ms=START_MS + 3, where=where)
    left = [(0, "a", 0.0, 0), (3, "a", 3.0, 0), (4, "a", 4.0, 0), (2, "b", 9.0, 0)]
    assert plain(store.read(bucket, "reading")) == [(START_MS + time, *row) for time, *row in left]
    assert store.count(bucket, "reading") == 4
    store.delete(bucket, "reading", start_ms=START_MS, end_ms=START_MS + 9, where=where)
    assert plain(store.read(bucket, "reading")) == [(START_MS + 2, "b", 9.0, 0)]
    assert store.latest(bucket, "reading").num_rows == 1


def test_a_row_written_after_its_deletion_holds_nothing_of_the_old_one(store: Store, bucket: str) -> None:
    deletes(store).write(bucket, "reading", readings([("a", 0, 1.0, 1), ("a", 1, 2.0, 0)]))
    where = {"plant": ["hx01"], "point": ["a"]}
    store.delete(bucket, "reading", start_ms=START_MS, end_ms=START_MS + 1, where=where)
    store.write(bucket, "reading", readings([("a", 0, None, 1024)]))
    assert plain(store.read(bucket, "reading")) == [(START_MS, "a", None, 1024), (START_MS + 1, "a", 2.0, 0)]


def test_deleting_what_is_not_there_is_no_error(store: Store, bucket: str) -> None:
    where = {"plant": ["hx01"], "point": ["a"]}
    deletes(store).delete(bucket, "reading", start_ms=START_MS, end_ms=START_MS + 1, where=where)
    store.write(bucket, "reading", readings([("a", 0, 1.0, 1)]))
    store.delete(bucket, "reading", start_ms=START_MS + 5, end_ms=START_MS + 9, where=where)
    store.delete(bucket, "reading", start_ms=START_MS + 9, end_ms=START_MS, where=where)
    store.delete(bucket, "reading", start_ms=START_MS, end_ms=START_MS + 1, where={**where, "point": []})
    store.delete(bucket, "reading", start_ms=START_MS, end_ms=START_MS + 1, where={**where, "point": ["a' OR 1=1"]})
    assert store.count(bucket, "reading") == 1


def test_a_deletion_that_leaves_a_tag_open_is_refused(store: Store, bucket: str) -> None:
    store.write(bucket, "reading", readings([("a", 0, 1.0, 1)]))
    with pytest.raises(StoreRefused, match=r"expected every tag \(plant, point\) named, got plant"):
        store.delete(bucket, "reading", start_ms=0, end_ms=2**62, where={"plant": ["hx01"]})
    assert store.count(bucket, "reading") == 1
