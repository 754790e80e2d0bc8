"""`tanji demo`: a simulated plant through the whole chain, its tonnes beside the simulator's truth (R58).

A simulator process posts a month of history to the sealer's `/write`, then serves Modbus TCP and OPC UA for half a
minute while the pollers read it; the jobs compute; the figures are printed and written to `demo/report.html` and
`demo/summary.json`. All of it is sealed, logged and witnessed; a day is published, bundled and verified, and at last
one bit of the database is changed and found (`demo_evidence`). Nothing is taken from the simulator but readings,
laboratory sheets and, at the very end, the truth to compare with.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from calc_jobs import drop_folder
from calc_jobs.jobs import GRACE_MS
from ledger_api import Demonstration
from services.simulator.laboratory import laboratory_csv, samples_csv
from services.simulator.scenario import Scenario, demo_scenario
from services.simulator.truth import truth
from tanji.cli import demo_evidence, progress
from tanji.cli.box import Box
from tanji.cli.clock import now_ms
from tanji.cli.demo_figures import as_json, print_figures
from tanji.cli.demo_keys import demonstration_keys
from tanji.cli.demo_simulator import SimulatorProcess
from tanji.cli.instance import claim
from tanji.cli.options import listening
from tanji.cli.options import port as tcp_port
from tanji.cli.waiting import wait_until
from tanji.errors import UsageError
from tanji.plant.dump import dump
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.plant.names import derived_bucket, raw_bucket
from tanji.report.model import Live, Readings, Run
from tanji.report.page import write_report
from tanji.report.summary import summarise

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MINUTE_MS = 60_000
LEAD_S = 2
"""Seconds the pollers run before the live period is counted: connections are being made."""

DRAIN_TIMEOUT_S = 120.0
FOUND_AND_PUT_BACK = {"changed": 1, "after_repair": 0}
"""Rows that differ after one bit was changed, and after the repair."""

MARK = "made-by-tanji-demo"
"""The file that tells a demonstration's data, which the next one throws away, from a plant's, which nobody may."""


@dataclass(frozen=True, slots=True)
class Period:
    """History [start, end) at one minute, up to now; whole hours [start, closed) are what the figures speak of. [ms]"""

    start_ms: int
    closed_ms: int
    end_ms: int


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "demo",
        help="a simulated plant from device registers to a month's tonnes",
        description="Simulate a 5,000 t/d plant, meter it, and print its tonnes beside the truth.",
        epilog="example: tanji demo --keep",
    )
    verb.add_argument("--days", type=int, default=31, help="days of history at one minute (default: 31)")
    verb.add_argument("--live", type=int, default=30, help="seconds of live polling at one second (default: 30)")
    verb.add_argument("--seed", type=int, default=32151, help="everything random follows from it (default: 32151)")
    verb.add_argument(
        "--out",
        type=Path,
        default=Path("demo"),
        metavar="DIR",
        help="where report and data go (default: ./demo)",
    )
    verb.add_argument("--keep", action="store_true", help="leave the web page up until interrupted")
    verb.add_argument("--port", type=tcp_port, default=0, help="port of the page with --keep (default: a free one)")
    verb.add_argument("--json", action="store_true", help="print the summary as JSON instead of tables")
    verb.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demonstration; 0 if the evidence holds and the changed bit was found, whatever the figures say."""
    if arguments.days < 1 or arguments.live < 1:
        raise UsageError("--days and --live: expected at least 1")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C, and the simulator with it
    began = time.monotonic()
    plant_file = Path(str(files("provisioning") / "plants" / "demo.yaml"))
    period = period_ending(now_ms(), days=arguments.days)
    with claim(arguments.out):
        folders = [emptied(arguments.out / name) for name in ("data", "institute")]
        anchor = arguments.out / "anchor"
        with demonstration_keys(load(plant_file), folders[0], folders[1], anchor=anchor) as plant:
            (arguments.out / "plant.yaml").write_text(dump(plant), encoding="utf-8")
            box = Box(plant, data_dir=folders[0])
            try:
                return demonstrate(box, period, arguments, plant_file=plant_file, began=began)
            finally:
                box.close()


def demonstrate(box: Box, period: Period, arguments: argparse.Namespace, *, plant_file: Path, began: float) -> int:
    """Bring the readings in, compute, print, publish, verify, tamper; 0 if what had to be found was found."""
    times, out, plant = {"start_ms": period.start_ms, "end_ms": period.end_ms}, arguments.out, box.plant
    scenario = demo_scenario(seed=arguments.seed, **times)
    simulator = SimulatorProcess(plant_file, seed=arguments.seed, **times)
    live = meter(box, simulator, scenario, live_s=arguments.live)
    with progress.bar("computing", total=max(1, len(box.jobs.pending_hours()))) as advance:
        box.jobs.run_once(progress=advance)
    told = truth(plant, scenario, period.start_ms, period.closed_ms)
    brought = Run(count_readings(box, plant), live)
    figures = conclude(box, told, period, brought, out=out)
    if not arguments.json:
        print_figures(figures, names=plant.site.name, out=out)
    evidence = show_evidence(box, period, out=out, quiet=arguments.json)
    figures |= {"evidence": evidence, "seconds": round(time.monotonic() - began, 1)}
    write_summary(figures, out=out)
    ends = f"\n{figures['seconds']} s   {out / 'bundle.zip'}   {out / 'anchor'}"
    print(json.dumps(figures, ensure_ascii=False) if arguments.json else ends, flush=True)
    if arguments.keep:
        days = (period.closed_ms - period.start_ms) // DAY_MS
        shown = Demonstration(end_ms=period.closed_ms, days=days, run=brought, truth=told)
        stay(box, shown, port=arguments.port, as_json=arguments.json)
    return 0 if evidence["exit_code"] == 0 and evidence["audit"] == FOUND_AND_PUT_BACK else 1


