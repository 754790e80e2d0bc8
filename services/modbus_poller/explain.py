"""One pass over a device for the engineer at the cabinet: what is asked, what came back, and what becomes of it.

The same requests, line and judgement as the poller's; nothing is sent on. A request that is refused for being too wide
is taken apart as the poller would, so that what is shown is what polling settles on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter

from services.modbus_poller import wiring
from services.modbus_poller.answer import Refusal, refusal_of
from services.modbus_poller.identity import SerialNumber
from services.modbus_poller.line import Line, Pace
from services.modbus_poller.request import PolledPoint, Request, prepare
from tanji.acquisition.flags import Flag
from tanji.acquisition.registers import decode
from tanji.errors import AcquisitionError, CodecError, LineLost
from tanji.plant.model import ModbusLine, Plant


@dataclass(frozen=True, slots=True)
class ReadPoint:
    """A point of a request. words : its registers as they came. raw : the number in them. stored : the reading.

    refused : why there is no number in the words.
    """

    id: str
    words: tuple[int, ...] | None
    raw: float | None
    stored: float | None
    flag: Flag
    refused: str = ""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request and what became of it. sent, received : bytes on the line. took_ms : from the first to the last."""

    unit_id: int
    table: str
    address: int
    count: int
    period_ms: int
    sent: bytes
    received: bytes
    took_ms: float
    refusal: Refusal | None
    points: tuple[ReadPoint, ...]


@dataclass(frozen=True, slots=True)
class ReadDevice:
    """One pass over a device. unreachable : why the line could not be opened. serials : by meter id, or why not."""

    device: str
    address: str
    unreachable: str
    requests: tuple[ReadRequest, ...]
    serials: Mapping[str, str]


async def read_once(
    plant: Plant, device: ModbusLine, *, addresses: Mapping[str, tuple[str, int]] | None = None
) -> ReadDevice:
    """Ask a device everything once, points of every `via` included: whoever reads them, the cabinet is the same."""
    same = plant.model_copy(update={"points": tuple(p.model_copy(update={"via": "poller"}) for p in plant.points)})
    points = next((found for each, found in wiring.polled_points(same) if each.id == device.id), [])
    pace = Pace(device.timeout_s, device.pause_ms / 1000, device.connect_pause_ms / 1000)
    line = Line(wiring.address_of(device, addresses or {}), pace=pace)
    try:
        await line.connect()
    except LineLost as error:
        planned = prepare(points, plant_id=plant.site.id, limits=wiring.limits_of(plant, device))
        silent = Refusal(Flag.COMM, str(error), disconnected=True)
        asked = tuple(_shown(each, b"", b"", 0.0, silent, {}) for each in planned)
        return ReadDevice(device.id, str(line.address), str(error), asked, {})
    try:
        requests = await _requests(line, plant, device, points)
        serials = {serial.meter: await _serial(line, serial) for serial in wiring.serials_of(plant, device)}
    finally:
        line.close()
    return ReadDevice(device.id, str(line.address), "", requests, serials)


async def _requests(line: Line, plant: Plant, device: ModbusLine, points: list[PolledPoint]) -> tuple[ReadRequest, ...]:
    by_id = {point.id: point for point in points}
    waiting = deque(prepare(points, plant_id=plant.site.id, limits=wiring.limits_of(plant, device)))
    done = []
    while waiting:
        request = waiting.popleft()
        started, outcome = perf_counter(), await _asked(line, request)
        took_ms = (perf_counter() - started) * 1000
        if isinstance(outcome, Refusal) and outcome.too_wide and len(request.block.points) > 1:
            waiting.extendleft(reversed(request.halves()))
            continue
        done.append(_shown(request, line.last.sent, bytes(line.last.received), took_ms, outcome, by_id))
    return tuple(done)


async def _asked(line: Line, request: Request) -> bytes | Refusal:
    try:
        if not line.connected:
            await line.connect()
        return await line.ask(request.question)
    except AcquisitionError as error:
        return refusal_of(error)


def _shown(
    request: Request,
    sent: bytes,
    received: bytes,
    took_ms: float,
    outcome: bytes | Refusal,
    points: Mapping[str, PolledPoint],
) -> ReadRequest:
    block, refusal = request.block, outcome if isinstance(outcome, Refusal) else None
    if isinstance(outcome, Refusal):
        shown = [ReadPoint(point, None, None, None, outcome.flag) for point in block.points]
    else:
        raws, stored = request.decode(outcome), request.readings(outcome)
        shown = [
            _point(point, block.words(outcome, layout), raw, value, points[point])
            for point, layout, raw, value in zip(block.points, block.layouts, raws, stored, strict=True)
        ]
    return ReadRequest(
        block.unit_id, block.table, block.address, block.count, request.period_ms, sent, received, took_ms, refusal,
        tuple(shown),
    )  # fmt: skip


def _point(id: str, words: tuple[int, ...], raw: float | None, stored: float | None, point: PolledPoint) -> ReadPoint:
    if raw is not None:
        return ReadPoint(id, words, raw, stored, Flag(0))
    try:
        decode(words, point.layout)
    except CodecError as error:
        return ReadPoint(id, words, None, None, Flag.FAULT, str(error))
    return ReadPoint(id, words, None, None, Flag.FAULT)


async def _serial(line: Line, serial: SerialNumber) -> str:
    try:
        return serial.text(await line.ask(serial.question))
    except AcquisitionError as error:
        return f"? {error}"
