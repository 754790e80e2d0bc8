"""Checks of the plant file's part about the sealer and the health addresses: what belongs together, and free ports."""

from __future__ import annotations

from collections.abc import Iterator

from tanji.errors import Finding
from tanji.plant.wiring import Wiring

PORTS = ("modbus_poller", "opcua_poller", "hj212_receiver", "jobs")


def check(wiring: Wiring) -> Iterator[Finding]:
    """A certificate needs its key, and no two addresses are one."""
    if wiring.plant is None:
        return
    services = wiring.plant.services
    pair = {"tls_certificate": services.sealer.tls_certificate, "tls_key": services.sealer.tls_key}
    missing = [name for name, path in pair.items() if path is None]
    if len(missing) == 1:
        (present,) = pair.keys() - set(missing)
        yield wiring.finding(("services", "sealer", present), f"{missing[0]} beside it", "one without the other")
    taken = {
        (services.sealer_host, services.sealer_port): "sealer_port",
        (services.pages_host, services.pages_port): "pages_port",
    }
    for name in PORTS:
        port = getattr(services.health, name)
        other = taken.setdefault((services.health.host, port), name)
        if port and other != name:
            yield wiring.finding(("services", "health", name), f"another port than {other}", f"{port} for both")
