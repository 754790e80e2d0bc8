"""The OPC UA poller against real servers on free ports. Status codes are those of OPC 10000-6 annex A."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import time
from collections import defaultdict
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, Server, ua
from asyncua.client.ua_client import UaClient

from services.opcua_poller.__main__ import main
from services.opcua_poller.poller import OpcuaPoller
from services.opcua_poller.values import reading_of
from tanji.acquisition.flags import Flag
from tanji.acquisition.line_protocol import parse
from tanji.plant.model import Line, Meter, OpcuaDevice, Plant, Point, Site

PERIOD_S = 0.5
NAME = {"zh": "测", "en": "test"}
KILN = {"id": "kiln1", "name": NAME, "running": "kiln1.running"}

# The first use of Arrow in a process takes long enough to cost a cycle; no poller uses it, only the sink of this test.
parse(b"reading,plant=p,point=a value=1,quality=0i 1\n", precision="ms", arrival_ms=0)


def plant_of(points: dict[str, list[dict[str, object]]]) -> Plant:
    """A plant of OPC UA servers, each with its points; the node of point a.b is ns=2;s=a.b unless it says otherwise."""
    return Plant(
        tanji=1,
        site=Site(id="hx01", name=NAME),
        lines=(Line.model_validate({"id": "line1", "name": NAME, "capacity_t_per_day": 5000, "kiln": KILN}),),
        devices=tuple(
            OpcuaDevice.model_validate(
                {"id": key, "name": NAME, "protocol": "opcua", "endpoint": "opc.tcp://localhost", "period_s": PERIOD_S}
            )
            for key in points
        ),
        meters=tuple(
            Meter.model_validate({"id": key, "name": NAME, "kind": "control_system", "device": key}) for key in points
        ),
        points=tuple(
            Point.model_validate(
                {"name": NAME, "kind": "rate", "unit": "t/h", "meter": key, "opcua": f"ns=2;s={more['id']}"} | more
            )
            for key, several in points.items()
            for more in several
        ),
        streams=(),
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def started(port: int, values: dict[str, Any]) -> Server:
    """A server without security whose nodes hold these values or data values."""
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/plant")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace("urn:plant")
    for name, value in values.items():
        plain = 0.0 if isinstance(value, ua.DataValue) else value
        node = await server.nodes.objects.add_variable(ua.NodeId(name, index), name, plain)
        if isinstance(value, ua.DataValue):
            await server.write_attribute_value(node.nodeid, value)
    await server.start()
    return server


def serve_until_killed(port: int, values: dict[str, Any]) -> None:
    """The same in a process of its own: a server that starts here would hold up the poller's event loop."""

    async def forever() -> None:
        await started(port, values)
        await asyncio.Event().wait()

    asyncio.run(forever())


def server_process(port: int, values: dict[str, Any]) -> BaseProcess:
    """A server that is killed like one whose machine fails."""
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=serve_until_killed, args=(port, values), daemon=True)
    process.start()
    return process


def killed(process: BaseProcess) -> None:
    process.kill()
    process.join(10)
    process.close()


def bad(status: int, value: float | None = None) -> ua.DataValue:
    variant = None if value is None else ua.Variant(value, ua.VariantType.Double)
    return ua.DataValue(variant, StatusCode=ua.StatusCode(status))


