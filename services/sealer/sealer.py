"""The sealer as one object: spool, admission, HTTP face, sealing and forwarding of one plant (R33, R36, R39).

It works on one data directory (DESIGN section 2): `spool/` what was accepted, `seal/` the evidence, `parked/` what a
person must look at. Store, signing key and log are the caller's.
"""

from __future__ import annotations

import logging
import random
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.sealer.admission import Admission
from services.sealer.app import MAX_BODY, SealerApp
from services.sealer.counters import Counters
from services.sealer.device_clock import DeviceClocks
from services.sealer.door import Door
from services.sealer.forward import BATCH_WAIT_S, Forwarder
from services.sealer.parked import Parked
from services.sealer.room import Limits, free_on_disk
from services.sealer.rows import PointTable
from services.sealer.seal_files import SealFolder
from services.sealer.seal_state import state_of
from services.sealer.sealing import Sealing
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
from tanji.trust import durable
from tanji.trust.batch import BatchLog
from tanji.trust.signer import Signer

FLUSH_S = 5.0
"""How long a clean stop waits for a store that answers; the rest waits in the spool."""

DAY_MS = 86_400_000

_log = logging.getLogger(__name__)


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
        signer: Signer | None = None,
        to_log: BatchLog | None = None,
        point_map: bytes | None = None,
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
        elif retain_ms is None and signer is not None and to_log is not None:
            retain_ms = 0  # the payload is the evidence, here and in the log
        self._parked = Parked(data_dir / "parked", most_bytes=settings.parked_limit_mb * MEGABYTE, sync=sync)
        self._spool = Spool(
            data_dir / "spool",
            parked=self._parked,
            retain_ms=retain_ms,
            limits=limits,
            is_sealed=signer is not None or plant.trust is not None,  # a key that is missing today comes back
            sync=sync,
            free=free,
        )
        try:
            self.sealing = self._sealed(data_dir / "seal", signer=signer, to_log=to_log, point_map=point_map, rng=rng)
        except BaseException:
            self._spool.close()
            raise
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
        if self.sealing is not None:
            self.sealing.start()

    def _sealed(
        self,
        folder: Path,
        *,
        signer: Signer | None,
        to_log: BatchLog | None,
        point_map: bytes | None,
        rng: random.Random | None,
    ) -> Sealing | None:
        if signer is None:
            if point_map is not None:  # it may be approved later: then what comes now is sealed under it
                SealFolder(folder).mark_accepted(point_map, seq=self._spool.durable_seq)
            return None
        if point_map is None:
            raise ValueError("expected a point map beside the signer, got none")
        return Sealing(
            folder,
            spool=self._spool,
            signer=signer,
            point_map=point_map,
            clock=self._clock,
            kernel=self.clock_watch.state,
            to=to_log,
            rng=rng,
        )

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
            sealing=self.sealing,
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

    def forbid_sealing(self, reason: str) -> None:
        """Take readings and sign nothing more until the next start."""
        if self.sealing is not None:
            self.sealing.forbid(reason)

    def seal_now(self, timeout_s: float) -> bool:
        """Seal up to this moment, and wait until the log has everything; whether it has. False without a signer."""
        return self.sealing is not None and self.sealing.seal_now(timeout_s)

    def stop(self) -> None:
        """Stop listening, seal and forward what is left if log and store answer, close the spool."""
        if self._stopped:
            return
        self._stopped = True
        if self._server is not None:
            self._server.stop()
        self._reporter.stop()
        self._watch.stop()
        if self.sealing is not None:
            self.sealing.stop(flush_s=FLUSH_S)
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
        seal = state_of(self.sealing)
        if status == "ok" and seal["state"] not in ("ok", "off"):
            status = "degraded"
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
            "seal": seal,
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
    signer: Signer | None = None,
    log: BatchLog | None = None,
    point_map: bytes | None = None,
) -> Sealer:
    """The sealer of `plant` on `data_dir`. SpoolError: the spool is damaged or in use. TrustError: `seal/` is damaged.

    clock : UTC now [ms]. retain_ms : how long segments stay that nobody needs any more [ms]; None: what the plant file
    says, else not at all once they are sealed and logged, and up to the limits where they are not. signer : the key of
    the gateway; without it nothing is sealed. log : where batches go; without it they stay here. point_map : the file
    that says what the points are, needed beside the signer.
    """
    sealer = Sealer(
        plant,
        data_dir=data_dir,
        store=store,
        clock=clock,
        retain_ms=retain_ms,
        signer=signer,
        to_log=log,
        point_map=point_map,
    )
    torn = sealer.report()["torn"]
    if torn is not None:
        _log.warning("the spool ended in a torn frame, cut off and kept in parked/: %s", torn)
    return sealer
