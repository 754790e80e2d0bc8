"""All Modbus TCP devices of a plant, each polled by a task of its own.

The plant file alone says what is read: points with `via: poller` whose meter's device speaks Modbus TCP. Requests are
planned in `tanji.acquisition.blocks`; one device is `services.modbus_poller.device`; what happens to the lines is the
sink's business.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping

from services.modbus_poller.device import DevicePoller
from services.modbus_poller.request import PolledPoint
from tanji.acquisition.registers import RegisterLayout
from tanji.plant.model import ModbusDevice, Plant, Point, Register

Sink = Callable[[bytes], Awaitable[None]]


def layout_of(register: Register, *, unit_id: int) -> RegisterLayout:
    """The codec's description of a register of the plant file."""
    return RegisterLayout(
        register.table, register.address, register.type, register.order, bit=register.bit, unit_id=unit_id
    )


def polled_points(plant: Plant) -> dict[str, list[PolledPoint]]:
    """What is to be read of each Modbus device, by device id."""
    points: dict[str, list[PolledPoint]] = defaultdict(list)
    for point in plant.points:
        device = plant.device_of(point)
        if point.via == "poller" and isinstance(device, ModbusDevice) and point.modbus is not None:
            points[device.id].append(_polled(plant, point, point.modbus))
    return dict(points)


def _polled(plant: Plant, point: Point, register: Register) -> PolledPoint:
    counter = point.kind == "counter"  # stored as the unscaled register count
    return PolledPoint(
        id=point.id,
        layout=layout_of(register, unit_id=plant.meters_by_id[point.meter].unit_id),
        period_ms=max(1, round(plant.period_s(point) * 1000)),
        scale=1.0 if counter else point.scale,
        offset=0.0 if counter else point.offset,
    )


class ModbusPoller:
    """Polls until told to stop. A device that is dead or lies costs no other device a cycle."""

    def __init__(
        self,
        plant: Plant,
        *,
        sink: Sink,
        clock: Callable[[], int],
        addresses: Mapping[str, tuple[str, int]] | None = None,
    ) -> None:
        """sink : takes the lines of one cycle of one device. clock : UTC now [ms].

        addresses : host and port by device id, where they differ from the plant file (a simulator, a test).
        """
        elsewhere = addresses or {}
        self._devices: list[DevicePoller] = []
        for device_id, points in polled_points(plant).items():
            device = plant.devices_by_id[device_id]
            assert isinstance(device, ModbusDevice)
            host, port = elsewhere.get(device_id, (device.host, device.port))
            self._devices.append(
                DevicePoller(device, points, plant_id=plant.site.id, sink=sink, clock=clock, host=host, port=port)
            )

    async def run(self, stop: asyncio.Event) -> None:
        """Poll all devices until `stop` is set."""
        # A silent device is a state we report once; pymodbus would log an error for every request.
        logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
        async with asyncio.TaskGroup() as group:
            for device in self._devices:
                group.create_task(device.run(stop), name=f"modbus {device.id}")

    def health(self) -> dict[str, dict[str, int | None]]:
        """By device id: last success [UTC ms], requests, failures, cycles, missed cycles."""
        return {device.id: device.health() for device in self._devices}
