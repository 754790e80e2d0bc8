"""The sealer as one object: spool, admission, HTTP face and forwarding of one plant (DESIGN section 2; R33, R36, R39).

It works on one data directory: `spool/` the evidence, `parked/` what a person must look at. The store is the caller's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.sealer import durable
from services.sealer.admission import Admission
from services.sealer.app import MAX_BODY, SealerApp
from services.sealer.counters import Counters
from services.sealer.forward import BATCH_WAIT_S, Forwarder
from services.sealer.parked import Parked
from services.sealer.rows import PointTable
from services.sealer.server import Server
from services.sealer.spool import Spool
from tanji.plant.model import Plant
from tanji.store.port import Store

FLUSH_S = 5.0
"""How long a clean stop waits for a store that answers; the rest waits in the spool."""

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
    ) -> None:
        self._max_body = max_body
        self._counters = Counters()
        parked = Parked(data_dir / "parked", sync=sync)
        self._spool = Spool(data_dir / "spool", parked=parked, retain_ms=retain_ms, sync=sync)
        points = PointTable(plant.site.id, [point.id for point in plant.points])
        self._forwarder = Forwarder(
            points,
            spool=self._spool,
            store=store,
            parked=parked,
            counters=self._counters,
            clock=clock,
            batch_wait_s=batch_wait_s,
        )
        self._counters.add(acknowledged=self._forwarder.backlog)
        self.app = SealerApp(
            Admission(plant),
            spool=self._spool,
            parked=parked,
            health=self._forwarder.health,
            counters=self._counters,
            clock=clock,
            report=self.report,
            max_body=max_body,
        )
        self._server: Server | None = None
        self._stopped = False
        self._forwarder.start()

    def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; port 0 takes a free one. Returns the address."""
        self._server = Server(self.app, host=host, port=port, max_body=self._max_body)
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
        }


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
