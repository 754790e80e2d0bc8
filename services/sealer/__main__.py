"""`python -m services.sealer --plant FILE --data DIR`: the sealer as a process of its own.

It takes and stores readings and has no keys, so nothing is sealed and `/healthz` says so; `tanji seal` is the whole
one, for people and containers, with keys, log and the data directory claimed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from services.sealer import create_sealer
from tanji.errors import TanjiError
from tanji.plant.load import load
from tanji.plant.model import InfluxSettings, Plant
from tanji.plant.token_file import store_token
from tanji.store.embedded import EmbeddedStore
from tanji.store.influx import InfluxStore
from tanji.store.port import Store


def open_store(plant: Plant, data_dir: Path) -> Store:
    """The store the plant file asks for. A server may be down: the sealer makes the buckets when it answers."""
    settings = plant.services.store
    if not isinstance(settings, InfluxSettings):
        data_dir.mkdir(parents=True, exist_ok=True)
        return EmbeddedStore(data_dir / "tsdb.duckdb")
    return InfluxStore(settings.url, org=settings.org, token=store_token(settings))


def serve(
    plant: Plant,
    data_dir: Path,
    *,
    host: str,
    port: int,
    wait: Callable[[], object],
    announce: Callable[[tuple[str, int]], object],
) -> None:
    """Seal until `wait` returns; `announce` gets the address once it listens."""
    store = open_store(plant, data_dir)
    try:
        sealer = create_sealer(plant, data_dir=data_dir, store=store, clock=lambda: time.time_ns() // 1_000_000)
        try:
            announce(sealer.start(host, port))
            wait()
        finally:
            sealer.stop()
    finally:
        store.close()


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; 0 after SIGTERM or SIGINT, 2 if plant file or data directory cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m services.sealer", description=__doc__)
    parser.add_argument("--plant", type=Path, required=True, help="the plant file")
    parser.add_argument("--data", type=Path, required=True, help="data directory: spool, parked lines, embedded store")
    parser.add_argument("--host", help="address to listen on (default: the plant file's)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for a free one (default: the plant file's)")
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        plant = load(options.plant)
        services = plant.services
        port = services.sealer_port if options.port is None else options.port
        host = options.host or services.sealer_host
        serve(plant, options.data, host=host, port=port, wait=lambda: _wait(stop), announce=_print_address)
    except (TanjiError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _wait(stop: threading.Event) -> None:
    """Block until `stop` is set; in steps, or a signal in the moment before a lock blocks is never handled."""
    while not stop.wait(1.0):
        pass


def _print_address(address: tuple[str, int]) -> None:
    host, port = address
    print(f"sealer  http://{host}:{port}/write", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
