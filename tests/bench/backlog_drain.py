"""Seconds to drain the spool of a day without a database into InfluxDB 1.6.7, whole, while live readings go on.

The spool of 24 h of 2,000 points at 1 s (172.8 million readings) is written off the clock by the sealer's own code, as
it would stand after the outage. Then a sealer starts on it beside a fresh influxd, takes 2,000 live readings a second
over HTTP meanwhile, and the clock runs until every reading of the backlog is in the database, counted there. Above
`MOST_S` for the day, a reading missing or doubled, or a live body refused fails the benchmark; so does memory that
grows by more than `MOST_GROWTH_MB` from one quarter of the drain to the last. `--fast` takes an hour's worth and
compares with the same rate. The peer is the same influxd taking ready lines straight from memory.
"""

from __future__ import annotations

import gc
import http.client
import importlib.util
import shutil
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import numpy as np
import psutil
import pyarrow as pa
from measure import report

from services.sealer import create_sealer
from services.sealer.frame import Columns
from services.sealer.parked import Parked
from services.sealer.spool import Spool
from tanji.acquisition.line_format import format_readings
from tanji.plant.model import Plant
from tanji.plant.names import raw_bucket
from tanji.store.influx import InfluxStore

POINTS = tuple(f"line1.device{number:04d}.value" for number in range(2_000))
START_MS = 1_772_323_200_000
DAY_S, HOUR_S = 86_400, 3_600
MOST_S = 900.0
COUNTED_MS = 900_000
MOST_GROWTH_MB = 50.0
PLANT = "bench"
NAME = {"zh": "测", "en": "benchmark"}


def plant() -> Plant:
    """A plant of 2,000 points."""
    kiln = {"id": "kiln1", "name": NAME, "running": POINTS[0]}
    point = {"name": NAME, "meter": "meter1", "kind": "rate", "unit": "t/h"}
    return Plant.model_validate(
        {
            "tanji": 1,
            "site": {"id": PLANT, "name": NAME},
            "lines": [{"id": "line1", "name": NAME, "capacity_t_per_day": 5000, "kiln": kiln}],
            "devices": [{"id": "device1", "name": NAME, "protocol": "modbus_tcp", "host": "127.0.0.1"}],
            "meters": [{"id": "meter1", "name": NAME, "kind": "control_system", "device": "device1"}],
            "points": [point | {"id": name} for name in POINTS],
            "streams": [],
        }
    )


def second(number: int, rng: np.random.Generator) -> Columns:
    """All points of one second, values with three decimals as a meter gives them."""
    size = len(POINTS)
    value = np.round(300 + 50 * rng.random(size), 3)
    time_ms = np.full(size, START_MS + number * 1000)
    point = np.arange(size, dtype=np.uint16)
    return Columns(POINTS, point, time_ms, value, np.ones(size, bool), np.zeros(size, np.uint32))


def write_spool(folder: Path, seconds: int) -> None:
    """The spool as it stands after an outage; nothing waits for the disk here, that is not what is measured."""
    parked = Parked(folder / "parked")
    spool = Spool(folder / "spool", parked=parked, sync=lambda descriptor: None)
    rng = np.random.default_rng(7)
    for number in range(seconds):
        spool.append(second(number, rng), arrival_ms=START_MS + number * 1000)
    spool.close()


class Live:
    """2,000 readings a second over HTTP until told to stop."""

    def __init__(self, address: tuple[str, int], first_second: int) -> None:
        self.sent, self.failed = 0, 0
        self._address, self._next = address, first_second
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No more of it."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        rng = np.random.default_rng(8)
        while not self._stop.wait(1.0):
            columns = second(self._next, rng)
            table = pa.table(
                {
                    "point": pa.DictionaryArray.from_arrays(pa.array(columns.point, pa.int32()), pa.array(POINTS)),
                    "time": columns.time,
                    "value": columns.value,
                    "quality": columns.quality.astype(np.int64),
                }
            )
            connection.request("POST", "/write?precision=ms", format_readings(table, plant_id=PLANT))
            answer = connection.getresponse()
            answer.read()
            self.failed += answer.status != 204
            self.sent += len(columns)
            self._next += 1


