"""`tanji receive`: the HJ 212 receiver alone, posting to a sealer elsewhere, as in the container set-up."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from tanji.cli.options import listening, sealer_url
from tanji.cli.options import port as tcp_port
from tanji.cli.receiving import ReceivingThread, has_stations
from tanji.errors import UsageError
from tanji.plant.load import load


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "receive",
        help="take the telegrams of HJ 212 stations and post their values to a sealer",
        description="Listen for the HJ 212 stations of a plant; answer a telegram once the sealer has it on disk.",
        epilog="example: tanji receive --plant plant.yaml --sealer http://127.0.0.1:8186 --host 0.0.0.0",
    )
    verb.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    verb.add_argument("--sealer", metavar="URL", help="the sealer's address (default: from the plant file)")
    verb.add_argument("--host", help="address to listen on (default: the plant file's)")
    verb.add_argument("--port", type=tcp_port, help="port, 0 for a free one (default: the plant file's)")
    verb.add_argument("--json", action="store_true", help="one JSON line with the address, on standard output")
    verb.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Receive until SIGTERM or SIGINT; 1 if the receiver ended by itself."""
    plant = load(arguments.plant)
    services = plant.services
    if not has_stations(plant):
        raise UsageError(f"{arguments.plant}: expected a device with protocol: hj212, got none")
    url = sealer_url(arguments.sealer, usual=services.sealer_url)
    host = arguments.host or services.hj212_host
    port = services.hj212_port if arguments.port is None else arguments.port
    receiver = ReceivingThread(plant, sealer_url=url, host=host, port=port)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: receiver.stop())
    with listening("hj212", host=host, port=port):
        bound = receiver.start()
    if arguments.json:
        print(json.dumps({"plant": plant.site.id, "sealer": url, "hj212": f"{bound[0]}:{bound[1]}"}), flush=True)
    else:
        print(f"hj212   {bound[0]}:{bound[1]} -> {url}/write", file=sys.stderr, flush=True)
    receiver.wait()
    return 0 if receiver.failure is None else 1
