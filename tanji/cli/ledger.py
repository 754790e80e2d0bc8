"""`tanji ledger`: the pages, and laboratory or manual values from a CSV file."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from ledger_api import create_app
from ledger_api.server import serve
from tanji.cli.clock import now_ms
from tanji.cli.options import listening
from tanji.cli.options import port as tcp_port
from tanji.cli.stores import ledger_file, open_ledger, open_store
from tanji.ledger.laboratory_csv import import_file
from tanji.plant.load import load


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb and its two parts."""
    verb = verbs.add_parser(
        "ledger",
        help="serve the pages, or import laboratory values",
        description="Serve the web pages alone, or import laboratory and manual values from a CSV file.",
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
    values = parts.add_parser(
        "import",
        help="import laboratory and manual values from a CSV file",
        description="Import laboratory and manual values; good rows enter, refused rows are named with their line.",
        epilog="example: tanji ledger import results.csv --plant plant.yaml --data /var/lib/tanji",
    )
    values.add_argument("file", type=Path, metavar="FILE", help="CSV with the columns of docs/laboratory-csv.md")
    values.add_argument("--json", action="store_true", help="the result and every finding as one JSON line")
    values.set_defaults(func=run_import)
    for part in (pages, values):
        part.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
        part.add_argument(
            "--data", type=Path, default=Path("data"), metavar="DIR", help="data directory (default: ./data)"
        )


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
            app = create_app(plant, store=store, ledger=ledger, clock=now_ms)
            with listening("pages", host=host, port=port):
                server = serve(app, host=host, port=port)
            url = f"http://{server.host}:{server.port}/"
            if arguments.json:
                print(json.dumps({"plant": plant.site.id, "pages": url}), flush=True)
            else:
                print(f"pages   {url}", file=sys.stderr, flush=True)
            stop.wait()
            server.stop()
        finally:
            ledger.close()
    finally:
        store.close()
    return 0


def run_import(arguments: argparse.Namespace) -> int:
    """Import one file; 1 if a row was refused. The ledger is named: a wrong --data would make a new, empty one."""
    plant = load(arguments.plant)
    arguments.file.open("rb").close()  # before a ledger is made for nothing
    ledger = open_ledger(arguments.data)
    try:
        result = import_file(arguments.file, ledger=ledger, plant=plant, now_ms=now_ms())
    finally:
        ledger.close()
    where = ledger_file(arguments.data)
    if arguments.json:
        print(json.dumps({**asdict(result), "ledger": str(where)}, ensure_ascii=False))
    else:
        print(
            f"{arguments.file} -> {where}: {result.added} new, {result.repeated} known, {result.superseded} corrected,"
            f" {len(result.findings)} refused"
        )
    for finding in result.findings:
        print(finding, file=sys.stderr)
    return 1 if result.findings else 0
