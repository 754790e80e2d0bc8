"""Readings per CPU-second of sealer and embedded store together, through HTTP, fsync, sealing and the read-back count.

Bodies of 5,000 lines with value and quality, uncompressed, 120 points, from a client in another process. Every reading
is sealed meanwhile: sorted, written as payload, hashed, signed and handed to a log, which here only keeps the notes;
the time is taken until the last batch is there, and the points of the notes must add up. The peer in
the same run is influxd 1.6.7 taking the same bodies (its own CPU time, its write-ahead log in fsync mode); where it is
not installed, a loop that only splits the lines of the same bodies in Python. Readings that are missing or doubled in
the store or under seal fail the benchmark, and so does less than 250,000 readings a CPU-second. `--long` takes 30
million readings into a store that only counts them, and fails too if memory grows by more than `MOST_GROWTH_MB` from
the first third of them to the last: what the sealer itself holds. (The embedded store's cache has its own limit.)
"""

from __future__ import annotations

import http.client
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
import pyarrow as pa
from measure import report

from services.sealer import create_sealer
from tanji.acquisition.line_format import format_readings
from tanji.plant.model import Plant
from tanji.plant.names import raw_bucket
from tanji.plant.point_map import point_map
from tanji.store.embedded import EmbeddedStore
from tanji.store.influx import InfluxStore
from tanji.store.schema import find_measurement
from tanji.trust.batch import Batch
from tanji.trust.batch_signer import OneKey
from tanji.trust.keys import ED25519
from tanji.trust.note import split
from tanji.trust.signer import generate

POINTS = [f"line1.device{number:03d}.value" for number in range(120)]
LINES = 5_000
BODIES = 400
LONG_BODIES = 6_000
MOST_GROWTH_MB = 50.0
START_MS = 1_772_323_200_000
LEAST = 250_000
NAME = {"zh": "测", "en": "benchmark"}
SIGNER = generate("bench/gw", ED25519, random=os.urandom)


def plant() -> Plant:
    """A plant of 120 points."""
    kiln = {"id": "kiln1", "name": NAME, "running": POINTS[0]}
    point = {"name": NAME, "meter": "meter1", "kind": "rate", "unit": "t/h"}
    return Plant.model_validate(
        {
            "tanji": 1,
            "site": {"id": "bench", "name": NAME},
            "lines": [{"id": "line1", "name": NAME, "capacity_t_per_day": 5000, "kiln": kiln}],
            "devices": [{"id": "device1", "name": NAME, "protocol": "modbus_tcp", "host": "127.0.0.1"}],
            "meters": [{"id": "meter1", "name": NAME, "kind": "control_system", "device": "device1"}],
            "points": [point | {"id": name} for name in POINTS],
            "streams": [],
        }
    )


def bodies(count: int) -> Iterator[bytes]:
    """Bodies of 5,000 lines: every point once a second, values with three decimals as a meter gives them."""
    rng = np.random.default_rng(7)
    for number in range(count):
        row = np.arange(number * LINES, (number + 1) * LINES)
        table = pa.table(
            {
                "point": pa.DictionaryArray.from_arrays(pa.array(row % len(POINTS), pa.int32()), pa.array(POINTS)),
                "time": START_MS + row // len(POINTS) * 1000,
                "value": np.round(300 + 50 * rng.random(LINES), 3),
                "quality": np.zeros(LINES, np.int64),
            }
        )
        yield format_readings(table, plant_id="bench")


def send(url: str, count: int) -> None:
    """The client process: post bodies one after the other and expect 204 for each."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc)
    for body in bodies(count):
        connection.request("POST", f"/write?{address.query}", body)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 204:
            raise SystemExit(f"expected 204, got {answer.status}: {text[:200]!r}")


def send_from_elsewhere(url: str, count: int) -> None:
    """Run `send` in a process of its own."""
    subprocess.run([sys.executable, __file__, url, str(count)], check=True)


class Counting:
    """A store that counts what it is given; it has nothing to tell."""

    def __init__(self) -> None:
        self.readings = 0

    def write(self, bucket: str, measurement: str, rows: pa.Table) -> None:
        """Count readings."""
        self.readings += rows.num_rows if measurement == "reading" else 0

    def latest(self, bucket: str, measurement: str, *, where: object = None) -> pa.Table:
        """Nothing."""
        shape = find_measurement(measurement)
        return shape.arrow_schema(tuple(shape.fields)).empty_table()

    def count(self, bucket: str, measurement: str) -> int:
        """How many readings it was given."""
        return self.readings

    def close(self) -> None:
        """Nothing to close."""


class KeepingBatches:
    """A log that only keeps what it gets; to check and hash it once more is the log's own cost."""

    def __init__(self, *, with_payload: bool = True) -> None:
        self.batches: list[tuple[bytes, bytes]] = []
        self._with_payload = with_payload

    def add_batch(self, note: bytes, payload: bytes) -> int:
        """Keep the batch."""
        self.batches.append((note, payload if self._with_payload else b""))
        return len(self.batches) - 1

    def chain_end(self, gateway: str) -> None:
        """Nothing yet: there is one start."""

    @property
    def points(self) -> int:
        """Readings under seal."""
        return sum(Batch.parse(split(note)[0]).points for note, _ in self.batches)


