"""`tanji poll`: the pollers alone, posting to a sealer elsewhere, as in the container set-up."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from tanji.cli.polling import PollingThread
from tanji.plant.load import load


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "poll",
        help="read the devices of a plant and post the readings to a sealer",
        description="Read every point marked `via: poller` and post the readings to the sealer.",
        epilog="example: tanji poll --plant plant.yaml --sealer http://127.0.0.1:8186",
    )
    verb.add_argument("--plant", type=Path, required=True, help="the plant file")
    verb.add_argument("--sealer", help="the sealer's address (default: from the plant file)")
    verb.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Poll until SIGTERM or SIGINT."""
    plant = load(arguments.plant)
    services = plant.services
    url = arguments.sealer or f"http://{services.sealer_host}:{services.sealer_port}"
    pollers = PollingThread(plant, sealer_url=url)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: pollers.stop())
    pollers.start()
    pollers.wait()
    return 0 if pollers.failure is None else 1
