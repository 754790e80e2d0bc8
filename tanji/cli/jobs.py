"""`tanji jobs`: quality, activity and emission jobs, on a schedule or once, and the laboratory's seal.

The embedded store has one owner process, so beside a running `tanji run` this verb is only for a remote store.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from calc_jobs.jobs import Jobs, RunReport
from calc_jobs.schedule import Schedule
from tanji.cli import progress
from tanji.cli.auditing import nightly_audit
from tanji.cli.clock import now_ms
from tanji.cli.evidence import open_evidence
from tanji.cli.sealing import SealingParts, laboratory_seal, watch_laboratory
from tanji.cli.stores import open_ledger, open_store
from tanji.cli.waiting import wait_until
from tanji.health.process import ProcessHealth
from tanji.health.sending import numbers_to
from tanji.ledger import Ledger
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.store.port import Store


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "jobs",
        help="compute the hours whose data arrived",
        description="Compute flags, activity and emissions of every closed hour that new data touch.",
        epilog="example: tanji jobs --plant plant.yaml --data /var/lib/tanji --once",
    )
    verb.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    verb.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="data directory (default: ./data)")
    verb.add_argument("--sealer", metavar="URL", help="where numbers of the jobs go (default: from the plant file)")
    verb.add_argument("--once", action="store_true", help="compute what is pending and stop; 1 if a row was refused")
    verb.add_argument("--json", action="store_true", help="with --once: the run's report as one JSON line")
    verb.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Compute once, or until SIGTERM or SIGINT."""
    plant = load(arguments.plant)
    store = open_store(plant, arguments.data)
    try:
        ledger = open_ledger(arguments.data)
        try:
            health = ProcessHealth(clock=now_ms)
            evidence = open_evidence(plant, arguments.data, clock=now_ms, roles=("laboratory",))
            parts = SealingParts(evidence, alarms=health.alarms, clock=now_ms)
            try:
                return compute(plant, store, ledger, health, parts, arguments)
            finally:
                parts.close()
        finally:
            ledger.close()
    finally:
        store.close()


def compute(
    plant: Plant,
    store: Store,
    ledger: Ledger,
    health: ProcessHealth,
    parts: SealingParts,
    arguments: argparse.Namespace,
) -> int:
    """Compute with everything open; what people brought is sealed first."""
    data_dir = arguments.data
    seal = laboratory_seal(parts.evidence, ledger, data_dir=data_dir, clock=now_ms, clock_watch=health.clock_watch)
    jobs = Jobs(plant, store=store, ledger=ledger, clock=now_ms, drop_dir=data_dir / "drop", laboratory=seal)
    if arguments.once:
        return run_once(jobs, as_json=arguments.json)
    watch_laboratory(health, seal)
    parts.start(health.metrics, laboratory=seal)
    audit = nightly_audit(plant, store=store, ledger=ledger, data_dir=data_dir, clock=now_ms)
    if audit is not None:
        health.add_audit(audit.health)
    schedule = Schedule(jobs, audit=audit)
    return run_on_schedule(schedule, plant, health, sealer_url=arguments.sealer or plant.services.sealer_url)


def run_once(jobs: Jobs, *, as_json: bool) -> int:
    """Compute what is pending; 1 if a file of the drop folder had a row that was refused."""
    with progress.bar("hours", total=max(1, len(jobs.pending_hours()))) as advance:
        report = jobs.run_once(progress=advance)
    print(json.dumps(asdict(report), ensure_ascii=False) if as_json else as_text(report))
    for finding in report.findings:
        print(finding, file=sys.stderr)
    return 1 if report.findings else 0


def run_on_schedule(schedule: Schedule, plant: Plant, health: ProcessHealth, *, sealer_url: str) -> int:
    """Compute whenever something has arrived, until SIGTERM or SIGINT; numbers of the jobs go through the sealer."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    health.add_jobs(lambda: dict(schedule.events))
    settings = plant.services.health
    health.start((settings.host, settings.jobs), hand_over=numbers_to(plant, url=sealer_url))
    schedule.start()
    wait_until(stop)
    schedule.stop()
    health.stop()
    return 0


def as_text(report: RunReport) -> str:
    """What a run did, for a person."""
    if report.first_ms is None or report.end_ms is None:
        text = "nothing to compute: no closed hour has new data"
    else:
        text = (
            f"{report.hours} h computed, {moment(report.first_ms)} to {moment(report.end_ms)} UTC,"
            f" in {report.seconds:.1f} s; rows changed: {report.flags} flag, {report.activity_rows} activity,"
            f" {report.emission_rows} emission"
        )
    lines = [text, *(f"missing  {stream}: {hours} h without a value" for stream, hours in report.missing)]
    lines += [f"missing  {rules}: {hours} h before its first edition" for rules, hours in report.no_edition]
    if report.entries or report.findings:
        lines.append(f"laboratory and manual values: {report.entries} new, {len(report.findings)} refused")
    return "\n".join(lines)


def moment(time_ms: int) -> str:
    """UTC to the minute."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
