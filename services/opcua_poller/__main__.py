"""Runs the OPC UA poller of one plant file: `python -m services.opcua_poller --plant hx01.yaml --sealer URL`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from services.opcua_poller.poller import OpcuaPoller
from tanji.acquisition.outbox import utc_ms
from tanji.errors import PlantError
from tanji.health.sending import sending, slowest_periods
from tanji.plant.load import load
from tanji.plant.model import Plant

LAST_FLUSH_S = 5.0
"""How long the last readings may take to reach the sealer on the way out [s]."""


def main() -> int:
    """Poll until SIGTERM or SIGINT. Exit code 2 if the plant file is wrong."""
    parser = argparse.ArgumentParser(prog="services.opcua_poller", description=__doc__)
    parser.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    parser.add_argument("--sealer", default="http://127.0.0.1:8186", metavar="URL", help="default: %(default)s")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        plant = load(arguments.plant)
    except PlantError as error:
        print(error, file=sys.stderr)
        return 2
    asyncio.run(poll(plant, sealer=arguments.sealer))
    return 0


async def poll(plant: Plant, *, sealer: str) -> None:
    """Poll the plant's servers into the sealer until a signal comes."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with sending(plant, url=sealer, clock=utc_ms, port=plant.services.health.opcua_poller) as (outbox, health):
        poller = OpcuaPoller(plant, sink=outbox.send, clock=utc_ms)
        health.add_devices("opcua", poller.health, periods_s=slowest_periods(plant))
        await poller.run(stop)
        await outbox.flush(LAST_FLUSH_S)


if __name__ == "__main__":
    sys.exit(main())
