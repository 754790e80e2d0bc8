"""The sealer as one object: spool, admission, HTTP face and forwarding of one plant (DESIGN section 2; R33, R36, R39).

It works on one data directory: `spool/` the evidence, `parked/` what a person must look at. The store is the caller's.
"""

from __future__ import annotations

import logging
import random
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.sealer import durable
from services.sealer.admission import Admission
from services.sealer.app import MAX_BODY, SealerApp
from services.sealer.counters import Counters
from services.sealer.device_clock import DeviceClocks
from services.sealer.door import Door
from services.sealer.forward import BATCH_WAIT_S, Forwarder
from services.sealer.parked import Parked
from services.sealer.room import Limits, free_on_disk
from services.sealer.rows import PointTable
from services.sealer.server import Server
from services.sealer.spool import Spool
from services.sealer.tls import server_context
from services.sealer.watch import Watch
from tanji.acquisition.line_protocol import parse
from tanji.health.alarms import Alarms
from tanji.health.clock import ClockWatch
from tanji.health.endpoint import Reporter
from tanji.health.metrics import Metrics
from tanji.plant.model import Plant
from tanji.plant.sealer_model import MEGABYTE, SealerSettings
from tanji.store.port import Store

FLUSH_S = 5.0
"""How long a clean stop waits for a store that answers; the rest waits in the spool."""

DAY_MS = 86_400_000

log = logging.getLogger(__name__)


class Sealer:
    """The only door to the raw bucket of a plant. Made by `create_sealer`; forwarding begins at once."""

    def __init__(
        self,
        plant: Plant,
        *,
        data_dir: Path,
        store: Store,
        clock: Callable[[], int],
        max_body: int = MAX_BODY,
        retain_ms: int | None = None,
        batch_wait_s: float = BATCH_WAIT_S,
        sync: durable.Sync = durable.sync_data,
        free: Callable[[Path], int] = free_on_disk,
        rng: random.Random | None = None,
        monotonic: Callable[[], int] | None = None,
    ) -> None:
        settings = plant.services.sealer
        self._clock, self._max_body = clock, max_body
        self._counters = Counters()
        self.alarms = Alarms(clock=clock)
        self.metrics = Metrics(self.alarms)
        self.clock_watch = ClockWatch(clock) if monotonic is None else ClockWatch(clock, monotonic=monotonic)
        self._door = Door(None if settings.token_file is None else Path(settings.token_file))
        self._tls = _tls(settings)
        limits = Limits(settings.spool_limit_mb * MEGABYTE, settings.disk_reserve_mb * MEGABYTE)
        if retain_ms is None and settings.retain_days is not None:
            retain_ms = round(settings.retain_days * DAY_MS)
        self._parked = Parked(data_dir / "parked", most_bytes=settings.parked_limit_mb * MEGABYTE, sync=sync)
        self._spool = Spool(
            data_dir / "spool", parked=self._parked, retain_ms=retain_ms, limits=limits, sync=sync, free=free
        )
        self._forwarder = Forwarder(
            PointTable(plant.site.id, [point.id for point in plant.points]),
            spool=self._spool,
            store=store,
            parked=self._parked,
            counters=self._counters,
            clock=clock,
            batch_wait_s=batch_wait_s,
            rng=rng,
        )
        self._counters.add(acknowledged=self._forwarder.backlog)
        device_clocks = DeviceClocks(plant, alarms=self.alarms, clock=clock)
        self._watch = self._watching(device_clocks, reserve_bytes=limits.reserve_bytes)
        self._reporter = Reporter(self.metrics, hand_over=self._offer, clock=clock)
        self.app = self._answering(Admission(plant), device_clocks)
        self._server: Server | None = None
        self._stopped = False
        for part in (self._forwarder, self._watch, self._reporter):
            part.start()

    def _watching(self, device_clocks: DeviceClocks, *, reserve_bytes: int) -> Watch:
        watch = Watch(
            spool=self._spool,
            parked=self._parked,
            forwarder=self._forwarder,
            counters=self._counters,
            device_clocks=device_clocks,
            alarms=self.alarms,
            clock_watch=self.clock_watch,
            clock=self._clock,
            reserve_bytes=reserve_bytes,
        )
        self.metrics.add(watch.numbers)
        return watch

    def _answering(self, admission: Admission, device_clocks: DeviceClocks) -> SealerApp:
        return SealerApp(
            admission,
            spool=self._spool,
            parked=self._parked,
            health=self._forwarder.health,
            counters=self._counters,
            clock=self._clock,
            report=self.report,
            metrics=self.metrics.text,
            door=self._door,
            device_clocks=device_clocks,
            max_body=self._max_body,
        )

    def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; port 0 takes a free one. Returns the address."""
        self._server = Server(self.app, host=host, port=port, max_body=self._max_body, tls=self._tls)
        self._server.start()
        return self._server.address

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything acknowledged is in the store; whether it is."""
        return self._forwarder.drain(timeout_s)

    def stop(self) -> None:
        """Stop listening, forward what is left if the store answers, close the spool."""
        if self._stopped:
            return
        self._stopped = True
        if self._server is not None:
            self._server.stop()
        self._reporter.stop()
        self._watch.stop()
        if self._forwarder.store_state == "ok":
            self._forwarder.drain(FLUSH_S)
        self._forwarder.stop()
        self._spool.close()

    def counters(self) -> dict[str, int]:
        """Counts since the start: accepted (distinct acknowledged readings), repeated, conflicting, parked, ..."""
        health = self._forwarder.health
        return self._counters.snapshot() | {
            "backlog_records": self._forwarder.backlog,
            "health_written": health.written,
            "health_dropped": health.dropped,
        }

    def report(self) -> dict[str, Any]:
        """State for `/healthz`: status `ok`, `degraded` (store away) or `failed` (nothing is accepted)."""
        state, torn = self._forwarder.store_state, self._spool.torn
        status = "failed" if self._spool.failure else "ok" if state in ("ok", "not asked yet") else "degraded"
        return {
            "status": status,
            "backlog": self._forwarder.backlog,
            "last_forward_ms": self._forwarder.last_forward_ms,
            "store": state,
            "spool": self._spool.failure or "ok",
            "torn": None if torn is None else f"{torn.segment} at offset {torn.offset}: {torn.length} bytes",
            "counters": self.counters(),
            "alarms": [alarm.as_json() for alarm in self.alarms.active()],
            "clock": self.clock_watch.numbers(),
        }

    def _offer(self, lines: bytes) -> None:
        """Numbers of this process take the way of host metrics."""
        self._forwarder.health.offer(parse(lines, precision="ms", arrival_ms=0).others)


def _tls(settings: SealerSettings) -> ssl.SSLContext | None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    return server_context(Path(settings.tls_certificate), Path(settings.tls_key))


def create_sealer(
    plant: Plant,
    *,
    data_dir: Path,
    store: Store,
    clock: Callable[[], int],
    retain_ms: int | None = None,
) -> Sealer:
    """The sealer of `plant` on `data_dir`. Errors: SpoolError if the spool is damaged or in use.

    clock : UTC now [ms]. retain_ms : how long forwarded segments stay [ms]; None keeps them, as sealing will need them.
    """
    sealer = Sealer(plant, data_dir=data_dir, store=store, clock=clock, retain_ms=retain_ms)
    torn = sealer.report()["torn"]
    if torn is not None:
        log.warning("the spool ended in a torn frame, cut off and kept in parked/: %s", torn)
    return sealer