class Collected:
    """A sink that keeps rows by point: (time, value, quality)."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[int, float | None, int]]] = defaultdict(list)

    async def __call__(self, lines: bytes) -> None:
        parsed = parse(lines, precision="ms", arrival_ms=0)
        assert not parsed.parked and not parsed.others
        for row in parsed.readings.to_pylist():
            self.rows[row["point"]].append((row["time"], row["value"], row["quality"]))

    def missed(self, point: str) -> int:
        """How many whole periods lack a row between the first and the last."""
        times = [time for time, _, _ in self.rows[point]]
        assert all(time % round(PERIOD_S * 1000) == 0 for time in times)
        return (times[-1] - times[0]) // round(PERIOD_S * 1000) + 1 - len(times)


def poller_of(plant: Plant, ports: dict[str, int]) -> tuple[OpcuaPoller, Collected]:
    collected = Collected()
    endpoints = {key: f"opc.tcp://127.0.0.1:{port}/plant" for key, port in ports.items()}
    return OpcuaPoller(plant, sink=collected, clock=lambda: time.time_ns() // 1_000_000, endpoints=endpoints), collected


async def until(condition: Any, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(0.05)
    return bool(condition())


def test_values_and_status_codes_become_numbers_and_flags() -> None:
    async def scenario() -> None:
        values = {
            "p.float": 331.25,
            "p.scaled": 12345,
            "p.counter": 12345,
            "p.state": True,
            "p.text": "running",
            "p.nan": float("nan"),
            "p.sensor": bad(ua.StatusCodes.BadSensorFailure),
            "p.comm": bad(ua.StatusCodes.BadNoCommunication),
            "p.stale": bad(ua.StatusCodes.UncertainLastUsableValue, 7.5),
        }
        port = free_port()
        server = await started(port, values)
        more: dict[str, dict[str, object]] = {
            "p.scaled": {"scale": 0.01, "offset": 1},
            "p.counter": {"scale": 0.01, "kind": "counter", "unit": "t"},
            "p.state": {"kind": "state", "unit": "1"},
        }
        points: list[dict[str, object]] = [{"id": key} | more.get(key, {}) for key in (*values, "p.absent")]
        poller, collected = poller_of(plant_of({"dcs": points}), {"dcs": port})
        stop = asyncio.Event()
        running = asyncio.create_task(poller.run(stop))
        assert await until(lambda: any(row[1] is not None for row in collected.rows["p.float"]), 5)
        stop.set()
        await running
        await server.stop()
        assert {key: rows[-1][1:] for key, rows in collected.rows.items()} == {
            "p.float": (331.25, 0),
            "p.scaled": (12345 * 0.01 + 1, 0),
            "p.counter": (12345.0, 0),
            "p.state": (1.0, 0),
            "p.text": (None, Flag.FAULT),
            "p.nan": (None, Flag.FAULT),
            "p.sensor": (None, Flag.FAULT),
            "p.comm": (None, Flag.COMM),
            "p.stale": (7.5, Flag.STALE),
            "p.absent": (None, Flag.FAULT),
        }

    asyncio.run(scenario())


def test_a_server_restart_is_survived_and_told_and_costs_the_other_server_no_cycle(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        ports = {"one": free_port(), "two": free_port(), "down": free_port()}
        steady, victim = server_process(ports["one"], {"a.x": 1.0}), server_process(ports["two"], {"b.x": 2.0})
        poller, collected = poller_of(
            plant_of({"one": [{"id": "a.x"}], "two": [{"id": "b.x"}], "down": [{"id": "c.x"}]}), ports
        )
        stop = asyncio.Event()
        running = asyncio.create_task(poller.run(stop))
        for point, value in (("a.x", 1.0), ("b.x", 2.0)):
            assert await until(lambda key=point, v=value: (v, 0) in [row[1:] for row in collected.rows[key]], 30)
        before = len(collected.rows["a.x"])
        killed(victim)
        assert await until(lambda: collected.rows["b.x"][-1][1:] == (None, Flag.COMM), 10)
        victim = server_process(ports["two"], {"b.x": 3.0})
        assert await until(lambda: collected.rows["b.x"][-1][1:] == (3.0, 0), 30)
        stop.set()
        await running
        for server in (steady, victim):
            killed(server)
        assert {row[1:] for row in collected.rows["a.x"][before:]} == {(1.0, 0)}
        assert {row[1:] for row in collected.rows["c.x"]} == {(None, Flag.COMM)}
        for point in ("a.x", "b.x", "c.x"):
            assert collected.missed(point) == 0
        assert [health["missed_cycles"] for health in poller.health().values()] == [0, 0, 0]

    asyncio.run(scenario())
    told = [record.message for record in caplog.records if record.message.startswith("two: ")]
    assert len(told) >= 2 and told[-1] == "two: answers again"


def test_a_fault_of_the_library_ends_neither_connecting_nor_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, connects = Client.connect, iter([ValueError("a bug while connecting")])
    read, reads = UaClient.read_attributes, iter([KeyError("a bug while reading")])

    async def faulty_connect(client: Client) -> None:
        for fault in connects:
            raise fault
        await connect(client)

    async def faulty_read(client: UaClient, *what: Any) -> Any:
        for fault in reads:
            raise fault
        return await read(client, *what)

    async def scenario() -> None:
        port = free_port()
        server = await started(port, {"a.x": 1.0})
        poller, collected = poller_of(plant_of({"one": [{"id": "a.x"}]}), {"one": port})
        stop = asyncio.Event()
        running = asyncio.create_task(poller.run(stop))
        assert await until(lambda: (1.0, 0) in [row[1:] for row in collected.rows["a.x"]], 8)
        stop.set()
        await running
        await server.stop()
        assert collected.missed("a.x") == 0 and (None, Flag.COMM) in [row[1:] for row in collected.rows["a.x"]]

    monkeypatch.setattr(Client, "connect", faulty_connect)
    monkeypatch.setattr(UaClient, "read_attributes", faulty_read)
    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (ua.DataValue(ua.Variant(2**53, ua.VariantType.UInt64)), (2**53, 0)),
        (ua.DataValue(ua.Variant(2**53 + 1, ua.VariantType.UInt64)), (None, Flag.FAULT)),
        (ua.DataValue(None), (None, Flag.FAULT)),
        (bad(0x40000000, 5.0), (5.0, Flag.OFF_SPEC)),
        (bad(0x00000700, 5.0), (5.0, Flag.STUCK)),  # data value, limit bits: constant
        (bad(0x808D0000, 5.0), (None, Flag.STOPPED)),
    ],
)
def test_a_data_value_is_worth_a_number_or_none(data: ua.DataValue, expected: tuple[float | None, int]) -> None:
    assert reading_of(data, scale=1, offset=0) == expected


def test_a_wrong_plant_file_ends_the_process_with_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant = tmp_path / "plant.yaml"
    plant.write_text("tanji: 2\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["opcua_poller", "--plant", str(plant)])
    assert main() == 2
    assert "plant.yaml:1" in capsys.readouterr().err
