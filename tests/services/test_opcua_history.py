"""What is owed of a gap until history has been asked: bounded, recorded in time, and at a stop at its ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asyncua import ua

from services.opcua_poller.batch import Batch, PolledNode
from services.opcua_poller.history import MOST_ATTEMPTS, History
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


class Past:
    """A client whose server's history is as a test has it."""

    def __init__(self, history_read: Any) -> None:
        self.history_read = history_read

    def get_node(self, _: object) -> Past:
        return self


def owing(sink: Any) -> tuple[History, Batch]:
    """Two nodes that missed the cycles at 1, 2 and 3 s, and were answered at 0 and 4 s."""
    batch = Batch(
        [PolledNode("a.x", "ns=2;s=x", SECOND), PolledNode("a.y", "ns=2;s=y", SECOND)],
        plant_id="hx01",
        period_ms=SECOND,
    )
    history = History("dcs", longest_ms=60 * SECOND, sink=sink)
    batch.answered_ms = 0
    assert [history.owe(batch, start * SECOND) for start in (1, 2, 3)] == ["", "", ""]
    batch.answered_ms = 4 * SECOND
    return history, batch


def test_a_history_that_is_garbage_is_given_up_after_some_attempts_and_the_gap_recorded() -> None:
    handed: list[bytes] = []
    asked = 0

    async def sink(lines: bytes) -> None:
        handed.append(lines)

    async def garbage(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise ValueError("no such structure")

    async def scenario() -> None:
        history, _ = owing(sink)
        for _ in range(MOST_ATTEMPTS + 1):
            history.pay(Past(garbage), until_ms=4 * SECOND)  # type: ignore[arg-type]
            assert history._filling is not None
            await history._filling

    asyncio.run(scenario())
    found = [row for lines in handed for row in rows(lines)]
    assert sorted(found) == [(time * SECOND, point) for time in (1, 2, 3) for point in ("a.x", "a.y")]
    assert asked == MOST_ATTEMPTS + 2, "the second node is asked for once, after the first was given up"


@pytest.mark.parametrize("first_done", [False, True])
def test_a_stop_while_history_is_read_records_the_ends_of_what_is_still_owed(first_done: bool) -> None:
    """A node whose history was handed over already owes nothing; the other one has its gap's ends."""
    handed: list[bytes] = []
    asked = 0

    async def sink(lines: bytes) -> None:
        handed.append(lines)

    async def hanging(*_: object) -> None:
        nonlocal asked
        asked += 1
        if asked == 1 and first_done:
            raise ua.UaStatusCodeError(ua.StatusCodes.BadHistoryOperationUnsupported)
        await asyncio.Event().wait()

    async def scenario() -> None:
        history, _ = owing(sink)
        history.pay(Past(hanging), until_ms=4 * SECOND)  # type: ignore[arg-type]
        while asked < 1 + first_done:
            await asyncio.sleep(0.01)
        await asyncio.wait_for(history.end(), 10)

    asyncio.run(scenario())
    found = [row for lines in handed for row in rows(lines)]
    x = [1, 2, 3] if first_done else [1, 3]
    assert sorted(found) == sorted([(t * SECOND, "a.x") for t in x] + [(t * SECOND, "a.y") for t in (1, 3)])
