"""OPC UA servers with the control system's nodes: one server per OPC UA device, values written once a second.

Node ids are those of the plant file. States are Boolean, everything else Double; a faulty point has its status code
and no value, and the source timestamp is the time the device claims. Who is let in is `services.simulator.opcua_guard`;
a server keeps history where the plant file says so.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from asyncua import Server, ua

from services.simulator.faults import FaultKind, faults_of
from services.simulator.live import SECOND_MS, Live, Shown
from services.simulator.opcua_guard import Users, guard
from tanji.plant.model import OpcuaDevice, Plant, Point

NAMESPACE = "urn:tanji:simulator"

HISTORY = timedelta(hours=1)
"""How long a server remembers, where the plant file says that it does."""


@dataclass(slots=True)
class Served:
    """A running OPC UA server with the points it shows."""

    server: Server
    url: str
    nodes: list[tuple[int, Point, ua.NodeId]]
    live: Live
    task: asyncio.Task[None] | None = None

    async def show(self, shown: Shown) -> None:
        """Write every node for one second."""
        for place, point, node_id in self.nodes:
            value = _data_value(self.live, point, shown, place)
            if value is not None:
                await self.server.write_attribute_value(node_id, value)

    async def keep_showing(self) -> None:
        """Write the values of each second as it begins."""
        while True:
            now = self.live.clock()
            await asyncio.sleep((SECOND_MS - now % SECOND_MS) / 1000)
            await self.show(self.live.now())

    async def stop(self) -> None:
        """Stop writing, then the server."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        await self.server.stop()


def _data_value(live: Live, point: Point, shown: Shown, place: int) -> ua.DataValue | None:
    """What a node holds; None while the point is not served at all and keeps its old value."""
    stamp = datetime.fromtimestamp(int(shown.times[place]) / 1000, UTC)
    status = _status(live, point, shown.second_ms)
    if status is None:
        return None
    variant = None
    if shown.answering[place]:
        kind = ua.VariantType.Boolean if point.kind == "state" else ua.VariantType.Double
        value = float(shown.values[place])
        variant = ua.Variant(bool(value) if point.kind == "state" else value, kind)
    return ua.DataValue(variant or ua.Variant(), StatusCode=ua.StatusCode(status), SourceTimestamp=stamp)


def _status(live: Live, point: Point, second_ms: int) -> int | None:
    for fault in faults_of(live.plant, live.scenario.faults, point.id):
        if not fault.start_ms <= second_ms < fault.end_ms:
            continue
        if fault.kind is FaultKind.BAD_STATUS:
            return fault.status
        if fault.kind in (FaultKind.DROP_OUT, FaultKind.DEAD_SLAVE):
            return int(ua.StatusCodes.BadNoCommunication)
        if fault.kind is FaultKind.MISSING:
            return None
    return int(ua.StatusCodes.Good)


async def start_opcua(
    plant: Plant, live: Live, *, ports: Mapping[str, int], host: str | None = None
) -> dict[str, Served]:
    """Start a server per OPC UA device. ports : port by device id, 0 for a free one; else the plant file's."""
    started = {}
    for device in plant.devices:
        if device.protocol == "opcua":
            started[device.id] = await _start(plant, live, device, port=ports.get(device.id), host=host)
    return started


async def _start(plant: Plant, live: Live, device: OpcuaDevice, *, port: int | None, host: str | None) -> Served:
    parts = urlsplit(device.endpoint)
    name = host or parts.hostname or "127.0.0.1"
    chosen = (parts.port or 4840) if port is None else port or _free_port(name)
    server = Server(user_manager=Users(device))
    await server.init()
    url = f"opc.tcp://{name}:{chosen}{parts.path}"
    server.set_endpoint(url)
    await guard(server, plant, device)
    mine = [(place, point) for place, point in enumerate(plant.points) if plant.device_of(point).id == device.id]
    served = Served(server=server, url=url, nodes=await _add_nodes(server, mine), live=live)
    await served.show(live.now())
    await server.start()
    if device.history:
        for _, _, node_id in served.nodes:
            await server.historize_node_data_change(server.get_node(node_id), period=HISTORY, count=0)
    served.task = asyncio.create_task(served.keep_showing())
    return served


async def _add_nodes(server: Server, points: list[tuple[int, Point]]) -> list[tuple[int, Point, ua.NodeId]]:
    """A folder of variables under the node ids the plant file gives, namespaces made up to the highest used."""
    ids = [(place, point, ua.NodeId.from_string(point.opcua or "")) for place, point in points]
    highest = max((node_id.NamespaceIndex for _, _, node_id in ids), default=2)
    index = 1
    while index < highest:
        index = await server.register_namespace(f"{NAMESPACE}:{index + 1}")
    folder = await server.nodes.objects.add_folder(max(index, 1), "Plant")
    for _, point, node_id in ids:
        first = False if point.kind == "state" else 0.0
        await folder.add_variable(node_id, point.name.en, first)
    return ids


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