def emptied(data_dir: Path) -> Path:
    """The directory without the data of an earlier demonstration; UsageError where it holds anything else."""
    if data_dir.exists() and not (data_dir / MARK).is_file():
        raise UsageError(
            f"{data_dir}: expected nothing or the data of an earlier demonstration, got something else;"
            f" it is left alone, choose another directory with --out"
        )
    shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir()
    (data_dir / MARK).touch()
    return data_dir


def period_ending(at_ms: int, *, days: int) -> Period:
    """`days` whole days up to the last full hour that the jobs may compute, and the minutes since."""
    closed = (at_ms - GRACE_MS) // HOUR_MS * HOUR_MS
    return Period(start_ms=closed - days * 24 * HOUR_MS, closed_ms=closed, end_ms=at_ms // MINUTE_MS * MINUTE_MS)


def meter(box: Box, simulator: SimulatorProcess, scenario: Scenario, *, live_s: int) -> Live:
    """Bring in history and laboratory sheets, then read live devices; everything through the sealer."""
    drop = box.data_dir / "drop"
    drop.mkdir(parents=True, exist_ok=True)
    (drop / "samples.csv").write_text(samples_csv(scenario), encoding="utf-8")
    drop_folder.collect(drop, ledger=box.ledger, plant=box.plant, now_ms=box.clock())
    if box.laboratory is not None:
        box.laboratory.seal()  # numbers of samples, before anybody knows a result
    (drop / "laboratory.csv").write_text(laboratory_csv(scenario), encoding="utf-8")
    sealer_url = box.start_sealer(host="127.0.0.1", port=0)
    expected = len(box.plant.metered_points) * (scenario.end_ms - scenario.start_ms) // MINUTE_MS
    with progress.bar("history", total=expected) as advance, simulator.history(sealer_url) as running:
        while running():
            advance(box.sealer.counters()["accepted"])
            time.sleep(0.2)
    with progress.bar("storing", total=expected) as advance:
        while not box.sealer.drain(0.5):
            advance(box.sealer.counters()["forwarded"])
    return poll_live(box, simulator, sealer_url, live_s=live_s)


def poll_live(box: Box, simulator: SimulatorProcess, sealer_url: str, *, live_s: int) -> Live:
    """Read the simulator's devices for `live_s` whole seconds [s] and count what arrived in the store."""
    with simulator.serving() as addresses:
        box.start_pollers(sealer_url, addresses=addresses)
        start_ms = (now_ms() // 1000 + 1 + LEAD_S) * 1000
        end_ms = start_ms + live_s * 1000
        with progress.bar("live", total=live_s) as advance:
            while now_ms() < end_ms + 500:
                advance(max(0, (now_ms() - start_ms) / 1000))
                time.sleep(0.1)
        box.stop_pollers()
    box.sealer.drain(DRAIN_TIMEOUT_S)
    points = [point.id for point in box.plant.metered_points]  # parameters are read at full hours
    bucket = raw_bucket(box.plant.site.id)
    received = box.store.count(bucket, "reading", start_ms=start_ms, end_ms=end_ms, where={"point": points})
    return Live(seconds=live_s, expected=len(points) * live_s, received=received)


def conclude(box: Box, told: Mapping[str, Any], period: Period, brought: Run, *, out: Path) -> dict[str, Any]:
    """Summarise beside the truth and write the report; returns what `summary.json` holds of the figures."""
    summary = summarise(box.store, box.plant, start_ms=period.start_ms, end_ms=period.closed_ms, ledger=box.ledger)
    write_report(out / "report.html", summary, truth=told, run=brought)
    return as_json(summary, told, readings=brought.readings, live=brought.live)


def show_evidence(box: Box, period: Period, *, out: Path, quiet: bool) -> dict[str, Any]:
    """Publish, bundle and verify; then change one bit and have it found. Printed as it goes, unless `quiet`."""
    evident = demo_evidence.publish_and_verify(box, start_ms=period.start_ms, closed_ms=period.closed_ms, out=out)
    if not quiet:
        demo_evidence.print_evident(evident)
    tampered = demo_evidence.tamper_and_repair(box, evident.period)
    if not quiet:
        demo_evidence.print_tampered(tampered, box.plant)
    return demo_evidence.as_json(evident, tampered)


def write_summary(figures: Mapping[str, Any], *, out: Path) -> None:
    """The file other tools read."""
    text = json.dumps(figures, ensure_ascii=False, indent=1)
    (out / "summary.json").write_text(text + "\n", encoding="utf-8")


def count_readings(box: Box, plant: Plant) -> Readings:
    """What was acknowledged, and what the store and the flags hold of it now."""
    derived = derived_bucket(plant.site.id)
    words = box.store.read(derived, "flag", fields=["quality"])["quality"].to_numpy()
    return Readings(
        points=len(plant.metered_points),
        accepted=box.sealer.counters()["accepted"],
        stored=box.store.count(raw_bucket(plant.site.id), "reading"),
        flagged=int((words != 0).sum()),
    )


def stay(box: Box, shown: Demonstration, *, port: int, as_json: bool) -> None:
    """Serve the page of the demonstration's period until interrupted."""
    with listening("pages", host="127.0.0.1", port=port):
        url = box.start_pages(host="127.0.0.1", port=port, demonstration=shown)
    if as_json:
        print(json.dumps({"pages": url}), flush=True)
    else:
        print(f"\n{url}  (Ctrl-C ends it)", flush=True)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    wait_until(stop)
