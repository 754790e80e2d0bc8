"""Fake Modbus peers that are honest, slow, silent or liars: on TCP, RTU over TCP and a pair of pseudo-terminals.

A peer is a function from (unit id, question as bytes) to the PDU of the answer, to None for silence, or to `Raw` for
exactly these bytes; `Late` is the answer after a while. Frames are built here by hand, not by the code under test.
"""

from __future__ import annotations

import asyncio
import os
import pty
import random
import tty
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from time import monotonic

from services.modbus_poller.poller import ModbusPoller
from tanji.acquisition.line_protocol import parse
from tanji.plant.model import Plant


@dataclass(frozen=True)
class Raw:
    """These bytes on the line, whatever they are."""

    data: bytes


@dataclass(frozen=True)
class Late:
    """This answer after so many seconds."""

    answer: bytes
    after_s: float


HANG_UP = Raw(b"")
"""Close the connection instead."""

Answer = bytes | Raw | Late | None
Peer = Callable[[int, bytes], Answer]


def crc(frame: bytes) -> bytes:
    """Modbus over Serial Line V1.02, 6.2.2, step by step."""
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value.to_bytes(2, "little")


def words(*values: int) -> bytes:
    """PDU of an answer to function 3 with these registers."""
    body = b"".join(value.to_bytes(2, "big") for value in values)
    return bytes([3, len(body)]) + body


def counting(unit: int, pdu: bytes) -> bytes:
    """An honest device: register number n holds 100 x unit + n."""
    address, count = int.from_bytes(pdu[1:3]), int.from_bytes(pdu[3:5])
    return words(*(100 * unit + address + place for place in range(count)))


async def tcp(
    stack: AsyncExitStack,
    peer: Peer,
    *,
    port: int = 0,
    rtu: bool = False,
    connected: Callable[[], object] | None = None,
) -> int:
    """A peer behind a TCP port; its port. `rtu`: frames as on a serial line. `connected`: told of each connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(1 if rtu else 7)
                pdu = await reader.readexactly(7 if rtu else int.from_bytes(head[4:6]) - 1)
                answer = peer(head[-1], pdu[:5])
                if answer is HANG_UP:
                    break
                frame = (lambda pdu, unit=head: unit + pdu) if rtu else (lambda pdu, head=head: mbap(head, pdu))
                await say(writer.write, answer, frame, plain=not rtu)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    talks: set[asyncio.Task[None]] = set()

    def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if connected is not None:
            connected()
        task = asyncio.get_running_loop().create_task(talk(reader, writer))
        talks.add(task)

    server = await asyncio.start_server(met, "127.0.0.1", port)

    async def close() -> None:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await asyncio.sleep(0)  # the transports say that they are closed

    stack.push_async_callback(close)
    return int(server.sockets[0].getsockname()[1])


def mbap(head: bytes, pdu: bytes) -> bytes:
    """The answer's TCP header before its PDU."""
    return head[:4] + (len(pdu) + 1).to_bytes(2) + head[6:7] + pdu


async def say(
    write: Callable[[bytes], object], answer: Answer, frame: Callable[[bytes], bytes], *, plain: bool = False
) -> None:
    """Put an answer on the line."""
    if isinstance(answer, Late):
        await asyncio.sleep(answer.after_s)
        answer = answer.answer
    if isinstance(answer, Raw):
        write(answer.data)
    elif answer is not None:
        framed = frame(answer)
        write(framed if plain else framed + crc(framed))


def serial(stack: AsyncExitStack, peer: Peer) -> str:
    """A peer at the far end of a pair of pseudo-terminals; the path of the near end."""
    far, near = pty.openpty()
    tty.setraw(far)
    tty.setraw(near)
    path = os.ttyname(near)
    loop, received, tasks = asyncio.get_running_loop(), bytearray(), set()

    def readable() -> None:
        with suppress(OSError):
            received.extend(os.read(far, 1000))
        while len(received) >= 8:
            frame = bytes(received[:8])
            del received[:8]
            heard = say(
                lambda data: os.write(far, data), peer(frame[0], frame[1:6]), lambda pdu, unit=frame[:1]: unit + pdu
            )
            task = loop.create_task(heard)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    loop.add_reader(far, readable)

    def gone() -> None:
        loop.remove_reader(far)
        os.close(far)
        with suppress(OSError):
            os.close(near)

    stack.callback(gone)
    return path


NAME = {"zh": "测", "en": "test"}
PERIOD_MS = 20_000
"""Long enough for any machine: what is asserted is order and content, never how fast."""


def plant(points: dict[str, dict[str, object]], **device: object) -> Plant:
    """One Modbus device `d`; a point's key `unit` is its unit id."""
    units = sorted({int(str(point.get("unit", 1))) for point in points.values()})
    return Plant.model_validate(
        {
            "tanji": 1,
            "site": {"id": "p1", "name": NAME},
            "lines": [
                {"id": "l", "name": NAME, "capacity_t_per_day": 1, "kiln": {"id": "k", "name": NAME, "running": "k.on"}}
            ],
            "devices": [
                {"id": "d", "name": NAME, "protocol": "modbus_tcp", "host": "127.0.0.1", "period_s": PERIOD_MS / 1000,
                 "timeout_s": 0.5, **device}
            ],
            "meters": [
                {"id": f"m{unit}", "name": NAME, "kind": "flow_meter", "device": "d", "unit_id": unit} for unit in units
            ],
            "points": [
                {"id": key, "name": NAME, "kind": "rate", "unit": "t/h", "meter": f"m{point.get('unit', 1)}",
                 "modbus": {name: value for name, value in point.items() if name not in ("unit", "via")}}
                for key, point in points.items()
            ],
            "streams": [],
        }
    )  # fmt: skip


Row = tuple[float | None, int]


@dataclass
class Cycles:
    """Drives a poller cycle by cycle: time stands at the cycle's start and goes on as the cycle really does."""

    plant: Plant
    addresses: dict[str, tuple[str, int]]
    rows: list[dict[str, Row]] = field(default_factory=list)
    start_ms: int = 1_700_000_000_000
    spent_ms: int = 0
    """How much of every cycle has gone by when it begins."""
    _began: float = 0.0

    def __post_init__(self) -> None:
        self.poller = ModbusPoller(
            self.plant, sink=self._take, clock=self._now, addresses=self.addresses, rng=random.Random(1)
        )
        (self.device,) = self.poller._devices

    def _now(self) -> int:
        return self.start_ms + self.spent_ms + round((monotonic() - self._began) * 1000)

    async def _take(self, lines: bytes) -> None:
        readings = parse(lines, precision="ms", arrival_ms=0).readings.to_pylist()
        assert {row["time"] for row in readings} == {self.start_ms}
        assert len({row["point"] for row in readings}) == len(readings)
        self.rows.append({row["point"]: (row["value"], row["quality"]) for row in readings})

    async def next(self) -> dict[str, Row]:
        """One cycle; its rows, one for every point whatever happened (R39: lost 0)."""
        self.start_ms += PERIOD_MS
        self._began = monotonic()
        await self.device.cycle(self.start_ms)
        assert self.rows[-1].keys() == {point.id for point in self.plant.points}
        return self.rows[-1]
