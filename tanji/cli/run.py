"""`tanji run`: a whole plant in one process, with the embedded store, until SIGTERM (DESIGN section 4, R54)."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from tanji.cli.box import Box
from tanji.cli.instance import claim
from tanji.plant.load import load


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "run",
        help="run a plant: pollers, sealer, store, jobs and pages in one process",
        description="Run everything of one plant in one process. No server and no account are needed.",
        epilog="example: tanji run --plant plant.yaml --data /var/lib/tanji",
    )
    verb.add_argument("--plant", type=Path, required=True, help="the plant file")
    verb.add_argument("--data", type=Path, default=Path("data"), help="data directory (default: ./data)")
    verb.add_argument(
        "--host", help="address of the pages; the plant file's by default, loopback: there is no login yet"
    )
    verb.add_argument("--port", type=int, help="port of the pages (default: the plant file's)")
    verb.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Start every part, wait for SIGTERM or SIGINT, stop cleanly."""
    plant = load(arguments.plant)
    services = plant.services
    with claim(arguments.data):
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        box = Box(plant, data_dir=arguments.data)
        try:
            sealer_url = box.start_sealer(host=services.sealer_host, port=services.sealer_port)
            host = arguments.host or services.pages_host
            port = services.pages_port if arguments.port is None else arguments.port
            pages_url = box.start_pages(host=host, port=port)
            box.start_schedule()
            pollers = box.start_pollers(sealer_url)
            print(f"{plant.site.name.zh} ({plant.site.name.en})", file=sys.stderr)
            print(f"pages   {pages_url}\nsealer  {sealer_url}/write", file=sys.stderr, flush=True)
            while not stop.wait(1.0):
                if pollers.failure is not None:
                    raise pollers.failure
        finally:
            box.close()
    return 0
