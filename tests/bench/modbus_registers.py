"""Registers read and turned into numbers per second of processor time, against pymodbus alone reading the same.

One connection asks for 125 registers again and again. Ours frames, checks, decodes 62 floats and an integer and writes
their lines; the peer, in the same process right after, is pymodbus' own client, which hands over the words and decodes
nothing. The answers come from another process, written without a library so that it is no bottleneck; a wrong number
fails the benchmark. The budget is 0.6 of the peer.
"""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from measure import report
from pymodbus.client import AsyncModbusTcpClient

from services.modbus_poller.line import Line, Pace, TcpAddress
from services.modbus_poller.request import PolledPoint, prepare
from tanji.acquisition.registers import RegisterLayout

REGISTERS = 125
REQUESTS = 4_000
BUDGET_RATIO = 0.6
VALUES = [331.25 + number for number in range(62)]
BODY = struct.pack(">62fH", *VALUES, 7)


async def ours(port: int) -> tuple[float, bool]:
    """Registers per CPU second, and whether every line was right."""
    layouts = [RegisterLayout("holding", 2 * number, "float32") for number in range(62)]
    layouts.append(RegisterLayout("holding", 124, "uint16"))
    points = [PolledPoint(f"device.value_{number:03d}", layout, 1000) for number, layout in enumerate(layouts)]
    (request,) = prepare(points, plant_id="bench", limits={})
    line = Line(TcpAddress("127.0.0.1", port), pace=Pace(5.0))
    await line.connect()
    expected = request.good(BODY, time_ms=0)
    cpu, right = time.process_time(), True
    for _ in range(REQUESTS):
        right = request.good(await line.ask(request.question), time_ms=0) == expected and right
    cpu = time.process_time() - cpu
    line.close()
    return REGISTERS * REQUESTS / cpu, right


async def pymodbus(port: int) -> float:
    """Registers per CPU second."""
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=5, retries=0)
    await client.connect()
    cpu, words = time.process_time(), 0
    for _ in range(REQUESTS):
        answer = await client.read_holding_registers(0, count=REGISTERS, device_id=1)
        words += len(answer.registers)
    cpu = time.process_time() - cpu
    client.close()
    assert words == REGISTERS * REQUESTS
    return words / cpu


@contextmanager
def served() -> Iterator[int]:
    """The device, in another process; its port."""
    process = subprocess.Popen([sys.executable, __file__, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


class Device(asyncio.Protocol):
    """Answers every question with the same registers."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self.back = transport

    def data_received(self, data: bytes) -> None:
        """A whole question: twelve bytes, of which the transaction number and the unit come back."""
        size = len(BODY)
        self.back.write(data[:4] + (size + 3).to_bytes(2) + data[6:7] + bytes((3, size)) + BODY)


async def serve() -> None:
    """Serve until standard input closes."""
    server = await asyncio.get_running_loop().create_server(Device, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


def main() -> int:
    """Measure both and print the result line."""
    with served() as port:
        value, right = asyncio.run(ours(port))
        peer = asyncio.run(pymodbus(port))
    report(
        "modbus_registers",
        value=round(value),
        unit="registers/CPU s",
        peer="pymodbus client alone, nothing decoded",
        peer_value=round(peer),
        ratio=round(value / peer, 2),
        budget_ratio=BUDGET_RATIO,
        faults=[] if right else ["expected the same lines every time"],
    )
    return 0 if right and value >= BUDGET_RATIO * peer else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        sys.exit(main())
