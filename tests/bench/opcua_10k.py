"""10,000 OPC UA tags that change every second, to one process: values received per second, as line protocol.

The server, in a process of its own, writes every tag once a second, and is the slower of the two. The peer, in the same
run, is the loop one would write with the same library: a handler that makes an InfluxDB client's point of each
notification. What counts against it is CPU, since the server paces both. A value lost or flagged fails the benchmark.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from asyncua import Client, Server, ua
from influxdb_client import Point as InfluxPoint
from influxdb_client import WritePrecision
from measure import report

from services.opcua_poller.poller import OpcuaPoller
from tanji.acquisition.outbox import utc_ms
from tanji.plant.model import Line, Meter, OpcuaDevice, Plant, Point, Site

TAGS = 10_000
SECONDS = 20
BUDGET = 9_990
NAME = {"zh": "点", "en": "tag"}
READY_S = 300


def serve(port: int, tags: int, pipe: Any) -> None:
    """Write every tag once a second, spread over it, its source timestamp the whole second."""

    async def forever() -> None:
        server = Server()
        await server.init()
        server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/bench")
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        index = await server.register_namespace("urn:bench")
        nodes = []
        for n in range(tags):  # in folders of a hundred: adding to one parent takes longer with every node in it
            if n % 100 == 0:
                folder = await server.nodes.objects.add_folder(index, f"F{n:05d}")
            nodes.append((await folder.add_variable(ua.NodeId(f"T{n:05d}", index), f"T{n:05d}", 0.0)).nodeid)
        await server.start()
        pipe.send("ready")
        second = int(time.time()) + 1
        while True:
            await asyncio.sleep(max(0.0, second - time.time()))
            began = time.time()
            stamp = datetime.fromtimestamp(second, UTC)
            for n, node in enumerate(nodes):
                variant = ua.Variant(float(second % 1000 + n), ua.VariantType.Double)
                await server.write_attribute_value(node, ua.DataValue(variant, SourceTimestamp=stamp))
                if n % 200 == 199:
                    await asyncio.sleep(0)
            pipe.send((second, began))
            second += 1

    asyncio.run(forever())


@contextmanager
def served(tags: int) -> Iterator[tuple[int, Any]]:
    """The server on a free port, and what it says of the seconds it has written."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(port, tags, theirs), daemon=True)
    process.start()
    try:
        assert ours.poll(READY_S), "the server says nothing"
        ours.recv()
        yield port, ours
    finally:
        process.kill()
        process.join()


def plant(port: int, tags: int) -> Plant:
    """One subscribed server with all tags."""
    kiln = {"id": "kiln1", "name": NAME, "running": "kiln1.running"}
    device = {"id": "dcs", "name": NAME, "protocol": "opcua", "endpoint": f"opc.tcp://127.0.0.1:{port}/bench"}
    device |= {"read": "subscription", "audit_s": 60, "timeout_s": 10}
    common = {"name": NAME, "meter": "dcs", "kind": "rate", "unit": "t/h"}
    return Plant(
        tanji=1,
        site=Site(id="bench", name=NAME),
        lines=(Line.model_validate({"id": "line1", "name": NAME, "capacity_t_per_day": 5000, "kiln": kiln}),),
        devices=(OpcuaDevice.model_validate(device),),
        meters=(Meter.model_validate({"id": "dcs", "name": NAME, "kind": "control_system", "device": "dcs"}),),
        points=tuple(
            Point.model_validate(common | {"id": f"tag.t{n:05d}", "opcua": f"ns=2;s=T{n:05d}"}) for n in range(tags)
        ),
        streams=(),
    )


