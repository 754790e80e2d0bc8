"""The outbox of a process that sends readings to the sealer, with its secret, its certificate, and its health.

What pollers and receivers share beside reading: one way to the sealer, watched (decision 0007 on who may import whom).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import urllib3

from tanji.acquisition.flags import Flag
from tanji.acquisition.outbox import Outbox
from tanji.health.process import ProcessHealth
from tanji.plant.model import OpcuaDevice, Plant
from tanji.plant.token_file import sealer_token

NUMBERS_S: Final = 5.0
"""How long the sealer may take to accept a row of numbers [s]."""


@contextmanager
def sending(
    plant: Plant, *, url: str, clock: Callable[[], int], port: int | None = None, health: ProcessHealth | None = None
) -> Iterator[tuple[Outbox, ProcessHealth]]:
    """An outbox to the sealer at `url`, and the health of the process; both end with the block.

    clock : UTC now [ms]. port : where to answer /healthz and /metrics. health : of the process, if it has one already.
    """
    own = health is None
    health = health or ProcessHealth(clock=clock)
    with outbox_to(plant, url=url, clock=clock, health=health) as outbox:
        if own:
            address = None if port is None else (plant.services.health.host, port)
            health.start(address, hand_over=numbers_to(plant, url=url))
        try:
            yield outbox, health
        finally:
            if own:
                health.stop()


def outbox_to(plant: Plant, *, url: str, clock: Callable[[], int], health: ProcessHealth, sender: str = "") -> Outbox:
    """An outbox that shows the plant's secret, knows its certificate, and flags what is read by a doubtful clock.

    sender : its name, where the process has another outbox.
    """
    settings, watch = plant.services.sealer, health.clock_watch
    outbox = Outbox(
        url,
        clock=clock,
        suspect=lambda: int(Flag.CLOCK) if watch.suspect() else 0,
        token=sealer_token(settings),
        certificate=settings.tls_certificate,
    )
    health.add_outbox(outbox.numbers, sender=sender)
    return outbox


def numbers_to(plant: Plant, *, url: str) -> Callable[[bytes], None]:
    """Hands the numbers of a process to the sealer, once and best effort: they must not wait among readings."""
    settings = plant.services.sealer
    token = sealer_token(settings)
    headers = {"Authorization": f"Token {token}"} if token else {}
    http = urllib3.PoolManager(retries=False, timeout=NUMBERS_S, ca_certs=settings.tls_certificate)

    def hand_over(lines: bytes) -> None:
        http.request("POST", url.rstrip("/") + "/write?precision=ms", body=lines, headers=headers)

    return hand_over


def slowest_periods(plant: Plant) -> dict[str, float]:
    """By device id, the longest period of its points [s]: after ten of them without a value it is silent."""
    periods: dict[str, float] = {}
    for id, period_s in plant.slowest_periods_s.items():
        device = plant.devices_by_id[id]
        audit_s = device.audit_s if isinstance(device, OpcuaDevice) and device.read == "subscription" else 0.0
        periods[id] = max(period_s, audit_s)
    return periods
