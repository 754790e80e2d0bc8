"""`tanji run`: a whole plant in one process, with the embedded store, until SIGTERM (DESIGN section 4, R54)."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from tanji.cli.box import Box
from tanji.cli.instance import claim
from tanji.cli.options import listening
from tanji.cli.options import port as tcp_port
from tanji.cli.polling import PollingThread
from tanji.cli.receiving import ReceivingThread, has_stations
from tanji.plant.load import load
from tanji.plant.model import Plant


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "run",
        help="run a plant: pollers, sealer, store, jobs and pages in one process",
        description="Run everything of one plant in one process. No server and no account are needed.",
        epilog="example: tanji run --plant plant.yaml --data /var/lib/tanji",
    )
    verb.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    verb.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="data directory (default: ./data)")
    verb.add_argument(
        "--host", help="address of the pages; the plant file's by default, loopback: there is no login yet"
    )
    verb.add_argument("--port", type=tcp_port, help="port of the pages, 0 for a free one (default: the plant file's)")
    verb.add_argument("--json", action="store_true", help="one JSON line with the addresses, on standard output")
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
            with listening("sealer", host=services.sealer_host, port=services.sealer_port):
                sealer_url = box.start_sealer(host=services.sealer_host, port=services.sealer_port)
            host = arguments.host or services.pages_host
            port = services.pages_port if arguments.port is None else arguments.port
            with listening("pages", host=host, port=port):
                pages_url = box.start_pages(host=host, port=port)
            box.start_schedule()
            parts: list[PollingThread | ReceivingThread] = [box.start_pollers(sealer_url)]
            if has_stations(plant):
                with listening("hj212", host=services.hj212_host, port=services.hj212_port):
                    parts.append(box.start_receiver(sealer_url))
            (arguments.data / "drop").mkdir(exist_ok=True)
            announce(plant, box, pages=pages_url, sealer=sealer_url, as_json=arguments.json)
            while not stop.wait(1.0):
                for part in parts:
                    if part.failure is not None:
                        raise part.failure
        finally:
            box.close()
    return 0


def announce(plant: Plant, box: Box, *, pages: str, sealer: str, as_json: bool) -> None:
    """Say where everything is, once it is there, and whether it is sealed."""
    drop, state = box.data_dir / "drop", box.sealing.state(box.sealer)
    is_sealed = box.evidence is not None and state.reason is None
    if as_json:
        said = {"plant": plant.site.id, "pages": pages, "sealer": sealer, "drop": str(drop), "sealed": is_sealed}
        print(json.dumps(said), flush=True)
    else:
        print(f"{plant.site.name.zh} ({plant.site.name.en})", file=sys.stderr)
        print(f"pages   {pages}", file=sys.stderr)
        print(f"sealer  {sealer}/write", file=sys.stderr)
        if plant.trust is not None:
            by = ", ".join(state.witnesses) or "nobody 无见证方"
            told = f"{plant.trust.gateway_key}, witnessed by {by}" if is_sealed else f"unsealed 未封存: {state.reason}"
            print(f"seal    {told}", file=sys.stderr)
        print(f"drop    {drop}  (laboratory and manual values as CSV)", file=sys.stderr, flush=True)
