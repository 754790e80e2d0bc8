"""`tanji seal`: the sealer alone, the only door to the raw bucket, as in the container set-up."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from services.sealer import create_sealer
from tanji.cli.clock import now_ms
from tanji.cli.instance import claim
from tanji.cli.stores import open_store
from tanji.plant.load import load


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "seal",
        help="accept readings, put them on disk, forward them to the store",
        description="Accept line protocol at /write and /api/v2/write; answer 204 once it is on disk.",
        epilog="example: tanji seal --plant plant.yaml --data /var/lib/tanji",
    )
    verb.add_argument("--plant", type=Path, required=True, help="the plant file")
    verb.add_argument("--data", type=Path, default=Path("data"), help="data directory (default: ./data)")
    verb.add_argument("--host", help="address to listen on (default: the plant file's)")
    verb.add_argument("--port", type=int, help="port to listen on (default: the plant file's)")
    verb.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Seal until SIGTERM or SIGINT."""
    plant = load(arguments.plant)
    services = plant.services
    with claim(arguments.data):
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        store = open_store(plant, arguments.data)
        sealer = create_sealer(plant, data_dir=arguments.data, store=store, clock=now_ms)
        port = services.sealer_port if arguments.port is None else arguments.port
        host, port = sealer.start(arguments.host or services.sealer_host, port)
        print(f"sealer  http://{host}:{port}/write", file=sys.stderr, flush=True)
        stop.wait()
        sealer.stop()
        store.close()
    return 0
