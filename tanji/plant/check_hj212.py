"""Checks of HJ 212 stations and their points: one station per number, one point per value, everything that is needed.

Two points over one factor and kind would both be filled, which is a copied row that was not changed; a value over a
period needs the period, since a station does not tell how often it sends.
"""

from __future__ import annotations

from collections.abc import Iterator

from tanji.errors import Finding
from tanji.plant.document import KeyPath
from tanji.plant.model import Hj212Device, Point, Stream
from tanji.plant.wiring import Wiring


def check(wiring: Wiring) -> Iterator[Finding]:
    """Every fault of stations and their points."""
    yield from _stations(wiring)
    for position, point in wiring.points.items():
        yield from _point(wiring, ("points", position), point)
    yield from _repeats(wiring)
    yield from _too_slow(wiring)
    yield from _ports(wiring)


def _stations(wiring: Wiring) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for position, device in wiring.devices.items():
        if not isinstance(device, Hj212Device):
            continue
        first = seen.setdefault(device.mn, position)
        if first != position:
            where = wiring.document.where(("devices", first, "mn"))
            expected = "a number that no other station has"
            yield wiring.finding(("devices", position, "mn"), expected, f'"{device.mn}", already at {where}')


def _point(wiring: Wiring, path: KeyPath, point: Point) -> Iterator[Finding]:
    device = wiring.device_of(point)
    if device is None:
        return
    if not isinstance(device, Hj212Device):
        if point.hj212 is not None:
            expected = f"no hj212, since meter {point.meter} is on the {device.protocol} device {device.id}"
            yield wiring.finding((*path, "hj212"), expected, f"code {point.hj212.code}")
        return
    for key in ("modbus", "opcua"):
        if getattr(point, key) is not None:
            expected = f"no {key}, since meter {point.meter} is on the hj212 station {device.id}"
            yield wiring.finding((*path, key), expected, "one")
    if point.hj212 is None:
        expected = f"a factor code under hj212, since meter {point.meter} is on the hj212 station {device.id}"
        yield wiring.finding((*path, "hj212"), expected, "nothing")
        return
    if point.via != "poller":
        expected = "poller, since Telegraf takes no HJ 212 telegrams"
        yield wiring.finding((*path, "via"), expected, point.via)
    if point.hj212.code in device.ignore:
        where = wiring.document.where(("devices", wiring.ids["devices"][device.id], "ignore"))
        yield wiring.finding((*path, "hj212", "code"), f"a code that is not in ignore ({where})", point.hj212.code)
    if "_" in point.hj212.kind.removeprefix("zs_") and point.period_s is None:
        expected = "how often the station sends it, like 600 for ten minutes or 3600 for an hour"
        yield wiring.finding((*path, "period_s"), expected, f"nothing, for a {point.hj212.kind}")


def _repeats(wiring: Wiring) -> Iterator[Finding]:
    seen: dict[tuple[str, str, str], int] = {}
    for position, point in wiring.points.items():
        device = wiring.device_of(point)
        if point.hj212 is None or device is None:
            continue
        code, kind = point.hj212.code, point.hj212.kind
        first = seen.setdefault((device.id, code, kind), position)
        if first != position:
            where = wiring.document.where(("points", first, "hj212", "code"))
            got = f"{code} {kind}, which {wiring.points[first].id} also takes ({where})"
            yield wiring.finding(("points", position, "hj212", "code"), f"a value of its own of {device.id}", got)


def _too_slow(wiring: Wiring) -> Iterator[Finding]:
    """A value that comes more rarely than the longest hole that is no gap leaves every hour of its stream invalid."""
    plant = wiring.plant
    if plant is None:
        return
    used = {id for stream in plant.streams for id in (*stream.points, *stream.subtract, *_flue_gas(stream))}
    for position, point in enumerate(plant.points):
        if point.id in used and point.hj212 is not None and plant.period_s(point) > plant.quality.maximum_gap_s:
            limit = f"at most {plant.quality.maximum_gap_s:g}, quality.maximum_gap_s"
            expected = f"{limit}, for a point that a stream uses: present values (kind rtd) rather than means"
            yield wiring.finding(("points", position, "period_s"), expected, f"{plant.period_s(point):g}")


def _flue_gas(stream: Stream) -> Iterator[str]:
    """Points of a stack measurement."""
    if stream.flue_gas is not None:
        stack = stream.flue_gas
        yield from (stack.co2, stack.velocity, stack.temperature, stack.pressure, stack.humidity)


def _ports(wiring: Wiring) -> Iterator[Finding]:
    """The receiver needs a port of its own."""
    if wiring.plant is None or not any(isinstance(device, Hj212Device) for device in wiring.plant.devices):
        return
    services = wiring.plant.services
    for part in ("sealer", "pages"):
        address = (getattr(services, f"{part}_host"), getattr(services, f"{part}_port"))
        if address == (services.hj212_host, services.hj212_port) and services.hj212_port != 0:
            expected = f"another port than {part}_port"
            yield wiring.finding(("services", "hj212_port"), expected, f"{services.hj212_port} for both")
