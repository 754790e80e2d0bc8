"""One OPC UA server: its session, its batched reads, and what to say when it does not answer.

A reading bears the start of its cycle, a whole period of UTC. Every point gets a row in every cycle: a value with the
flags of its status code, or a flag word alone. The session is the client library's to repair after a loss; if it has
not managed in half a minute, a new client starts afresh (a client was seen to hang on a connection whose packets
vanish). Connecting is a task of its own, so no cycle waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from asyncua import Client, ua
from asyncua.client.ua_client import UaClientState

from services.opcua_poller.values import reading_of, status_of
from tanji.acquisition.backoff import Backoff
from tanji.acquisition.cycle import Cycle, Polled
from tanji.acquisition.flags import Flag
from tanji.acquisition.reading_lines import ReadingLines
from tanji.plant.model import OpcuaDevice

MOST_NODES: Final = 500
"""Nodes in one read request; small control systems answer BadTooManyOperations above a thousand."""

MOST_WAIT_S: Final = 10.0
"""A server that is down is asked again after this long at the latest."""

CONNECT_S: Final = 10.0
"""How long a whole connection may take, with its channel and session [s]."""

HEAL_S: Final = 30.0
"""How long the client library may take to repair a lost session before a new client starts [s], or three reads."""

TIMEOUT_SHARE: Final = 0.8
"""A read may take this share of the shortest period: a slow server must not carry its cycle past the next start."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PolledNode:
    """A point as a poller needs it. Reading = node's value x scale + offset, period in ms."""

    id: str
    node: str
    period_ms: int
    scale: float = 1.0
    offset: float = 0.0


class _Batch:
    """Nodes that are read in one request."""

    def __init__(self, nodes: Sequence[PolledNode], *, plant_id: str) -> None:
        self.period_ms = nodes[0].period_ms
        self.nodes = nodes
        self.node_ids = [ua.NodeId.from_string(node.node) for node in nodes]
        self.lines = ReadingLines([node.id for node in nodes], plant_id=plant_id)
        self.statuses = [0] * len(nodes)


