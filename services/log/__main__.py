"""`python -m services.log --plant FILE --data DIR`: the log as a process of its own, for gateways on other machines.

In `tanji run` the log is in the same process. Keys and anchor are those of the plant file's `trust` section.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import waitress

from services.log.app import MAX_BODY, create_log_app
from services.log.keeper import LogKeeper
from services.log.witness_client import witnesses_of
from tanji.errors import TanjiError, UsageError
from tanji.health.metrics import Numbers
from tanji.health.process import ProcessHealth
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.trust.log import Log
from tanji.trust.policy import Anchor
from tanji.trust.signer import SigningKeyFile

PORT = 8191
"""After the health ports of the other processes."""


def serve(plant: Plant, data_dir: Path, *, host: str, port: int, announce: Callable[[tuple[str, int]], object]) -> None:
    """Keep the log until SystemExit; `announce` gets the address once it listens."""
    settings = plant.trust
    if settings is None:
        raise UsageError("the plant file has no section `trust`: there is no log to keep")
    health = ProcessHealth(clock=_utc_ms)
    anchor = Anchor.parse(settings.anchor_file(data_dir).read_bytes())
    signer = SigningKeyFile(settings.key_file(data_dir, "log")).read()
    with ExitStack() as stack:
        kept = Log.open(data_dir / "log", signer=signer, clock=_utc_ms, anchor=anchor)
        stack.callback(kept.close)
        witnesses = witnesses_of(settings.witnesses)
        keeper = LogKeeper(kept, witnesses, clock=_utc_ms, alarms=health.alarms, witness_s=settings.witness_s)
        health.metrics.add(lambda: [Numbers("log", keeper.numbers())])
        app = create_log_app(kept, report=health.report, metrics=health.metrics.text)
        server = waitress.create_server(
            app, host=host, port=port, threads=4, max_request_body_size=MAX_BODY + 1, ident="tanji"
        )
        health.start()
        stack.callback(health.stop)
        keeper.start()
        stack.callback(keeper.stop)
        stack.callback(server.close)
        announce((server.effective_host, int(server.effective_port)))
        server.run()  # answers what is in hand when SystemExit comes, then returns


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; 0 after SIGTERM or SIGINT, 2 if plant file, keys or folder cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m services.log", description=__doc__)
    parser.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="data directory: log, keys")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=PORT, help="port, 0 for a free one (default: %(default)s)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        serve(load(options.plant), options.data, host=options.host, port=options.port, announce=_print_address)
    except (TanjiError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _utc_ms() -> int:
    return time.time_ns() // 1_000_000


def _print_address(address: tuple[str, int]) -> None:
    host, port = address
    print(f"log  http://{host}:{port}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
