"""Runs the HJ 212 receiver of one plant file: `python -m services.hj212_receiver --plant hx01.yaml --sealer URL`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from services.hj212_receiver.receiver import Hj212Receiver
from tanji.acquisition.outbox import utc_ms
from tanji.errors import TanjiError
from tanji.health.sending import sending, slowest_periods
from tanji.plant.load import load
from tanji.plant.model import Plant

LAST_FLUSH_S = 5.0
"""How long the last values may take to reach the sealer on the way out [s]."""


def main() -> int:
    """Receive until SIGTERM or SIGINT. Exit code 2 if plant file, password file or address cannot be used."""
    parser = argparse.ArgumentParser(prog="services.hj212_receiver", description=__doc__)
    parser.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    parser.add_argument("--sealer", default="http://127.0.0.1:8186", metavar="URL", help="default: %(default)s")
    parser.add_argument("--host", help="address to listen on (default: the plant file's)")
    parser.add_argument("--port", type=int, help="port, 0 for a free one (default: the plant file's)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        plant = load(arguments.plant)
        asyncio.run(receive(plant, sealer=arguments.sealer, host=arguments.host, port=arguments.port))
    except (TanjiError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


async def receive(plant: Plant, *, sealer: str, host: str | None, port: int | None) -> None:
    """Receive the plant's stations into the sealer until a signal comes."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with sending(plant, url=sealer, clock=utc_ms, port=plant.services.health.hj212_receiver) as (outbox, health):
        receiver = Hj212Receiver(plant, sink=outbox, clock=utc_ms, host=host, port=port)
        bound_host, bound_port = await receiver.start()
        print(f"hj212  {bound_host}:{bound_port}", file=sys.stderr, flush=True)
        health.add_devices("hj212", receiver.health, periods_s=slowest_periods(plant))
        await receiver.run(stop)
        await outbox.flush(LAST_FLUSH_S)


if __name__ == "__main__":
    sys.exit(main())
