"""The fault matrix of Modbus: whatever a peer does, every point has its row, no value is wrong, the others go on (R39).

Cycles are driven one by one with a period of 20 s, so that nothing here depends on how fast the machine is. "Others
delayed less than one timeout" is shown by the order of questions: at most one unanswered question stands before them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from services.modbus_poller import line as line_module
from tanji.acquisition.flags import Flag

from . import modbus_rig as rig

COMM, FAULT = (None, int(Flag.COMM)), (None, int(Flag.FAULT))
KINDS = ["tcp", "rtu_over_tcp", "serial"]


async def cycles(stack: AsyncExitStack, peer: Any, points: dict[str, Any], kind: str = "tcp", **device: Any) -> Any:
    """A poller of one device on a line of this kind."""
    if kind == "serial":
        line = {"protocol": "modbus_rtu", "serial_port": rig.serial(stack, peer), "parity": "none", "baud": 115200}
        plant = rig.plant(points, **device)
        data = plant.model_dump(mode="json")
        data["devices"][0] = {k: v for k, v in data["devices"][0].items() if k not in ("host", "port")} | line
        driven = rig.Cycles(type(plant).model_validate(data), {})
    else:
        rtu = kind == "rtu_over_tcp"
        port = await rig.tcp(stack, peer, rtu=rtu)
        protocol = "modbus_rtu_tcp" if rtu else "modbus_tcp"
        driven = rig.Cycles(rig.plant(points, protocol=protocol, **device), {"d": ("127.0.0.1", port)})
    stack.callback(driven.device._line.close)
    return driven


def run(scenario: Callable[[AsyncExitStack], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with AsyncExitStack() as stack:
            await scenario(stack)

    asyncio.run(whole())


def of_units(*units: int) -> dict[str, Any]:
    """Points u1.a, u1.b ... at the registers 10 and 40 of each unit: two requests a unit."""
    return {
        f"u{unit}.{name}": {"unit": unit, "address": place} for unit in units for name, place in (("a", 10), ("b", 40))
    }


def true(*units: int) -> dict[str, Any]:
    """What `rig.counting` holds there: 100 x unit + register."""
    return {f"u{unit}.{name}": (100.0 * unit + place, 0) for unit in units for name, place in (("a", 10), ("b", 40))}


@pytest.mark.parametrize("kind", KINDS)
def test_a_silent_unit_is_flagged_and_stands_before_the_others_once(kind: str) -> None:
    asked: list[int] = []

    def peer(unit: int, pdu: bytes) -> Any:
        asked.append(unit)
        return None if unit == 2 else rig.counting(unit, pdu)

    async def scenario(stack: AsyncExitStack) -> None:
        driven = await cycles(stack, peer, of_units(1, 2, 3), kind)
        expected = true(1, 3) | {"u2.a": COMM, "u2.b": COMM}
        for number in range(4):
            asked.clear()
            assert await driven.next() == expected
            others = max(place for place, unit in enumerate(asked) if unit == 3)
            # The first time nobody knows; from then on the silent one comes last.
            assert asked[:others].count(2) <= (2 if number == 0 else 0)
        assert driven.device.health()["missed_cycles"] == 0

    run(scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_a_slow_unit_never_gives_one_register_for_another(kind: str) -> None:
    def peer(unit: int, pdu: bytes) -> Any:
        answer = rig.counting(unit, pdu)
        return rig.Late(answer, 0.8) if unit == 2 else answer

    async def scenario(stack: AsyncExitStack) -> None:
        points = of_units(1, 2) | {"u2.c": {"unit": 2, "address": 80}}
        driven = await cycles(stack, peer, points, kind)
        for _ in range(5):
            await asyncio.sleep(0.9)  # the slow answer has come; a period is long after that
            rows = await driven.next()
            assert {key: rows[key] for key in true(1)} == true(1)
            for key, value in (true(2) | {"u2.c": (280.0, 0)}).items():
                assert rows[key] in (COMM, value)

    run(scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_of_another_unit_is_no_reading(kind: str) -> None:
    foreign = rig.words(9)
    whole = {"tcp": b"\0\1\0\0\0\5\x09" + foreign}
    frame = b"\x09" + foreign

    def peer(unit: int, pdu: bytes) -> Any:
        if unit != 2:
            return rig.counting(unit, pdu)
        return rig.Raw(whole[kind] if kind == "tcp" else frame + rig.crc(frame))

    async def scenario(stack: AsyncExitStack) -> None:
        driven = await cycles(stack, peer, of_units(1, 2, 3), kind)
        for _ in range(2):
            rows = await driven.next()
            assert {key: rows[key] for key in true(1, 3)} == true(1, 3)
            assert {rows["u2.a"][0], rows["u2.b"][0]} == {None}
            assert {rows["u2.a"][1], rows["u2.b"][1]} <= {int(Flag.COMM), int(Flag.FAULT)}

    run(scenario)


@pytest.mark.parametrize(
    ("code", "flag"),
    [(1, FAULT), (2, FAULT), (3, FAULT), (4, FAULT), (5, COMM), (6, COMM), (10, COMM), (11, COMM)],
)
def test_an_exception_is_flagged_by_its_code_and_spoils_no_other_block(code: int, flag: Any) -> None:
    def peer(unit: int, pdu: bytes) -> Any:
        return bytes([pdu[0] | 0x80, code]) if unit == 2 and pdu[1:3] == b"\x00\x28" else rig.counting(unit, pdu)

    async def scenario(stack: AsyncExitStack) -> None:
        driven = await cycles(stack, peer, of_units(1, 2, 3), max_gap=0)
        rows = await driven.next()
        assert rows["u2.b"] == flag
        assert {key: rows[key] for key in true(1, 3)} == true(1, 3)
        assert rows["u2.a"] == true(2)["u2.a"]

    run(scenario)


def test_a_unit_that_failed_is_asked_again_on_a_line_that_is_busy_most_of_its_period() -> None:
    away = True

    def peer(unit: int, pdu: bytes) -> Any:
        return b"\x83\x0b" if unit == 2 and away else rig.counting(unit, pdu)

    async def scenario(stack: AsyncExitStack) -> None:
        nonlocal away
        driven = await cycles(stack, peer, of_units(1, 2), timeout_s=16.0)
        driven.spent_ms = rig.PERIOD_MS // 2  # less than a timeout is left
        assert await driven.next() == true(1) | {"u2.a": COMM, "u2.b": COMM}
        away = False
        assert await driven.next() == true(1, 2)

    run(scenario)


def test_a_busy_device_is_asked_again_after_the_others() -> None:
    asked: list[int] = []

    def peer(unit: int, pdu: bytes) -> Any:
        asked.append(unit)
        return b"\x83\x06" if unit == 1 and asked.count(1) == 1 else rig.counting(unit, pdu)

    async def scenario(stack: AsyncExitStack) -> None:
        driven = await cycles(stack, peer, {"u1.a": {"unit": 1, "address": 10}, "u2.a": {"unit": 2, "address": 10}})
        assert await driven.next() == {"u1.a": (110.0, 0), "u2.a": (210.0, 0)}
        assert asked == [1, 2, 1]
        assert driven.device.health()["retries"] == 1

    run(scenario)


def test_a_request_that_is_too_wide_is_taken_apart_until_only_the_missing_register_fails() -> None:
    def peer(unit: int, pdu: bytes) -> Any:
        address, count = int.from_bytes(pdu[1:3]), int.from_bytes(pdu[3:5])
        if count > 4:
            return b"\x83\x03"
        return b"\x83\x02" if address <= 12 < address + count else rig.counting(unit, pdu)

    async def scenario(stack: AsyncExitStack) -> None:
        driven = await cycles(stack, peer, {f"u1.r{n}": {"address": n} for n in range(10, 18)})
        expected = {f"u1.r{n}": (100.0 + n, 0) if n != 12 else FAULT for n in range(10, 18)}
        for _ in range(2):
            assert await driven.next() == expected

    run(scenario)


@pytest.mark.parametrize("kind", ["rtu_over_tcp", "serial"])
@pytest.mark.parametrize("fault", ["bad checksum", "short frame"])
def test_a_damaged_answer_is_asked_for_again_and_never_read(kind: str, fault: str) -> None:
    count = {1: 0, 2: 0}

    def peer(unit: int, pdu: bytes) -> Any:
        answer = rig.counting(unit, pdu)
        count[unit] += 1
        frame = bytes([unit]) + answer
        damaged = frame + b"\x00\x00" if fault == "bad checksum" else (frame + rig.crc(frame))[:-3]
        # Unit 1 is damaged once, unit 2 always.
        return rig.Raw(damaged) if unit == 2 or count[1] == 1 else answer

    async def scenario(stack: AsyncExitStack) -> None:
        points = {"u1.a": {"unit": 1, "address": 10}, "u2.a": {"unit": 2, "address": 10}}
        driven = await cycles(stack, peer, points, kind)
        for _ in range(3):
            assert await driven.next() == {"u1.a": (110.0, 0), "u2.a": COMM}

    run(scenario)


def test_a_short_frame_on_tcp_is_a_wrong_answer_and_the_next_one_is_right() -> None:
    count = 0

    def peer(unit: int, pdu: bytes) -> Any:
        nonlocal count
        count += 1
        # The header promises two bytes of data, one comes in its length; then all is well.
        return b"\x03\x02\x00" if count == 1 else rig.counting(unit, pdu)

    async def scenario(stack: AsyncExitStack) -> None:
        driven = await cycles(stack, peer, {"u1.a": {"address": 10}})
        assert await driven.next() == {"u1.a": FAULT}
        assert await driven.next() == {"u1.a": (110.0, 0)}

    run(scenario)


def test_a_half_open_connection_is_given_up_and_the_device_read_again() -> None:
    """The peer lost its power and came back: the old connection stays silent for ever, a new one works."""

    connections: list[int] = []
    dead: set[int] = set()

    def peer(unit: int, pdu: bytes) -> Any:
        return None if len(connections) in dead else rig.counting(unit, pdu)

    async def scenario(stack: AsyncExitStack) -> None:
        port = await rig.tcp(stack, peer, connected=lambda: connections.append(1))
        driven = rig.Cycles(rig.plant(of_units(1, 2)), {"d": ("127.0.0.1", port)})
        stack.callback(driven.device._line.close)
        assert await driven.next() == true(1, 2)
        dead.add(1)  # whoever has the first connection hears nothing any more
        rows = [await driven.next() for _ in range(2)]
        assert all(row in (COMM, true(1, 2)[key]) for key, row in rows[0].items())
        assert rows[-1] == true(1, 2)
        assert len(connections) == 2

    run(scenario)


def test_a_server_that_restarts_between_two_cycles_costs_no_reading() -> None:
    async def scenario(stack: AsyncExitStack) -> None:
        first = AsyncExitStack()
        port = await rig.tcp(first, rig.counting)
        driven = rig.Cycles(rig.plant(of_units(1, 2)), {"d": ("127.0.0.1", port)})
        stack.callback(driven.device._line.close)
        assert await driven.next() == true(1, 2)
        await first.aclose()
        await rig.tcp(stack, rig.counting, port=port)
        assert await driven.next() == true(1, 2)

    run(scenario)


def test_a_server_that_hangs_up_in_the_middle_is_called_again_at_once() -> None:
    asked: list[int] = []

    def peer(unit: int, pdu: bytes) -> Any:
        asked.append(unit)
        return rig.HANG_UP if len(asked) == 2 else rig.counting(unit, pdu)

    async def scenario(stack: AsyncExitStack) -> None:
        driven = await cycles(stack, peer, of_units(1, 2))
        assert await driven.next() == true(1, 2)
        assert asked == [1, 1, 1, 2, 2]

    run(scenario)


def test_a_server_that_is_gone_is_flagged_and_read_again_when_it_is_back() -> None:
    async def scenario(stack: AsyncExitStack) -> None:
        first = AsyncExitStack()
        port = await rig.tcp(first, rig.counting)
        driven = rig.Cycles(rig.plant(of_units(1)), {"d": ("127.0.0.1", port)})
        stack.callback(driven.device._line.close)
        await driven.next()
        await first.aclose()
        for _ in range(3):
            assert set((await driven.next()).values()) == {COMM}
        await rig.tcp(stack, rig.counting, port=port)
        assert await driven.next() == true(1)  # 20 s later: the longest wait is 10 s

    run(scenario)


def test_names_that_cannot_be_looked_up_delay_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()
    known = line_module.socket.getaddrinfo

    def lookup(host: Any, *more: Any, **how: Any) -> Any:
        if host == "dead.plant":
            assert hanging.wait(60)
            raise OSError(-3, "temporary failure in name resolution")
        return known(host, *more, **how)

    monkeypatch.setattr(line_module.socket, "getaddrinfo", lookup)

    async def scenario(stack: AsyncExitStack) -> None:
        port = await rig.tcp(stack, rig.counting)
        good = rig.Cycles(rig.plant(of_units(1)), {"d": ("127.0.0.1", port)})
        stack.callback(good.device._line.close)
        dead = [rig.Cycles(rig.plant(of_units(1), timeout_s=15.0), {"d": ("dead.plant", 502)}) for _ in range(12)]
        waiting = [asyncio.create_task(each.next()) for each in dead]
        await asyncio.sleep(0.05)
        # Twelve look-ups hang; this device, and any thread of the loop's, are not behind them.
        assert await good.next() == true(1)
        assert await asyncio.to_thread(lambda: 7) == 7
        assert not any(task.done() for task in waiting)
        hanging.set()
        for rows in await asyncio.gather(*waiting):
            assert set(rows.values()) == {COMM}

    run(scenario)


def test_a_device_for_one_client_is_left_after_every_cycle() -> None:
    async def scenario(stack: AsyncExitStack) -> None:
        driven = await cycles(stack, rig.counting, of_units(1), disconnect_after_cycle=True)
        for _ in range(2):
            assert await driven.next() == true(1)
            assert not driven.device._line.connected

    run(scenario)


def test_a_device_that_answers_one_value_at_a_time_is_asked_so() -> None:
    asked: list[str] = []

    def peer(unit: int, pdu: bytes) -> Any:
        asked.append(pdu.hex())
        return rig.counting(unit, pdu)

    async def scenario(stack: AsyncExitStack) -> None:
        points = {"u1.a": {"address": 10}, "u1.b": {"address": 11}, "u1.c": {"address": 12, "type": "uint32"}}
        driven = await cycles(stack, peer, points, one_point_per_request=True)
        # Registers 12 and 13 hold 112 and 113: 112 x 65536 + 113.
        assert await driven.next() == {"u1.a": (110.0, 0), "u1.b": (111.0, 0), "u1.c": (112.0 * 65536 + 113, 0)}
        assert asked == ["03000a0001", "03000b0001", "03000c0002"]

    run(scenario)


def test_forced_boundaries_and_forbidden_registers_shape_the_requests() -> None:
    asked: list[tuple[int, int]] = []

    def peer(unit: int, pdu: bytes) -> Any:
        asked.append((int.from_bytes(pdu[1:3]), int.from_bytes(pdu[3:5])))
        return rig.counting(unit, pdu)

    async def scenario(stack: AsyncExitStack) -> None:
        points = {f"u1.r{place}": {"address": place} for place in (10, 12, 14, 20, 21)}
        driven = await cycles(stack, peer, points, split_at=[{"address": 21}], forbidden=[{"first": 15, "last": 16}])
        await driven.next()
        assert asked == [(10, 5), (20, 1), (21, 1)]

    run(scenario)
