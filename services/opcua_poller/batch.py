"""Points as the OPC UA poller needs them, in batches read by one request, and the times their readings get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asyncua import ua

from services.opcua_poller.values import reading_of, source_ms, status_of
from tanji.acquisition.flags import Flag
from tanji.acquisition.reading_lines import ReadingLines

MOST_NODES: Final = 500
"""Nodes in one read request; small control systems answer BadTooManyOperations above a thousand."""


@dataclass(frozen=True, slots=True)
class PolledNode:
    """A point as a poller needs it. Reading = node's value x scale + offset, period in ms, deadband in node's unit."""

    id: str
    node: str
    period_ms: int
    scale: float = 1.0
    offset: float = 0.0
    deadband: float = 0.0


class Trace:
    """What was last said of one node: its newest source timestamp [UTC ms], value and flags, and the time it got.

    The first reading of a time stands, so another one of that time would be lost: it gets the millisecond after.
    """

    __slots__ = ("flags", "said", "said_ms", "source_ms", "value")

    def __init__(self) -> None:
        self.source_ms = self.said_ms = 0
        self.value: float | None = None
        self.flags = Flag(0)
        self.said = (self.value, self.flags)

    def read_at(self, data: ua.DataValue, value: float | None, flags: Flag, *, read_ms: int) -> int:
        """Time of a value that was read: the source's if it is news, else the read confirms the value."""
        source = source_ms(data)
        time_ms = self._free(source if source is not None and source > self.source_ms else read_ms, value, flags)
        self._note(source, value, flags, time_ms)
        return time_ms

    def told_at(
        self, data: ua.DataValue, value: float | None, flags: Flag, *, now_ms: int, oldest_ms: int
    ) -> int | None:
        """Time of a value that the server told; None if it said so before.

        A change that keeps the timestamp of the value before (servers do so when a sensor fails) counts from now on:
        the older reading was good. The first value after a start may be older than `oldest_ms`; it still holds now.
        """
        source = source_ms(data)
        first = self.said_ms == 0
        if source is None or (first and source < oldest_ms):
            time_ms = max(now_ms, self.said_ms + 1)
        elif source < self.source_ms:
            return source  # late, by its own time; what was said since still holds
        elif source == self.source_ms:
            if (value, flags) == (self.value, self.flags):
                return None
            time_ms = max(now_ms, self.said_ms + 1)
        else:
            time_ms = self._free(source, value, flags)
        self._note(source, value, flags, time_ms)
        return time_ms

    def _free(self, time_ms: int, value: float | None, flags: Flag) -> int:
        """Servers stamp whole seconds, and reads confirm the value before at whole seconds: the two may meet."""
        return time_ms + 1 if time_ms == self.said_ms and (value, flags) != self.said else time_ms

    def _note(self, source: int | None, value: float | None, flags: Flag, time_ms: int) -> None:
        self.source_ms = max(self.source_ms, source or 0)
        if time_ms >= self.said_ms:
            self.said_ms, self.said = time_ms, (value, flags)
        self.value, self.flags = value, flags


class Batch:
    """Nodes that are read in one request."""

    def __init__(self, nodes: Sequence[PolledNode], *, plant_id: str, period_ms: int) -> None:
        self.period_ms = period_ms
        self.nodes = nodes
        self.node_ids = [ua.NodeId.from_string(node.node) for node in nodes]
        self.lines = ReadingLines([node.id for node in nodes], plant_id=plant_id)
        self.traces = [Trace() for _ in nodes]
        self.statuses = [0] * len(nodes)
        self.answered_ms: int | None = None

    def readings(self, answer: Sequence[ua.DataValue]) -> list[tuple[float | None, Flag]]:
        """Value and flags of every node."""
        return [
            reading_of(data, scale=node.scale, offset=node.offset)
            for data, node in zip(answer, self.nodes, strict=True)
        ]

    def changes(self, answer: Sequence[ua.DataValue]) -> list[tuple[str, int, int]]:
        """Points whose status code changed, with the codes now and before; they are the ones before from now on."""
        now = [status_of(data) for data in answer]
        if now == self.statuses:
            return []
        pairs = zip(self.nodes, now, self.statuses, strict=True)
        found = [(node.id, one, other) for node, one, other in pairs if one != other]
        self.statuses = now
        return found

    def at_source_times(self, answer: Sequence[ua.DataValue], *, read_ms: int) -> str:
        """Lines of a read, with the source's timestamps where they are news."""
        parts = []
        for place, (data, (value, flags)) in enumerate(zip(answer, self.readings(answer), strict=True)):
            time_ms = self.traces[place].read_at(data, value, flags, read_ms=read_ms)
            parts.append(self.lines.one(place, value, flags, time_ms=time_ms))
        return "".join(parts)


def batches(nodes: Sequence[PolledNode], *, plant_id: str, period_ms: int | None = None) -> list[Batch]:
    """The nodes in batches of one period each, or all of `period_ms`."""
    periods = {node.period_ms for node in nodes} if period_ms is None else {period_ms}
    found = []
    for period in sorted(periods):
        chosen = [node for node in nodes if period_ms is not None or node.period_ms == period]
        found += [
            Batch(chosen[first : first + MOST_NODES], plant_id=plant_id, period_ms=period)
            for first in range(0, len(chosen), MOST_NODES)
        ]
    return found
