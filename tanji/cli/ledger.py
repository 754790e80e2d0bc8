"""`tanji ledger`: the pages; values, samples and factor records are in `ledger_entries`, `_samples` and `_factors`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from ledger_api import create_app
from ledger_api.server import serve
from tanji.cli import ledger_entries, ledger_factors, ledger_samples
from tanji.cli.clock import now_ms
from tanji.cli.options import listening
from tanji.cli.options import port as tcp_port
from tanji.cli.published import published_log
from tanji.cli.stores import open_ledger, open_store
from tanji.cli.waiting import wait_until
from tanji.plant.load import load


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb and its parts."""
    verb = verbs.add_parser(
        "ledger",
        help="serve the pages, import laboratory values, register samples, keep the factor library",
        description="Serve the web pages alone, import or withdraw laboratory values, keep the factor library.",
        epilog="example: tanji ledger import results.csv --plant plant.yaml --data /var/lib/tanji",
    )
    parts = verb.add_subparsers(dest="part", required=True, metavar="PART")
    pages = parts.add_parser(
        "serve",
        help="serve the web pages alone",
        description="Serve the web pages alone; `tanji run` serves them too.",
        epilog="example: tanji ledger serve --plant plant.yaml --data /var/lib/tanji",
    )
    pages.add_argument("--host", help="address to listen on (default: the plant file's)")
    pages.add_argument("--port", type=tcp_port, help="port, 0 for a free one (default: the plant file's)")
    pages.add_argument("--json", action="store_true", help="one JSON line with the address, on standard output")
    pages.set_defaults(func=run_serve)
    locate(pages)
    ledger_entries.register(parts, locate)
    ledger_samples.add_parts(parts, locate)
    ledger_factors.register(parts, locate)


def locate(part: argparse.ArgumentParser) -> None:
    """Which plant, and where its data are."""
    part.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    part.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="data directory (default: ./data)")


def run_serve(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    plant = load(arguments.plant)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    host = arguments.host or plant.services.pages_host
    port = plant.services.pages_port if arguments.port is None else arguments.port
    store = open_store(plant, arguments.data)
    try:
        ledger = open_ledger(arguments.data)
        try:
            app = create_app(
                plant, store=store, ledger=ledger, clock=now_ms, published=published_log(plant, arguments.data)
            )
            with listening("pages", host=host, port=port):
                server = serve(app, host=host, port=port)
            url = f"http://{server.host}:{server.port}/"
            if arguments.json:
                print(json.dumps({"plant": plant.site.id, "pages": url}), flush=True)
            else:
                print(f"pages   {url}", file=sys.stderr, flush=True)
            wait_until(stop)
            server.stop()
        finally:
            ledger.close()
    finally:
        store.close()
    return 0
