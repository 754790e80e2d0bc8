"""`tanji poll`: the pollers alone, posting to a sealer elsewhere, as in the container set-up; or one look at a device.

What `--once` shows is `tanji.cli.poll_explain`.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from tanji.cli import poll_explain
from tanji.cli.options import sealer_url
from tanji.cli.polling import PollingThread
from tanji.errors import UsageError
from tanji.plant.load import load


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "poll",
        help="read the devices of a plant and post the readings to a sealer",
        description="Read every point marked `via: poller` and post the readings to the sealer.",
        epilog="examples:\n  tanji poll --plant plant.yaml --sealer http://127.0.0.1:8186\n"
        "  tanji poll --once --explain --plant plant.yaml --device gateway1",
    )
    verb.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    verb.add_argument("--sealer", metavar="URL", help="the sealer's address (default: from the plant file)")
    verb.add_argument("--json", action="store_true", help="one JSON line when polling begins, or of what was read once")
    poll_explain.add_options(verb)
    verb.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Poll until SIGTERM or SIGINT; 1 if the pollers ended by themselves."""
    plant = load(arguments.plant)
    if arguments.once:
        return poll_explain.run(arguments, plant)
    for option in ("explain", "device", "language"):
        if getattr(arguments, option):
            raise UsageError(f"--{option}: expected --once beside it, got none")
    url = sealer_url(arguments.sealer, usual=plant.services.sealer_url)
    pollers = PollingThread(plant, sealer_url=url)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: pollers.stop())
    pollers.start()
    points = sum(point.via == "poller" and point.hj212 is None for point in plant.points)
    if arguments.json:
        print(json.dumps({"plant": plant.site.id, "sealer": url, "points": points}), flush=True)
    else:
        print(f"{points} points -> {url}/write", file=sys.stderr, flush=True)
    pollers.wait()
    return 0 if pollers.failure is None else 1
