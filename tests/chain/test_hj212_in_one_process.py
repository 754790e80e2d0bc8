"""A simulated station reports to everything in one process, as in `tanji run`: its values are in the store, flagged."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from services.simulator.hj212_station import stations_reporting
from services.simulator.live import Live
from services.simulator.scenario import HOUR_MS, Scenario
from tanji.cli.box import Box
from tanji.cli.clock import now_ms
from tanji.cli.main import main
from tanji.plant.load import load
from tanji.plant.names import raw_bucket
from tanji.store.port import Store

STATION = """  - id: stack
    name: {zh: 烟气站, en: Stack station}
    protocol: hj212
    mn: "010000A8900016F000169DC0"
    password_file: PASSWORD
    period_s: 1
"""
METER = """  - id: co2_analyser
    name: {zh: 二氧化碳分析仪, en: CO2 analyser}
    kind: gas_analyser
    device: stack
"""
POINT = """  - id: kiln1.stack.co2
    name: {zh: 烟气二氧化碳, en: Stack CO2}
    meter: co2_analyser
    kind: concentration
    unit: "%"
    hj212: {code: a05001}
    scale: 0.5
"""


def plant_file(folder: Path) -> Path:
    """The starter plant with a station, on free ports."""
    path, password = folder / "plant.yaml", folder / "password"
    password.write_text("123456\n")
    assert main(["plant", "init", str(path)]) == 0
    text = path.read_text("utf-8")
    for heading, entry in (("\nmeters:\n", STATION), ("\npoints:\n", METER), ("\nstreams:\n", POINT)):
        before, found, after = text.partition(heading)
        body = before.rstrip("\n") + "\n" + entry.replace("PASSWORD", str(password))
        text = body + found + after
    text += "services: {hj212_port: 0, health: {hj212_receiver: 0}}\n"
    path.write_text(text, encoding="utf-8")
    return path


def rows(store: Store, plant_id: str) -> list[dict[str, object]]:
    table = store.read(raw_bucket(plant_id), "reading", where={"point": ["kiln1.stack.co2"]})
    found: list[dict[str, object]] = table.to_pylist()
    return found


def test_a_station_reports_into_the_store_of_a_box(tmp_path: Path) -> None:
    plant = load(plant_file(tmp_path))
    scenario = Scenario(seed=1, start_ms=now_ms() // HOUR_MS * HOUR_MS - HOUR_MS, end_ms=now_ms() // HOUR_MS * HOUR_MS)
    live = Live(plant, scenario, clock=now_ms)
    live.now()
    box = Box(plant, data_dir=tmp_path / "data")

    async def reported(address: tuple[str, int]) -> None:
        async with asyncio.timeout(60), stations_reporting(plant, live, address=address):
            while len(rows(box.store, plant.site.id)) < 3:
                await asyncio.sleep(0.2)

    try:
        url = box.start_sealer(host="127.0.0.1", port=0)
        receiver = box.start_receiver(url)
        assert receiver.address is not None
        asyncio.run(reported(receiver.address))
        found = rows(box.store, plant.site.id)
        assert receiver.failure is None
    finally:
        box.close()
    place = live.place["kiln1.stack.co2"]
    for row in found:
        second = int(str(row["time"]))
        shown = live.at(second)
        # The station sends ten significant digits of value / scale, and the receiver multiplies by the scale again.
        assert row["value"] == pytest.approx(float(shown.values[place]), rel=1e-9)
        assert abs(second - time.time() * 1000) < 120_000
