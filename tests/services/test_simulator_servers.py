"""Real servers, read back by plain pymodbus and asyncua clients: what is served is what the codecs say."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from asyncua import Client, ua
from pymodbus.client import AsyncModbusTcpClient

from services.simulator.faults import Fault, FaultKind
from services.simulator.history import instruments
from services.simulator.live import Live
from services.simulator.modbus_server import unscaled
from services.simulator.scenario import DAY_MS, HOUR_MS, Scenario
from services.simulator.serve import Addresses, serving
from tanji.acquisition.registers import decode, encode
from tanji.plant.load import load

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "provisioning" / "plants" / "demo.yaml"
START = 1_772_323_200_000  # 2026-03-01T00:00Z
NOW = START + DAY_MS + 12_345_678
SCENARIO = Scenario(seed=9, start_ms=START, end_ms=START + DAY_MS)


@pytest.fixture(scope="module")
def plant():
    return load(DEMO)


def wanted(plant, scenario: Scenario):
    """Every instrument with its reading of the second of NOW."""
    second = np.array([NOW // 1000 * 1000], dtype=np.int64)
    return [(meter, meter.read(second)) for meter in instruments(plant, scenario, end_ms=NOW + HOUR_MS)]


def run(plant, scenario: Scenario, ask):
    async def inside():
        ports = {device.id: 0 for device in plant.devices}
        async with serving(plant, scenario, clock=lambda: NOW, ports=ports, host="127.0.0.1") as where:
            return await ask(where)

    return asyncio.run(inside())


async def registers(where: Addresses, plant, meter) -> list[int] | int:
    """The registers of one point, or the exception code."""
    host, port = where.devices[plant.device_of(meter.point).id]
    client = AsyncModbusTcpClient(host, port=port, timeout=3, retries=0)
    assert await client.connect()
    layout = meter.layout
    ask = client.read_input_registers if layout.table == "input" else client.read_holding_registers
    answer = await ask(layout.address, count=layout.width, device_id=layout.unit_id)
    client.close()
    return answer.exception_code if answer.isError() else answer.registers


def test_modbus_registers_hold_what_the_codecs_say(plant) -> None:
    meters = [entry for entry in wanted(plant, SCENARIO) if entry[0].layout is not None]
    assert len(meters) > 80

    async def ask(where: Addresses) -> list:
        return [await registers(where, plant, meter) for meter, _ in meters]

    for (meter, column), words in zip(meters, run(plant, SCENARIO, ask), strict=True):
        value, point = float(column.values[0]), meter.point
        assert words == list(encode(unscaled(point, value), meter.layout)), point.id
        raw = decode(words, meter.layout)
        plain = point.kind == "counter" or (point.scale == 1 and point.offset == 0)
        assert (raw if plain else raw * point.scale + point.offset) == value, point.id


def test_a_block_over_many_points_is_answered_at_once(plant) -> None:
    async def ask(where: Addresses):
        host, port = where.devices["substation_gateway"]
        client = AsyncModbusTcpClient(host, port=port, timeout=3, retries=0)
        assert await client.connect()
        good = await client.read_holding_registers(0, count=15, device_id=1)
        beyond = await client.read_holding_registers(30, count=20, device_id=1)
        wrong_table = await client.read_input_registers(0, count=2, device_id=1)
        written = await client.write_register(0, 7, device_id=1)
        absent = await client.read_holding_registers(0, count=2, device_id=77)
        client.close()
        return good, beyond, wrong_table, written, absent

    good, beyond, wrong_table, written, absent = run(plant, SCENARIO, ask)
    assert not good.isError() and len(good.registers) == 15
    assert beyond.exception_code == 2 and wrong_table.exception_code == 2
    assert written.isError()
    assert absent.exception_code == 0x0B  # a gateway's answer for a unit that is not there


def test_opcua_nodes_hold_the_same_values(plant) -> None:
    meters = [entry for entry in wanted(plant, SCENARIO) if entry[0].layout is None]
    assert len(meters) >= 30

    async def ask(where: Addresses) -> list:
        async with Client(where.endpoints["dcs"], timeout=10) as client:
            nodes = [client.get_node(meter.point.opcua) for meter, _ in meters]
            return [await node.read_data_value() for node in nodes]

    for (meter, column), data in zip(meters, run(plant, SCENARIO, ask), strict=True):
        assert float(data.Value.Value) == column.values[0], meter.point.id
        assert data.SourceTimestamp.timestamp() * 1000 == NOW // 1000 * 1000
        assert isinstance(data.Value.Value, bool) == (meter.point.kind == "state")


def test_faults_are_served_too(plant) -> None:
    around = {"start_ms": NOW - HOUR_MS, "end_ms": NOW + HOUR_MS}
    faults = (
        Fault(kind=FaultKind.DEAD_SLAVE, target="kiln_coal_scale", **around),
        Fault(kind=FaultKind.BAD_STATUS, target="line1.flue.co2", status=0x808C0000, **around),
        Fault(kind=FaultKind.DROP_OUT, target="line1.flue.o2", **around),
    )
    sick = replace(SCENARIO, faults=faults)
    meters = {meter.point.id: meter for meter, _ in wanted(plant, sick)}

    async def ask(where: Addresses):
        dead = await registers(where, plant, meters["line1.kiln_coal.total"])
        well = await registers(where, plant, meters["line1.calciner_coal.total"])
        async with Client(where.endpoints["dcs"], timeout=10) as client:
            read = [
                await client.get_node(meters[name].point.opcua).read_data_value(raise_on_bad_status=False)
                for name in ("line1.flue.co2", "line1.flue.o2", "line1.flue.velocity")
            ]
        return dead, well, read

    dead, well, (co2, o2, velocity) = run(plant, sick, ask)
    assert dead == 0x0B and isinstance(well, list)
    assert co2.StatusCode.value == ua.StatusCodes.BadSensorFailure and co2.Value.Value is None
    assert o2.StatusCode.value == ua.StatusCodes.BadNoCommunication
    assert velocity.StatusCode.is_good()


def test_live_values_move_with_the_clock_and_counters_only_forward(plant) -> None:
    now = [NOW]
    live = Live(plant, SCENARIO, clock=lambda: now[0])
    counters = [place for place, point in enumerate(plant.points) if point.kind == "counter"]
    before = live.now()
    assert live.now() is before  # the same second is made once
    for _ in range(200):
        now[0] += 1000
        after = live.now()
        gone = after.values[counters] - before.values[counters]
        assert ((gone >= 0) | (gone < -1e5)).all()  # back only by a whole register
        before = after
    at = live.place["line1.clinker.mass_flow"]
    assert live.at(NOW).values[at] != live.at(NOW + 1000).values[at]


def test_command_serves_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "services.simulator", "serve", "--free-ports", "--days", "1"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["ready"] is True
        assert set(ready["devices"]) == {"scale_gateway", "diesel_meter", "substation_gateway", "grinding_gateway"}
        assert ready["endpoints"]["dcs"].startswith("opc.tcp://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, errors
    assert errors == ""


def test_command_line_tells_truth_laboratory_and_history() -> None:
    def said(*arguments: str) -> str:
        command = [sys.executable, "-m", "services.simulator", *arguments, "--start", "2026-03-01", "--days", "0.05"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout

    assert json.loads(said("truth"))["clinker_t"] == pytest.approx(1.2 * 216, rel=0.1)
    assert said("laboratory").startswith("sample_id,stream,parameter,value,unit,basis,valid_from,valid_to,")
    lines = said("history").splitlines()
    assert len(lines) == 72 * 118 + 2 * 20 and lines[0].startswith("reading,plant=demo,point=")