class Memory:
    """What this process holds [MB], looked at while it works."""

    def __init__(self) -> None:
        self._seen: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def growth(self) -> float:
        """Most of the last third less most of the first third, once it is over."""
        self._stop.set()
        self._thread.join()
        third = max(1, len(self._seen) // 3)
        return max(self._seen[-third:]) - max(self._seen[:third])

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            self._seen.append(psutil.Process().memory_info().rss / 1e6)


def sealer_cpu_s(
    folder: Path, count: int, *, is_sealed: bool = True, log: KeepingBatches | None = None
) -> tuple[float, float, int, float]:
    """CPU and wall time [s] this process spends on taking, sealing and storing the bodies, the rows then in the store
    and under seal, and by how much memory grew [MB].
    """
    store: Any = EmbeddedStore(folder / "tsdb.duckdb") if count < LONG_BODIES else Counting()
    log = log or KeepingBatches(with_payload=False)
    chain = {"keys": OneKey(SIGNER), "log": log, "point_map": point_map(plant())}
    sealer = create_sealer(
        plant(),
        data_dir=folder,
        store=store,
        clock=lambda: time.time_ns() // 1_000_000,
        **(chain if is_sealed else {}),  # type: ignore[arg-type]
    )
    host, port = sealer.start("127.0.0.1", 0)
    memory = Memory()
    cpu, wall = time.process_time(), time.monotonic()
    send_from_elsewhere(f"http://{host}:{port}/write?precision=ms", count)
    drained = (not is_sealed or sealer.seal_now(60)) and sealer.drain(60)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    growth = memory.growth()
    stored = store.count(raw_bucket("bench"), "reading") if drained else 0
    if is_sealed and log.points != stored:
        raise SystemExit(f"expected {stored} readings under seal, got {log.points}")
    sealer.stop()
    store.close()
    return cpu, wall, stored, growth


def influxd_cpu_s(folder: Path, count: int) -> float | None:
    """CPU time [s] influxd 1.6.7 spends on the same bodies; None where it is not installed."""
    influxd = _beside("influxd")
    program = influxd.installed()
    if program is None:
        return None
    with influxd.running(program, folder) as url:
        (server,) = [child for child in psutil.Process().children() if "influxd" in child.name()]
        store = InfluxStore(url)
        store.ensure_bucket(raw_bucket("bench"))
        before = server.cpu_times()
        send_from_elsewhere(f"{url}/write?db={raw_bucket('bench')}&precision=ms", count)
        after = server.cpu_times()
        stored = store.count(raw_bucket("bench"), "reading")
        store.close()
    if stored != count * LINES:
        raise SystemExit(f"influxd: expected {count * LINES} readings, got {stored}")
    return (after.user + after.system) - (before.user + before.system)


def split_cpu_s(count: int) -> float:
    """CPU time [s] of splitting the lines in Python, which is only the first step of what a sealer does."""
    texts = [body.decode() for body in bodies(count)]
    cpu = time.process_time()
    for text in texts:
        for line in text.splitlines():
            series, fields, at = line.split(" ")
            tags = dict(tag.split("=") for tag in series.split(",")[1:])
            values = dict(field.split("=") for field in fields.split(","))
            (tags["point"], int(at), float(values["value"]), int(values["quality"][:-1]))
    return time.process_time() - cpu


def _beside(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / f"{name}.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def main(count: int = BODIES) -> int:
    """Measure, print, and say whether it was good enough."""
    with tempfile.TemporaryDirectory() as folder:
        readings = count * LINES
        cpu, wall, stored, growth = sealer_cpu_s(Path(folder), count)
        peer_count = min(count, BODIES) // 4
        peer, peer_cpu = "influxd 1.6.7", influxd_cpu_s(Path(folder), peer_count)
        if peer_cpu is None:
            peer, peer_cpu = "splitting the lines in Python", split_cpu_s(peer_count)
    value, peer_value = readings / cpu, peer_count * LINES / peer_cpu
    report(
        "sealer_ingest",
        value=round(value),
        unit="readings/CPU-s",
        peer=peer,
        peer_value=round(peer_value),
        ratio=round(value / peer_value, 2),
        readings=readings,
        stored=stored,
        wall_readings_per_s=round(readings / wall),
        memory_growth_mb=round(growth, 1),
    )
    is_flat = count < LONG_BODIES or growth <= MOST_GROWTH_MB  # a short run is all warming up, and the store's cache
    return 0 if stored == readings and value >= LEAST and is_flat else 1


if __name__ == "__main__":
    if len(sys.argv) == 3:
        send(sys.argv[1], int(sys.argv[2]))
    else:
        sys.exit(main(LONG_BODIES if "--long" in sys.argv[1:] else BODIES))
