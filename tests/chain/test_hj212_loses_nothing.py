"""Station -> receiver -> sealer -> store, with the receiver, the sealer or both killed in the middle (R39).

What a station was told is kept is in the store once, with its value; what it was not told it sends again. The station
is the simulator's, on real TCP, the processes are killed with SIGKILL at random moments.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import signal
import socket
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from services.hj212_receiver.receiver import Hj212Receiver
from services.sealer import create_sealer
from services.sealer.__main__ import serve
from services.simulator.hj212_station import Misbehaviour, Station
from tanji.acquisition.outbox import Outbox, utc_ms
from tanji.plant.names import raw_bucket
from tanji.store.embedded import EmbeddedStore

from ..services.hj212_rig import CO2, MN, PASSWORDS, area, co2, factor, hj212_plant, qn
from ..services.sealer_rig import NOON, PLANT_ID

KILLS = 7
LIMIT_S = 20.0


def free_port() -> int:
    """A port that was free a moment ago: a process that is started again needs the same one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def seal(data_dir: Path, port: int) -> None:
    """The sealer's process."""
    serve(hj212_plant(), data_dir, host="127.0.0.1", port=port, wait=signal.pause, announce=lambda _: None)


def receive(port: int, sealer_port: int) -> None:
    """The receiver's process."""

    async def forever() -> None:
        with Outbox(f"http://127.0.0.1:{sealer_port}", first_wait_s=0.02, most_wait_s=0.1) as outbox:
            receiver = Hj212Receiver(
                hj212_plant(), sink=outbox, clock=utc_ms, host="127.0.0.1", port=port, passwords=PASSWORDS
            )
            await receiver.run(asyncio.Event())

    asyncio.run(forever())


class Processes:
    """Sealer and receiver, each started again after it was killed."""

    def __init__(self, context: ForkServerContext, data_dir: Path) -> None:
        self._context = context
        self.sealer_port, self.port = free_port(), free_port()
        self._made = {
            "sealer": (seal, (data_dir, self.sealer_port)),
            "receiver": (receive, (self.port, self.sealer_port)),
        }
        self._running: dict[str, ForkServerProcess] = {}

    def start(self, name: str) -> None:
        target, arguments = self._made[name]
        self._running[name] = self._context.Process(target=target, args=arguments, daemon=True)
        self._running[name].start()

    def kill(self, name: str) -> None:
        process = self._running.pop(name)
        process.kill()
        process.join(LIMIT_S)
        process.close()


async def report(station: Station, acknowledged: set[int], stop: asyncio.Event) -> int:
    """Send one numbered telegram after the other until told to stop; how many were sent."""
    number = 0
    while not stop.is_set():
        groups = area(NOON + number * 1000, co2(number), factor("a19001", {"Rtd": number / 4}))
        if await station.report("2011", groups, qn=qn(number), longest=180 if number % 3 == 0 else 1024):
            acknowledged.add(number)
        number += 1
        await asyncio.sleep(0.002)
    await station.close()
    return number


async def disturbed(processes: Processes, killed: tuple[str, ...], acknowledged: set[int]) -> int:
    """Let a station report while processes die."""
    rng = random.Random(212)
    for name in ("sealer", "receiver"):
        processes.start(name)
    station = Station(
        mn=MN,
        password=PASSWORDS["stack"],
        address=("127.0.0.1", processes.port),
        over_time_s=0.1,
        misbehaviour=Misbehaviour(spoilt=0.02, in_pieces=0.2, twice=0.1),
    )
    stop = asyncio.Event()
    reporting = asyncio.create_task(report(station, acknowledged, stop))
    for _ in range(KILLS):
        known = len(acknowledged)
        async with asyncio.timeout(LIMIT_S):
            while len(acknowledged) < known + rng.randint(3, 20):
                await asyncio.sleep(0.005)
        await asyncio.sleep(rng.uniform(0, 0.02))
        for name in killed:
            await asyncio.to_thread(processes.kill, name)
        for name in killed:
            processes.start(name)
    stop.set()
    return await reporting


@pytest.mark.parametrize("killed", [("receiver",), ("sealer",), ("receiver", "sealer")], ids=" and ".join)
def test_what_a_station_was_told_is_kept_survives_kills(killed: tuple[str, ...], tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["services.sealer.__main__", "services.hj212_receiver.receiver"])
    processes = Processes(context, tmp_path)
    acknowledged: set[int] = set()
    sent = asyncio.run(disturbed(processes, killed, acknowledged))
    processes.kill("receiver")
    processes.kill("sealer")
    assert len(acknowledged) > 2 * KILLS
    check(drained(tmp_path), acknowledged, sent=sent)
    assert not list((tmp_path / "parked").glob("*.jsonl")), "what was sent twice was taken for something else"


def drained(data_dir: Path) -> list[dict[str, Any]]:
    """Readings of the store once the spool has been brought in."""
    store = EmbeddedStore(data_dir / "tsdb.duckdb")
    sealer = create_sealer(hj212_plant(), data_dir=data_dir, store=store, clock=utc_ms)
    try:
        assert sealer.drain(LIMIT_S)
        rows: list[dict[str, Any]] = store.read(raw_bucket(PLANT_ID), "reading").to_pylist()
        return rows
    finally:
        sealer.stop()
        store.close()


def check(rows: list[dict[str, Any]], acknowledged: set[int], *, sent: int) -> None:
    """Every acknowledged value once and right; nothing that was never sent."""
    found = [(row["point"], (row["time"] - NOON) // 1000, row["value"], row["quality"]) for row in rows]
    assert len(found) == len({entry[:2] for entry in found})
    for number in acknowledged:
        assert (CO2, number, float(number), 0) in found
    for point, number, value, quality in found:
        assert 0 <= number < sent and quality == 0
        assert value == (number if point == CO2 else number / 4 * 2.0 + 1.0)
