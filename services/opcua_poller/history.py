"""Fills a gap from the server's own history (OPC 10000-11, HistoryRead of raw values), where it has one.

While a server is away, the rows that would record the gap are owed, not said: a reading from history at the same
moment could not replace them. Once it answers, history is read; a cycle without a value in it is recorded as the gap it
is. What is owed for longer than `history_s` is recorded without waiting, so the debt is bounded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from asyncua import Client, ua

from services.opcua_poller.batch import Batch
from services.opcua_poller.values import EPOCH, reading_of, source_ms
from tanji.acquisition.flags import Flag, from_opcua

MOST_PAGES: Final = 10_000
"""Pages of one node's gap; a server that never says it is done is left."""

LINES: Final = 5000
"""Lines handed over at once."""

MOST_ATTEMPTS: Final = 3
"""How often history is asked for when the connection fails meanwhile; then the gap is recorded."""

SESSION_GONE: Final = {
    ua.StatusCodes.BadSessionIdInvalid,
    ua.StatusCodes.BadSessionClosed,
    ua.StatusCodes.BadSessionNotActivated,
    ua.StatusCodes.BadSecureChannelClosed,
    ua.StatusCodes.BadSecureChannelIdInvalid,
    ua.StatusCodes.BadTcpServerTooBusy,
    ua.StatusCodes.BadServerTooBusy,
}

PAGE_S: Final = 10.0
"""How long one page of history may take [s]."""

log = logging.getLogger(__name__)


class Debt:
    """Cycles of one batch that were not answered and are not recorded yet."""

    __slots__ = ("attempts", "batch", "done", "from_ms", "starts")

    def __init__(self, batch: Batch, from_ms: int) -> None:
        self.batch, self.from_ms = batch, from_ms
        self.starts: list[int] = []
        self.done: set[int] = set()
        self.attempts = 0


class History:
    """What is owed of one server."""

    def __init__(self, name: str, *, longest_ms: int, sink: Callable[[bytes], Awaitable[None]]) -> None:
        """longest_ms : how long a gap may wait for history [ms]. sink : takes lines."""
        self.name = name
        self._longest_ms, self._sink = longest_ms, sink
        self._debts: dict[Batch, Debt] = {}
        self._filling: asyncio.Task[None] | None = None

    def owe(self, batch: Batch, start_ms: int) -> str:
        """Note a cycle without an answer; lines of cycles that waited too long."""
        debt = self._debts.get(batch)
        if debt is None:
            after_ms = start_ms - batch.period_ms if batch.answered_ms is None else batch.answered_ms
            debt = self._debts[batch] = Debt(batch, after_ms)
        debt.starts.append(start_ms)
        count = sum(start < start_ms - self._longest_ms for start in debt.starts[:10])
        overdue, debt.starts = debt.starts[:count], debt.starts[count:]
        if overdue:
            debt.from_ms = overdue[-1]
        return "".join(batch.lines.failed(Flag.COMM, time_ms=start) for start in overdue)

    def pay(self, client: Client, *, until_ms: int) -> None:
        """Begin to fill what is owed, beside the cycles, up to a cycle that was answered [UTC ms]."""
        if self._debts and (self._filling is None or self._filling.done()):
            self._filling = asyncio.create_task(self._fill(client, until_ms), name=f"opcua history {self.name}")

    async def _fill(self, client: Client, until_ms: int) -> None:
        for batch in [batch for batch in self._debts if (batch.answered_ms or 0) >= until_ms]:
            debt, self._debts = self._debts[batch], {key: each for key, each in self._debts.items() if key != batch}
            try:
                await self._fill_batch(client, debt, until_ms)
            except BaseException as error:  # the connection again, or a stop: what is not done stays owed
                later = self._debts.get(batch)
                debt.starts += [] if later is None else later.starts
                debt.attempts += 1
                self._debts[batch] = debt
                if not isinstance(error, Exception):
                    raise
                log.warning("%s: history not read to its end: %r", self.name, error)
                return

    async def _fill_batch(self, client: Client, debt: Debt, until_ms: int) -> None:
        values = flagged = 0
        for place in range(len(debt.batch.nodes)):
            if place in debt.done:
                continue
            lines, covered = await self._past(client, debt, place, until_ms)
            values += len(lines)
            gap = [start for start in debt.starts if start // debt.batch.period_ms not in covered]
            flagged += len(gap)
            lines += [debt.batch.lines.one(place, None, Flag.COMM, time_ms=start) for start in gap]
            await self._hand_over(lines)
            debt.done.add(place)
        log.warning("%s: gap filled with %d values from history, %d rows flagged", self.name, values, flagged)

    async def _past(self, client: Client, debt: Debt, place: int, until_ms: int) -> tuple[list[str], set[int]]:
        """Lines of one node's history in the gap, and the cycles they lie in."""
        lines: list[str] = []
        covered: set[int] = set()
        node = debt.batch.nodes[place]
        try:
            async for data in _raw(client, debt.batch.node_ids[place], debt.from_ms, until_ms):
                time_ms = source_ms(data)
                if time_ms is not None and debt.from_ms < time_ms < until_ms:
                    value, flags = reading_of(data, scale=node.scale, offset=node.offset)
                    lines.append(debt.batch.lines.one(place, value, flags, time_ms=time_ms))
                    covered.add(time_ms // debt.batch.period_ms)
        except ua.UaStatusCodeError as error:
            if debt.attempts < MOST_ATTEMPTS and (from_opcua(error.code) & Flag.COMM or error.code in SESSION_GONE):
                raise
            log.info("%s: no history of %s: %s", self.name, node.id, type(error).__name__)
        except Exception as error:  # also what the library makes of garbage: a gap must not wait for ever
            if debt.attempts < MOST_ATTEMPTS:
                raise
            log.info("%s: history of %s given up: %r", self.name, node.id, error)
        return lines, covered

    async def _hand_over(self, lines: Sequence[str]) -> None:
        for first in range(0, len(lines), LINES):
            await self._sink("".join(lines[first : first + LINES]).encode())

    async def end(self) -> None:
        """Stop filling, and record the ends of what is owed: between them there is no row, which is a gap as well."""
        if self._filling is not None and not self._filling.done():
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)
        for debt in self._debts.values():
            ends = sorted({debt.starts[0], debt.starts[-1]}) if debt.starts else []
            left = [place for place in range(len(debt.batch.nodes)) if place not in debt.done]
            await self._hand_over(
                [debt.batch.lines.one(at, None, Flag.COMM, time_ms=end) for end in ends for at in left]
            )


async def _raw(client: Client, node_id: ua.NodeId, from_ms: int, until_ms: int) -> AsyncIterator[ua.DataValue]:
    """Raw values of a node, page by page; a server that repeats its continuation point is asked by time instead."""
    node = client.get_node(node_id)
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False, StartTime=_moment(from_ms), EndTime=_moment(until_ms), NumValuesPerNode=0
    )
    point: bytes | None = None
    for _ in range(MOST_PAGES):
        result = await asyncio.wait_for(node.history_read(details, point), PAGE_S)
        result.StatusCode.check()
        page = list(getattr(result.HistoryData, "DataValues", None) or ())
        for data in page:
            yield data
        if not result.ContinuationPoint:
            return
        if result.ContinuationPoint != point:
            point = result.ContinuationPoint
            continue
        latest = max((time_ms for data in page if (time_ms := source_ms(data)) is not None), default=None)
        if latest is None:
            return
        details.StartTime, point = _moment(latest + 1), None


def _moment(time_ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=time_ms)
