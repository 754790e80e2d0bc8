"""One line to Modbus devices: a connection or a serial port, and one question at a time on it.

Many unit ids may be behind it. Questions go out strictly one after another, with the pauses the devices need; what is
left over from an earlier question is thrown away before the next one. How bytes are framed is
`tanji.acquisition.modbus_frames`, the serial port `services.modbus_poller.serial_port`, what an answer is worth
`services.modbus_poller.answer`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from services.modbus_poller import serial_port
from services.modbus_poller.late_answers import OWED_S, LateAnswers
from tanji.acquisition.modbus_frames import Framing, Question, RtuFraming, TcpFraming
from tanji.errors import FrameError, LineLost, Silence

RESOLVERS: Final = ThreadPoolExecutor(max_workers=4, thread_name_prefix="modbus-names")
"""Looking up a host name may hang for half a minute: never in the threads others wait for."""

HALF_OPEN_SILENCES: Final = 2
"""After this many questions in a row without a single byte the connection is given up: a peer that lost its power
never closes it."""


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A Modbus TCP server, or with `rtu` a gateway that passes RTU frames on as they are."""

    host: str
    port: int
    rtu: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Pace:
    """How a line is used [s]: longest wait for an answer, rest between questions, rest after connecting."""

    timeout_s: float
    pause_s: float = 0.0
    connect_pause_s: float = 0.0


@dataclass(slots=True)
class Exchange:
    """The last question and what came back, as bytes on the line."""

    sent: bytes = b""
    received: bytes = b""


