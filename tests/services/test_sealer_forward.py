"""Forwarding: in order, for ever, nothing lost and nothing doubled (DESIGN sections 2 and 6; R39)."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.sealer.__main__ import open_store
from services.sealer.sealer import create_sealer
from tanji.errors import SpoolError, StoreUnavailable, UnsupportedServer
from tanji.plant.names import health_bucket, raw_bucket
from tanji.store.embedded import EmbeddedStore

from .sealer_rig import COAL, FEED, HOUR, NOON, PLANT_ID, POINTS, Rig, line, plant, rig, wait_until
from .store_double import StoreDouble

ROOT = Path(__file__).parents[2]


def outage(sealer: Rig) -> None:
    """Take the store away, and wait until the sealer has noticed."""
    sealer.store.down.set()
    sealer.post(line(COAL, NOON - 1))
    wait_until(lambda: sealer.sealer.report()["status"] == "degraded")


def test_a_store_that_is_down_blocks_nobody_and_gets_the_backlog_in_order(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        outage(sealer)
        for body in range(50):
            assert sealer.post("".join(line(FEED, NOON + body * 10 + row, body) for row in range(10)))[0] == 204
        assert sealer.sealer.counters()["backlog_records"] == 501
        assert sealer.stored() == []
        sealer.store.down.clear()
        assert sealer.sealer.drain(20)
        assert [row[:3] for row in sealer.stored()[1:]] == [(FEED, NOON + n, n // 10) for n in range(500)]
        counters = sealer.sealer.counters()
        assert (counters["forwarded"], counters["accepted"], counters["backlog_records"]) == (501, 501, 0)
        assert sealer.sealer.report()["status"] == "ok"


def test_an_outage_over_a_restart_and_a_store_that_is_down_at_the_start_lose_nothing(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, NOON, 1.0))
        outage(sealer)
        sealer.post(line(FEED, NOON + 1, 2.0))
    with rig(tmp_path) as sealer:
        assert sealer.sealer.drain(20)
        assert [row[2] for row in sealer.stored()] == [1.0, 1.0, 2.0]
        assert sealer.sealer.counters()["accepted"] == 2  # of this process: what it found in the spool


def test_without_its_position_everything_is_compared_again_and_nothing_is_doubled(tmp_path: Path) -> None:
    lines = [line(point, NOON + row, row) for row in range(100) for point in POINTS]
    with rig(tmp_path) as sealer:
        sealer.accept(*lines)
    (tmp_path / "spool" / "forwarded.json").unlink()
    with rig(tmp_path) as sealer:
        assert sealer.sealer.drain(20)
        assert len(sealer.stored()) == 300
        assert sealer.store.inner.count(raw_bucket(PLANT_ID), "reading") == 300
        assert not [entry for entry in sealer.store.writes if entry[1] == "reading" and entry[2].num_rows]
        assert sealer.parked() == []


def test_rows_the_store_refuses_are_narrowed_down_and_parked_and_all_others_stored(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        bad = {NOON + 17, NOON + 18, NOON + 90}
        sealer.store.refuses = lambda row: row["time"] in bad
        sealer.accept(*(line(FEED, NOON + row, row) for row in range(100)))
        assert {row[1] for row in sealer.stored()} == {NOON + row for row in range(100)} - bad
        parked = sealer.parked()
        assert [entry["line"] for entry in parked] == [
            line(FEED, time_ms, float(time_ms - NOON)).strip() for time_ms in sorted(bad)
        ]
        assert {entry["reason"] for entry in parked} == {"store refused: field type conflict"}
        counters = sealer.sealer.counters()
        assert (counters["refused"], counters["forwarded"], counters["backlog_records"]) == (3, 97, 0)


def test_a_reading_the_store_refused_once_may_come_again(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.store.refuses = lambda row: "value" in row
        sealer.accept(line(FEED, NOON, 5.0))
        sealer.store.refuses = lambda row: False
        sealer.accept(line(FEED, NOON, 5.0))
        assert sealer.stored() == [(FEED, NOON, 5.0, 0)]


def test_what_was_spooled_for_a_point_that_left_the_plant_file_is_reported(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        outage(sealer)
        sealer.post(line(FEED, NOON))
    with rig(tmp_path, points=(FEED,)) as sealer:
        assert sealer.sealer.drain(20)
        assert sealer.stored() == [(FEED, NOON, 1.0, 0)]
        assert "no longer in the plant file" in sealer.parked()[0]["reason"]


def test_a_fault_of_the_store_adapter_does_not_end_forwarding(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        write, failures = sealer.store.write, iter([RuntimeError("a bug"), ValueError("another")])

        def faulty(*arguments: Any) -> None:
            for failure in failures:
                raise failure
            write(*arguments)

        sealer.store.write = faulty  # type: ignore[method-assign]
        sealer.accept(line(FEED, NOON))
        assert sealer.stored() == [(FEED, NOON, 1.0, 0)]


def test_damage_met_while_forwarding_stops_it_and_is_told_and_readings_are_still_taken(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        outage(sealer)
        sealer.post(line(FEED, NOON))
        sealer.post(line(FEED, NOON + 1))
        (segment,) = (tmp_path / "spool").glob("*.seg")
        size = segment.stat().st_size // 3
        with segment.open("r+b") as file:
            file.seek(size + 60)
            file.write(b"\xff")
        sealer.store.down.clear()
        wait_until(lambda: "damaged at offset" in sealer.sealer.report()["store"])
        assert sealer.sealer.report()["status"] == "degraded"
        assert sealer.post(line(FEED, NOON + 2))[0] == 204
        assert sealer.sealer.counters()["backlog_records"] == 3
    expect_refused(tmp_path, "damaged at offset")


def test_a_second_sealer_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with rig(tmp_path):
        expect_refused(tmp_path, "in use by another process")


def test_a_store_that_comes_back_empty_is_given_its_buckets_again(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        made: list[str] = []
        sealer.store.ensure_bucket = made.append  # type: ignore[attr-defined]
        outage(sealer)
        sealer.store.down.clear()
        assert sealer.sealer.drain(20)
        assert set(made) == {raw_bucket(PLANT_ID), health_bucket(PLANT_ID)}


def test_readings_do_not_wait_for_the_bucket_of_host_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_health(store: StoreDouble, name: str) -> None:
        if name == health_bucket(PLANT_ID):
            raise StoreUnavailable(f"expected bucket {name}")

    monkeypatch.setattr(StoreDouble, "ensure_bucket", no_health, raising=False)
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, NOON))
        assert sealer.stored() == [(FEED, NOON, 1.0, 0)]


@pytest.mark.parametrize("state", ["down", "hung"])
def test_a_stop_does_not_wait_for_a_store_that_does_not_answer(
    tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.sealer.forward.STOP_S", 0.2)
    monkeypatch.setattr("services.sealer.sealer.FLUSH_S", 0.2)
    answering, asked = threading.Event(), threading.Event()
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, NOON))
        if state == "down":
            outage(sealer)
        else:
            write = sealer.store.write
            sealer.store.write = lambda *rows: (asked.set(), answering.wait(20), write(*rows))  # type: ignore
        sealer.post(line(FEED, NOON + 1))
        assert state == "down" or asked.wait(20)
        began = time.monotonic()
        sealer.sealer.stop()
        assert time.monotonic() - began < 3
        forwarded = (tmp_path / "spool" / "forwarded.json").read_text()
        answering.set()
        wait_until(lambda: "sealer-forward" not in {thread.name for thread in threading.enumerate()})
        assert (tmp_path / "spool" / "forwarded.json").read_text() == forwarded
    with rig(tmp_path) as sealer:
        assert sealer.sealer.drain(20)
        assert (FEED, NOON + 1, 1.0, 0) in sealer.stored()


def test_a_server_that_is_none_of_ours_is_told_in_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with rig(tmp_path) as sealer:
        write, refusals = sealer.store.write, iter([UnsupportedServer("expected InfluxDB 1.x or 2.x, got 3")])

        def refused(*arguments: Any) -> None:
            for refusal in refusals:
                raise refusal
            write(*arguments)

        sealer.store.write = refused  # type: ignore[method-assign]
        sealer.accept(line(FEED, NOON))
        (record,) = [entry for entry in caplog.records if "starting over" in entry.message]
        assert "got 3" in record.message and record.exc_info is None


def test_a_long_backlog_is_read_from_disk_in_batches_of_bounded_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.sealer.forward.BATCH_ROWS", 300)
    with rig(tmp_path) as sealer:
        outage(sealer)
        for body in range(30):
            sealer.post("".join(line(FEED, NOON + body * 100 + row) for row in range(100)))
        sealer.store.down.clear()
        assert sealer.sealer.drain(20)
        sizes = [rows.num_rows for _, measurement, rows in sealer.store.writes if measurement == "reading"]
        assert sum(sizes) == 3001 and max(sizes) <= 300


def test_the_same_readings_reach_a_real_influxdb_through_its_protocols(tmp_path: Path, influx_url: str) -> None:
    # The health bucket and the raw bucket are made by the sealer itself, once the server answers.
    base = plant().model_dump()
    base["site"]["id"] = "sealer_forward"
    base["services"]["store"] = {"kind": "influx", "url": influx_url}
    model = type(plant()).model_validate(base)
    store = open_store(model, tmp_path)
    sealer = create_sealer(model, data_dir=tmp_path, store=store, clock=lambda: NOON)
    try:
        rig_like = SimpleNamespace(address=sealer.start("127.0.0.1", 0))
        bodies = [
            [line(FEED, NOON, 1.5), line(FEED, NOON + 2 * HOUR, None, 1024), line(COAL, NOON, 2.0)],
            [line(FEED, NOON, 9.0), line(FEED, NOON + HOUR, 3.0), line(FEED, NOON + 2 * HOUR, 4.0), "up v=1 0\n"],
        ]
        for body in bodies:
            text = "".join(body).replace(PLANT_ID, "sealer_forward")
            assert Rig.post(_asking(rig_like), text)[0] == 204
            assert sealer.drain(20)
        rows = store.read(raw_bucket("sealer_forward"), "reading").to_pylist()
        assert [(row["point"], row["time"] - NOON, row["value"]) for row in rows] == [
            (COAL, 0, 2.0),
            (FEED, 0, 1.5),
            (FEED, HOUR, 3.0),
            (FEED, 2 * HOUR, 4.0),
        ]
        arrivals = store.read(raw_bucket("sealer_forward"), "arrival").to_pylist()
        hours = [((row["hour_ms"] - NOON) // HOUR, row["count"]) for row in arrivals]
        assert hours == [(0, 2), (1, 0), (2, 1), (0, 0), (1, 1), (2, 1)]
    finally:
        sealer.stop()
        store.close()


def test_the_module_runs_as_a_process_and_ends_clean_on_sigterm(tmp_path: Path) -> None:
    file = tmp_path / "plant.yaml"
    sample = ROOT / "tests" / "plant" / "golden" / "good" / "minimal.yaml"
    file.write_text(sample.read_text(encoding="utf-8"), encoding="utf-8")
    command = [sys.executable, "-m", "services.sealer", "--plant", str(file), "--data", str(tmp_path), "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        address = process.stderr.readline().split("http://")[1].split("/")[0]
        host, port = address.split(":")
        body = f"reading,plant=p1,point=grid.energy value=5,quality=0i {NOON}000000\n".encode()
        request = b"POST /write HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(request)
            assert connection.recv(100).startswith(b"HTTP/1.1 204")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    assert [row["value"] for row in store.read(raw_bucket("p1"), "reading").to_pylist()] == [5.0]
    store.close()
    assert json.loads((tmp_path / "spool" / "forwarded.json").read_text())["seq"] == 1


def expect_refused(folder: Path, reason: str) -> None:
    """A sealer on `folder` does not start."""
    store = EmbeddedStore(folder / "other.duckdb")
    with pytest.raises(SpoolError, match=reason):
        create_sealer(plant(), data_dir=folder, store=store, clock=lambda: NOON)
    store.close()


def _asking(target: Any) -> Any:
    target.ask = lambda *arguments: Rig.ask(target, *arguments)
    return target
