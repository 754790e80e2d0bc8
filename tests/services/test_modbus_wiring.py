"""From the plant file to a line: its address, its limits per unit, its serial numbers, written out by hand."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from services.modbus_poller import wiring
from services.modbus_poller.line import TcpAddress
from services.modbus_poller.serial_port import SerialAddress
from tanji.acquisition.blocks import Forbidden, PlanLimits
from tanji.plant.model import ModbusLine, Plant

from . import modbus_rig as rig


def changed(*, device: dict[str, Any] | None = None, meter: dict[str, Any] | None = None, drop: str = "") -> Plant:
    """Two units; changes to the device and to the meter of unit 2."""
    raw = rig.plant({"a.x": {"unit": 1, "address": 0}, "b.x": {"unit": 2, "address": 0}}).model_dump(
        mode="json", exclude_defaults=True
    )
    raw["devices"][0] = {key: value for key, value in raw["devices"][0].items() if key != drop} | (device or {})
    raw["meters"][1] |= meter or {}
    return Plant.model_validate(raw)


def device_of(plant: Plant) -> ModbusLine:
    (device,) = plant.devices
    assert isinstance(device, ModbusLine)
    return device


@pytest.mark.parametrize(
    ("device", "drop", "here", "moved"),
    [
        ({}, "", TcpAddress("127.0.0.1", 502), TcpAddress("h", 9)),
        ({"protocol": "modbus_rtu_tcp"}, "", TcpAddress("127.0.0.1", 502, rtu=True), TcpAddress("h", 9, rtu=True)),
        (
            {"protocol": "modbus_rtu", "serial_port": "/dev/ttyS1", "baud": 19200, "parity": "none", "stop_bits": 2},
            "host",
            SerialAddress("/dev/ttyS1", 19200, "none", 2),
            TcpAddress("h", 9, rtu=True),
        ),
    ],
)
def test_each_kind_of_line_has_its_address(device: dict[str, Any], drop: str, here: Any, moved: Any) -> None:
    line = device_of(changed(device=device, drop=drop))
    assert wiring.address_of(line, {}) == here
    assert wiring.address_of(line, {"d": ("h", 9)}) == moved


def test_a_unit_has_the_narrower_limits_of_its_line_and_its_meter() -> None:
    plant = changed(
        device={"max_registers": 100, "max_gap": 30, "split_at": [{"address": 10}]},
        meter={
            "requests": {
                "max_registers": 40,
                "max_gap": 4,
                "one_point_per_request": True,
                "forbidden": [{"table": "input", "first": 7, "last": 9}],
            }
        },
    )
    assert wiring.limits_of(plant, device_of(plant)) == {
        1: PlanLimits(100, 30, (("holding", 10),), (), False),
        2: PlanLimits(40, 4, (("holding", 10),), (Forbidden("input", 7, 9),), True),
    }


def test_a_poller_knows_the_serial_numbers_after_its_first_cycles() -> None:
    def peer(unit: int, pdu: bytes) -> Any:
        return rig.words(0x4142, 0x3132) if pdu[2] == 90 else rig.counting(unit, pdu)

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            plant = changed(meter={"serial_register": {"address": 90, "words": 2}})
            driven = rig.Cycles(plant, {"d": ("127.0.0.1", await rig.tcp(stack, peer))})
            stack.callback(driven.device._line.close)
            assert driven.poller.serial_numbers() == {}
            assert await driven.next() == {"a.x": (100.0, 0), "b.x": (200.0, 0)}
            assert driven.poller.serial_numbers() == {"m2": "AB12"}

    asyncio.run(scenario())
