"""`tanji run` as a process beside the simulator's devices: pages, SIGTERM, nothing acknowledged lost, one instance."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tanji.plant.load import load
from tanji.store.embedded import EmbeddedStore

from .conftest import SAMPLE, Call

OLD_MS = 1_792_339_200_000
LINES = 500
STOP_S = 15.0
LIMIT_S = 30.0


@pytest.fixture
def served_plant(plant_file: Path, tmp_path: Path) -> Iterator[Path]:
    """The demo plant with its devices answering where the file says."""
    command = [sys.executable, "-m", "services.simulator", "serve", "--free-ports", "--plant", str(SAMPLE)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout is not None
    try:
        ready = json.loads(process.stdout.readline())
        text = plant_file.read_text(encoding="utf-8")
        for device in load(plant_file).devices:
            if device.id in ready["devices"]:
                text = text.replace(f"port: {device.port},", f"port: {ready['devices'][device.id][1]},")
            else:
                text = text.replace(device.endpoint, ready["endpoints"][device.id])
        plant_file.write_text(text, encoding="utf-8")
        yield plant_file
    finally:
        process.terminate()
        process.wait(timeout=LIMIT_S)
        process.stdout.close()


def body() -> bytes:
    """Readings of one point, ten seconds apart."""
    line = "reading,plant=demo,point=line1.kiln_coal.mass_flow value={},quality=0i {}"
    return "\n".join(line.format(10 + i / LINES, OLD_MS + i * 10_000) for i in range(LINES)).encode()


def get(url: str) -> tuple[int, str]:
    answer = urllib3.request("GET", url, timeout=LIMIT_S)
    return answer.status, answer.data.decode()


def test_a_plant_runs_answers_and_stops_with_everything_readable(
    start: Callable[..., Any], served_plant: Path, tmp_path: Path, tanji: Call
) -> None:
    data = tmp_path / "data"
    with start("run", "--plant", served_plant, "--data", data) as (process, said):
        assert said["plant"] == "demo" and said["drop"] == str(data / "drop")
        status, health = get(f"{said['pages']}healthz")
        assert status == 200 and json.loads(health)["status"] == "ok"
        status, page = get(said["pages"])
        assert status == 200 and "碳排放总览" in page
        answer = urllib3.request("POST", f"{said['sealer']}/write?precision=ms", body=body())
        assert answer.status == 204

        second = tanji("run", "--plant", served_plant, "--data", data)
        assert second.returncode == 2
        assert f"in use by another tanji process (pid {process.pid})" in second.stderr

        time.sleep(4)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=STOP_S) == 0
    log = (tmp_path / "stderr.log").read_text()
    assert "Traceback" not in log and "\x1b" not in log
    store = EmbeddedStore(data / "tsdb.duckdb")
    try:
        end_ms = OLD_MS + LINES * 10_000
        assert store.count("demo_raw", "reading", start_ms=OLD_MS, end_ms=end_ms) == LINES
        live = store.read("demo_raw", "reading", start_ms=end_ms, where={"plant": ("demo",)})
        assert set(live["point"].to_pylist()) == {point.id for point in load(SAMPLE).metered_points}
        assert live.num_rows >= 2 * len(load(SAMPLE).points)
    finally:
        store.close()


def test_a_plant_whose_devices_are_silent_serves_its_pages(
    start: Callable[..., Any], plant_file: Path, tmp_path: Path
) -> None:
    with start("run", "--plant", plant_file, "--data", tmp_path / "data") as (process, said):
        assert get(said["pages"])[0] == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=STOP_S) == 0


def test_a_person_is_told_where_everything_is(plant_file: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tanji.cli.main", "run", "--plant", str(plant_file), "--data", "data"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stderr is not None and process.stdout is not None
    try:
        lines = ""
        while "drop " not in lines and (line := process.stderr.readline()):  # its warnings may come between
            lines += line
    finally:
        process.terminate()
        process.wait(timeout=STOP_S)
        process.stderr.close()
        process.stdout.close()
    assert "碳计示范水泥厂" in lines and re.search(r"^pages +http://127\.0\.0\.1:\d+/$", lines, re.MULTILINE)
    assert re.search(r"^sealer +http://127\.0\.0\.1:\d+/write$", lines, re.MULTILINE) and "data/drop" in lines