def drain(folder: Path, url: str, seconds: int) -> dict[str, float]:
    """Drain the spool of `folder` into the database at `url` and say how it went."""
    clock_origin = time.monotonic_ns()

    def clock() -> int:
        return START_MS + seconds * 1000 + (time.monotonic_ns() - clock_origin) // 1_000_000

    backlog = seconds * len(POINTS)
    store = InfluxStore(url)
    began, cpu = time.monotonic(), time.process_time()
    sealer = create_sealer(plant(), data_dir=folder, store=store, clock=clock)
    live = Live(sealer.start("127.0.0.1", 0), seconds)
    memory: list[float] = []
    while sealer.counters()["forwarded"] < backlog and time.monotonic() - began < 4 * MOST_S:
        memory.append(psutil.Process().memory_info().rss / 1e6)
        time.sleep(0.25)
    took, cpu = time.monotonic() - began, time.process_time() - cpu
    live.stop()
    drained = sealer.drain(60)
    sealer.stop()
    stored = counted(store, clock()) if drained else 0
    store.close()
    quarter = max(1, len(memory) // 4)
    growth = max(memory[-quarter:]) - max(memory[quarter : 2 * quarter] or memory)
    return {
        "took": took, "cpu": cpu, "stored": stored, "expected": backlog + live.sent, "live": live.sent,
        "refused": live.failed, "growth_mb": round(growth, 1), "peak_mb": round(max(memory), 1),
    }  # fmt: skip


def counted(store: InfluxStore, end_ms: int) -> int:
    """Readings in the database, a quarter of an hour at a time: one question for a day takes longer than one may."""
    spans = range(START_MS, end_ms + COUNTED_MS, COUNTED_MS)
    bucket = raw_bucket(PLANT)
    return sum(store.count(bucket, "reading", start_ms=start, end_ms=start + COUNTED_MS) for start in spans)


def straight(url: str, lines: int = 1_000_000) -> float:
    """Readings a second that the database takes from ready bodies of 20,000 lines, over four connections."""
    InfluxStore(url).ensure_bucket("straight")
    rng, bodies = np.random.default_rng(9), list[bytes]()
    for number in range(lines // 20_000):
        parts = [second(10 * number + part, rng) for part in range(10)]
        table = pa.table(
            {
                "point": pa.array(np.tile(np.array(POINTS), 10)),
                "time": np.concatenate([part.time for part in parts]),
                "value": np.concatenate([part.value for part in parts]),
                "quality": np.zeros(20_000, np.int64),
            }
        )
        bodies.append(format_readings(table, plant_id="straight"))

    def send(own: list[bytes]) -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        for body in own:
            connection.request("POST", "/write?db=straight&precision=ms", body)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 204:
                raise SystemExit(f"influxd answered {answer.status}")

    began = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(send, [bodies[number::4] for number in range(4)]))
    return lines / (time.monotonic() - began)


def beside(name: str) -> ModuleType:
    """A module of the folder above."""
    specification = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / f"{name}.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def main(seconds: int) -> int:
    """Measure, print, and say whether it was good enough."""
    influxd = beside("influxd")
    program = influxd.installed()
    if program is None:
        print("backlog_drain needs influxd 1.6.7: apt-get install influxdb", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_spool(folder, seconds)
        gc.collect()
        spool_mb = sum(path.stat().st_size for path in (folder / "spool").iterdir()) / 1e6
        (folder / "influx").mkdir()
        with influxd.running(program, folder / "influx") as url:
            found = drain(folder, url, seconds)
            peer = straight(url)
        shutil.rmtree(folder / "influx")
    per_day = found["took"] * DAY_S / seconds
    rate = seconds * len(POINTS) / found["took"]
    report(
        "backlog_drain",
        value=round(found["took"], 1),
        unit="s",
        peer="influxd 1.6.7 alone, ready lines [readings/s]",
        peer_value=round(peer),
        ratio=round(rate / peer, 2),
        seconds_for_a_day=round(per_day, 1),
        readings=seconds * len(POINTS),
        readings_per_s=round(rate),
        cpu_s=round(found["cpu"], 1),
        spool_mb=round(spool_mb),
        live_readings=found["live"],
        stored=found["stored"],
        memory_growth_mb=found["growth_mb"],
    )
    sound = found["stored"] == found["expected"] and not found["refused"] and found["growth_mb"] < MOST_GROWTH_MB
    return 0 if sound and per_day < MOST_S else 1


if __name__ == "__main__":
    sys.exit(main(HOUR_S if "--fast" in sys.argv[1:] else DAY_S))
