"""`tanji jobs`: quality, activity and emission jobs, on a schedule or once.

The embedded store has one owner process, so beside a running `tanji run` this verb is only for a remote store.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
from dataclasses import asdict
from pathlib import Path

from calc_jobs.jobs import Jobs
from calc_jobs.schedule import Schedule
from tanji.cli import progress
from tanji.cli.clock import now_ms
from tanji.cli.stores import open_store
from tanji.ledger import Ledger
from tanji.plant.load import load


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "jobs",
        help="compute the hours whose data arrived",
        description="Compute flags, activity and emissions of every closed hour that new data touch.",
        epilog="example: tanji jobs --plant plant.yaml --data /var/lib/tanji --once",
    )
    verb.add_argument("--plant", type=Path, required=True, help="the plant file")
    verb.add_argument("--data", type=Path, default=Path("data"), help="data directory (default: ./data)")
    verb.add_argument("--once", action="store_true", help="compute what is pending and stop")
    verb.add_argument("--json", action="store_true", help="print the run's report as JSON")
    verb.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Compute once, or until SIGTERM or SIGINT."""
    plant = load(arguments.plant)
    store = open_store(plant, arguments.data)
    ledger = Ledger(arguments.data / "ledger.sqlite")
    jobs = Jobs(plant, store=store, ledger=ledger, clock=now_ms, drop_dir=arguments.data / "drop")
    try:
        if arguments.once:
            with progress.bar("hours", total=max(1, len(jobs.pending_hours()))) as advance:
                report = jobs.run_once(progress=advance)
            print(json.dumps(asdict(report)) if arguments.json else report)
            return 0
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        schedule = Schedule(jobs)
        schedule.start()
        stop.wait()
        schedule.stop()
    finally:
        ledger.close()
        store.close()
    return 0
