"""All Modbus lines of a plant, each polled by a task of its own.

The plant file alone says what is read: points with `via: poller` whose meter's device speaks Modbus. Requests are
planned in `tanji.acquisition.blocks`; one line is `services.modbus_poller.device`; what the plant file means for it is
`services.modbus_poller.wiring`; what happens to the readings is the sink's business.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping

from services.modbus_poller import wiring
from services.modbus_poller.device import DevicePoller
from tanji.plant.model import Plant

Sink = Callable[[bytes], Awaitable[None]]


class ModbusPoller:
    """Polls until told to stop. A device that is dead or lies costs no other device a cycle."""

    def __init__(
        self,
        plant: Plant,
        *,
        sink: Sink,
        clock: Callable[[], int],
        addresses: Mapping[str, tuple[str, int]] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """sink : takes the lines of one cycle of one device. clock : UTC now [ms].

        addresses : host and port by device id, where they differ from the plant file (a simulator, a test).
        rng : draws how long silent devices are left alone.
        """
        rng = rng or random.Random()
        self._devices = [
            DevicePoller(
                device,
                points,
                plant_id=plant.site.id,
                sink=sink,
                clock=clock,
                address=wiring.address_of(device, addresses or {}),
                limits=wiring.limits_of(plant, device),
                serials=wiring.serials_of(plant, device),
                rng=rng,
            )
            for device, points in wiring.polled_points(plant)
        ]

    async def run(self, stop: asyncio.Event) -> None:
        """Poll all devices until `stop` is set."""
        async with asyncio.TaskGroup() as group:
            for device in self._devices:
                group.create_task(device.run(stop), name=f"modbus {device.id}")

    def health(self) -> dict[str, dict[str, int | None]]:
        """By device id: last success [UTC ms], requests, failures, retries, cycles, missed cycles."""
        return {device.id: device.health() for device in self._devices}

    def serial_numbers(self) -> dict[str, str]:
        """What the instruments say their serial number is, by meter id, as far as it has been read."""
        return {meter: text for device in self._devices for meter, text in device.serial_numbers().items()}
