"""One OPC UA server: what is read or told, and what to say when it does not answer.

Polled, every point gets a row in every cycle: a value with the flags of its status code, or a flag word alone; its time
is the start of the cycle, a whole period of UTC, or the source's where the plant file says so. Subscribed, a reading
comes when the value changes, and all points are read every `audit_s` beside it (`services.opcua_poller.feed`). Gaps are
filled from history where the server keeps it (`services.opcua_poller.history`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from asyncua import Client, ua

from services.opcua_poller.batch import Batch, PolledNode, batches
from services.opcua_poller.connection import Connection
from services.opcua_poller.feed import Feed
from services.opcua_poller.history import History
from services.opcua_poller.security import Identity
from tanji.acquisition.cycle import Cycle, Polled
from tanji.acquisition.flags import Flag
from tanji.acquisition.opcua_pki import Pki
from tanji.plant.model import OpcuaDevice

TIMEOUT_SHARE: Final = 0.8
"""A read may take this share of the shortest period: a slow server must not carry its cycle past the next start."""

log = logging.getLogger(__name__)


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
        pki: Pki,
        application_uri: str,
    ) -> None:
        """nodes : at least one. sink : takes the lines of a cycle. clock : UTC now [ms]."""
        self.id = device.id
        self._device, self._sink, self._clock = device, sink, clock
        audit_ms = round(device.audit_s * 1000) if device.read == "subscription" else None
        periods = {node.period_ms for node in nodes} | ({audit_ms} if audit_ms else set())
        self._cycle = Cycle(periods, clock=clock)
        self._timeout_s = min(device.timeout_s, TIMEOUT_SHARE * self._cycle.shortest_ms / 1000)
        self._batches = batches(nodes, plant_id=plant_id, period_ms=audit_ms)
        self._counts = Polled()
        self._connection = Connection(
            device.id,
            endpoint=endpoint,
            identity=Identity(device, pki=pki, application_uri=application_uri, clock=clock),
            timeout_s=self._timeout_s,
            shortest_ms=self._cycle.shortest_ms if audit_ms is None else audit_ms,
            counts=self._counts,
            clock=clock,
        )
        self._feed = None if audit_ms is None else Feed(device.id, self._batches, audit_ms=audit_ms, clock=clock)
        if self._feed is not None:
            self._connection.prepare, self._connection.prepare_s = self._feed.begin, self._feed.begin_s
        longest_ms = round(device.history_s * 1000)
        self._history = History(device.id, longest_ms=longest_ms, sink=sink) if device.history else None
        self._mending: asyncio.Task[None] | None = None
        self._away = True  # the first cycle reads everything, subscribed or not

    def health(self) -> dict[str, int | None]:
        """Last success [UTC ms], requests, failures, cycles, missed cycles; changes a subscription did not tell."""
        counts = self._counts.health(self._cycle)
        return counts if self._feed is None else counts | {"subscription_misses": self._feed.misses}

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set."""
        connecting = asyncio.create_task(self._connection.keep(), name=f"opcua connection {self.id}")
        try:
            with suppress(TimeoutError):  # a server that is up should not begin with a failed read
                await asyncio.wait_for(self._connection.connected.wait(), self._timeout_s)
            await self._cycle.run(stop, self._hand_over, name=self.id)
        finally:
            if self._mending is not None:
                self._mending.cancel()
            if self._feed is not None:
                await self._feed.end()
                if told := self._feed.lines():  # since the last cycle: nobody will tell it again
                    await self._sink(told.encode())
            if self._history is not None:
                await self._history.end()
            connecting.cancel()
            with suppress(asyncio.CancelledError):
                await connecting

    async def _hand_over(self, start_ms: int) -> None:
        """Read what is due at `start_ms` and give the lines to the sink."""
        lines = await (self._poll(start_ms) if self._feed is None else self._listen(self._feed, start_ms))
        if lines:
            await self._sink(lines.encode())
        client = self._connection.client
        if self._history is not None and client is not None and self._connection.ready:
            self._history.pay(client, until_ms=start_ms)

    async def _poll(self, start_ms: int) -> str:
        """All lines of the cycle that began at `start_ms`."""
        due = self._cycle.due(start_ms)
        return await self._read_all([batch for batch in self._batches if batch.period_ms in due], start_ms)

    async def _listen(self, feed: Feed, start_ms: int) -> str:
        """What was told since the cycle before; all nodes are read when the audit is due, and around a loss."""
        told = feed.lines()
        if told:
            self._counts.last_success_ms = self._clock()
        lost, feed.lost = feed.lost or not self._connection.ready, False
        began, ended = lost and not self._away, self._away and not lost
        self._away = lost
        audit = bool(self._batches[0].period_ms in self._cycle.due(start_ms))
        lines = await self._read_all(self._batches, start_ms) if audit or began or ended else ""
        client = self._connection.client
        if feed.count_misses() and client is not None and (self._mending is None or self._mending.done()):
            self._mending = asyncio.create_task(self._mend(feed, client), name=f"opcua feed {self.id}")
        return told + lines

    async def _mend(self, feed: Feed, client: Client) -> None:
        """Subscribe anew, beside the cycles."""
        try:
            await asyncio.wait_for(feed.begin(client), feed.begin_s)
        except Exception as error:  # the next audit finds out, and tries again
            self._connection.failed(f"cannot be subscribed to anew: {error!r}")

    async def _read_all(self, chosen: Sequence[Batch], start_ms: int) -> str:
        end_ms = start_ms + round(self._timeout_s * 1000)
        lines = []
        for batch in chosen:
            # Polled, all batches share the cycle; an audit may take its time, what is told meanwhile waits.
            left_s = self._device.timeout_s if self._feed is not None else (end_ms - self._clock()) / 1000
            answer = await self._read(batch, timeout_s=left_s)
            if answer is not None:
                batch.answered_ms = start_ms
                lines.append(self._lines(batch, answer, start_ms))
            elif self._history is not None:
                lines.append(self._history.owe(batch, start_ms))
            else:
                lines.append(batch.lines.failed(Flag.COMM, time_ms=start_ms))
        return "".join(lines)

    async def _read(self, batch: Batch, *, timeout_s: float) -> list[ua.DataValue] | None:
        """Data values with their status codes, or None if the server does not answer in time."""
        client, connection = self._connection.client, self._connection
        if client is None or timeout_s <= 0:
            return None
        if not connection.ready:
            connection.failed("lost the connection")
            return None
        self._counts.requests += 1
        try:
            read = client.uaclient.read_attributes(batch.node_ids, ua.AttributeIds.Value)
            answer: list[ua.DataValue] = await asyncio.wait_for(read, timeout_s)
        except Exception as error:  # also what the library makes of garbage: every point gets its row
            connection.failed(f"does not answer: {error!r}")
            return None
        if len(answer) != len(batch.nodes):
            connection.failed(f"answered {len(answer)} of {len(batch.nodes)} nodes")
            return None
        connection.answered()
        return answer

    def _lines(self, batch: Batch, answer: list[ua.DataValue], start_ms: int) -> str:
        for point, now, before in batch.changes(answer):
            # A sealed line has no room for the 32-bit status code, so its changes go into the log.
            log.info("%s: status 0x%08X, was 0x%08X", point, now, before)
        if self._feed is not None:
            return self._feed.audit(batch, answer, read_ms=start_ms)
        if self._device.times == "source":
            return batch.at_source_times(answer, read_ms=start_ms)
        values, words = zip(*batch.readings(answer), strict=True)
        return batch.lines.mixed(values, words, time_ms=start_ms)
