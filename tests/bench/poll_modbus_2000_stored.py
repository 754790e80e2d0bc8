"""2,000 Modbus points polled every second, sealed and stored: the share of one core that takes.

Pollers, outbox, sealer (fsync at every body) and embedded store work in this process, as under `tanji run`; the servers
that answer are another. `value` is all CPU time of this process over whole cycles, with the batch that seals them, the
budget 0.10. The peer is the plain loop of `poll_modbus_2000`, which seals and stores nothing. A missed cycle, or a
reading that is not read back from the store or not under seal, fails the benchmark.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import modbus_plant
from measure import report
from poll_modbus_2000 import POINTS, SECONDS, straightforward
from sealer_ingest import SIGNER, KeepingBatches

from services.modbus_poller.poller import ModbusPoller
from services.sealer import Sealer, create_sealer
from tanji.acquisition.outbox import Outbox, utc_ms
from tanji.plant.model import Plant
from tanji.plant.names import raw_bucket
from tanji.plant.point_map import point_map
from tanji.store.embedded import EmbeddedStore
from tanji.trust.batch_signer import OneKey
from tanji.trust.payload import parse_payload

BUDGET_SHARE = 0.10
DRAIN_S = 30.0


async def polled(
    plant: Plant, sealer: Sealer, url: str, addresses: dict[str, tuple[str, int]]
) -> tuple[float, int, int]:
    """Share of a core over whole cycles, the first of them [UTC ms], and missed cycles."""
    stop = asyncio.Event()
    with Outbox(url) as outbox:
        poller = ModbusPoller(plant, sink=outbox.send, clock=utc_ms, addresses=addresses)
        running = asyncio.create_task(poller.run(stop))
        # Begin in the middle between two cycles, after connections, first use of every library and some cycles.
        await asyncio.sleep(4.5 - time.time() % 1)
        await asyncio.to_thread(sealer.seal_now, DRAIN_S)
        first = (utc_ms() // 1000 + 1) * 1000
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.sleep(SECONDS)
        await asyncio.to_thread(sealer.seal_now, DRAIN_S)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        stop.set()
        await running
        await outbox.flush(DRAIN_S)
    return cpu / wall, first, sum(each["missed_cycles"] or 0 for each in poller.health().values())


def measured(folder: Path, addresses: dict[str, tuple[str, int]]) -> tuple[float, list[str]]:
    """Share of a core, and why this run does not count."""
    plant = modbus_plant.plant()
    store = EmbeddedStore(folder / "tsdb.duckdb")
    log = KeepingBatches()
    sealer = create_sealer(
        plant, data_dir=folder, store=store, clock=utc_ms, keys=OneKey(SIGNER), log=log, point_map=point_map(plant)
    )
    try:
        host, port = sealer.start("127.0.0.1", 0)
        share, first, missed = asyncio.run(polled(plant, sealer, f"http://{host}:{port}", addresses))
        drained = sealer.drain(DRAIN_S) and sealer.seal_now(DRAIN_S)
        stored = store.count(raw_bucket(plant.site.id), "reading", start_ms=first, end_ms=first + 1000 * SECONDS)
    finally:
        sealer.stop()
        store.close()
    times = [line.time_ms for _, payload in log.batches for line in parse_payload(payload)]
    sealed = sum(first <= time_ms < first + 1000 * SECONDS for time_ms in times)
    found = [] if drained else [f"expected an empty backlog within {DRAIN_S} s"]
    if missed:
        found.append(f"expected no missed cycle, got {missed}")
    if stored != POINTS * SECONDS:
        found.append(f"expected {POINTS * SECONDS} readings in the store, got {stored}")
    if sealed != POINTS * SECONDS:
        found.append(f"expected {POINTS * SECONDS} readings under seal, got {sealed}")
    return share, found


def main() -> int:
    """Measure both and print the result line."""
    with modbus_plant.served() as addresses, tempfile.TemporaryDirectory() as folder:
        share, found = measured(Path(folder), addresses)
        peer = asyncio.run(straightforward(addresses))
    report(
        "poll_modbus_2000_stored",
        value=round(share, 5),
        unit="share of one core",
        peer="pymodbus convert_from_registers and influxdb_client Point, neither sealed nor stored",
        peer_value=round(peer, 5),
        ratio=round(peer / share, 2),
        budget_share=BUDGET_SHARE,
        faults=found,
    )
    return 1 if found or share > BUDGET_SHARE else 0


if __name__ == "__main__":
    sys.exit(main())
