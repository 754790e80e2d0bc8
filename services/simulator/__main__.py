"""Command line of the simulator: `python -m services.simulator serve | history | truth | laboratory --help`."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.simulator.history import bodies, history, post_history
from services.simulator.laboratory import laboratory_csv
from services.simulator.scenario import DAY_MS, HOUR_MS, Scenario, demo_scenario
from services.simulator.serve import serving
from services.simulator.truth import truth
from tanji.errors import TanjiError
from tanji.plant.load import load

DEMO_PLANT = Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml"
EXAMPLES = {
    "serve": "python -m services.simulator serve --free-ports",
    "history": "python -m services.simulator history --start 2026-10-01 --days 31 --post http://127.0.0.1:8186",
    "truth": "python -m services.simulator truth --start 2026-10-01 --days 31",
    "laboratory": "python -m services.simulator laboratory --start 2026-10-01 --days 31 > laboratory.csv",
}
HELP = {
    "serve": "serve Modbus TCP and OPC UA; prints one JSON line when ready, stops on SIGTERM",
    "history": "write a past period as line protocol, to standard output or to a sealer",
    "truth": "print the true tonnes as JSON",
    "laboratory": "print laboratory results and manual entries as CSV",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; 0 done, 2 usage or configuration, 3 the sealer cannot be reached."""
    options = _parser().parse_args(arguments)
    scenario = _scenario(options)
    try:
        plant = load(options.plant)
        if options.verb == "serve":
            asyncio.run(_serve(plant, scenario, options))
        elif options.verb == "history":
            _history(plant, scenario, options)
        elif options.verb == "truth":
            print(json.dumps(truth(plant, scenario, scenario.start_ms, scenario.end_ms), ensure_ascii=False))
        else:
            sys.stdout.write(laboratory_csv(scenario))
    except TanjiError as error:
        print(error, file=sys.stderr)
        return 3 if options.verb == "history" and options.post else 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.simulator", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, text in HELP.items():
        verb = verbs.add_parser(name, help=text, description=text, epilog=f"example: {EXAMPLES[name]}")
        verb.add_argument("--plant", type=Path, default=DEMO_PLANT, help="plant file (default: demo.yaml)")
        verb.add_argument("--seed", type=int, default=32151, help="everything random follows from it (default 32151)")
        verb.add_argument("--start", type=_moment, help="first moment, ISO 8601, UTC unless it says otherwise")
        verb.add_argument("--days", type=float, default=31.0, help="length of the period (default 31)")
        verb.add_argument("--no-faults", action="store_true", help="leave out the faults of the demonstration")
    serve = verbs.choices["serve"]
    serve.add_argument("--host", help="address to listen on (default: the plant file's)")
    serve.add_argument("--stations-to", type=_address, metavar="HOST:PORT", help="where HJ 212 stations report to")
    serve.add_argument("--free-ports", action="store_true", help="take free ports instead of the plant file's")
    past = verbs.choices["history"]
    past.add_argument("--post", metavar="URL", help="post to the sealer at URL instead of writing to standard output")
    past.add_argument("--connections", type=int, default=2, help="connections to the sealer (default 2)")
    return parser


def _moment(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, got {text}")
    return host, int(port)


def _scenario(options: argparse.Namespace) -> Scenario:
    """The period asked for; without a start it ends with the last full hour."""
    length = round(options.days * DAY_MS)
    start = options.start if options.start is not None else _clock() // HOUR_MS * HOUR_MS - length
    if options.no_faults:
        return Scenario(seed=options.seed, start_ms=start, end_ms=start + length)
    return demo_scenario(seed=options.seed, start_ms=start, end_ms=start + length)


def _history(plant: Any, scenario: Scenario, options: argparse.Namespace) -> None:
    if options.post:
        began = time.monotonic()
        count = post_history(
            plant,
            scenario,
            url=options.post,
            start_ms=scenario.start_ms,
            end_ms=scenario.end_ms,
            connections=options.connections,
        )
        print(json.dumps({"readings": count, "seconds": round(time.monotonic() - began, 3)}))
        return
    for body, _ in bodies(plant, history(plant, scenario, scenario.start_ms, scenario.end_ms)):
        sys.stdout.buffer.write(body)


async def _serve(plant: Any, scenario: Scenario, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ports = {device.id: 0 for device in plant.devices} if options.free_ports else {}
    to = options.stations_to
    async with serving(plant, scenario, clock=_clock, ports=ports, host=options.host, stations_to=to) as where:
        ready = {"ready": True, "devices": where.devices, "endpoints": where.endpoints}
        print(json.dumps(ready), flush=True)
        await stop.wait()


def _clock() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    sys.exit(main())
