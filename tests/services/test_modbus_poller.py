"""The Modbus poller against real servers on free ports. Registers are encoded by hand or with `struct`."""

from __future__ import annotations

import asyncio
import struct
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from services.modbus_poller.__main__ import main
from services.modbus_poller.line import Line as ModbusLine
from services.modbus_poller.poller import ModbusPoller
from tanji.acquisition.flags import Flag
from tanji.acquisition.line_protocol import parse
from tanji.acquisition.modbus_frames import Question
from tanji.plant.model import Line, Meter, ModbusDevice, Plant, Point, Register, Site

PERIOD_S = 0.5

# The first use of Arrow in a process takes long enough to cost a cycle; no poller uses it, only the sink of this test.
parse(b"reading,plant=p,point=a value=1,quality=0i 1\n", precision="ms", arrival_ms=0)
NAME = {"zh": "测", "en": "test"}


def plant_of(devices: dict[str, dict[str, object]], points: list[dict[str, object]]) -> Plant:
    """A plant with one meter per device and unit id, named `device_unit`."""
    meters = sorted({(str(point.pop("device")), int(str(point.pop("unit_id", 1)))) for point in map(dict, points)})
    return Plant(
        tanji=1,
        site=Site(id="hx01", name=NAME),
        lines=(Line.model_validate({"id": "line1", "name": NAME, "capacity_t_per_day": 5000, "kiln": KILN}),),
        devices=tuple(
            ModbusDevice.model_validate(
                {"id": key, "name": NAME, "protocol": "modbus_tcp", "host": "127.0.0.1", "period_s": PERIOD_S} | more
            )
            for key, more in devices.items()
        ),
        meters=tuple(
            Meter.model_validate(
                {"id": f"{device}_{unit}", "name": NAME, "kind": "flow_meter", "device": device, "unit_id": unit}
            )
            for device, unit in meters
        ),
        points=tuple(
            Point.model_validate(
                {"name": NAME, "kind": "rate", "unit": "t/h", "meter": f"{p['device']}_{p.get('unit_id', 1)}"}
                | {key: value for key, value in p.items() if key not in ("device", "unit_id")}
            )
            for p in points
        ),
        streams=(),
    )


KILN = {"id": "kiln1", "name": NAME, "running": "kiln1.running"}


