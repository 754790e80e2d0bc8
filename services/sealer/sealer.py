"""The sealer as one object: spool, admission, HTTP face, sealing and forwarding of one plant (R33, R36, R39).

It works on one data directory (DESIGN section 2): `spool/` what was accepted, `seal/` the evidence, `parked/` what a
person must look at. Store, signing key and log are the caller's.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.sealer.admission import Admission
from services.sealer.app import MAX_BODY, SealerApp
from services.sealer.counters import Counters
from services.sealer.device_clock import DeviceClocks
from services.sealer.door import Door
from services.sealer.forward import BATCH_WAIT_S, Forwarder
from services.sealer.opening import open_folders
from services.sealer.room import free_on_disk
from services.sealer.rows import PointTable
from services.sealer.seal_state import state_of
from services.sealer.server import Server
from services.sealer.tls import context_of
from services.sealer.watch import Watch
from tanji.acquisition.line_protocol import parse
from tanji.health.alarms import Alarms
from tanji.health.clock import ClockWatch
from tanji.health.endpoint import Reporter
from tanji.health.metrics import Metrics
from tanji.plant.model import Plant
from tanji.plant.sealer_model import MEGABYTE
from tanji.store.port import Store
from tanji.trust import durable
from tanji.trust.batch import BatchLog
from tanji.trust.batch_signer import BatchSigner

FLUSH_S = 5.0
"""How long a clean stop waits for a store that answers; the rest waits in the spool."""

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
        keys: BatchSigner | None = None,
        to_log: BatchLog | None = None,
        point_map: bytes | None = None,
    ) -> None:
        settings = plant.services.sealer
        self._clock, self._max_body, self._counters = clock, max_body, Counters()
        self.alarms = Alarms(clock=clock)
        self.metrics = Metrics(self.alarms)
        self.clock_watch = ClockWatch(clock) if monotonic is None else ClockWatch(clock, monotonic=monotonic)
        self._door = Door(None if settings.token_file is None else Path(settings.token_file))
        self._tls = context_of(settings)
        opened = open_folders(
            plant,
            data_dir,
            keys=keys,
            point_map=point_map,
            to=to_log,
            retain_ms=retain_ms,
            clock=clock,
            kernel=self.clock_watch.state,
            sync=sync,
            free=free,
            rng=rng,
        )
        self._parked, self._spool, self.sealing = opened.parked, opened.spool, opened.sealing
        points = PointTable(plant.site.id, [point.id for point in plant.points])
        self._forwarder = self._forwarding(points, store, batch_wait_s=batch_wait_s, rng=rng)
        self._counters.add(acknowledged=self._forwarder.backlog)
        device_clocks = DeviceClocks(plant, alarms=self.alarms, clock=clock)
        self._watch = self._watching(device_clocks, reserve_bytes=settings.disk_reserve_mb * MEGABYTE)
        self._reporter = Reporter(self.metrics, hand_over=self._offer, clock=clock)
        self.app = self._answering(Admission(plant), device_clocks)
        self._server: Server | None = None
        self._stopped = False
        for part in (self._forwarder, self._watch, self._reporter, self.sealing):
            if part is not None:
                part.start()

    def _forwarding(
        self, points: PointTable, store: Store, *, batch_wait_s: float, rng: random.Random | None
    ) -> Forwarder:
        return Forwarder(
            points,
            spool=self._spool,
            store=store,
            parked=self._parked,
            counters=self._counters,
            clock=self._clock,
            batch_wait_s=batch_wait_s,
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
        """Seal up to this moment, and wait until the log has everything; whether it has. False without keys."""
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
        if self._forwarder.writer.state == "ok":
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
        state, torn = self._forwarder.writer.state, self._spool.torn
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


def create_sealer(
    plant: Plant,
    *,
    data_dir: Path,
    store: Store,
    clock: Callable[[], int],
    retain_ms: int | None = None,
    keys: BatchSigner | None = None,
    log: BatchLog | None = None,
    point_map: bytes | None = None,
) -> Sealer:
    """The sealer of `plant` on `data_dir`. SpoolError: the spool is damaged or in use. TrustError: `seal/` is damaged.

    clock : UTC now [ms]. retain_ms : how long segments stay that nobody needs any more [ms]; None: what the plant file
    says, else not at all once they are sealed and logged, and up to the limits where they are not. keys : those of the
    gateway; without them nothing is sealed, and while none of them may sign, readings wait. log : where batches go;
    without it they stay here. point_map : the file that says what the points are, needed beside the keys.
    """
    sealer = Sealer(
        plant,
        data_dir=data_dir,
        store=store,
        clock=clock,
        retain_ms=retain_ms,
        keys=keys,
        to_log=log,
        point_map=point_map,
    )
    torn = sealer.report()["torn"]
    if torn is not None:
        _log.warning("the spool ended in a torn frame, cut off and kept in parked/: %s", torn)
    return sealer
