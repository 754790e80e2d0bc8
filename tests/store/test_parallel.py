"""Bodies on their way at once: all of them, or the error that says whether to try again."""

from __future__ import annotations

import threading

import numpy as np
import pyarrow as pa
import pytest

from tanji.errors import StoreDenied, StoreRefused, StoreUnavailable
from tanji.store.influx import InfluxStore
from tanji.store.influx_http import failure
from tanji.store.line_writer import MOST_LINES, is_distinct
from tanji.store.parallel import AT_ONCE, send_all
from tanji.store.schema import find_measurement

READING = find_measurement("reading")
BODIES = [b"%d" % number for number in range(25)]


def test_every_body_is_sent_once_and_several_are_under_way() -> None:
    sent: list[bytes] = []
    barrier = threading.Barrier(AT_ONCE, timeout=10)  # breaks unless that many are sending at the same time

    def send(body: bytes) -> None:
        if int(body) < AT_ONCE:
            barrier.wait()
        sent.append(body)

    send_all(BODIES, send)
    assert sorted(sent) == sorted(BODIES)


@pytest.mark.parametrize("first", [StoreRefused, StoreUnavailable])
def test_an_error_that_may_pass_comes_before_a_refusal(first: type[Exception]) -> None:
    second = StoreUnavailable if first is StoreRefused else StoreRefused
    both = threading.Barrier(2, timeout=10)

    def send(body: bytes) -> None:
        if int(body) < 2:
            both.wait()
            raise (first, second)[int(body)]("no")

    with pytest.raises(StoreUnavailable):
        send_all(BODIES, send)


def test_nothing_is_under_way_any_more_when_the_error_is_raised() -> None:
    under_way = [0]
    lock = threading.Lock()

    def send(body: bytes) -> None:
        with lock:
            under_way[0] += 1
        try:
            if body == b"3":
                raise StoreRefused("no")
        finally:
            with lock:
                under_way[0] -= 1

    with pytest.raises(StoreRefused):
        send_all(BODIES, send)
    assert under_way == [0]


def rows(times: np.ndarray, points: list[str]) -> pa.Table:
    size = len(times)
    point = pa.array([points[number % len(points)] for number in range(size)]).dictionary_encode()
    plant = pa.array(["hx01"] * size).dictionary_encode()
    return pa.table({"time": times, "plant": plant, "point": point, "value": np.arange(size, dtype=float)})


def test_rows_are_distinct_unless_tags_and_time_come_twice() -> None:
    assert is_distinct(READING, rows(np.array([1, 1, 2]), ["a", "b"]))
    assert not is_distinct(READING, rows(np.array([1, 2, 1]), ["a", "b"]))
    assert is_distinct(READING, rows(np.array([], np.int64), ["a"]))
    assert not is_distinct(
        READING, rows(np.array([-(1 << 53), 1 << 62]), ["a"])
    )  # too far apart to tell: keep the order


def test_a_large_table_with_repeats_keeps_the_last_row_and_one_without_goes_whole(influx_url: str) -> None:
    store = InfluxStore(influx_url)
    store.ensure_bucket("parallel_raw")
    size = 3 * MOST_LINES
    store.write("parallel_raw", "reading", rows(np.arange(size), ["a"]))
    assert store.count("parallel_raw", "reading") == size
    store.write("parallel_raw", "reading", rows(np.arange(size) % MOST_LINES, ["b"]))
    found = store.read("parallel_raw", "reading", where={"point": ["b"]})
    assert found.column("value").to_pylist() == [float(2 * MOST_LINES + number) for number in range(MOST_LINES)]
    store.close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, StoreRefused), (413, StoreRefused), (422, StoreRefused), (401, StoreDenied), (403, StoreDenied),
     (404, StoreDenied), (429, StoreUnavailable), (500, StoreUnavailable), (503, StoreUnavailable)],
)  # fmt: skip
def test_an_answer_is_refused_denied_or_away(status: int, kind: type[Exception]) -> None:
    assert type(failure(status, "text")) is kind
