"""`tanji seal`: the sealer alone, the only door to the raw bucket, as in the container set-up.

With a section `trust` it seals too. The log is the service of `trust.log_url`, or else kept here.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from services.sealer.__main__ import open_store
from tanji.cli.clock import now_ms
from tanji.cli.evidence import open_evidence
from tanji.cli.instance import claim
from tanji.cli.options import listening
from tanji.cli.options import port as tcp_port
from tanji.cli.sealing import SealingParts, sealer_of
from tanji.cli.waiting import wait_until
from tanji.plant.load import load
from tanji.plant.model import Plant


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "seal",
        help="accept readings, put them on disk, forward them to the store",
        description="Accept line protocol at /write and /api/v2/write; answer 204 once it is on disk.",
        epilog="example: tanji seal --plant plant.yaml --data /var/lib/tanji",
    )
    verb.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    verb.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="data directory (default: ./data)")
    verb.add_argument("--host", help="address to listen on (default: the plant file's)")
    verb.add_argument("--port", type=tcp_port, help="port, 0 for a free one (default: the plant file's)")
    verb.add_argument("--json", action="store_true", help="one JSON line with the address, on standard output")
    verb.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Seal until SIGTERM or SIGINT."""
    plant = load(arguments.plant)
    services = plant.services
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    host = arguments.host or services.sealer_host
    port = services.sealer_port if arguments.port is None else arguments.port

    def announce(address: tuple[str, int]) -> None:
        url = f"{services.sealer.scheme}://{address[0]}:{address[1]}"
        if arguments.json:
            print(json.dumps({"plant": plant.site.id, "sealer": url}), flush=True)
        else:
            print(f"sealer  {url}/write", file=sys.stderr, flush=True)

    with claim(arguments.data), listening("sealer", host=host, port=port):
        serve(plant, arguments.data, host=host, port=port, stop=stop, announce=announce)
    return 0


def serve(
    plant: Plant,
    data_dir: Path,
    *,
    host: str,
    port: int,
    stop: threading.Event,
    announce: Callable[[tuple[str, int]], object],
) -> None:
    """Accept, seal and forward until `stop`; `announce` gets the address once it listens."""
    store = open_store(plant, data_dir)
    try:
        evidence = open_evidence(plant, data_dir, clock=now_ms, roles=("gateway",))
        sealer = sealer_of(plant, evidence, data_dir=data_dir, store=store, clock=now_ms)
        parts = SealingParts(evidence, alarms=sealer.alarms, clock=now_ms)
        try:
            parts.start(sealer.metrics, sealer=sealer)
            announce(sealer.start(host, port))
            wait_until(stop)
        finally:
            sealer.stop()
            parts.close()
    finally:
        store.close()
