"""Checks of OPC UA servers: what belongs together to be let in, and what a deadband and an audit may be."""

from __future__ import annotations

from collections.abc import Iterator

from tanji.errors import Finding
from tanji.plant.model import OpcuaDevice
from tanji.plant.wiring import Wiring

PAIRS = (("user", "password_file"), ("user_certificate", "user_key"))


def check(wiring: Wiring) -> Iterator[Finding]:
    """Every fault of the servers, then of the deadbands."""
    for position, device in wiring.devices.items():
        if isinstance(device, OpcuaDevice):
            yield from _user(wiring, position, device)
            yield from _audit(wiring, position, device)
    for position, point in wiring.points.items():
        if point.deadband is None:
            continue
        path, server = ("points", position, "deadband"), wiring.device_of(point)
        if not isinstance(server, OpcuaDevice) or server.read != "subscription":
            yield wiring.finding(
                path, "a deadband only on an opcua device with read: subscription", "none of that kind"
            )
        elif point.kind in ("counter", "state"):
            yield wiring.finding(path, "no deadband, since every count matters", f"one of a {point.kind}")


def _user(wiring: Wiring, position: int, device: OpcuaDevice) -> Iterator[Finding]:
    given = [name for pair in PAIRS for name in pair if getattr(device, name) is not None]
    for pair in PAIRS:
        missing = [name for name in pair if name not in given]
        if len(missing) == 1:
            (present,) = set(pair) - set(missing)
            yield wiring.finding(("devices", position, present), f"{missing[0]} beside it", "one without the other")
    if device.user is not None and device.user_certificate is not None:
        yield wiring.finding(("devices", position, "user_certificate"), "a user by name or by certificate", "both")
    if given and device.security == "none":
        expected = "security: basic256sha256 beside it, or the wire carries it readable"
        yield wiring.finding(("devices", position, given[0]), expected, "security none")


def _audit(wiring: Wiring, position: int, device: OpcuaDevice) -> Iterator[Finding]:
    if wiring.plant is None or device.read != "subscription":
        return
    most = wiring.plant.quality.maximum_gap_s
    if device.audit_s > most:
        expected = f"at most quality.maximum_gap_s, {most:g}, or a quiet value is taken for a gap"
        yield wiring.finding(("devices", position, "audit_s"), expected, f"{device.audit_s:g}")
