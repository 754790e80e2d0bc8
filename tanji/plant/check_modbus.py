"""Checks of Modbus lines: serial ports, the limits of requests, what Telegraf can read, counters that were exchanged.

Where points lie in their devices is `tanji.plant.check_points`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tanji.errors import Finding
from tanji.plant.check_points import BIT_TABLES, WORDS
from tanji.plant.document import KeyPath
from tanji.plant.model import ModbusLine, ModbusSerialDevice, Point, Register, RequestLimits
from tanji.plant.wiring import Wiring


def check(wiring: Wiring) -> Iterator[Finding]:
    """Every fault of Modbus lines and their points."""
    yield from _ports(wiring)
    for position, device in wiring.devices.items():
        if isinstance(device, ModbusLine):
            yield from _limits(wiring, ("devices", position), device)
    for position, meter in wiring.meters.items():
        on = wiring.devices.get(wiring.ids["devices"].get(meter.device, -1))
        for key in ("template", "requests", "serial_register"):
            if getattr(meter, key) is not None and on is not None and not isinstance(on, ModbusLine):
                expected = f"no {key}, since device {on.id} does not speak Modbus"
                yield wiring.finding(("meters", position, key), expected, "one")
                break  # a template brings the others with it
        if meter.requests is not None:
            yield from _limits(wiring, ("meters", position, "requests"), meter.requests)
    for position, point in wiring.points.items():
        path = ("points", position)
        yield from _readable(wiring, path, point)
        yield from _telegraf(wiring, path, point)
        yield from _exchanges(wiring, path, point)


def _ports(wiring: Wiring) -> Iterator[Finding]:
    """One line per serial port: who else opens it gets half of the answers."""
    seen: dict[str, int] = {}
    for position, device in wiring.devices.items():
        if not isinstance(device, ModbusSerialDevice):
            continue
        first = seen.setdefault(device.serial_port, position)
        if first != position:
            where = wiring.document.where(("devices", first, "serial_port"))
            expected = "one device per serial port; meters on a line differ in unit_id"
            got = f"{device.serial_port} again, already at {where}"
            yield wiring.finding(("devices", position, "serial_port"), expected, got)


def _limits(wiring: Wiring, path: KeyPath, limits: RequestLimits) -> Iterator[Finding]:
    for number, span in enumerate(limits.forbidden):
        if span.first > span.last:
            here = (*path, "forbidden", number, "first")
            yield wiring.finding(here, f"a first register up to the last, {span.last}", str(span.first))


def _readable(wiring: Wiring, path: KeyPath, point: Point) -> Iterator[Finding]:
    """No point lies in a forbidden span, over a forced boundary, or is wider than a request."""
    meter, device, register = wiring.meter(point.meter), wiring.device_of(point), point.modbus
    if meter is None or register is None or not isinstance(device, ModbusLine):
        return
    here = (*path, "modbus", "address")
    last = register.address + _words(register) - 1
    for limits in (device, meter.requests):
        if limits is None:
            continue
        for span in limits.forbidden:
            if span.table == register.table and register.address <= span.last and span.first <= last:
                expected = f"a register outside of the forbidden {span.table} {span.first} to {span.last}"
                yield wiring.finding(here, expected, str(register.address))
        for place in limits.split_at:
            if place.table == register.table and register.address < place.address <= last:
                expected = f"a register that split_at {place.table} {place.address} does not cut in two"
                yield wiring.finding(here, expected, f"{register.address} to {last}")
        if _words(register) > limits.max_registers:
            expected = f"a type of at most {limits.max_registers} registers, the most a request may have"
            yield wiring.finding((*path, "modbus", "type"), expected, register.type)


def _words(register: Register) -> int:
    return 1 if register.table in BIT_TABLES else WORDS.get(register.type, 1)


def _telegraf(wiring: Wiring, path: KeyPath, point: Point) -> Iterator[Finding]:
    """What Telegraf 1.39 has no word for stays with the poller."""
    if point.via != "telegraf" or point.modbus is None:
        return
    if point.modbus.mask is not None:
        yield wiring.finding((*path, "via"), "poller, since Telegraf takes no mask of a register", point.via)
    elif point.modbus.type.startswith("bcd"):
        yield wiring.finding((*path, "via"), f"poller, since Telegraf knows no {point.modbus.type}", point.via)
    elif point.modbus.invalid is not None:
        expected = f"poller, since Telegraf takes {point.modbus.invalid}, the sign for no value, as a number"
        yield wiring.finding((*path, "via"), expected, point.via)


def _exchanges(wiring: Wiring, path: KeyPath, point: Point) -> Iterator[Finding]:
    if point.exchanges and point.kind != "counter":
        expected = f"no exchanges, since the kind is {point.kind} and not counter"
        yield wiring.finding((*path, "exchanges"), expected, f"{len(point.exchanges)}")
    moments: list[int] = []
    for number, exchange in enumerate(point.exchanges):
        try:
            moments.append(exchange.at_ms)
        except ValueError:
            expected = "a moment of the calendar, like 2026-03-01T08:30+08:00"
            yield wiring.finding((*path, "exchanges", number, "at"), expected, f'"{exchange.at}"')
            return
    for number, (before, after) in enumerate(pairwise(moments), start=1):
        if after <= before:
            expected = f"a moment after {point.exchanges[number - 1].at}, oldest first"
            yield wiring.finding((*path, "exchanges", number, "at"), expected, f'"{point.exchanges[number].at}"')
