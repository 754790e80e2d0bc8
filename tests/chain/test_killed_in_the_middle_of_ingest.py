"""kill -9 of the whole process, jobs and all, in the middle of ingest: the figures come out as if nothing had happened.

DESIGN section 6, last row. What a reading's way to the disk and the store survives is tested beside the sealer; here
sealer, store, jobs and ledger run in one process as in `tanji run`, and what counts is the tonnes at the end.
"""

from __future__ import annotations

import http.client
import multiprocessing
import random
import shutil
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from services.simulator.history import bodies, history
from services.simulator.laboratory import laboratory_csv
from tanji.cli.box import Box
from tanji.plant.load import load
from tanji.plant.names import raw_bucket
from tanji.report.summary import summarise

from .metered import DEMO, computed, scenario_of, wanted_points

KILLS = 20
SEED = 20_261_001
LINES = 250
LIMIT_S = 30.0
PAUSE_S = 0.02
"""Between two bodies, so that all the lives are needed to bring everything in."""
SCENARIO = scenario_of(2)


def clock() -> int:
    """An hour after the period, so that all of its hours are closed [UTC ms]."""
    return SCENARIO.end_ms + 3_600_000


def live_and_compute(data_dir: Path, address: Connection) -> None:
    """The process that is killed: a box that computes whenever something has arrived."""
    box = Box(load(DEMO), data_dir=data_dir, clock=clock)
    address.send(box.start_sealer(host="127.0.0.1", port=0))
    while True:
        box.jobs.run_once()
        time.sleep(0.05)


def post(url: str, lines: list[bytes], acknowledged: list[int], stop: threading.Event, *, pause_s: float) -> None:
    """Post body after body from the first that was not acknowledged, until the process is gone."""
    host, _, port = url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=LIMIT_S)
    try:
        while acknowledged[0] < len(lines) and not stop.is_set():
            connection.request("POST", "/write?precision=ms", lines[acknowledged[0]])
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 204
            acknowledged[0] += 1
            stop.wait(pause_s)
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()


def wait_until(done: Callable[[], bool]) -> None:
    """Return as soon as `done`; a life that brings nothing in is a failure."""
    end = time.monotonic() + LIMIT_S
    while not done():
        assert time.monotonic() < end, "nothing was acknowledged"
        time.sleep(0.005)


def finish(data_dir: Path, lines: list[bytes], *, acknowledged: int) -> dict[tuple[str, ...], float]:
    """Bring in the rest, compute, and return the figures; the store holds every reading once."""
    plant = load(DEMO)
    box = Box(plant, data_dir=data_dir, clock=clock)
    try:
        url = box.start_sealer(host="127.0.0.1", port=0)
        post(url, lines, [acknowledged], threading.Event(), pause_s=0)
        assert box.sealer.drain(LIMIT_S)
        box.jobs.run_once()
        table = box.store.read(raw_bucket(plant.site.id), "reading")
        assert table.num_rows == sum(body.count(b"\n") for body in lines)
        return computed(summarise(box.store, plant, start_ms=SCENARIO.start_ms, end_ms=SCENARIO.end_ms))
    finally:
        box.close()


def prepared(data_dir: Path) -> Path:
    """A data directory with the laboratory sheet in its drop folder."""
    (data_dir / "drop").mkdir(parents=True)
    (data_dir / "drop" / "laboratory.csv").write_text(laboratory_csv(SCENARIO), encoding="utf-8")
    return data_dir


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    """Two days of the points that feed the figures, as bodies."""
    plant = load(DEMO)
    tables = history(plant, SCENARIO, SCENARIO.start_ms, SCENARIO.end_ms, points=wanted_points(plant), lines=LINES)
    return [body for body, _ in bodies(plant, tables)]


def test_twenty_kills_change_no_figure(lines: list[bytes], tmp_path: Path) -> None:
    undisturbed = finish(prepared(tmp_path / "undisturbed"), lines, acknowledged=0)
    rng = random.Random(SEED)
    killed = prepared(tmp_path / "killed")
    acknowledged = [0]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tanji.cli.box"])
    for _ in range(KILLS):
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=live_and_compute, args=(killed, theirs), daemon=True)
        process.start()
        theirs.close()
        assert mine.poll(LIMIT_S), "the box did not start"
        stop = threading.Event()
        posting = (mine.recv(), lines, acknowledged, stop)
        thread = threading.Thread(target=post, args=posting, kwargs={"pause_s": PAUSE_S})
        target = acknowledged[0] + rng.randint(2, 8)
        thread.start()
        wait_until(lambda target=target: acknowledged[0] >= target)
        time.sleep(rng.uniform(0, 3 * PAUSE_S))
        process.kill()
        process.join(LIMIT_S)
        stop.set()
        thread.join(LIMIT_S)
        mine.close()
        process.close()
    assert KILLS < acknowledged[0] < len(lines), "the kills did not hit the middle of ingest"
    disturbed = finish(killed, lines, acknowledged=acknowledged[0])
    shutil.rmtree(killed)
    assert disturbed.keys() == undisturbed.keys()
    for key, value in undisturbed.items():
        assert disturbed[key] == pytest.approx(value, rel=1e-12), key
