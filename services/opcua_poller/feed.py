"""The subscription to one OPC UA server (OPC 10000-4 5.13, 5.14): what the server tells, and whether it still does.

A notification is a reading at its source timestamp; repeats and late ones do no harm (`Trace`). A server was seen to
stop telling some clients what others hear, so every `audit_s` all nodes are read beside it: that confirms what holds,
and a value the subscription should have told and did not within a grace is a miss, after which it is made anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from asyncua import Client, ua
from asyncua.common.subscription import DataChangeEvent, OverflowPolicy, Subscription

from services.opcua_poller.batch import Batch
from services.opcua_poller.values import reading_of
from tanji.acquisition.flags import Flag

MOST_ITEMS: Final = 500
"""Monitored items in one request."""

REQUEST_S: Final = 10.0
"""How long one such request may take [s]: a fast server sets up thousands of items in a second, a small one not."""

QUEUE: Final = 10
"""Changes of one node that the server keeps between two notifications; the audit would notice an overflow."""

MOST_WAITING: Final = 500_000
"""Notifications between two cycles; beyond it the connection is dropped and begun anew, with a gap."""

REFUSED_FILTERS: Final = {
    ua.StatusCodes.BadMonitoredItemFilterUnsupported,
    ua.StatusCodes.BadMonitoredItemFilterInvalid,
    ua.StatusCodes.BadFilterNotAllowed,
    ua.StatusCodes.BadDeadbandFilterInvalid,
}

GRACE_MS: Final = 10_000
"""How late a notification may be [ms]: a busy server is slow, not silent, and a new subscription would not help it."""

Place = tuple[Batch, int]

log = logging.getLogger(__name__)


class Feed:
    """One subscription over all nodes of a server."""

    def __init__(self, name: str, batches: Sequence[Batch], *, audit_ms: int, clock: Callable[[], int]) -> None:
        """name : of the device. audit_ms : how often all nodes are read beside it [ms]. clock : UTC now [ms]."""
        self.name = name
        self.lost = False
        self.misses = 0
        self._places: list[Place] = [(batch, place) for batch in batches for place in range(len(batch.nodes))]
        self._handles = {place: handle for handle, place in enumerate(self._places, start=1)}
        self._publish_ms = min(node.period_ms for batch in batches for node in batch.nodes)
        self._grace_ms = max(GRACE_MS, 3 * self._publish_ms)
        self._audit_ms, self._clock = audit_ms, clock
        self._waiting: deque[tuple[int, ua.DataValue, int]] = deque()
        self._suspects: dict[int, int] = {}
        self._told: dict[int, tuple[float | None, Flag]] = {}
        self._unmonitored: set[int] = set()
        self._subscription: Subscription | None = None
        self._listening: asyncio.Task[None] | None = None

    async def begin(self, client: Client) -> None:
        """Subscribe with a fresh client."""

        async def on_lost(_: Exception) -> None:
            self.lost = True

        client.connection_lost_callback = on_lost
        await self._forget()
        for state in (self._suspects, self._told, self._unmonitored):
            state.clear()
        subscription = await client.create_subscription(
            self._publish_ms, queue_maxsize=MOST_WAITING, overflow=OverflowPolicy.DISCONNECT
        )
        self._subscription = subscription
        self._listening = asyncio.create_task(self._listen(subscription), name=f"opcua feed {self.name}")
        for first in range(1, len(self._places) + 1, MOST_ITEMS):
            await self._monitor(subscription, range(first, min(first + MOST_ITEMS, len(self._places) + 1)))

    @property
    def begin_s(self) -> float:
        """How long `begin` may take [s]."""
        return REQUEST_S * (2 + len(self._places) / MOST_ITEMS)

    async def _forget(self) -> None:
        """Leave the subscription before this one; its server may be gone."""
        if self._listening is not None:
            self._listening.cancel()
        if self._subscription is not None:
            with suppress(Exception):
                await asyncio.wait_for(self._subscription.delete(), 1.0)
        self._subscription = None

    async def _monitor(self, subscription: Subscription, handles: range) -> None:
        results = await subscription.create_monitored_items([self._request(handle, True) for handle in handles])
        refused = [
            handle
            for handle, result in zip(handles, results, strict=True)
            if isinstance(result, ua.StatusCode) and result.value in REFUSED_FILTERS
        ]
        if refused:
            log.warning("%s: takes no deadband for %d nodes, every change is told", self.name, len(refused))
            await subscription.create_monitored_items([self._request(handle, False) for handle in refused])
        others = [handle for handle, result in zip(handles, results, strict=True) if isinstance(result, ua.StatusCode)]
        self._unmonitored.update(set(others) - set(refused))

    def _request(self, handle: int, filtered: bool) -> ua.MonitoredItemCreateRequest:
        batch, place = self._places[handle - 1]
        node = batch.nodes[place]
        parameters = ua.MonitoringParameters(
            ClientHandle=handle, SamplingInterval=float(node.period_ms), QueueSize=QUEUE, DiscardOldest=True
        )
        if filtered and node.deadband > 0:
            parameters.Filter = ua.DataChangeFilter(
                Trigger=ua.DataChangeTrigger.StatusValue,
                DeadbandType=ua.DeadbandType.Absolute,
                DeadbandValue=node.deadband,
            )
        item = ua.ReadValueId(NodeId=batch.node_ids[place], AttributeId=ua.AttributeIds.Value)
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=item, MonitoringMode=ua.MonitoringMode.Reporting, RequestedParameters=parameters
        )

    async def _listen(self, subscription: Subscription) -> None:
        async for event in subscription:
            if isinstance(event, DataChangeEvent) and event.data.monitored_item.Value is not None:
                handle = event.data.subscription_data.client_handle
                if handle is not None:
                    self._waiting.append((handle, event.data.monitored_item.Value, self._clock()))

    def lines(self) -> str:
        """Lines of everything that was told since the last call."""
        parts, oldest_after = [], self._audit_ms
        while self._waiting:
            handle, data, now_ms = self._waiting.popleft()
            self._suspects.pop(handle, None)
            batch, place = self._places[handle - 1]
            node = batch.nodes[place]
            value, flags = self._told[handle] = reading_of(data, scale=node.scale, offset=node.offset)
            trace = batch.traces[place]
            time_ms = trace.told_at(data, value, flags, now_ms=now_ms, oldest_ms=now_ms - oldest_after)
            if time_ms is not None:
                parts.append(batch.lines.one(place, value, flags, time_ms=time_ms))
        return "".join(parts)

    def audit(self, batch: Batch, answer: Sequence[ua.DataValue], *, read_ms: int) -> str:
        """Lines of a read beside the subscription; what it should have told is remembered."""
        for place, (value, flags) in enumerate(batch.readings(answer)):
            handle = self._handles[batch, place]
            if self._owes(handle, value, flags):
                self._suspects.setdefault(handle, read_ms)
        return batch.at_source_times(answer, read_ms=read_ms)

    def count_misses(self) -> int:
        """How many changes the subscription owed for longer than the grace; counted once."""
        late = [handle for handle, since_ms in self._suspects.items() if self._clock() - since_ms > self._grace_ms]
        for handle in late:
            del self._suspects[handle]
        if late:
            self.misses += len(late)
            log.warning("%s: the subscription did not tell %d changes, subscribing anew", self.name, len(late))
        return len(late)

    def _owes(self, handle: int, value: float | None, flags: Flag) -> bool:
        """Whether the server should have told what was read: it is more than a deadband away from what it told."""
        told = self._told.get(handle)
        if told is None:
            return value is not None or handle not in self._unmonitored
        if value is None or told[0] is None or flags != told[1]:
            return (value, flags) != told
        batch, place = self._places[handle - 1]
        node = batch.nodes[place]
        return abs(value - told[0]) > node.deadband * abs(node.scale)

    async def end(self) -> None:
        """Stop listening."""
        await self._forget()
