"""History: every reading once, in order, the same however it is cut, and posted until it is acknowledged."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

import numpy as np
import pyarrow as pa
import pytest

from services.simulator.history import bodies, history, post_history
from services.simulator.scenario import DAY_MS, HOUR_MS, Scenario, demo_scenario
from tanji.errors import StoreRefused
from tanji.plant.load import load

DEMO = Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml"
START = 1_772_323_200_000  # 2026-03-01T00:00Z
END = START + 5 * DAY_MS
SCENARIO = demo_scenario(seed=11, start_ms=START, end_ms=END)


@pytest.fixture(scope="module")
def plant():
    return load(DEMO)


@contextmanager
def receiver(answers: list[int]) -> Iterator[tuple[str, list[bytes]]]:
    """An HTTP server that answers with the given statuses first and 204 ever after, and keeps what it took."""
    taken: list[bytes] = []
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                status = answers.pop(0) if answers else 204
                if status == 204:
                    taken.append(body)
            assert self.path == "/write?precision=ms"
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def parameters(plant) -> int:
    """Settings of meters, which are read once an hour."""
    return len(plant.points) - len(plant.metered_points)


def test_a_setting_of_a_meter_is_read_at_whole_hours_and_stays_as_it_is(plant) -> None:
    span = pa.concat_tables(history(plant, SCENARIO, START, START + DAY_MS, points=["line1.clinker.span"]))
    assert (span["time"].to_numpy() % HOUR_MS == 0).all() and span.num_rows == 24
    assert set(span["value"].to_pylist()) == {float(np.float32(1.0042))}, "through a float32 register, without error"


def test_two_days_hold_every_point_at_every_minute_once(plant) -> None:
    tables = list(history(plant, SCENARIO, START, START + 2 * DAY_MS))
    assert all(4000 < table.num_rows <= 5000 for table in tables[:-1])
    whole = pa.concat_tables(tables)
    assert whole.schema.types == [pa.dictionary(pa.int32(), pa.string()), pa.int64(), pa.float64(), pa.int64()]
    seen = set(zip(whole["point"].to_pylist(), whole["time"].to_pylist(), strict=True))
    assert len(seen) == whole.num_rows == len(plant.metered_points) * 2 * 1440 + parameters(plant) * 2 * 24
    times = whole["time"].to_numpy()
    assert (times[1:] >= times[:-1]).all() and times[0] == START and times[-1] == START + 2 * DAY_MS - 60_000


def test_history_does_not_depend_on_how_it_is_cut(plant) -> None:
    def rows(*cuts: int, **more) -> dict:
        found = {}
        for first, last in itertools.pairwise(cuts):
            for table in history(plant, SCENARIO, first, last, **more):
                keys = zip(table["point"].to_pylist(), table["time"].to_pylist(), strict=True)
                found |= dict(zip(keys, table["value"].to_pylist(), strict=True))
        return found

    first, last = START + 4 * DAY_MS, START + 5 * DAY_MS  # a drop-out lies inside
    whole = rows(first, last)
    assert whole == rows(first, first + 5 * HOUR_MS + 60_000, last, lines=700)
    assert None in whole.values()


def test_same_seed_gives_the_same_bytes(plant) -> None:
    def written() -> list[bytes]:
        return [body for body, _ in bodies(plant, history(plant, SCENARIO, START, START + 6 * HOUR_MS))]

    assert written() == written()


def test_posting_sends_every_line_once_and_keeps_the_order_of_a_point(plant) -> None:
    progress: list[int] = []
    with receiver([503, 429]) as (url, taken):
        end = START + 12 * HOUR_MS
        count = post_history(plant, SCENARIO, url=url, start_ms=START, end_ms=end, progress=progress.append, lines=2000)
    lines = [line for body in taken for line in body.decode().splitlines()]
    assert count == len(lines) == len(plant.metered_points) * 720 + parameters(plant) * 12
    assert progress[-1] == count and progress == sorted(progress)
    last: dict[str, int] = defaultdict(int)
    for line in lines:
        series, _, time = line.split(" ")
        assert int(time) > last[series]
        last[series] = int(time)
    assert len(last) == len(plant.points)


def test_a_refusal_is_not_tried_again(plant) -> None:
    short = Scenario(start_ms=START, end_ms=START + HOUR_MS)
    with receiver([400] * 4) as (url, taken), pytest.raises(StoreRefused, match="400"):
        post_history(plant, short, url=url, start_ms=START, end_ms=START + HOUR_MS, connections=1)
    assert taken == []
