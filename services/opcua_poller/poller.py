"""All OPC UA servers of a plant, each polled by a task of its own.

The plant file alone says what is read: points with `via: poller` whose meter's device speaks OPC UA. One server is
`services.opcua_poller.server`; what happens to the lines is the sink's business.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from services.opcua_poller.batch import PolledNode
from services.opcua_poller.server import ServerPoller
from tanji.acquisition.opcua_pki import Pki
from tanji.plant.model import OpcuaDevice, Plant, Point
from tanji.plant.names import opcua_application_uri

Sink = Callable[[bytes], Awaitable[None]]


def polled_nodes(plant: Plant) -> dict[str, list[PolledNode]]:
    """What is to be read of each OPC UA server, by device id."""
    nodes: dict[str, list[PolledNode]] = defaultdict(list)
    for point in plant.points:
        device = plant.device_of(point)
        if point.via == "poller" and isinstance(device, OpcuaDevice) and point.opcua is not None:
            nodes[device.id].append(_polled(plant, point, point.opcua))
    return dict(nodes)


def _polled(plant: Plant, point: Point, node: str) -> PolledNode:
    counter = point.kind == "counter"  # stored as the unscaled register count
    return PolledNode(
        id=point.id,
        node=node,
        period_ms=max(1, round(plant.period_s(point) * 1000)),
        scale=1.0 if counter else point.scale,
        offset=0.0 if counter else point.offset,
        deadband=0.0 if point.deadband is None else point.deadband / abs(point.scale),
    )


class OpcuaPoller:
    """Polls until told to stop. A server that is down costs no other server a cycle."""

    def __init__(
        self,
        plant: Plant,
        *,
        sink: Sink,
        clock: Callable[[], int],
        endpoints: Mapping[str, str] | None = None,
    ) -> None:
        """sink : takes the lines of one cycle of one server. clock : UTC now [ms].

        endpoints : endpoint by device id, where it differs from the plant file (a simulator, a test).
        """
        elsewhere = endpoints or {}
        self._servers: list[ServerPoller] = []
        for device_id, nodes in polled_nodes(plant).items():
            device = plant.devices_by_id[device_id]
            assert isinstance(device, OpcuaDevice)
            endpoint = elsewhere.get(device_id, device.endpoint)
            self._servers.append(
                ServerPoller(
                    device,
                    nodes,
                    plant_id=plant.site.id,
                    sink=sink,
                    clock=clock,
                    endpoint=endpoint,
                    pki=Pki(Path(plant.services.opcua.pki)),
                    application_uri=opcua_application_uri(plant.site.id),
                )
            )

    async def run(self, stop: asyncio.Event) -> None:
        """Poll all servers until `stop` is set."""
        # A server that is down is a state we report once; asyncua would log every attempt to reach it.
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)
        async with asyncio.TaskGroup() as group:
            for server in self._servers:
                group.create_task(server.run(stop), name=f"opcua {server.id}")

    def health(self) -> dict[str, dict[str, int | None]]:
        """By device id: last success [UTC ms], requests, failures, cycles, missed cycles."""
        return {server.id: server.health() for server in self._servers}