class Collected:
    """A sink that keeps the bodies."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, lines: bytes) -> None:
        self.bodies.append(lines)


def written(pipe: Any) -> list[tuple[int, float]]:
    """The whole seconds the server has written since the last call, and when it began each."""
    found = []
    while pipe.poll():
        found.append(pipe.recv())
    return found


async def tanji(port: int, pipe: Any, *, tags: int, seconds: int) -> tuple[float, float, int, list[str]]:
    """Values a second, share of a core, seconds the server wrote, and what went wrong."""
    collected, stop = Collected(), asyncio.Event()
    poller = OpcuaPoller(plant(port, tags), sink=collected, clock=utc_ms)
    running = asyncio.create_task(poller.run(stop))
    await settled(collected, tags)
    written(pipe)
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    done = written(pipe)
    await asyncio.sleep(4)  # what is under way
    stop.set()
    await running
    keys = [line.partition(b" ")[0::2] for line in b"".join(collected.bodies).splitlines()]
    good = {(point, rest.rpartition(b" ")[2]) for point, rest in keys if b",quality=0i" in rest}
    stamps = [b"%d000" % second for second, _ in done[:-1]]  # the last one only ends the span
    span = max(done[-1][1] - done[0][1], float(len(stamps)))  # a server that catches up makes no time
    counts = {stamp: 0 for stamp in stamps}
    for _, stamp in good:
        if stamp in counts:
            counts[stamp] += 1
    found = [f"second {stamp.decode()}: {count} of {tags}" for stamp, count in counts.items() if count != tags]
    if any(b"quality=0i" not in rest for _, rest in keys):
        found.append("expected no flag")
    return sum(counts.values()) / span, cpu / wall, len(done), found


async def settled(collected: Collected, tags: int) -> None:
    """Return once the tags come whole, second after second: connection, monitored items and first audit are over."""
    end = time.monotonic() + READY_S
    while [body.count(b"\n") >= tags for body in collected.bodies[-3:]] != [True] * 3:
        assert time.monotonic() < end, "the tags never came whole"
        await asyncio.sleep(0.5)


class Straightforward:
    """The handler one would write."""

    def __init__(self) -> None:
        self.lines = 0

    def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
        """One notification to one point of the InfluxDB client."""
        moment = data.monitored_item.Value.SourceTimestamp
        point = InfluxPoint("reading").tag("plant", "bench").tag("point", node.nodeid.Identifier.lower())
        point.field("value", float(value)).field("quality", 0).time(moment, WritePrecision.MS)
        self.lines += len(point.to_line_protocol()) > 0


async def straightforward(port: int, *, tags: int, seconds: int) -> tuple[float, float]:
    """Values a second and share of a core of that handler."""
    handler = Straightforward()
    async with Client(f"opc.tcp://127.0.0.1:{port}/bench", timeout=30) as client:
        subscription = await client.create_subscription(1000, handler)
        nodes = [client.get_node(ua.NodeId(f"T{n:05d}", 2)) for n in range(tags)]
        for first in range(0, tags, 500):
            await subscription.subscribe_data_change(nodes[first : first + 500], queuesize=10, sampling_interval=1000)
        await asyncio.sleep(5)
        handler.lines, cpu, wall = 0, time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        return handler.lines / wall, cpu / wall


def measure(*, tags: int, seconds: int) -> tuple[dict[str, float], list[str]]:
    """Figures of both, and why the run does not count."""
    with served(tags) as (port, pipe):
        rate, share, done, found = asyncio.run(tanji(port, pipe, tags=tags, seconds=seconds))
    # The peer gets fewer tags, since ten thousand are more than it can set up beside a server that writes them.
    with served(tags // 5) as (port, _):
        peer_rate, peer_share = asyncio.run(straightforward(port, tags=tags // 5, seconds=min(seconds, 10)))
    figures = {"rate": rate, "share": share, "server_seconds": float(done)}
    return figures | {"peer_rate": peer_rate, "peer_share": peer_share}, found


def main() -> int:
    """Measure both and print the result line."""
    figures, found = measure(tags=TAGS, seconds=SECONDS)
    if figures["rate"] < BUDGET:
        found.append(f"expected {BUDGET} values a second, got {figures['rate']:.0f}")
    per_core = figures["rate"] / figures["share"]
    peer = figures["peer_rate"] / figures["peer_share"]
    report(
        "opcua_10k",
        value=round(figures["rate"], 1),
        unit="values/s from 10,000 tags at 1 Hz",
        peer="asyncua handler and influxdb_client Point, values per CPU-second",
        peer_value=round(peer),
        ratio=round(per_core / peer, 2),
        values_per_cpu_second=round(per_core),
        share_of_a_core=round(figures["share"], 3),
        server_seconds=figures["server_seconds"],
        faults=found[:10],
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
