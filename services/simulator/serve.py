"""Serve the whole plant: every Modbus and OPC UA device of the plant file, until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from services.simulator.hj212_station import stations_reporting
from services.simulator.live import Live
from services.simulator.modbus_server import start_modbus
from services.simulator.opcua_server import start_opcua
from services.simulator.scenario import Scenario
from tanji.plant.model import Plant


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the devices answer."""

    devices: dict[str, tuple[str, int]]
    endpoints: dict[str, str]


@asynccontextmanager
async def serving(
    plant: Plant,
    scenario: Scenario,
    *,
    clock: Callable[[], int],
    ports: Mapping[str, int] | None = None,
    host: str | None = None,
    stations_to: tuple[str, int] | None = None,
) -> AsyncIterator[Addresses]:
    """All devices answering inside the block.

    ports : port by device id, 0 for a free one; a device not named takes the plant file's.
    host : address to listen on instead of the plant file's. stations_to : where HJ 212 stations report to, if anywhere.
    """
    live = Live(plant, scenario, clock=clock)
    live.now()  # the model is made before anybody can ask
    async with AsyncExitStack() as stack:
        modbus = await start_modbus(plant, live, ports=ports or {}, host=host)
        for server, _ in modbus.values():
            stack.push_async_callback(server.shutdown)
        opcua = await start_opcua(plant, live, ports=ports or {}, host=host)
        for served in opcua.values():
            stack.push_async_callback(served.stop)
        if stations_to is not None:
            await stack.enter_async_context(stations_reporting(plant, live, address=stations_to))
        yield Addresses(
            devices={name: address for name, (_, address) in modbus.items()},
            endpoints={name: served.url for name, served in opcua.items()},
        )
        await asyncio.sleep(0)  # let answers that are under way leave
