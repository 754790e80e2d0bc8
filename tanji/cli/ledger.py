"""`tanji ledger`: the pages, and laboratory or manual values from a CSV file."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from ledger_api import create_app
from ledger_api.server import serve
from tanji.cli.clock import now_ms
from tanji.cli.stores import open_store
from tanji.ledger import Ledger
from tanji.ledger.laboratory_csv import import_file
from tanji.plant.load import load


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb and its two parts."""
    verb = verbs.add_parser("ledger", help="serve the pages, or import laboratory values")
    parts = verb.add_subparsers(dest="part", required=True, metavar="PART")
    pages = parts.add_parser(
        "serve",
        help="serve the web pages alone",
        epilog="example: tanji ledger serve --plant plant.yaml --data /var/lib/tanji",
    )
    pages.add_argument("--host", help="address to listen on (default: the plant file's)")
    pages.add_argument("--port", type=int, help="port to listen on (default: the plant file's)")
    pages.set_defaults(func=run_serve)
    values = parts.add_parser(
        "import",
        help="import laboratory and manual values from a CSV file",
        epilog="example: tanji ledger import results.csv --plant plant.yaml --data /var/lib/tanji",
    )
    values.add_argument("file", type=Path, help="CSV with the columns of docs/laboratory-csv.md")
    values.set_defaults(func=run_import)
    for part in (pages, values):
        part.add_argument("--plant", type=Path, required=True, help="the plant file")
        part.add_argument("--data", type=Path, default=Path("data"), help="data directory (default: ./data)")


def run_serve(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    plant = load(arguments.plant)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    store, ledger = open_store(plant, arguments.data), Ledger(arguments.data / "ledger.sqlite")
    port = plant.services.pages_port if arguments.port is None else arguments.port
    app = create_app(plant, store=store, ledger=ledger, clock=now_ms)
    server = serve(app, host=arguments.host or plant.services.pages_host, port=port)
    print(f"pages   http://{server.host}:{server.port}/", file=sys.stderr, flush=True)
    stop.wait()
    server.stop()
    ledger.close()
    store.close()
    return 0


def run_import(arguments: argparse.Namespace) -> int:
    """Import one file; 1 if a row was refused. Good rows enter, refused rows are named with their line."""
    plant = load(arguments.plant)
    arguments.data.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(arguments.data / "ledger.sqlite")
    try:
        result = import_file(arguments.file, ledger=ledger, plant=plant, now_ms=now_ms())
    finally:
        ledger.close()
    print(f"{arguments.file}: {result.added} new, {result.repeated} known, {len(result.findings)} refused")
    for finding in result.findings:
        print(finding, file=sys.stderr)
    return 1 if result.findings else 0
