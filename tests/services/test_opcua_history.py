"""What is owed of a gap until history has been asked: bounded, recorded in time, and at a stop at its ends."""

from __future__ import annotations

import asyncio

from services.opcua_poller.batch import Batch, PolledNode
from services.opcua_poller.history import History
from tanji.acquisition.flags import Flag
from tanji.acquisition.line_protocol import parse

SECOND = 1000


def rows(lines: str | bytes) -> list[tuple[int, str]]:
    body = lines if isinstance(lines, bytes) else lines.encode()
    table = parse(body, precision="ms", arrival_ms=0).readings.to_pylist()
    assert all(row["value"] is None and row["quality"] == Flag.COMM for row in table)
    return [(row["time"], row["point"]) for row in table]


def test_a_gap_that_waits_too_long_is_recorded_cycle_by_cycle_and_the_rest_at_its_ends() -> None:
    handed: list[bytes] = []

    async def sink(lines: bytes) -> None:
        handed.append(lines)

    batch = Batch([PolledNode("a.x", "ns=2;s=x", SECOND)], plant_id="hx01", period_ms=SECOND)
    history = History("dcs", longest_ms=3 * SECOND, sink=sink)
    recorded = [time for start in range(0, 10 * SECOND, SECOND) for time, _ in rows(history.owe(batch, start))]
    # At 9 s what began before 6 s has waited longer than 3 s.
    assert recorded == [start * SECOND for start in range(6)]
    asyncio.run(history.end())
    assert [time for lines in handed for time, _ in rows(lines)] == [6 * SECOND, 9 * SECOND]
