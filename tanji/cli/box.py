"""One plant in one process: sealer, log, embedded or remote store, jobs, ledger, pages, pollers (DESIGN section 4).

The parts meet as they do in containers: pollers post to the sealer's `/write`, the sealer forwards to the store and to
the log, jobs follow arrivals. Only the wiring is here. Parts stop in the order of the flow, so that nothing
acknowledged is left unforwarded by a clean stop; after an unclean one the spool brings it in at the next start.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from calc_jobs.jobs import Jobs
from calc_jobs.schedule import Schedule
from ledger_api import Demonstration, create_app
from ledger_api.server import PagesServer, serve
from tanji.cli.auditing import nightly_audit
from tanji.cli.clock import now_ms
from tanji.cli.evidence import open_evidence
from tanji.cli.polling import Addresses, PollingThread
from tanji.cli.published import published_log
from tanji.cli.receiving import ReceivingThread
from tanji.cli.sealing import SealingParts, laboratory_seal, sealer_of, watch_laboratory
from tanji.cli.stores import open_ledger, open_store
from tanji.health.process import ProcessHealth
from tanji.plant.model import Plant


class Box:
    """Everything of one plant. Start the parts that are wanted, then `close`."""

    def __init__(self, plant: Plant, *, data_dir: Path, clock: Callable[[], int] = now_ms) -> None:
        self.plant = plant
        self.data_dir = data_dir
        self.clock = clock
        self.store = open_store(plant, data_dir)
        self.ledger = open_ledger(data_dir)
        self.evidence = open_evidence(plant, data_dir, clock=clock)
        self.sealer = sealer_of(plant, self.evidence, data_dir=data_dir, store=self.store, clock=clock)
        self.health = ProcessHealth(
            clock=clock,
            alarms=self.sealer.alarms,
            metrics=self.sealer.metrics,
            clock_watch=self.sealer.clock_watch,
        )
        self.sealing = SealingParts(self.evidence, alarms=self.sealer.alarms, clock=clock)
        self.laboratory = laboratory_seal(
            self.evidence, self.ledger, data_dir=data_dir, clock=clock, clock_watch=self.sealer.clock_watch
        )
        watch_laboratory(self.health, self.laboratory)
        self.health.start()
        self.sealing.start(self.sealer.metrics, sealer=self.sealer, laboratory=self.laboratory)
        self.jobs = Jobs(
            plant,
            store=self.store,
            ledger=self.ledger,
            clock=clock,
            drop_dir=data_dir / "drop",
            laboratory=self.laboratory,
        )
        self._schedule: Schedule | None = None
        self._pollers: PollingThread | None = None
        self._receiver: ReceivingThread | None = None
        self._pages: PagesServer | None = None

    def start_sealer(self, *, host: str, port: int) -> str:
        """Accept readings; returns the sealer's address."""
        bound_host, bound_port = self.sealer.start(host, port)
        return f"{self.plant.services.sealer.scheme}://{bound_host}:{bound_port}"

    def start_pollers(self, sealer_url: str, *, addresses: Addresses | None = None) -> PollingThread:
        """Read the devices of the plant file."""
        self._pollers = PollingThread(self.plant, sealer_url=sealer_url, addresses=addresses, health=self.health)
        self._pollers.start()
        return self._pollers

    def stop_pollers(self) -> None:
        """Stop reading; what was read has been handed to the sealer."""
        if self._pollers is not None:
            self._pollers.stop()
            self._pollers = None

    def start_receiver(self, sealer_url: str) -> ReceivingThread:
        """Listen for the HJ 212 stations of the plant file."""
        self._receiver = ReceivingThread(self.plant, sealer_url=sealer_url, health=self.health)
        self._receiver.start()
        return self._receiver

    def start_schedule(self) -> None:
        """Compute closed hours as their data arrive; compare the database with what was sealed, every night."""
        audit = nightly_audit(
            self.plant, store=self.store, ledger=self.ledger, data_dir=self.data_dir, clock=self.clock
        )
        if audit is not None:
            self.health.add_audit(audit.health)
        self._schedule = schedule = Schedule(self.jobs, audit=audit)
        self.health.add_jobs(lambda: dict(schedule.events))
        self._schedule.start()

    def start_pages(self, *, host: str, port: int, demonstration: Demonstration | None = None) -> str:
        """Serve the web pages; returns their address."""
        app = create_app(
            self.plant,
            store=self.store,
            ledger=self.ledger,
            clock=self.clock,
            demonstration=demonstration,
            metrics=self.sealer.metrics,
            seal_state=lambda: self.sealing.state(self.sealer),
            published=published_log(self.plant, self.data_dir),
        )
        self._pages = serve(app, host=host, port=port)
        return f"http://{self._pages.host}:{self._pages.port}/"

    def close(self) -> None:
        """Stop everything and flush: pollers first, then the sealer, then log and store."""
        self.stop_pollers()
        if self._receiver is not None:
            self._receiver.stop()
        if self._schedule is not None:
            self._schedule.stop()
        if self._pages is not None:
            self._pages.stop()
        self.health.stop()
        self.sealer.stop()  # seals and forwards what is left, if log and store answer; the rest waits in the spool
        self.sealing.close()
        self.ledger.close()
        self.store.close()
