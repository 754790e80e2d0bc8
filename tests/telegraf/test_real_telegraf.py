"""A real Telegraf reads the simulator and posts to the sealer what the pollers would (R23, R27; platform.md section 3).

TANJI_TELEGRAF names the program. The readings are compared with the pollers' of the same seconds; a value may move
between two readings by what its meter shows in three seconds around.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from services.modbus_poller.poller import ModbusPoller
from services.opcua_poller.poller import OpcuaPoller
from services.sealer import create_sealer
from tanji.acquisition.flags import Flag
from tanji.acquisition.line_protocol import parse
from tanji.acquisition.opcua_pki import Pki
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.plant.names import health_bucket, opcua_application_uri, raw_bucket
from tanji.plant.telegraf import render
from tanji.store.embedded import EmbeddedStore

from ..services import opcua_rig

pytestmark = pytest.mark.outside

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "provisioning" / "plants" / "demo.yaml"
GATEWAY, CONTROL_SYSTEM = "substation_gateway", "dcs"
SECONDS, SILENT_S, LIMIT_S = 8, 6, 60
Rows = dict[str, list[tuple[int, float | None, int]]]


@pytest.fixture
def telegraf() -> str:
    program = os.environ.get("TANJI_TELEGRAF")
    if not program:
        pytest.skip("TANJI_TELEGRAF names no program")
    return program


@contextmanager
def process(*command: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program whose output goes to `log`; gone at the end."""
    with log.open("wb") as output:
        started = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield started
    finally:
        started.send_signal(signal.SIGCONT)
        started.kill()
        started.wait(LIMIT_S)


def serving(log: Path) -> dict[str, Any]:
    """What the simulator says once it answers."""
    end = time.monotonic() + LIMIT_S
    while not (text := log.read_text(encoding="utf-8")).startswith("{"):
        assert time.monotonic() < end, text
        time.sleep(0.1)
    ready: dict[str, Any] = json.loads(text.splitlines()[0])
    return ready


def moved_to_telegraf(ready: dict[str, Any]) -> Plant:
    """The demonstration plant where the simulator answers: a gateway and the control system read by Telegraf alone."""
    plant = load(DEMO)
    devices = []
    for device in plant.devices:
        if device.id in ready["endpoints"]:
            devices.append(device.model_copy(update={"endpoint": ready["endpoints"][device.id]}))
        else:
            host, port = ready["devices"][device.id]
            devices.append(device.model_copy(update={"host": host, "port": port}))
    plant = plant.model_copy(update={"devices": tuple(devices)})
    points = [point for point in plant.points if plant.device_of(point).id in (GATEWAY, CONTROL_SYSTEM)]
    by_telegraf = {"via": "telegraf", "period_s": 1.0}  # a parameter at its own pace would come once an hour
    return plant.model_copy(update={"points": tuple(point.model_copy(update=by_telegraf) for point in points)})


