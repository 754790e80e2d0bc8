"""Checks across the entries of a plant file: ids, references, dates and addresses (R21, R27).

What a single entry may hold is the model's affair; how points lie in their devices is `tanji.plant.check_points`, and
what streams may be made of is `tanji.plant.check_streams`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import date
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from tanji.errors import Finding
from tanji.plant import (
    check_factors,
    check_hj212,
    check_imports,
    check_missing,
    check_modbus,
    check_opcua,
    check_points,
    check_sealer,
    check_streams,
    check_targets,
    check_trust,
    check_units,
)
from tanji.plant.model import Hj212Device, InfluxSettings, ModbusDevice, ModbusSerialDevice, OpcuaDevice
from tanji.plant.names import SITE_LINE
from tanji.plant.wiring import Check, Wiring

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
"""RFC 1123 section 2.1, with the underscore that container and Windows names have."""


def check(wiring: Wiring) -> Iterator[Finding]:
    """Every fault between the entries."""
    own: tuple[Check, ...] = (site, ids, lines, meters, devices, services, check_missing.table)
    asked = (check_points, check_modbus, check_opcua, check_hj212, check_imports, check_sealer, check_trust)
    counted = (check_streams, check_targets)
    parts = (*own, *(part.check for part in (*asked, *counted)))
    for part in parts:
        yield from part(wiring)


def site(wiring: Wiring) -> Iterator[Finding]:
    """The time zone decides the accounting day, so it has to exist; the compliance figure has to be computed."""
    yield from check_factors.region(wiring)
    plant = wiring.plant
    zone = wiring.document.value(("site", "timezone"))
    if isinstance(zone, str) and zone not in available_timezones():
        yield wiring.finding(("site", "timezone"), "a time zone of the IANA list, like Asia/Shanghai", f'"{zone}"')
    if plant is None:
        return
    if len(set(plant.rulesets)) < max(1, len(plant.rulesets)):
        yield wiring.finding(("rulesets",), "at least one rule set, each once", ", ".join(plant.rulesets) or "none")
    elif plant.compliance[1] not in plant.rulesets:
        expected = f"{plant.compliance[1]} too, since the compliance figure is computed by it"
        yield wiring.finding(("rulesets",), expected, ", ".join(plant.rulesets))
    if plant.cross_check.warn > plant.cross_check.diagnose:
        got = f"{plant.cross_check.warn:g} above diagnose {plant.cross_check.diagnose:g}"
        yield wiring.finding(("cross_check", "warn"), "at most diagnose", got)


def ids(wiring: Wiring) -> Iterator[Finding]:
    """An id names one entry."""
    document = wiring.document
    for collection, first in wiring.ids.items():
        raw = document.value((collection,))
        for position, entry in enumerate(raw if isinstance(raw, list) else ()):
            id = entry.get("id") if isinstance(entry, dict) else None
            if isinstance(id, str) and first[id] != position:
                where = document.where((collection, first[id], "id"))
                noun = collection.rstrip("s")
                path = (collection, position, "id")
                yield wiring.finding(path, f"an id that no other {noun} has", f'"{id}", already at {where}')


def lines(wiring: Wiring) -> Iterator[Finding]:
    """Kilns are named once, and their state comes from a state point."""
    seen: dict[str, int] = {}
    for position, line in wiring.lines.items():
        if line.id == SITE_LINE:
            expected = "another id: this one stands for what belongs to no line"
            yield wiring.finding(("lines", position, "id"), expected, f'"{line.id}"')
        first = seen.setdefault(line.kiln.id, position)
        if first != position:
            where = wiring.document.where(("lines", first, "kiln", "id"))
            path = ("lines", position, "kiln", "id")
            yield wiring.finding(path, "an id that no other kiln has", f'"{line.kiln.id}", already at {where}')
        yield from check_points.state(wiring, ("lines", position, "kiln", "running"), line.kiln.running)


def meters(wiring: Wiring) -> Iterator[Finding]:
    """A meter answers on a declared device, hangs on a declared node, and its range and dates make sense."""
    for position, meter in wiring.meters.items():
        path = ("meters", position)
        yield from wiring.unknown((*path, "device"), "devices", meter.device)
        if meter.node is not None:
            yield from wiring.unknown((*path, "node"), "nodes", meter.node)
        if meter.range is not None:
            if meter.range.low >= meter.range.high:
                got = f"low {meter.range.low:g}, high {meter.range.high:g}"
                yield wiring.finding((*path, "range", "low"), "a low end below the high end", got)
            yield from check_units.known(wiring, (*path, "range", "unit"), meter.range.unit)
        elif meter.class_of == "full_scale":
            expected = "a range, whose span the class is a percentage of"
            yield wiring.finding((*path, "class_of"), expected, "full_scale without a range")
        if meter.certificate is not None:
            yield from _dates(wiring, position, meter.certificate.issued, meter.certificate.due)


def _dates(wiring: Wiring, position: int, issued: str, due: str) -> Iterator[Finding]:
    days: dict[str, date] = {}
    for key, text in (("issued", issued), ("due", due)):
        try:
            days |= {key: date.fromisoformat(text)} if text else {}
        except ValueError:
            path = ("meters", position, "certificate", key)
            yield wiring.finding(path, "a day of the calendar, like 2026-12-31", f'"{text}"')
    if len(days) == 2 and days["issued"] > days["due"]:
        path = ("meters", position, "certificate", "due")
        yield wiring.finding(path, f"a day after the day of issue, {issued}", f'"{due}"')


def devices(wiring: Wiring) -> Iterator[Finding]:
    """Addresses that can be called, one device each."""
    seen: dict[tuple[str, int], int] = {}
    for position, device in wiring.devices.items():
        if isinstance(device, Hj212Device | ModbusSerialDevice):
            continue  # it calls us; or it has no address: tanji.plant.check_modbus
        if isinstance(device, OpcuaDevice):
            yield from _endpoint(wiring, position, device.endpoint)
            continue
        wrong = list(_host(wiring, position, device))
        yield from wrong
        first = seen.setdefault((device.host.lower(), device.port), position)
        if not wrong and first != position:
            expected = "one device per address; meters behind a gateway differ in unit_id"
            where = wiring.document.where(("devices", first, "host"))
            got = f"{device.host}:{device.port} again, already at {where}"
            yield wiring.finding(("devices", position, "host"), expected, got)


def _host(wiring: Wiring, position: int, device: ModbusDevice) -> Iterator[Finding]:
    host = device.host
    if not _host_is_sound(host):
        expected = "an IP address or host name alone, like 192.168.1.10 (the port has its own key)"
        yield wiring.finding(("devices", position, "host"), expected, f'"{host}"')


def _host_is_sound(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # Digits and dots alone are meant as an address, and this one was not valid.
        return bool(_HOST_NAME.fullmatch(host)) and not re.fullmatch(r"[\d.]+", host)
    return True


def _endpoint(wiring: Wiring, position: int, endpoint: str) -> Iterator[Finding]:
    try:
        parts = urlsplit(endpoint)
        sound = _host_is_sound(parts.hostname or "") and parts.port != 0 and not re.search(r"\s", endpoint)
    except ValueError:  # a port that is no port
        sound = False
    if not sound:
        expected = "an address like opc.tcp://192.168.1.20:4840"
        yield wiring.finding(("devices", position, "endpoint"), expected, f'"{endpoint}"')


def services(wiring: Wiring) -> Iterator[Finding]:
    """Two parts cannot listen on one port, and a server's address is a web address."""
    if wiring.plant is None:
        return
    services = wiring.plant.services
    here, there = (services.sealer_host, services.sealer_port), (services.pages_host, services.pages_port)
    if here == there and services.pages_port != 0:
        path = ("services", "pages_port")
        yield wiring.finding(path, "another port than sealer_port", f"{services.pages_port} for both")
    if isinstance(services.store, InfluxSettings):
        try:
            parts = urlsplit(services.store.url)
            sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            sound = False
        if not sound:
            expected = "an address like http://127.0.0.1:8086"
            yield wiring.finding(("services", "store", "url"), expected, f'"{services.store.url}"')
