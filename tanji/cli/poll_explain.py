"""`tanji poll --once [--explain]`: a device read once, as the poller reads it, and told to the engineer at the cabinet.

Nothing is sent to the sealer. `--explain` shows every request with its bytes and every point with its registers, the
number in them, the reading and, where it is flagged, what to look at (Chinese or English). What is shown of an OPC UA
server is `tanji.cli.poll_opcua`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from services.modbus_poller.answer import Refusal
from services.modbus_poller.explain import ReadDevice, ReadPoint, ReadRequest, read_once
from tanji.acquisition.flags import Flag, names
from tanji.cli import poll_opcua
from tanji.errors import UsageError
from tanji.plant.model import Device, Hj212Device, ModbusLine, Plant, Point
from tanji.report.words import LANGUAGES, Language, Words, table

DONE, FAILED, UNDECIDED = 0, 1, 3


def add_options(verb: argparse.ArgumentParser) -> None:
    """The options of reading once."""
    verb.add_argument("--once", action="store_true", help="read every device once, show the readings, send nothing")
    verb.add_argument("--explain", action="store_true", help="with --once: show requests, bytes, registers and reasons")
    verb.add_argument("--device", metavar="ID", help="with --once: this device only")
    verb.add_argument(
        "--language", choices=LANGUAGES, help="with --once: of the explanations (default: the one of LANG)"
    )


def run(arguments: argparse.Namespace, plant: Plant, *, addresses: Mapping[str, tuple[str, int]] | None = None) -> int:
    """Read once and show it; 1 if a point could not be read, 3 if there was nothing to read.

    addresses : of devices that are elsewhere (a test).
    """
    words = Words(arguments.language or spoken(os.environ))
    read: list[dict[str, Any]] = []
    calling: list[str] = []
    values: list[float | None] = []
    for device in chosen(plant, arguments.device):
        if isinstance(device, Hj212Device):
            calling.append(device.id)
            lines = iter([words("poll.calls_us", device=device.id, file=arguments.plant)])
        elif isinstance(device, ModbusLine):
            seen = asyncio.run(read_once(plant, device, addresses=addresses))
            values += [point.stored for request in seen.requests for point in request.points]
            read.append(as_data(plant, seen, words))
            lines = as_text(plant, seen, words, explain=arguments.explain)
        else:
            server, shown = poll_opcua.look(plant, device), poll_opcua.Shown(plant, words, file=arguments.plant)
            values += [node.stored for node in server.nodes]
            read.append(shown.as_data(server))
            lines = shown.as_text(server, explain=arguments.explain)
        if not arguments.json:
            print("\n".join(lines), flush=True)
    bad = values.count(None)
    good = len(values) - bad
    if arguments.json:
        data = {"plant": plant.site.id, "good": good, "bad": bad, "devices": read, "skipped": calling}
        print(json.dumps(data, ensure_ascii=False))
    else:
        print(words("poll.summary", good=good, bad=bad) if values else words("poll.nothing_read"))
    if not values:  # a station that calls, a device without points: whether all is well there nobody can say
        return UNDECIDED
    return FAILED if bad else DONE


def spoken(environment: Mapping[str, str]) -> Language:
    """The language of the terminal, as POSIX has it: the first of LC_ALL, LC_MESSAGES and LANG that is set."""
    name = next((environment[key] for key in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(key)), "")
    return "zh" if name.startswith("zh") else "en"


def chosen(plant: Plant, device_id: str | None) -> list[Device]:
    """The devices to look at. UsageError for one that is none."""
    found = [device for device in plant.devices if device_id in (None, device.id)]
    if not found and device_id is not None:
        listed = ", ".join(device.id for device in plant.devices) or "but there is none"
        raise UsageError(f"--device: expected a device of the plant file, one of {listed}, got {device_id}")
    return found


def as_text(plant: Plant, read: ReadDevice, words: Words, *, explain: bool) -> Iterator[str]:
    """The lines for a terminal."""
    name = plant.devices_by_id[read.device].name
    yield f"{read.device}  {read.address}  {words.choose(name.zh, name.en)}"
    if read.unreachable:
        yield f"  {words('poll.unreachable')} ({read.unreachable})"
    if not read.requests:
        yield f"  {words('poll.no_points')}"
    for number, request in enumerate(read.requests, start=1):
        if explain:
            yield from _request_lines(request, words, number=number)
        if request.refusal is not None and not read.unreachable:
            yield f"    {reason(request.refusal, words)}"
        for point in request.points:
            yield from _point_lines(plant, request, point, words, explain=explain)
    for meter, text in read.serials.items():
        yield f"  {meter}: {words('poll.serial')} {serial(plant, meter, text, words)}"


def _request_lines(request: ReadRequest, words: Words, *, number: int) -> Iterator[str]:
    last = request.address + request.count - 1
    yield "  " + words(
        "poll.request", number=number, unit=request.unit_id, table=request.table, first=request.address, last=last,
        count=request.count, period=f"{request.period_ms / 1000:g}",
    )  # fmt: skip
    if not request.sent:
        return
    yield f"    {words('poll.sent')}      {request.sent.hex(' ')}"
    yield f"    {words('poll.received')}  {request.received.hex(' ') or words('poll.nothing')}"
    yield f"    {words('poll.took', ms=f'{request.took_ms:.1f}')}"


def _point_lines(plant: Plant, request: ReadRequest, read: ReadPoint, words: Words, *, explain: bool) -> Iterator[str]:
    point = plant.points_by_id[read.id]
    shown = f"  {read.id:<40} {words.choose(point.name.zh, point.name.en)}  "
    shown += (
        "-"
        if read.stored is None
        else f"{poll_opcua.number(read.stored)} {words('poll.counts') if point.kind == 'counter' else point.unit}"
    )
    if read.flag:
        shown += f"  [{' '.join(names(read.flag))}]"
    yield shown
    if explain and read.words is not None:
        number = words("poll.nothing") if read.raw is None else poll_opcua.number(read.raw)
        yield f"      {' '.join(f'{word:04x}' for word in read.words)}  {words('poll.raw')} {number}"
    if request.refusal is None:  # else it was told above, for all of its points
        yield from (f"      {note}" for note in notes(point, read, None, words))


def notes(point: Point, read: ReadPoint, refusal: Refusal | None, words: Words) -> Iterator[str]:
    """What there is to say of a point: why it is flagged, what its count amounts to, whether its limits hold."""
    if read.stored is None:
        yield words("poll.no_number") if refusal is None else reason(refusal, words)
        if read.refused:
            yield read.refused
        return
    yield from poll_opcua.of_value(point, read.stored, words)


def reason(refusal: Refusal, words: Words) -> str:
    """Why a request was not answered, and what to look at; what the line said stands behind it in English."""
    if refusal.code is not None:
        known = f"code_{refusal.code}" in table()["poll"]
        return words(f"poll.code_{refusal.code}") if known else words("poll.code_other", code=refusal.code)
    key = "damaged" if refusal.again and not refusal.disconnected else "wrong"
    if refusal.silent:
        key = "silent"
    elif refusal.disconnected:
        key = "unreachable"
    return f"{words(f'poll.{key}')} ({refusal.said})"


def serial(plant: Plant, meter: str, text: str, words: Words) -> str:
    """A serial number, and whether it is the one of the plant file."""
    if text.startswith("? "):
        return words("poll.serial_unread", why=text[2:])
    expected = plant.meters_by_id[meter].serial
    return text if expected in ("", text) else f"{text}  {words('poll.serial_other', expected=expected)}"


def as_data(plant: Plant, read: ReadDevice, words: Words) -> dict[str, Any]:
    """The same for a program."""
    return {
        "device": read.device,
        "address": read.address,
        "unreachable": read.unreachable or None,
        "requests": [_request_data(plant, request, words) for request in read.requests],
        "serial_numbers": {meter: None if text.startswith("? ") else text for meter, text in read.serials.items()},
    }


def _request_data(plant: Plant, request: ReadRequest, words: Words) -> dict[str, Any]:
    return {
        "unit_id": request.unit_id,
        "table": request.table,
        "address": request.address,
        "count": request.count,
        "period_s": request.period_ms / 1000,
        "sent": request.sent.hex(),
        "received": request.received.hex(),
        "took_ms": round(request.took_ms, 3),
        "code": None if request.refusal is None else request.refusal.code,
        "refused": None if request.refusal is None else reason(request.refusal, words),
        "points": [
            {
                "id": point.id,
                "registers": None if point.words is None else [f"{word:04x}" for word in point.words],
                "raw": point.raw,
                "value": point.stored,
                "unit": "counts"
                if plant.points_by_id[point.id].kind == "counter"
                else plant.points_by_id[point.id].unit,
                "quality": int(point.flag),
                "flags": list(names(Flag(point.flag))),
                "notes": list(notes(plant.points_by_id[point.id], point, request.refusal, words)),
            }
            for point in request.points
        ],
    }
