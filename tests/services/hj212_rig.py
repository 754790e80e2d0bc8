"""What the HJ 212 tests share: a plant with two stations, their telegrams, and a sealer that answers as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from services.hj212_receiver.receiver import Hj212Receiver
from services.simulator.hj212_station import Station, factor
from tanji.acquisition.hj212 import Group
from tanji.plant.model import Plant

from .sealer_rig import NAME, NOON, PLANT_ID, plant

CO2, OXYGEN, FLOW, CO2_MINUTE, OLD_CO2 = "stack.co2", "stack.o2", "stack.flow", "stack.co2_minute", "old.co2"
MN, OLD_MN = "010000A8900016F000169DC0", "88888880000001"
PASSWORDS = {"stack": "123456", "old": "654321"}


def hj212_plant(**station: Any) -> Plant:
    """Two stations: one of 2017 with CO2, oxygen, a flow total and a minute value, one of 2005 with CO2."""
    whole = plant().model_dump(mode="json", exclude_none=True)
    device = {"name": NAME, "protocol": "hj212", "password_file": "none", "timeout_s": 1.0}
    meter = {"name": NAME, "kind": "gas_analyser"}
    point = {"name": NAME, "meter": "analyser", "kind": "concentration", "unit": "%"}
    whole["devices"] += [
        device | {"id": "stack", "mn": MN, "ignore": ["a34013"]} | station,
        device | {"id": "old", "mn": OLD_MN},
    ]
    whole["meters"] += [meter | {"id": "analyser", "device": "stack"}, meter | {"id": "old", "device": "old"}]
    minute = {"code": "a05001", "kind": "minute_avg"}
    total = {"kind": "counter", "unit": "m3", "rollover": 10**9, "scale": 0.1}
    whole["points"] += [
        point | {"id": CO2, "hj212": {"code": "a05001"}},
        point | {"id": OXYGEN, "hj212": {"code": "a19001"}, "scale": 2.0, "offset": 1.0},
        point | {"id": FLOW, "hj212": {"code": "a00000"}} | total,
        point | {"id": CO2_MINUTE, "hj212": minute, "period_s": 600},
        point | {"id": OLD_CO2, "meter": "old", "hj212": {"code": "30"}},
    ]
    return Plant.model_validate(whole)


def local(time_ms: int) -> str:
    """DataTime of a moment on Shanghai's clocks, which have been UTC+8 since 1991."""
    return (datetime.fromtimestamp(time_ms // 1000, UTC) + timedelta(hours=8)).strftime("%Y%m%d%H%M%S")


def area(time_ms: int, *factors: Group) -> list[Group]:
    """A data area."""
    return [(("DataTime", local(time_ms)),), *factors]


def co2(value: float, *, mark: str = "N", item: str = "Rtd") -> Group:
    """The CO2 factor."""
    return factor("a05001", {item: value}, mark=mark)


def qn(number: int) -> str:
    """A request number."""
    return f"{20260301_000000_000 + number}"


class Sealer:
    """Keeps what it is given; answers as told: True, False, or nothing while `held` is clear."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bodies = 0
        self.takes = True
        self.answering = asyncio.Event()
        self.answering.set()

    async def send(self, lines: bytes) -> None:
        """For telegrams that ask for no answer."""
        self.lines += lines.decode().splitlines()

    async def deliver(self, lines: bytes) -> bool:
        """For those that do."""
        self.bodies += 1
        await self.answering.wait()
        if self.takes:
            await self.send(lines)
        return self.takes

    def readings(self) -> list[str]:
        """Lines without the part that is the same in all."""
        return [line.removeprefix(f"reading,plant={PLANT_ID},point=") for line in self.lines]


@asynccontextmanager
async def receiving(
    sink: Any, *, clock: Callable[[], int] = lambda: NOON, **station: Any
) -> AsyncIterator[tuple[Hj212Receiver, tuple[str, int]]]:
    """A receiver that listens, and its address."""
    receiver = Hj212Receiver(
        hj212_plant(**station), sink=sink, clock=clock, host="127.0.0.1", port=0, passwords=PASSWORDS
    )
    address = await receiver.start()
    stop = asyncio.Event()
    running = asyncio.create_task(receiver.run(stop))
    try:
        yield receiver, address
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)


@asynccontextmanager
async def station_at(address: tuple[str, int], **options: Any) -> AsyncIterator[Station]:
    """The 2017 station, hung up at the end."""
    made = Station(**{"mn": MN, "password": PASSWORDS["stack"], "address": address, "over_time_s": 1.0} | options)
    try:
        yield made
    finally:
        await made.close()