def polled(plant: Plant, seconds: float) -> Rows:
    """What the pollers read of the same points."""
    points = tuple(point.model_copy(update={"via": "poller"}) for point in plant.points)
    same = plant.model_copy(update={"points": points})
    rows: Rows = defaultdict(list)

    async def sink(lines: bytes) -> None:
        for row in parse(lines, precision="ms", arrival_ms=0).readings.to_pylist():
            rows[row["point"]].append((row["time"], row["value"], row["quality"]))

    async def poll() -> None:
        stop = asyncio.Event()
        pollers = (
            kind(same, sink=sink, clock=lambda: time.time_ns() // 1_000_000) for kind in (ModbusPoller, OpcuaPoller)
        )
        running = asyncio.gather(*(poller.run(stop) for poller in pollers))
        await asyncio.sleep(seconds)
        stop.set()
        await running

    asyncio.run(poll())
    return rows


def stored(store: EmbeddedStore, plant: Plant) -> Rows:
    rows: Rows = defaultdict(list)
    for row in store.read(raw_bucket(plant.site.id), "reading").to_pylist():
        rows[row["point"]].append((row["time"], row["value"], row["quality"]))
    return rows


def agree(ours: list[tuple[int, float | None, int]], theirs: list[tuple[int, float | None, int]], noise: float) -> int:
    """How many of their readings lie in the span of ours around them, `noise` beyond it allowed."""
    agreeing = 0
    for at, value, quality in theirs:
        around = [number for time_ms, number, _ in ours if number is not None and abs(time_ms - at) <= 1500]
        if len(around) < 3 or value is None:
            continue
        margin = noise * max(map(abs, around)) + 1e-9
        assert quality == 0 and min(around) - margin <= value <= max(around) + margin, (at, value, around)
        agreeing += 1
    return agreeing


def longest_gap_ms(rows: list[tuple[int, float | None, int]]) -> int:
    times = [time_ms for time_ms, _, _ in rows]
    return max(later - earlier for earlier, later in pairwise(times))


def test_telegraf_delivers_every_point_under_the_same_name_with_the_same_value(tmp_path: Path, telegraf: str) -> None:
    simulator = (sys.executable, "-m", "services.simulator", "serve", "--free-ports", "--no-faults")
    with process(*simulator, log=tmp_path / "simulator.log") as devices:
        plant = moved_to_telegraf(serving(tmp_path / "simulator.log"))
        store = EmbeddedStore(tmp_path / "tsdb.duckdb")
        sealer = create_sealer(plant, data_dir=tmp_path, store=store, clock=lambda: time.time_ns() // 1_000_000)
        host, port = sealer.start("127.0.0.1", 0)
        configuration = render(plant, sealer_url=f"http://{host}:{port}").replace(":8080", "127.0.0.1:0")
        (tmp_path / "telegraf.conf").write_text(configuration, encoding="utf-8")
        with process(telegraf, "--config", str(tmp_path / "telegraf.conf"), log=tmp_path / "telegraf.log") as running:
            ours = polled(plant, SECONDS)
            devices.send_signal(signal.SIGSTOP)  # accepts what is sent, and says nothing
            time.sleep(SILENT_S)
            devices.send_signal(signal.SIGCONT)
            time.sleep(SECONDS)
            running.terminate()
            running.wait(LIMIT_S)
        assert sealer.drain(LIMIT_S)
        counters = sealer.counters()
        sealer.stop()
        theirs = stored(store, plant)
        machine = store.read(health_bucket(plant.site.id), "health").to_pylist()
        store.close()
    log = (tmp_path / "telegraf.log").read_text(encoding="utf-8")
    assert "deprecated" not in log and "certificate" not in log, log
    assert theirs.keys() == {point.id for point in plant.points}, log
    assert (counters["parked"], counters["conflicting"], counters["refused_bodies"]) == (0, 0, 0)
    parts = {row["part"].partition(",")[0] for row in machine}
    assert {"cpu", "mem", "disk", "net", "system", "internal_write"} <= parts, parts
    for point in plant.points:
        rows = theirs[point.id]
        noise = 0.0 if point.kind in ("counter", "state", "parameter") else 0.05
        assert agree(ours[point.id], rows, noise) >= SECONDS // 2, point.id
        # While the device is silent nothing comes, no old value either; afterwards it goes on by itself.
        assert SILENT_S * 1000 - 1000 <= longest_gap_ms(rows) <= SILENT_S * 1000 + 5000, point.id
        assert rows[-1][0] - rows[0][0] >= (SILENT_S + SECONDS) * 1000, point.id


@pytest.mark.parametrize("case", sorted((Path(__file__).parent / "testcases").iterdir()), ids=lambda case: case.name)
def test_telegraf_takes_every_golden_case_and_misses_a_secret_that_is_not_there(
    tmp_path: Path, telegraf: str, case: Path
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    Pki(tmp_path / "pki").make(application_uri="urn:x", hosts=["x"], days=1, now_ms=opcua_rig.now_ms(), replace=False)
    text = (case / "telegraf.conf").read_text(encoding="utf-8").replace("/var/lib/tanji/pki", str(tmp_path / "pki"))
    for folder in ("/run/opcua", "/run/secrets"):
        text = text.replace(f'"{folder}"', f'"{secrets}"')
    text = text.replace("/etc/tanji/sealer.pem", str(tmp_path / "pki" / "own" / "tanji.crt"))
    (tmp_path / "telegraf.conf").write_text(text.replace(":8080", "127.0.0.1:0"), encoding="utf-8")
    command = [telegraf, "config", "check", "--config", str(tmp_path / "telegraf.conf")]
    if "secretstores" in text:
        assert subprocess.run(command, capture_output=True, timeout=LIMIT_S).returncode == 1
    for name in ("dcs_password", "sealer_token"):
        (secrets / name).write_text("x", encoding="utf-8")
    checked = subprocess.run(command, capture_output=True, timeout=LIMIT_S, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_listener_on_a_secured_server_repeats_no_old_value(tmp_path: Path, telegraf: str) -> None:
    """A node goes bad and keeps its timestamp: Telegraf sends the old value again, the sealer stores a flag instead."""
    folder, pki, password = tmp_path / "server", Pki(tmp_path / "pki"), tmp_path / "dcs_password"
    (folder / "clients").mkdir(parents=True)
    uri = opcua_application_uri("hx01")
    pki.make(application_uri=uri, hosts=["localhost"], days=30, now_ms=opcua_rig.now_ms(), replace=False)
    opcua_rig.server_certificate(folder, days=30)
    (folder / "clients" / "tanji.der").write_bytes(pki.certificate.read_bytes())
    password.write_text("kiln", encoding="utf-8")
    port = opcua_rig.free_port()
    plant = opcua_rig.plant_of(
        port, [{"id": "a.x", "scale": 2, "via": "telegraf"}], pki=pki.folder, security="basic256sha256", user="tanji",
        password_file=str(password), read="subscription", audit_s=3600,
    )  # fmt: skip
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    sealer = create_sealer(plant, data_dir=tmp_path, store=store, clock=opcua_rig.now_ms)
    host, door = sealer.start("127.0.0.1", 0)
    configuration = render(plant, sealer_url=f"http://{host}:{door}").replace(":8080", "127.0.0.1:0")
    (tmp_path / "telegraf.conf").write_text(configuration, encoding="utf-8")

    async def scenario() -> tuple[int, int, int]:
        def rows() -> list[tuple[int, float | None, int]]:
            sealer.drain(LIMIT_S)
            return stored(store, plant)["a.x"]

        wanted = {"port": port, "values": {"a.x": 1.0}, "folder": str(folder), "users": {"tanji": "kiln"}}
        with opcua_rig.served(**wanted) as server:
            await server.ready()
            with process(telegraf, "--config", str(tmp_path / "telegraf.conf"), log=tmp_path / "telegraf.log"):
                assert await opcua_rig.until(lambda: any(row[1] == 2.0 for row in rows()))
                good_ms = opcua_rig.now_ms()
                await server.write(("a.x", 5.0, 0, good_ms))
                assert await opcua_rig.until(lambda: any(row[1] == 10.0 for row in rows()))
                bad_ms = opcua_rig.now_ms()
                await server.write(("a.x", None, 0x808C0000, good_ms))
                assert await opcua_rig.until(lambda: any(row[2] == Flag.FAULT for row in rows()))
                again_ms = opcua_rig.now_ms()
                await server.write(("a.x", 6.0, 0, again_ms))
                assert await opcua_rig.until(lambda: any(row[1] == 12.0 for row in rows()))
        return good_ms, bad_ms, again_ms

    try:
        good_ms, bad_ms, again_ms = asyncio.run(scenario())
        rows = {at: (value, word) for at, value, word in stored(store, plant)["a.x"]}
    finally:
        sealer.stop()
        store.close()
    assert rows[good_ms] == (10.0, 0) and rows[again_ms] == (12.0, 0)
    (flagged,) = [at for at, (value, word) in rows.items() if word == Flag.FAULT and value is None]
    assert bad_ms <= flagged <= again_ms + 1000
    assert sealer.counters()["parked"] == 0
