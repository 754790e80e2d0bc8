"""What is done with a station's telegram: who sent it, what of it goes to the sealer, when it is answered.

A telegram is answered only when the sealer has its values on disk, so that a station sends again what was not kept;
what comes twice is harmless. A wrong number or password is refused: counted, logged, not answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from services.hj212_receiver.answers import NOTIFICATION_ANSWER, answer
from services.hj212_receiver.remarks import Remarks
from services.hj212_receiver.station import Station
from tanji.acquisition.hj212 import Telegram
from tanji.acquisition.hj212_data import PERIODS
from tanji.acquisition.hj212_parts import Delivery
from tanji.errors import TelegramError

NOTIFICATION: Final = "1013"
"""A station asks for the time; that is noted and not followed: nothing here writes to a device."""

INFORMATION: Final = frozenset({"2081", "3019", "3020"})
"""Start of the logger, its identity, its log: for people, in our log."""

log = logging.getLogger(__name__)

Reply = Callable[[bytes], Awaitable[bool]]
"""Sends bytes to where a telegram came from; whether they went."""


class Sink(Protocol):
    """The way to the sealer; `tanji.acquisition.outbox.Outbox` is one."""

    async def send(self, lines: bytes) -> None:
        """Take lines that nobody will repeat."""

    async def deliver(self, lines: bytes) -> bool:
        """Take lines; whether the sealer has them on disk."""
        ...


class Intake:
    """All stations of a plant, behind however many connections."""

    def __init__(
        self,
        stations: Mapping[str, Station],
        *,
        sink: Sink,
        clock: Callable[[], int],
        monotonic_ms: Callable[[], int],
        remarks: Remarks,
    ) -> None:
        """stations : by number MN. clock : UTC now [ms]. monotonic_ms : a clock that does not jump [ms]."""
        self._stations = stations
        self._sink, self._clock, self._monotonic_ms = sink, clock, monotonic_ms
        self._remarks = remarks
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: dict[bytes, asyncio.Task[bool]] = {}
        self.refused_station = 0

    async def heard(self, telegram: Telegram, reply: Reply, *, peer: str) -> tuple[bool, set[asyncio.Task[None]]]:
        """Act on a telegram: whether it came from a station, and what is under way because of it."""
        station = self._stations.get(telegram.mn)
        if station is None:
            self.refused_station += 1
            self._remarks.say(f"refused: {peer} calls itself station {telegram.mn}, which the plant file does not have")
            return False, set()
        if not station.admits(telegram):
            station.counts["refused_password"] += 1
            self._remarks.say(f"refused: {peer} has a wrong password for station {station.id}")
            return False, set()
        station.counts["telegrams"] += 1
        if telegram.cn not in PERIODS:
            await self._other(station, telegram, reply)
            return True, set()
        deliveries = station.parts.add(telegram, now_ms=self._monotonic_ms())
        return True, {task for each in deliveries if (task := self._take(station, each, reply)) is not None}

    def give_up_late_parts(self) -> None:
        """Telegrams in parts that are not whole in time; kept as far as they came if nobody will send them again."""
        now = self._monotonic_ms()
        for station in self._stations.values():
            for delivery in station.parts.expired(now_ms=now):
                station.counts["incomplete"] += 1
                first = delivery.telegrams[0]
                self._remarks.say(f"station {station.id}: parts of a {first.cn} telegram did not come in time")
                if not any(telegram.answer_wanted for telegram in delivery.telegrams):
                    self._take(station, delivery, None)

    async def close(self) -> None:
        """Stop waiting for the sealer; what it has not acknowledged stays unanswered."""
        tasks: list[asyncio.Task[None] | asyncio.Task[bool]] = [*self._tasks, *self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _other(self, station: Station, telegram: Telegram, reply: Reply) -> None:
        """Commands that carry no measured values."""
        station.counts["other_commands"] += 1
        if telegram.cn == NOTIFICATION:
            log.info("station %s asks for the time", station.id)
            station.counts["answered"] += await reply(answer(telegram, command=NOTIFICATION_ANSWER))
        elif telegram.cn in INFORMATION:
            log.info("station %s, command %s: %s", station.id, telegram.cn, telegram.groups)
            if telegram.answer_wanted:
                station.counts["answered"] += await reply(answer(telegram))
        else:  # no answer: it would say that something was kept
            self._remarks.say(f"station {station.id}: command {telegram.cn} is not known here, and is not answered")

    def _take(self, station: Station, delivery: Delivery, reply: Reply | None) -> asyncio.Task[None] | None:
        """Begin to hand values on; None if there is nothing that could be."""
        now_ms = self._clock()
        try:
            lines, remarks = station.lines(delivery, now_ms=now_ms)
        except TelegramError as error:
            station.counts["unreadable"] += 1
            self._remarks.say(f"station {station.id}: DataTime: expected {error.expected}, got {error.got}")
            return None
        for remark in remarks:
            self._remarks.say(f"station {station.id}: {remark}")
        task = asyncio.get_running_loop().create_task(self._keep(station, delivery, lines, reply, now_ms=now_ms))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _keep(
        self, station: Station, delivery: Delivery, lines: bytes, reply: Reply | None, *, now_ms: int
    ) -> None:
        wanted = [telegram for telegram in delivery.telegrams if telegram.answer_wanted]
        if lines and not wanted:
            await self._sink.send(lines)
        elif lines and not await self._delivered(lines):
            station.counts["not_kept"] += 1
            self._remarks.say(f"station {station.id}: the sealer did not take a telegram, which is not answered")
            return
        station.last_success_ms = now_ms
        if reply is not None:
            for telegram in wanted:
                station.counts["answered"] += await reply(answer(telegram))

    async def _delivered(self, lines: bytes) -> bool:
        """Whether the sealer has the lines; a telegram that is repeated meanwhile waits with the first."""
        task = self._under_way.get(lines)
        if task is None:
            task = self._under_way[lines] = asyncio.get_running_loop().create_task(self._sink.deliver(lines))
            task.add_done_callback(lambda _: self._under_way.pop(lines, None))
        return await asyncio.shield(task)
