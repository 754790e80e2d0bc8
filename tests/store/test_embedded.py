"""The embedded store: one owner, safe threads, kill -9, and the nightly sort."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tanji.errors import InstanceLocked, StoreUnavailable
from tanji.store.embedded import EmbeddedStore
from tanji.store.embedded_sql import DAY_MS
from tanji.store.embedded_writer import Writer

BUCKET = "hx01_raw"
WRITER = """
import sys
import numpy as np, pyarrow as pa
from tanji.store.embedded import EmbeddedStore
store = EmbeddedStore(sys.argv[1])
size, batch = 1000, int(sys.argv[2])
while True:
    points = pa.DictionaryArray.from_arrays(np.arange(size, dtype=np.int32) % 10, [f"p{k}" for k in range(10)])
    time = batch * 1000 + np.arange(size) // 10
    rows = {"time": time, "plant": ["hx01"] * size, "point": points, "value": np.full(size, float(batch))}
    store.write("hx01_raw", "reading", pa.table(rows | {"quality": np.zeros(size, np.int64)}))
    batch += 1
    print(batch, flush=True)
"""


def rows(day: int, point: str, values: list[float], *, step_ms: int = 1000) -> pa.Table:
    size = len(values)
    time = [day * DAY_MS + place * step_ms for place in range(size)]
    columns = {"time": time, "plant": ["hx01"] * size, "point": [point] * size, "value": values}
    return pa.table(columns | {"quality": [0] * size})


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path, acknowledged = tmp_path / "tsdb.duckdb", 0
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, str(path), str(acknowledged)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as writer:
            assert writer.stdout is not None
            target = acknowledged + 15
            while acknowledged < target:
                acknowledged = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            acknowledged = int((writer.stdout.read().split() or [acknowledged])[-1])
        store = EmbeddedStore(path)
        table = store.read(BUCKET, "reading")
        batches = np.bincount(table.column("value").to_numpy().astype(int))
        store.close()
        assert acknowledged <= len(batches) <= acknowledged + 1  # one may have been committed and not yet said
        assert set(batches.tolist()) == {1000}
        acknowledged = len(batches)


def test_a_second_process_is_told_that_the_file_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "tsdb.duckdb"
    store = EmbeddedStore(path)
    with pytest.raises(InstanceLocked, match="already open in this process"):
        EmbeddedStore(path)
    program = "import sys; from tanji.store.embedded import EmbeddedStore; EmbeddedStore(sys.argv[1])"
    command = [sys.executable, "-c", program, str(path)]
    second = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert second.returncode != 0
    assert "InstanceLocked" in second.stderr
    assert "in use by another process" in second.stderr
    store.close()
    EmbeddedStore(path).close()


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "tsdb.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreUnavailable, match="expected a DuckDB file"):
        EmbeddedStore(tmp_path / "tsdb.duckdb")


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    store.write(BUCKET, "reading", rows(0, "a", [1.0]))
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable, match="cannot read"):
        store.read(BUCKET, "reading")
    with pytest.raises(StoreUnavailable, match="cannot write"):
        store.write(BUCKET, "reading", rows(0, "b", [1.0]))


def test_everything_is_there_after_closing_and_opening_again(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    store.write(BUCKET, "reading", rows(0, "a", [1.0, 2.0]))
    health = {"time": [0], "plant": ["hx01"], "part": ["sealer"], "uptime_s": [1.0]}
    store.write("hx01_health", "health", pa.table(health))
    before = store.read(BUCKET, "reading"), store.read("hx01_health", "health")
    store.close()
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    assert (store.read(BUCKET, "reading"), store.read("hx01_health", "health")) == before
    store.write(BUCKET, "reading", rows(0, "b", [3.0]))
    assert store.count(BUCKET, "reading") == 3
    store.close()


def test_compact_sorts_finished_days_and_changes_no_answer(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    for day in (2, 0, 1):
        store.write(BUCKET, "reading", rows(day, "b", [float(day), 2.0, 3.0]))
        store.write(BUCKET, "reading", rows(day, "a", [4.0, 5.0]))
    store.write(BUCKET, "reading", rows(0, "b", [9.0]))  # the last arrival of the first second
    before = store.read(BUCKET, "reading")
    assert store.compact(before_ms=2 * DAY_MS) == 2
    assert store.read(BUCKET, "reading") == before
    assert store.count(BUCKET, "reading") == before.num_rows == 15
    assert store.compact(before_ms=2 * DAY_MS) == 0
    late = rows(0, "b", [11.0])
    store.write(BUCKET, "reading", late)  # later than the sorted row of the same second
    assert store.read(BUCKET, "reading", end_ms=1).column("value").to_pylist() == [4.0, 11.0]
    assert store.count(BUCKET, "reading") == 15
    assert store.compact(before_ms=3 * DAY_MS) == 2
    assert store.read(BUCKET, "reading", end_ms=1).column("value").to_pylist() == [4.0, 11.0]
    assert store.count(BUCKET, "reading") == 15
    assert store.latest(BUCKET, "reading").column("value").to_pylist() == [5.0, 3.0]
    store.close()


def test_readers_work_while_writers_take_turns(tmp_path: Path) -> None:
    store, failures = EmbeddedStore(tmp_path / "tsdb.duckdb"), list[BaseException]()
    stop = threading.Event()

    def write(point: str) -> None:
        for day in range(30):
            store.write(BUCKET, "reading", rows(day, f"{point}.d{day % 7}", [1.0] * 50))

    def read() -> None:
        while not stop.is_set():
            table = store.read(BUCKET, "reading", where={"plant": ["hx01"]})
            assert table.num_rows % 50 == 0
            assert store.count(BUCKET, "reading") >= table.num_rows
            store.latest(BUCKET, "reading")

    def watched(function: Callable[..., None], *given: str) -> threading.Thread:
        def run() -> None:
            try:
                function(*given)
            except BaseException as err:
                failures.append(err)

        return threading.Thread(target=run)

    readers = [watched(read) for _ in range(2)]
    writers = [watched(write, f"w{place}") for place in range(3)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    store.compact(before_ms=20 * DAY_MS)
    stop.set()
    for thread in readers:
        thread.join()
    assert failures == []
    assert store.count(BUCKET, "reading") == 3 * 30 * 50
    store.close()


def test_a_failed_write_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    store.write(BUCKET, "reading", rows(0, "a", [1.0]))

    def fail(*_: object) -> None:
        raise StoreUnavailable("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "_insert", fail)
        with pytest.raises(StoreUnavailable, match="disk full"):
            store.write(BUCKET, "reading", rows(0, "b", [1.0]))
        with pytest.raises(StoreUnavailable, match="disk full"):
            store.write("hx02_raw", "reading", rows(0, "b", [1.0]))
    store.write("hx02_raw", "reading", rows(0, "c", [2.0]))
    store.write(BUCKET, "reading", rows(0, "d", [3.0]))
    assert store.read(BUCKET, "reading").column("point").to_pylist() == ["a", "d"]
    assert store.read("hx02_raw", "reading").column("point").to_pylist() == ["c"]
    store.close()


def test_a_deletion_reaches_sorted_days_and_lasts(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    store.write(BUCKET, "reading", rows(0, "a", [1.0, 2.0, 3.0]))
    store.compact(before_ms=DAY_MS)
    store.write(BUCKET, "reading", rows(0, "a", [9.0]))
    kept = store.read(BUCKET, "reading").column("time")[2].as_py()
    store.delete(BUCKET, "reading", start_ms=0, end_ms=kept, where={"plant": ["hx01"], "point": ["a"]})
    store.close()
    again = EmbeddedStore(tmp_path / "tsdb.duckdb")
    assert again.read(BUCKET, "reading").column("value").to_pylist() == [3.0]
    again.close()