class ServerPoller:
    """Polls one server until told to stop."""

    def __init__(
        self,
        device: OpcuaDevice,
        nodes: Sequence[PolledNode],
        *,
        plant_id: str,
        sink: Callable[[bytes], Awaitable[None]],
        clock: Callable[[], int],
        endpoint: str,
    ) -> None:
        """nodes : at least one. sink : takes the lines of a cycle. clock : UTC now [ms]."""
        self.id = device.id
        self._endpoint, self._sink, self._clock = endpoint, sink, clock
        self._cycle = Cycle((node.period_ms for node in nodes), clock=clock)
        self._timeout_s = min(device.timeout_s, TIMEOUT_SHARE * self._cycle.shortest_ms / 1000)
        self._batches = _batches(nodes, plant_id=plant_id)
        self._client: Client | None = None
        self._connected = asyncio.Event()
        self._counts = Polled()
        self._lost = False

    def health(self) -> dict[str, int | None]:
        """Last success [UTC ms], requests, failures, cycles, missed cycles."""
        return self._counts.health(self._cycle)

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set."""
        connecting = asyncio.create_task(self._keep_connected(), name=f"opcua connection {self.id}")
        try:
            with suppress(TimeoutError):  # a server that is up should not begin with a failed read
                await asyncio.wait_for(self._connected.wait(), self._timeout_s)
            await self._cycle.run(stop, self._hand_over, name=self.id)
        finally:
            connecting.cancel()
            with suppress(asyncio.CancelledError):
                await connecting

    async def _hand_over(self, start_ms: int) -> None:
        """Read what is due at `start_ms` and give the lines to the sink."""
        await self._sink((await self._poll(start_ms)).encode())

    async def _poll(self, start_ms: int) -> str:
        """All lines of the cycle that began at `start_ms`."""
        due = self._cycle.due(start_ms)
        end_ms = start_ms + round(self._timeout_s * 1000)
        lines = []
        for batch in (batch for batch in self._batches if batch.period_ms in due):
            answer = await self._read(batch, timeout_s=(end_ms - self._clock()) / 1000)
            if answer is None:
                lines.append(batch.lines.failed(Flag.COMM, time_ms=start_ms))
            else:
                lines.append(self._lines(batch, answer, start_ms))
        return "".join(lines)

    async def _read(self, batch: _Batch, *, timeout_s: float) -> list[ua.DataValue] | None:
        """Data values with their status codes, or None if the server does not answer in time."""
        client = self._client
        if client is None or timeout_s <= 0:
            return None
        if client.uaclient.state is not UaClientState.CONNECTED:
            self._failed("lost the connection")
            return None
        self._counts.requests += 1
        try:
            read = client.uaclient.read_attributes(batch.node_ids, ua.AttributeIds.Value)
            answer: list[ua.DataValue] = await asyncio.wait_for(read, timeout_s)
        except Exception as error:  # also what the library makes of garbage: every point gets its row
            self._failed(f"does not answer: {error!r}")
            return None
        if len(answer) != len(batch.nodes):
            self._failed(f"answered {len(answer)} of {len(batch.nodes)} nodes")
            return None
        self._counts.last_success_ms = self._clock()
        if self._lost:
            self._lost = False
            log.warning("%s: answers again", self.id)
        return answer

    def _lines(self, batch: _Batch, answer: list[ua.DataValue], start_ms: int) -> str:
        statuses = [status_of(data) for data in answer]
        if statuses != batch.statuses:
            self._log_statuses(batch, statuses)
        readings = [
            reading_of(data, scale=node.scale, offset=node.offset)
            for data, node in zip(answer, batch.nodes, strict=True)
        ]
        values, words = zip(*readings, strict=True)
        return batch.lines.mixed(values, words, time_ms=start_ms)

    def _log_statuses(self, batch: _Batch, statuses: list[int]) -> None:
        """A sealed line has no room for the 32-bit status code, so its changes go into the log."""
        for node, before, now in zip(batch.nodes, batch.statuses, statuses, strict=True):
            if before != now:
                log.info("%s: status 0x%08X, was 0x%08X", node.id, now, before)
        batch.statuses = statuses

    async def _keep_connected(self) -> None:
        """Hold a connected client in `_client`, and replace one that cannot heal itself."""
        backoff = Backoff(first_s=0.5, most_s=MOST_WAIT_S)
        while True:
            client = Client(
                self._endpoint,
                timeout=max(1.0, self._timeout_s),
                auto_reconnect=True,
                reconnect_max_delay=5,
                reconnect_request_timeout=self._timeout_s,
            )
            try:
                self._counts.requests += 1
                await asyncio.wait_for(client.connect(), CONNECT_S)
                backoff.succeeded()
                self._client = client
                self._connected.set()
                await self._until_beyond_repair(client)
            except Exception as error:  # whatever it was, nobody else would connect again
                self._failed(f"does not accept a connection: {error!r}")
            finally:
                self._client = None
                with suppress(Exception):  # it is being thrown away; how it objects does not matter
                    await asyncio.wait_for(client.disconnect(), 1.0)
            await asyncio.sleep(backoff.failed())

    async def _until_beyond_repair(self, client: Client) -> None:
        """Return when the client has not been connected, or not answered a read, for too long."""
        well_ms = self._clock()
        most_ms = max(HEAL_S * 1000, 3 * self._cycle.shortest_ms)
        while self._clock() - well_ms < most_ms:
            await asyncio.sleep(1.0)
            if client.uaclient.state is UaClientState.CONNECTED:
                well_ms = max(well_ms, self._counts.last_success_ms or 0)

    def _failed(self, happened: str) -> None:
        """Count a failure; log it the first time, not every cycle."""
        self._counts.failures += 1
        if not self._lost:
            self._lost = True
            log.warning("%s: %s", self.id, happened)


def _batches(nodes: Sequence[PolledNode], *, plant_id: str) -> list[_Batch]:
    batches = []
    for period in sorted({node.period_ms for node in nodes}):
        chosen = [node for node in nodes if node.period_ms == period]
        batches += [
            _Batch(chosen[first : first + MOST_NODES], plant_id=plant_id) for first in range(0, len(chosen), MOST_NODES)
        ]
    return batches
