"""kill -9 of the whole sealer, DuckDB included, in the middle of ingest: no acknowledged reading lost, none doubled.

DESIGN section 6, last row. SIGKILL keeps the page cache (trust.md section 8, trap 14); what a power cut takes besides
is tested in `test_sealer_spool.py` by the order of fsync and answer, and by frames that are torn or zeroed.
"""

from __future__ import annotations

import http.client
import random
import threading
import time
from pathlib import Path

from tanji.plant.names import raw_bucket
from tanji.store.embedded import EmbeddedStore

from .sealer_rig import NOON, PLANT_ID, POINTS, line, plant, rig
from .warmed import warmed

KILLS = 100
LONGEST_S = 0.25
ROWS = 200
LIMIT_S = 20.0


class Client:
    """Posts numbered bodies, sends again what was not acknowledged, and knows what was."""

    def __init__(self) -> None:
        self.sent = 0
        self.acknowledged = 0

    def post_until(self, address: tuple[str, int], stop: threading.Event) -> None:
        """Post one body after the other until the server is gone."""
        connection = http.client.HTTPConnection(*address, timeout=LIMIT_S)
        try:
            while not stop.is_set():
                number = self.acknowledged
                self.sent = max(self.sent, number + 1)
                connection.request("POST", "/write?precision=ms", body(number))
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 204
                self.acknowledged = number + 1
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()


def body(number: int) -> bytes:
    """Readings of a body; every value is different, so that nothing can stand in for something else."""
    rows = range(number * ROWS, (number + 1) * ROWS)
    return "".join(line(POINTS[row % 3], NOON + row, float(row)) for row in rows).encode()


def test_a_hundred_kills_in_the_middle_of_ingest_lose_and_double_nothing(tmp_path: Path) -> None:
    rng = random.Random(20260301)
    client = Client()
    with warmed(plant()) as template:
        for _ in range(KILLS):
            process, address = template.start(tmp_path)
            stop = threading.Event()
            thread = threading.Thread(target=client.post_until, args=(address, stop))
            thread.start()
            time.sleep(rng.uniform(0.0, LONGEST_S))
            template.kill(process)
            stop.set()
            thread.join(LIMIT_S)
    assert client.acknowledged > KILLS  # it was the middle of ingest
    with rig(tmp_path) as sealer:
        assert sealer.sealer.drain(LIMIT_S)
    check_store(tmp_path, client)


def check_store(folder: Path, client: Client) -> None:
    """Every acknowledged reading once, with its value; at most the last body, which nobody was told of, besides."""
    store = EmbeddedStore(folder / "tsdb.duckdb")
    table = store.read(raw_bucket(PLANT_ID), "reading")
    counted = store.count(raw_bucket(PLANT_ID), "reading")
    arrivals = store.read(raw_bucket(PLANT_ID), "arrival")
    store.close()
    times = [time_ms - NOON for time_ms in table.column("time").to_pylist()]
    assert len(times) == len(set(times)) == counted
    assert set(times) >= set(range(client.acknowledged * ROWS))
    assert set(times) <= set(range(client.sent * ROWS))
    assert table.column("value").to_pylist() == [float(number) for number in times]
    assert arrivals.column("time").to_pylist() == sorted(set(arrivals.column("time").to_pylist()))
    assert sum(arrivals.column("count").to_pylist()) >= counted
    assert not list((folder / "parked").glob("*.jsonl")), "a repeat after a crash was taken for a conflict"