class _Connection(asyncio.Protocol):
    """One life of a line; what an older one still has to say is not heard."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def data_received(self, data: bytes) -> None:
        self._line._came(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._line._lost(self)


class Line:
    """A line that is connected on demand and never reconnects by itself."""

    def __init__(
        self,
        address: TcpAddress | serial_port.SerialAddress,
        *,
        pace: Pace,
        late_after_s: float = OWED_S,
    ) -> None:
        """late_after_s : on a serial line, how long an answer that was given up may still come [s]."""
        self.address, self.pace = address, pace
        serial = isinstance(address, serial_port.SerialAddress)
        rtu = isinstance(address, serial_port.SerialAddress) or address.rtu
        self.framing: Framing = RtuFraming() if rtu else TcpFraming()
        self.last = Exchange()
        self._byte_s = address.byte_s if isinstance(address, serial_port.SerialAddress) else 0.0
        # Modbus over Serial Line V1.02, 2.5.1.1: frames are 3.5 characters apart, above 19,200 baud 1.75 ms.
        self._pause_s = max(pace.pause_s, max(3.5 * self._byte_s, 0.00175) if serial else 0.0)
        self._late = LateAnswers(late_after_s)
        self._connection: _Connection | None = None
        self._transport: asyncio.Transport | serial_port.SerialTransport | None = None
        self._received = bytearray()
        self._question: Question | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._number = 0
        self._silences = 0
        self._free_at = 0.0
        self._known: str | None = None

    @property
    def connected(self) -> bool:
        """Whether questions can be asked."""
        return self._transport is not None

    async def connect(self) -> None:
        """Open the line. LineLost if it cannot be opened within the timeout."""
        self.close()
        self._connection = connection = _Connection(self)
        try:
            async with asyncio.timeout(self.pace.timeout_s):
                transport = await self._open(connection)
        except TimeoutError:
            raise LineLost(f"does not accept a connection within {self.pace.timeout_s:g} s") from None
        except OSError as error:
            raise LineLost(f"does not accept a connection: {error.strerror or error}") from error
        if self._connection is not connection:
            raise LineLost("closed the connection")
        self._transport, self._silences = transport, 0
        self._free_at = self._now() + self.pace.connect_pause_s

    async def _open(self, connection: _Connection) -> asyncio.Transport | serial_port.SerialTransport:
        loop = asyncio.get_running_loop()
        if isinstance(self.address, serial_port.SerialAddress):
            return serial_port.open_port(self.address, loop=loop, protocol=connection)
        host = await self._resolved(loop, self.address.host, self.address.port)
        transport, _ = await loop.create_connection(lambda: connection, host, self.address.port)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return transport

    async def _resolved(self, loop: asyncio.AbstractEventLoop, host: str, port: int) -> str:
        """An IP address of the host; the last one known while the name server is away."""
        with suppress(ValueError):
            return str(ipaddress.ip_address(host))
        lookup = loop.run_in_executor(RESOLVERS, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        try:
            # A name server that says nothing must leave time to connect to the address that was known.
            found = await asyncio.wait_for(lookup, None if self._known is None else self.pace.timeout_s / 4)
        except OSError as error:
            if self._known is None:
                raise OSError(error.errno, f"the name {host} is not known") from error
            return self._known
        self._known = str(found[0][4][0])
        return self._known

    def close(self) -> None:
        """Close the line; a question under way ends with LineLost."""
        if self._transport is not None:
            self._transport.abort()
        self._lost(self._connection)

    async def ask(self, question: Question, *, within_s: float | None = None) -> bytes:
        """The data bytes of the answer. within_s : no longer than this, where it is less than the line's timeout [s].

        Errors: Silence, LineLost, FrameError for an answer that is none, RefusedError for an exception answer.
        """
        wait_s = self.pace.timeout_s if within_s is None else min(within_s, self.pace.timeout_s)
        if not self.framing.paired:
            probe = self._late.probe(question, now=self._now())
            if probe is not None:
                await self._exchange(probe, wait_s)  # once this is answered, everything older has been
                self._late.settled(question.unit_id)
        return await self._exchange(question, wait_s)

    async def _exchange(self, question: Question, wait_s: float) -> bytes:
        if (rest := self._free_at - self._now()) > 0:
            await asyncio.sleep(rest)
        if self._transport is None:
            raise LineLost("closed the connection")
        self._number = self._number % 0xFFFF + 1
        frame = self.framing.wrap(question, self._number)
        self.last = Exchange(frame)
        self._received.clear()
        loop = asyncio.get_running_loop()
        self._question, self._answer = question, loop.create_future()
        wait_s += self._byte_s * (len(frame) + question.size + 5)
        timer = loop.call_later(wait_s, self._give_up, wait_s)
        try:
            self._transport.write(frame)
            answer = await self._answer
        except Silence:
            if not self.framing.paired:
                self._late.owes(question, now=self._now())
            self._silent()
            raise
        except FrameError as error:
            if error.broken:
                self.close()
            raise
        finally:
            timer.cancel()
            self._question = self._answer = None
            self._free_at = self._now() + self._pause_s
        return answer

    def _give_up(self, wait_s: float) -> None:
        if self._answer is not None and not self._answer.done():
            came = f"; {len(self.last.received)} bytes came that are no answer" if self.last.received else ""
            self._answer.set_exception(Silence(f"does not answer within {wait_s * 1000:.0f} ms{came}"))

    def _silent(self) -> None:
        self._silences = 0 if self.last.received else self._silences + 1
        if self._silences >= HALF_OPEN_SILENCES and isinstance(self.address, TcpAddress):
            self.close()

    def _came(self, connection: _Connection, data: bytes) -> None:
        """Bytes came; the question may be answered now."""
        if connection is not self._connection or self._question is None:
            return
        if self._answer is None or self._answer.done():
            return  # to a question that has been given up
        self._silences = 0
        self.last.received += data
        self._received += data
        try:
            answer = self.framing.unwrap(self._received, self._question, self._number)
        except Exception as error:  # what the bytes mean is told to the one who asked
            self._answer.set_exception(error)
            return
        if answer is not None:
            self._answer.set_result(answer)

    def _lost(self, connection: _Connection | None) -> None:
        """The peer, or we, closed it."""
        if connection is not self._connection:
            return
        self._transport = self._connection = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(LineLost("closed the connection"))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
