"""The TCP server that HJ 212 stations report to: many stations, one connection or several each.

One station that sends rubbish, or hangs, costs no other station a telegram. What is done with a telegram is
`services.hj212_receiver.intake`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Mapping
from typing import Final

from services.hj212_receiver.intake import Intake, Sink
from services.hj212_receiver.remarks import Remarks
from services.hj212_receiver.station import stations
from tanji.acquisition.hj212_stream import TelegramStream
from tanji.errors import TelegramError
from tanji.plant.model import Plant

READ_BYTES: Final = 1 << 16
IDLE_S: Final = 7_500.0
"""A connection without a byte for this long is closed [s]: a station reports every hour at least."""

MOST_CONNECTIONS: Final = 256
"""A plant has a handful of stations."""

MOST_WAITING: Final = 64
"""Telegrams of one connection on their way to the sealer; more wait in the station's own buffer."""

MOST_FAULTS: Final = 20
"""Faults and refusals in a row after which a connection is closed: this is no station, or one that needs a person."""

LAST_ANSWERS_S: Final = 30.0
"""How long a connection whose station has finished sending is kept for its answers [s]."""

TICK_S: Final = 0.5
"""How often parts that did not come are looked for [s]."""

log = logging.getLogger(__name__)


class Hj212Receiver:
    """Listens for the stations of a plant file until told to stop."""

    def __init__(
        self,
        plant: Plant,
        *,
        sink: Sink,
        clock: Callable[[], int],
        host: str | None = None,
        port: int | None = None,
        passwords: Mapping[str, str] | None = None,
    ) -> None:
        """clock : UTC now [ms]. host, port : instead of the plant file's; port 0 is a free one.

        passwords : by device id, instead of the plant file's files. Raises UsageError if one cannot be read.
        """
        self._stations = stations(plant, passwords=passwords)
        self._remarks = Remarks(_monotonic_ms)
        self._intake = Intake(self._stations, sink=sink, clock=clock, monotonic_ms=_monotonic_ms, remarks=self._remarks)
        services = plant.services
        self._host = services.hj212_host if host is None else host
        self._port = services.hj212_port if port is None else port
        self._server: asyncio.Server | None = None
        self._writers: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._faults = 0

    async def start(self) -> tuple[str, int]:
        """Listen; returns the address. OSError if it cannot be had."""
        self._server = await asyncio.start_server(self._connected, self._host, self._port, limit=READ_BYTES)
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def run(self, stop: asyncio.Event) -> None:
        """Take telegrams until `stop` is set, then close every connection."""
        if self._server is None:
            await self.start()
        assert self._server is not None
        try:
            while not stop.is_set():
                self._intake.give_up_late_parts()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), TICK_S)
        finally:
            self._server.close()
            ending = [task for task in self._writers.values() if task is not None]
            for writer in list(self._writers):
                writer.close()
            await self._intake.close()
            await self._server.wait_closed()
            if ending:  # so that none is destroyed in the middle of a read
                await asyncio.wait(ending, timeout=TICK_S)

    def health(self) -> dict[str, dict[str, int | None]]:
        """By device id: last success [UTC ms], clock offset [ms], counts."""
        return {station.id: station.health() for station in self._stations.values()}

    def counters(self) -> dict[str, int]:
        """What belongs to no station: unknown numbers, faults on the line, open connections."""
        open_now = len(self._writers)
        return {"refused_station": self._intake.refused_station, "faults": self._faults, "connections": open_now}

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("unknown",))[0])
        if len(self._writers) >= MOST_CONNECTIONS:
            self._remarks.say(f"more than {MOST_CONNECTIONS} connections: one from {peer} is closed")
            writer.close()
            return
        self._writers[writer] = asyncio.current_task()
        try:
            _keep_alive(writer)
            await self._listen(reader, writer, peer=peer)
        except (OSError, TimeoutError) as error:
            log.info("connection from %s ended: %s", peer, error)
        finally:
            self._writers.pop(writer, None)
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, peer: str) -> None:
        stream = TelegramStream()
        waiting: set[asyncio.Task[None]] = set()
        in_a_row = 0

        async def reply(data: bytes) -> bool:
            """A station that is gone will ask again on its next connection."""
            with contextlib.suppress(OSError):
                if not writer.is_closing():
                    writer.write(data)
                    await writer.drain()
                    return True
            return False

        while data := await asyncio.wait_for(reader.read(READ_BYTES), IDLE_S):
            for found in stream.feed(data):
                if isinstance(found, TelegramError):
                    good = self._fault(found, peer=peer)
                else:
                    good, tasks = await self._intake.heard(found, reply, peer=peer)
                    waiting = {task for task in waiting | tasks if not task.done()}
                in_a_row = 0 if good else in_a_row + 1
                if in_a_row >= MOST_FAULTS:
                    self._remarks.say(f"connection from {peer} closed after {in_a_row} faults in a row")
                    return
                while len(waiting) >= MOST_WAITING:
                    _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if waiting:  # a station may say that it has no more to send, and still listen
            await asyncio.wait(waiting, timeout=LAST_ANSWERS_S)

    def _fault(self, fault: TelegramError, *, peer: str) -> bool:
        self._faults += 1
        # Neither position nor bytes: the same line fault would be another text each time.
        self._remarks.say(f"bytes from {peer} are no telegram: expected {fault.expected.partition(' and ')[0]}")
        return False


def _monotonic_ms() -> int:
    return round(asyncio.get_running_loop().time() * 1000)


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Find out within minutes that a station has gone without saying so."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 5)):
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