async def served(stack: AsyncExitStack, devices: list[SimDevice], *, port: int = 0) -> int:
    """A Modbus server until the stack closes; its port."""
    server = ModbusTcpServer(devices, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    stack.push_async_callback(server.shutdown)
    return int(server.transport.sockets[0].getsockname()[1])  # type: ignore[union-attr]


async def silent(stack: AsyncExitStack) -> int:
    """A server that accepts connections and says nothing; its port."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    stack.callback(server.close)
    return int(server.sockets[0].getsockname()[1])


async def liar(stack: AsyncExitStack, answer: Callable[[bytes], bytes]) -> int:
    """A server that answers the PDU of each request with any other; its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readexactly(7)
                pdu = answer(await reader.readexactly(int.from_bytes(head[4:6]) - 1))
                writer.write(head[:4] + (len(pdu) + 1).to_bytes(2) + head[6:] + pdu)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    stack.callback(server.close)
    return int(server.sockets[0].getsockname()[1])


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Collected:
    """A sink that keeps rows by point: (time, value, quality)."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[int, float | None, int]]] = defaultdict(list)

    async def __call__(self, lines: bytes) -> None:
        parsed = parse(lines, precision="ms", arrival_ms=0)
        assert not parsed.parked and not parsed.others
        for row in parsed.readings.to_pylist():
            assert row["plant"] == "hx01"
            self.rows[row["point"]].append((row["time"], row["value"], row["quality"]))

    def last(self, point: str) -> tuple[float | None, int]:
        return self.rows[point][-1][1:]

    def missed(self, point: str) -> int:
        """How many whole periods lack a row between the first and the last."""
        times = [time for time, _, _ in self.rows[point]]
        assert all(time % round(PERIOD_S * 1000) == 0 for time in times)
        assert times == sorted(set(times))
        return (times[-1] - times[0]) // round(PERIOD_S * 1000) + 1 - len(times)


async def polled(
    plant: Plant,
    ports: dict[str, int],
    seconds: float,
    *,
    during: Callable[[], Awaitable[None]] | None = None,
) -> tuple[Collected, ModbusPoller]:
    """Poll for a while."""
    collected, stop = Collected(), asyncio.Event()
    addresses = {device: ("127.0.0.1", port) for device, port in ports.items()}
    poller = ModbusPoller(plant, sink=collected, clock=now_ms, addresses=addresses)
    running = asyncio.create_task(poller.run(stop))
    started = time.monotonic()
    if during is not None:
        await during()
    await asyncio.sleep(max(0.0, seconds - (time.monotonic() - started)))
    stop.set()
    await running
    return collected, poller


def words(form: str, *numbers: float, little: bool = False, swapped: bool = False) -> list[int]:
    """Registers of numbers, most significant first unless the whole number or the bytes of a word are reversed."""
    out = []
    for number in numbers:
        body = struct.pack((">" if not little else "<") + form, number)
        pairs = [body[i : i + 2] for i in range(0, len(body), 2)]
        out += [int.from_bytes(pair[::-1] if swapped else pair, "big") for pair in pairs]
    return out


def holding(values: list[int], *, unit: int = 1, start: int = 0) -> SimDevice:
    return SimDevice(id=unit, simdata=[SimData(start, values=values, datatype=DataType.REGISTERS)])


def test_a_dead_and_a_silent_slave_among_thirty_cost_the_others_no_cycle() -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            ids = [f"d{number:02d}" for number in range(30)]
            ports = {key: await served(stack, [holding([int(key[1:])])]) for key in ids[2:]}
            ports["d00"] = await silent(stack)
            async with AsyncExitStack() as short:
                ports["d01"] = await served(short, [holding([1])])  # closed again at once: connection refused
            points = [{"id": f"{key}.x", "device": key, "modbus": Register(address=0)} for key in ids]
            collected, poller = await polled(plant_of({key: {} for key in ids}, points), ports, 3.2)
            health = poller.health()
            for key in ids:
                assert collected.missed(f"{key}.x") == 0
                assert len(collected.rows[f"{key}.x"]) >= 5
                assert health[key]["missed_cycles"] == 0
            for key in ids[2:]:
                assert {row[1:] for row in collected.rows[f"{key}.x"]} == {(float(key[1:]), 0)}
                assert health[key]["failures"] == 0
            for key in ids[:2]:
                assert {row[1:] for row in collected.rows[f"{key}.x"]} == {(None, Flag.COMM)}
                assert health[key]["last_success_ms"] is None
                # Asked again with growing waits, not at every one of the six or so cycles.
                assert 2 <= health[key]["requests"] <= 5

    asyncio.run(scenario())


def test_a_gateway_with_several_unit_ids_and_byte_orders_is_read_correctly() -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            unit1 = [*words("f", 331.25), *words("f", -2.5, little=True, swapped=True)]
            unit1 += words("I", 70000, swapped=True)
            unit2 = [*words("i", -7, little=True), 65535, 0b0000_0100_0000_0000, *words("d", 1e300)]
            coils = [True, False, True] + [False] * 13
            shared = SimData(0, values=unit2, datatype=DataType.REGISTERS)
            bits = SimData(0, values=coils, datatype=DataType.BITS)
            second = SimDevice(id=2, simdata=([bits], [bits], [shared], [shared]))
            port = await served(stack, [holding(unit1), second])
            registers: dict[str, tuple[int, dict[str, object], dict[str, object]]] = {
                "a.abcd": (1, {"address": 0, "type": "float32"}, {}),
                "a.cdab": (1, {"address": 2, "type": "float32", "order": "CDAB"}, {}),
                "a.badc": (1, {"address": 4, "type": "uint32", "order": "BADC"}, {"scale": 0.1, "offset": 5}),
                "b.dcba": (2, {"address": 0, "type": "int32", "order": "DCBA"}, {}),
                "b.scaled": (2, {"address": 2}, {"scale": 0.01}),
                "b.counter": (2, {"address": 2, "table": "input"}, {"scale": 0.01, "kind": "counter", "unit": "t"}),
                "b.bit10": (2, {"address": 3, "type": "bool", "bit": 10}, {"kind": "state", "unit": "1"}),
                "b.bit9": (2, {"address": 3, "type": "bool", "bit": 9}, {"kind": "state", "unit": "1"}),
                "b.double": (2, {"address": 4, "type": "float64"}, {}),
                "b.coil0": (2, {"address": 0, "table": "coil", "type": "bool"}, {"kind": "state", "unit": "1"}),
                "b.coil1": (2, {"address": 1, "table": "discrete", "type": "bool"}, {"kind": "state", "unit": "1"}),
                "b.coil2": (2, {"address": 2, "table": "coil", "type": "bool"}, {"kind": "state", "unit": "1"}),
            }
            points = [
                {"id": key, "device": "gw", "unit_id": unit, "modbus": Register.model_validate(register), **more}
                for key, (unit, register, more) in registers.items()
            ]
            collected, _ = await polled(plant_of({"gw": {}}, points), {"gw": port}, 1.3)
            expected = {
                "a.abcd": 331.25,
                "a.cdab": -2.5,
                "a.badc": 70000 * 0.1 + 5,
                "b.dcba": -7.0,
                "b.scaled": 65535 * 0.01,
                "b.counter": 65535.0,
                "b.bit10": 1.0,
                "b.bit9": 0.0,
                "b.double": 1e300,
                "b.coil0": 1.0,
                "b.coil1": 0.0,
                "b.coil2": 1.0,
            }
            assert {key: collected.last(key) for key in expected} == {key: (v, 0) for key, v in expected.items()}

    asyncio.run(scenario())


def test_a_silent_unit_behind_a_gateway_costs_its_neighbours_no_cycle() -> None:
    async def gateway(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers function 3 with zeros for every unit but 2. MBAP header: transaction, protocol, length, unit."""
        while header := await reader.read(7):
            transaction, _, length, unit = struct.unpack(">HHHB", header)
            _, _, count = struct.unpack(">BHH", await reader.readexactly(length - 1))
            if unit != 2:
                size = 2 * count
                writer.write(struct.pack(">HHHBBB", transaction, 0, 3 + size, unit, 3, size) + bytes(size))
        writer.close()

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            server = await asyncio.start_server(gateway, "127.0.0.1", 0)
            stack.callback(server.close)
            port = server.sockets[0].getsockname()[1]
            points = [
                {"id": f"unit{unit}.x", "device": "gw", "unit_id": unit, "modbus": Register(address=unit)}
                for unit in (1, 2, 3, 4)
            ]
            collected, poller = await polled(plant_of({"gw": {}}, points), {"gw": port}, 2.7)
            assert poller.health()["gw"]["missed_cycles"] == 0
            for unit in (1, 3, 4):
                assert collected.missed(f"unit{unit}.x") == 0
                assert {row[1:] for row in collected.rows[f"unit{unit}.x"]} == {(0.0, 0)}
            assert collected.missed("unit2.x") == 0
            assert {row[1:] for row in collected.rows["unit2.x"]} == {(None, Flag.COMM)}

    asyncio.run(scenario())


def test_a_refusal_a_missing_register_and_a_nan_fail_alone() -> None:
    async def refuse(code: int, start: int, address: int, count: int, registers: list[int], new: object) -> object:
        """Device failure for 100, busy for 200, fine otherwise."""
        return {100: ExcCodes.DEVICE_FAILURE, 200: ExcCodes.DEVICE_BUSY}.get(address)

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            nan, infinite = words("f", float("nan")), words("f", float("inf"))
            # Registers 8 to 9 do not exist; 10 does.
            blocks = {0: [*words("f", 1.5), *nan, *words("f", 2.5), *infinite], 10: [7], 100: [1], 200: [2], 300: [3]}
            data = [SimData(start, values=list(v), datatype=DataType.REGISTERS) for start, v in blocks.items()]
            port = await served(stack, [SimDevice(id=1, simdata=data, action=refuse)])
            points = [
                {"id": f"f.r{address}", "device": "d", "modbus": Register(address=address, type="float32")}
                for address in (0, 2, 4, 6)
            ] + [
                {"id": f"w.r{address}", "device": "d", "modbus": Register(address=address)}
                for address in (9, 10, 100, 200, 300)
            ]
            collected, poller = await polled(plant_of({"d": {}}, points), {"d": port}, 1.7)
            fault = (None, Flag.FAULT)
            assert {point: {row[1:] for row in rows} for point, rows in collected.rows.items()} == {
                "f.r0": {(1.5, 0)},
                "f.r2": {fault},
                "f.r4": {(2.5, 0)},
                "f.r6": {fault},
                "w.r9": {fault},
                "w.r10": {(7.0, 0)},
                "w.r100": {fault},
                "w.r200": {(None, Flag.COMM)},
                "w.r300": {(3.0, 0)},
            }
            assert poller.health()["d"]["missed_cycles"] == 0

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("table", "answer", "said"),
    [
        ("holding", b"\x06\x00\x01\x00\x02", "expected function 3, got 6"),
        ("holding", b"\x04\x02\x00\x02", "expected function 3, got 4"),
        ("holding", b"\x03\x04\x00\x02\x00\x03", "expected 1 registers, got 2"),
        ("coil", b"\x01\x02\x01\x01", "expected 8 bits, got 16"),
        ("holding", b"\x83\x04", "code 4"),
    ],
)
def test_an_answer_to_another_question_is_no_reading(
    table: str, answer: bytes, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            port = await liar(stack, lambda request: answer)
            register = {"table": table, "address": 0} | ({"type": "bool"} if table == "coil" else {})
            points: list[dict[str, object]] = [{"id": "d.x", "device": "d", "modbus": register}]
            collected, _ = await polled(plant_of({"d": {}}, points), {"d": port}, 1.2)
            assert {row[1:] for row in collected.rows["d.x"]} == {(None, Flag.FAULT)}

    asyncio.run(scenario())
    (record,) = caplog.records
    assert said in record.message


def test_a_refusal_that_ended_is_told_and_told_again_when_it_returns(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        answers = iter([b"\x03\x02\x00\x02", b"\x83\x04", b"\x83\x04", b"\x03\x02\x00\x02", b"\x83\x04"])
        async with AsyncExitStack() as stack:
            port = await liar(stack, lambda request: next(answers, b"\x83\x04"))
            points: list[dict[str, object]] = [{"id": "d.x", "device": "d", "modbus": Register(address=0)}]
            await polled(plant_of({"d": {}}, points), {"d": port}, 3.4)

    asyncio.run(scenario())
    told = [record.message.removeprefix("d: unit 1 holding 0 ") for record in caplog.records]
    assert told == ["refuses with code 4", "answers again", "refuses with code 4"]


def test_whatever_a_request_meets_its_points_get_a_row_and_so_do_the_others(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            port = await served(stack, [holding([5, 6])])
            points: list[dict[str, object]] = [
                {"id": f"d.{place}", "device": "d", "modbus": Register(address=place)} for place in (0, 1)
            ]
            plant = plant_of({"d": {"max_registers": 1}}, points)
            read = ModbusLine.ask

            async def faulty(line: ModbusLine, question: Question, **how: Any) -> bytes:
                if question.address == 0:
                    raise RuntimeError("a bug of the line")
                return await read(line, question, **how)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(ModbusLine, "ask", faulty)
                collected, _ = await polled(plant, {"d": port}, 1.2)
            assert {row[1:] for row in collected.rows["d.0"]} == {(None, Flag.FAULT)}
            assert {row[1:] for row in collected.rows["d.1"]} == {(6.0, 0)}

    asyncio.run(scenario())
    assert ["a bug of the line" in record.message for record in caplog.records] == [True]


def test_a_device_that_comes_back_is_read_again_and_no_row_is_missing() -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            first = AsyncExitStack()
            port = await served(first, [holding([5])])
            plant = plant_of({"d": {}}, [{"id": "d.x", "device": "d", "modbus": Register(address=0)}])

            async def restart() -> None:
                await asyncio.sleep(1.2)
                await first.aclose()
                await asyncio.sleep(0.8)
                await served(stack, [holding([6])], port=port)

            collected, poller = await polled(plant, {"d": port}, 4.5, during=restart)
            assert collected.missed("d.x") == 0
            rows = [row[1:] for row in collected.rows["d.x"]]
            assert rows[0] == (5.0, 0)
            assert (None, Flag.COMM) in rows
            assert rows[-1] == (6.0, 0)
            assert poller.health()["d"]["missed_cycles"] == 0

    asyncio.run(scenario())


def test_points_with_their_own_period_are_read_less_often_and_others_are_not_polled() -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            port = await served(stack, [holding([1, 2, 3])])
            register = [Register(address=address) for address in range(3)]
            points = [
                {"id": "d.fast", "device": "d", "modbus": register[0]},
                {"id": "d.slow", "device": "d", "modbus": register[1], "period_s": 1.0},
                {"id": "d.other", "device": "d", "modbus": register[2], "via": "telegraf"},
            ]
            collected, _ = await polled(plant_of({"d": {}}, points), {"d": port}, 2.6)
            assert set(collected.rows) == {"d.fast", "d.slow"}
            assert all(row[0] % 1000 == 0 for row in collected.rows["d.slow"])
            assert len(collected.rows["d.fast"]) >= 2 * len(collected.rows["d.slow"]) - 1 >= 3

    asyncio.run(scenario())


def test_a_wrong_plant_file_ends_the_process_with_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant = tmp_path / "plant.yaml"
    plant.write_text("tanji: 2\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["modbus_poller", "--plant", str(plant)])
    assert main() == 2
    assert "plant.yaml:1" in capsys.readouterr().err
