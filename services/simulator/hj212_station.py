"""A monitoring station as HJ 212-2017 has it: sends telegrams over TCP, waits for the answer, sends again without one.

It can be told to misbehave as real ones do: spoil telegrams on the line, cut them into pieces, send them twice. Values
come from the caller; `reporting` takes them from the simulated plant.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from services.simulator.live import Live
from tanji.acquisition.flags import to_hj212
from tanji.acquisition.hj212 import Group, Telegram, format_segment, format_telegram
from tanji.acquisition.hj212_data import FIELDS, PERIODS, local_text
from tanji.acquisition.hj212_stream import TelegramStream
from tanji.plant.model import Hj212Device, Plant

LONGEST_SEGMENT: Final = 1024
"""Bytes of a data segment before a station sends it in parts (HJ 212-2017 6.3)."""

ITEM_OF: Final = {kind: item for item, kind in FIELDS.items()}
COMMAND_OF: Final = {period or "rtd": command for command, period in PERIODS.items()}


@dataclass(slots=True)
class Misbehaviour:
    """How often a telegram is spoilt, cut into pieces on the line, or sent twice; shares of one."""

    spoilt: float = 0.0
    in_pieces: float = 0.0
    twice: float = 0.0


@dataclass(slots=True)
class Station:
    """One station and its connection."""

    mn: str
    password: str
    address: tuple[str, int]
    over_time_s: float = 2.0
    re_count: int = 3
    answer_wanted: bool = True
    misbehaviour: Misbehaviour = field(default_factory=Misbehaviour)
    rng: Random = field(default_factory=lambda: Random(212))
    answers: list[Telegram] = field(default_factory=list)
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None
    _stream: TelegramStream = field(default_factory=TelegramStream)

    async def report(self, command: str, groups: Sequence[Group], *, qn: str, longest: int = LONGEST_SEGMENT) -> bool:
        """Send data, in parts if they are long; whether all of it was answered (or none was wanted)."""
        head = (("QN", qn), ("ST", "31"), ("CN", command), ("PW", self.password), ("MN", self.mn))
        parts = in_parts(head, tuple(groups), longest=longest, flag=4 + self.answer_wanted)
        return all([await self.send(part) for part in parts])

    async def send(self, telegram: Telegram) -> bool:
        """Send one telegram until it is answered, at most `re_count` times more; whether it was."""
        for _ in range(1 + self.re_count):
            with contextlib.suppress(OSError):
                await self._write(format_telegram(telegram))
                if not self.answer_wanted or await self._answered(telegram):
                    return True
                continue
            await self.close()
            await asyncio.sleep(self.over_time_s / 10)
        return False

    async def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        self._reader = self._writer = None
        self._stream = TelegramStream()

    async def _write(self, data: bytes) -> None:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(*self.address)
        faults = self.misbehaviour
        sent = data * 2 if self.rng.random() < faults.twice else data
        if self.rng.random() < faults.spoilt:
            place = self.rng.randrange(6, len(data) - 6)
            sent = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        cut = self.rng.randrange(1, len(sent)) if self.rng.random() < faults.in_pieces else len(sent)
        for piece in (sent[:cut], sent[cut:]):
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(0.005 if cut < len(sent) else 0)

    async def _answered(self, telegram: Telegram) -> bool:
        """Wait for the answer under the telegram's number; ConnectionError if the other end hangs up."""
        assert self._reader is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.over_time_s):
                while True:
                    data = await self._reader.read(1 << 16)
                    if not data:
                        raise ConnectionResetError("the receiver hung up")
                    new = [found for found in self._stream.feed(data) if isinstance(found, Telegram)]
                    self.answers += new
                    if any(found.qn == telegram.qn and found.cn == "9014" for found in new):
                        return True
        return False


def in_parts(head: Group, groups: tuple[Group, ...], *, longest: int, flag: int) -> list[Telegram]:
    """One telegram, or several with data segments of at most `longest` bytes, each beginning with DataTime."""
    whole = Telegram((*head, ("Flag", str(flag))), groups)
    if len(format_segment(whole)) <= longest:
        return [whole]
    time, factors = groups[0], groups[1:]
    room = longest - len(format_segment(Telegram((*head, ("Flag", "9"), ("PNUM", "9999"), ("PNO", "9999")), (time,))))
    chunks: list[list[Group]] = [[]]
    used = 0
    for group in factors:
        size = 1 + sum(len(name) + len(value) + 2 for name, value in group)
        if chunks[-1] and used + size > room:
            chunks.append([])
            used = 0
        chunks[-1].append(group)
        used += size
    count = str(len(chunks))
    return [
        Telegram((*head, ("Flag", str(flag + 2)), ("PNUM", count), ("PNO", str(number))), (time, *chunk))
        for number, chunk in enumerate(chunks, start=1)
    ]


def factor(code: str, values: dict[str, float], *, mark: str = "N") -> Group:
    """A factor's items: values by item name (Rtd, Avg ...) and the mark."""
    return (*((f"{code}-{item}", f"{value:.10g}") for item, value in values.items()), (f"{code}-Flag", mark))


async def reporting(plant: Plant, live: Live, device: Hj212Device, *, password: str, address: tuple[str, int]) -> None:
    """Report the simulated plant's values of a station once every period, until cancelled."""
    station = Station(mn=device.mn, password=password, address=address)
    zone = ZoneInfo(plant.site.timezone)
    try:
        while True:
            now_ms = live.clock()
            for command, groups in shown_groups(plant, live, device, time_ms=now_ms, zone=zone).items():
                await station.report(command, groups, qn=local_text(now_ms, zone=zone, ms=True))
            await asyncio.sleep(device.period_s - (live.clock() / 1000) % device.period_s)
    finally:
        await station.close()


def shown_groups(
    plant: Plant, live: Live, device: Hj212Device, *, time_ms: int, zone: ZoneInfo
) -> dict[str, list[Group]]:
    """Data areas by command: what the station's instruments show in this second; nothing for those that are silent."""
    shown = live.at(time_ms // 1000 * 1000)
    areas: dict[str, list[Group]] = {}
    for point in plant.points:
        if point.hj212 is None or plant.device_of(point) is not device:
            continue
        place = live.place[point.id]
        if not shown.answering[place]:
            continue
        period, _, name = point.hj212.kind.rpartition("_")
        command = COMMAND_OF["rtd"] if name == "rtd" else COMMAND_OF[period.partition("_")[0]]
        item = ITEM_OF[point.hj212.kind if name == "rtd" else point.hj212.kind.partition("_")[2]]
        raw = (
            (float(shown.values[place]) - point.offset) / point.scale
            if point.kind != "counter"
            else shown.values[place]
        )
        area = areas.setdefault(command, [(("DataTime", local_text(time_ms, zone=zone)),)])
        area.append(factor(point.hj212.code, {item: raw}, mark=to_hj212(int(shown.quality[place]))))
    return areas


@contextlib.asynccontextmanager
async def stations_reporting(plant: Plant, live: Live, *, address: tuple[str, int]) -> AsyncIterator[None]:
    """All HJ 212 stations of a plant reporting to `address` inside the block, each with the password of its file."""
    async with asyncio.TaskGroup() as group:
        tasks = []
        for device in plant.devices:
            if isinstance(device, Hj212Device):
                password = Path(device.password_file).read_text(encoding="utf-8").splitlines()[0].strip()
                tasks.append(group.create_task(reporting(plant, live, device, password=password, address=address)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
