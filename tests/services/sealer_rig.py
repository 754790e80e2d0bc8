"""What the sealer's tests share: a plant of three points, a sealer on a real embedded store, and ways to ask both."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from services.sealer import Sealer
from tanji.plant.model import Plant
from tanji.plant.names import raw_bucket
from tanji.store.embedded import EmbeddedStore

from .store_double import StoreDouble

PLANT_ID = "hx01"
FEED, COAL, POWER = "kiln1.feed.mass_flow", "kiln1.coal.mass_flow", "kiln1.power"
POINTS = (FEED, COAL, POWER)
NOON = 1_772_323_200_000
"""2026-03-01T00:00:00Z, the instant of the worked lines in trust.md 2.2; the start of an hour. [ms]"""

HOUR = 3_600_000
NAME = {"zh": "测", "en": "test"}


def plant(points: tuple[str, ...] = POINTS, **settings: Any) -> Plant:
    """A plant with these points; `settings` are those of `services.sealer`."""
    kiln = {"id": "kiln1", "name": NAME, "running": points[0]}
    point = {"name": NAME, "meter": "meter1", "kind": "rate", "unit": "t/h"}
    return Plant.model_validate(
        {
            "tanji": 1,
            "site": {"id": PLANT_ID, "name": NAME},
            "lines": [{"id": "line1", "name": NAME, "capacity_t_per_day": 5000, "kiln": kiln}],
            "devices": [{"id": "device1", "name": NAME, "protocol": "modbus_tcp", "host": "127.0.0.1"}],
            "meters": [{"id": "meter1", "name": NAME, "kind": "control_system", "device": "device1"}],
            "points": [point | {"id": name} for name in points],
            "streams": [],
            "services": {"sealer": settings},
        }
    )


def line(point: str, time_ms: int, value: float | str | None = 1.0, quality: int = 0) -> str:
    """One reading as line protocol, time in ms."""
    number = "" if value is None else f"value={value},"
    return f"reading,plant={PLANT_ID},point={point} {number}quality={quality}i {time_ms}\n"


class Rig:
    """A sealer that listens, its store, and its folder."""

    def __init__(self, sealer: Sealer, store: StoreDouble, folder: Path) -> None:
        self.sealer = sealer
        self.store = store
        self.folder = folder
        self.address = sealer.start("127.0.0.1", 0)

    def post(self, body: str | bytes, path: str = "/write?precision=ms", **headers: str) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        data = body.encode() if isinstance(body, str) else body
        return self.ask("POST", path, data, {name.replace("_", "-"): value for name, value in headers.items()})

    def ask(
        self, method: str, path: str, data: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of an answer to any request."""
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        try:
            connection.request(method, path, data, headers or {})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text.startswith(b"{") else text
        finally:
            connection.close()

    def accept(self, *lines: str) -> None:
        """Post lines and wait until the store has them."""
        status, answer = self.post("".join(lines))
        assert status == 204, answer
        assert self.sealer.drain(20)

    def stored(self) -> list[tuple[str, int, float | None, int]]:
        """Readings in the store."""
        table = self.store.inner.read(raw_bucket(PLANT_ID), "reading")
        return [(row["point"], row["time"], row["value"], row["quality"]) for row in table.to_pylist()]

    def arrivals(self) -> list[tuple[int, int, int]]:
        """Rows of `arrival`: time, hours after `NOON`, count."""
        table = self.store.inner.read(raw_bucket(PLANT_ID), "arrival")
        return [(row["time"], (row["hour_ms"] - NOON) // HOUR, row["count"]) for row in table.to_pylist()]

    def hours_of(self, *lines: str) -> dict[int, int]:
        """Hours after `NOON` that accepting these lines touches, with their counts."""
        known = len(self.arrivals())
        self.accept(*lines)
        return {hour: count for _, hour, count in self.arrivals()[known:]}

    def parked(self) -> list[dict[str, Any]]:
        """Every parked line."""
        files = sorted((self.folder / "parked").glob("*.jsonl"))
        return [json.loads(text) for file in files for text in file.read_text().splitlines()]


@contextmanager
def rig(
    folder: Path,
    *,
    clock_ms: int = NOON,
    clock: Callable[[], int] | None = None,
    points: tuple[str, ...] = POINTS,
    settings: dict[str, Any] | None = None,
    made: Plant | None = None,
    **options: Any,
) -> Iterator[Rig]:
    """A rig on `folder`; used again on the same folder it is the restarted process. made : its plant, if another."""
    store = StoreDouble(EmbeddedStore(folder / "tsdb.duckdb"))
    try:
        options.setdefault("batch_wait_s", 0.01)
        made = made or plant(points, **settings or {})
        sealer = Sealer(made, data_dir=folder, store=store, clock=clock or (lambda: clock_ms), **options)
        try:
            yield Rig(sealer, store, folder)
        finally:
            sealer.stop()
    finally:
        store.close()


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once it is so; a test that waits longer than 20 s fails."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen within 20 s"
        time.sleep(0.005)
