"""2,000 Modbus points polled every second into line protocol: the share of one core that takes.

Telegraf 1.39.3 takes 0.023 of a core for the same; where TANJI_TELEGRAF names the program it is measured in the same
run, and must not take less. The peer, in the same process right after, is the loop one would write
with the same client library's own number conversion and the InfluxDB client's points. A missed cycle, a lost row or a
flag fails the benchmark.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import modbus_plant
import telegraf_peer
from influxdb_client import Point as InfluxPoint
from influxdb_client import WritePrecision
from measure import report
from pymodbus.client import AsyncModbusTcpClient

from services.modbus_poller.poller import ModbusPoller
from tanji.acquisition.outbox import utc_ms

SECONDS = 10
POINTS = modbus_plant.DEVICES * len(modbus_plant.KINDS)
TELEGRAF_SHARE = 0.023


class Collected:
    """A sink that counts the bodies of each second."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, lines: bytes) -> None:
        self.bodies.append(lines)


async def tanji(addresses: dict[str, tuple[str, int]]) -> tuple[float, list[str]]:
    """Share of a core over whole cycles, and what went wrong."""
    collected, stop = Collected(), asyncio.Event()
    poller = ModbusPoller(modbus_plant.plant(), sink=collected, clock=utc_ms, addresses=addresses)
    running = asyncio.create_task(poller.run(stop))
    # In the middle between two cycles, after connections and the first cycle.
    await asyncio.sleep(2.5 - time.time() % 1)
    collected.bodies.clear()
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.sleep(SECONDS)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    rows = b"".join(collected.bodies)
    stop.set()
    await running
    return cpu / wall, faults(rows, poller.health())


def faults(rows: bytes, health: dict[str, dict[str, int | None]]) -> list[str]:
    """Why this run does not count."""
    found = []
    if rows.count(b"\n") != POINTS * SECONDS:
        found.append(f"expected {POINTS * SECONDS} rows, got {rows.count(chr(10).encode())}")
    if rows.count(b",quality=0i ") != rows.count(b"\n"):
        found.append("expected only good readings")
    missed = sum(each["missed_cycles"] or 0 for each in health.values())
    if missed:
        found.append(f"expected no missed cycle, got {missed}")
    return found


async def straightforward(addresses: dict[str, tuple[str, int]]) -> float:
    """Share of a core of the plain loop: the same requests, each number converted and made a Point of."""
    clients = {}
    for key, (host, port) in addresses.items():
        clients[key] = AsyncModbusTcpClient(host, port=port, timeout=1, retries=0)
        await clients[key].connect()
    registers = modbus_plant.registers()
    types: dict[str, Any] = {
        kind: AsyncModbusTcpClient.DATATYPE[kind.upper()] for kind in ("float32", "uint16", "uint32")
    }
    await asyncio.sleep(1 - time.time() % 1)
    cpu, wall, lines = time.process_time(), time.perf_counter(), 0
    for second in range(SECONDS):
        for key, client in clients.items():
            words: list[int] = []
            end = registers[-1].address + 2
            for first in range(0, end, 120):
                answer = await client.read_holding_registers(first, count=min(120, end - first))
                words += answer.registers
            now = time.time_ns() // 1_000_000_000 * 1_000_000_000
            for number, register in enumerate(registers):
                part = words[register.address : register.address + (1 if register.type == "uint16" else 2)]
                value = client.convert_from_registers(part, types[register.type], word_order="little")
                point = InfluxPoint("reading").tag("plant", "bench").tag("point", f"line1.{key}.value_{number:03d}")
                point.field("value", float(value)).field("quality", 0).time(now, WritePrecision.NS)
                lines += len(point.to_line_protocol()) > 0
        await asyncio.sleep(max(0.0, wall + second + 1 - time.perf_counter()))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    for client in clients.values():
        client.close()
    assert lines == POINTS * SECONDS
    return cpu / wall


def main() -> int:
    """Measure both and print the result line."""
    with modbus_plant.served() as addresses:
        share, found = asyncio.run(tanji(addresses))
        peer = asyncio.run(straightforward(addresses))
        telegraf = telegraf_peer.share(modbus_plant.plant(), addresses, seconds=SECONDS)
    if telegraf is not None and telegraf[1] < POINTS * (SECONDS - 1):
        found.append(f"expected about {POINTS * SECONDS} lines from Telegraf, got {telegraf[1]}")
    if share > (TELEGRAF_SHARE if telegraf is None else min(TELEGRAF_SHARE, telegraf[0])):
        found.append("expected less of a core than Telegraf takes")
    report(
        "poll_modbus_2000",
        value=round(share, 5),
        unit="share of one core",
        peer="pymodbus convert_from_registers and influxdb_client Point",
        peer_value=round(peer, 5),
        ratio=round(peer / share, 2),
        budget_share=TELEGRAF_SHARE,
        telegraf_share=None if telegraf is None else round(telegraf[0], 5),
        faults=found,
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
