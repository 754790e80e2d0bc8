"""Any past period of the plant as reading tables, line-protocol bodies, or posts to a sealer.

Times are whole minutes; values are in stored form (DESIGN section 3). Work is done a day and a point at a time on
arrays and cut into bodies afterwards, so that no reading is touched alone. Two connections share the points between
them: the order within a point is kept, whatever the network does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Final

import numpy as np
import pyarrow as pa
import urllib3
from numpy.typing import NDArray

from services.simulator.faults import Column
from services.simulator.instruments import Instrument, instrument
from services.simulator.scenario import DAY_MS, MINUTE_MS, Scenario
from services.simulator.signals import model
from tanji.acquisition.line_format import format_readings
from tanji.errors import StoreRefused, StoreUnavailable
from tanji.plant.model import Plant, Point

LINES: Final = 5000
MARGIN_MINUTES: Final = 2
RETRIES: Final = 8
"""Attempts of one body while the sealer says to come back; the waits double from 50 ms to about 6 s in all."""


def instruments(
    plant: Plant, scenario: Scenario, *, end_ms: int, points: Sequence[str] | None = None
) -> tuple[Instrument, ...]:
    """Every instrument of the plant (or of `points`), able to read up to `end_ms`."""
    # A fault may look at the value its interval begins with, wherever the period ends.
    end_ms = max([end_ms, *(fault.end_ms for fault in scenario.faults)])
    minutes = -(-(end_ms - scenario.origin_ms) // MINUTE_MS) + MARGIN_MINUTES
    found = model(plant, scenario, minutes=minutes)
    wanted = plant.points if points is None else [plant.points_by_id[name] for name in points]
    return tuple(instrument(plant, scenario, found, point) for point in wanted)


def history(
    plant: Plant,
    scenario: Scenario,
    start_ms: int,
    end_ms: int,
    *,
    points: Sequence[str] | None = None,
    lines: int = LINES,
    step_ms: int = MINUTE_MS,
) -> Iterator[pa.Table]:
    """Reading tables of [start, end), in order of time, each of about `lines` rows.

    A reading is made at every whole `step_ms`, of a meter's own parameter at every whole period. Columns: point
    (dictionary), time [ms UTC], value, quality.
    """
    meters = instruments(plant, scenario, end_ms=end_ms, points=points)
    names = pa.array([meter.point.id for meter in meters], pa.string())
    rows = max(1, lines // len(meters))
    first = -(-start_ms // step_ms) * step_ms
    block = max(DAY_MS // step_ms // rows, 1) * rows * step_ms  # about a day, a whole number of bodies
    for begin in range(first, end_ms, block):
        times = np.arange(begin, min(begin + block, end_ms), step_ms, dtype=np.int64)
        columns = [_due(plant, meter.point, meter.read(times)) for meter in meters]
        yield from _tables(names, columns, times, rows)


def _due(plant: Plant, point: Point, column: Column) -> Column:
    """A parameter is read once an hour, not with every cycle."""
    if point.kind == "parameter":
        column.present &= column.times % round(plant.period_s(point) * 1000) == 0
    return column


def _tables(names: pa.Array, columns: list[Column], times: NDArray[np.int64], rows: int) -> Iterator[pa.Table]:
    """Cut a block, one column per point, into tables in order of time."""
    values = np.column_stack([column.values for column in columns])
    quality = np.column_stack([column.quality for column in columns])
    present = np.column_stack([column.present for column in columns])
    moved = [place for place, column in enumerate(columns) if column.times is not times]
    for begin in range(0, times.size, rows):
        part = slice(begin, min(begin + rows, times.size))
        stamps = np.repeat(times[part], len(columns)).reshape(-1, len(columns))
        for place in moved:
            stamps[:, place] = columns[place].times[part]
        index = np.tile(np.arange(len(columns), dtype=np.int32), stamps.shape[0])
        table = pa.table(
            {
                "point": pa.DictionaryArray.from_arrays(index, names),
                "time": stamps.ravel(),
                "value": pa.array(values[part].ravel(), from_pandas=True),  # NaN becomes null: no value
                "quality": quality[part].ravel(),
            }
        )
        keep = present[part].ravel()
        yield table if keep.all() else table.filter(pa.array(keep))


def bodies(plant: Plant, tables: Iterator[pa.Table]) -> Iterator[tuple[bytes, int]]:
    """Line-protocol bodies of reading tables, each with its number of lines."""
    for table in tables:
        yield format_readings(table, plant_id=plant.site.id), table.num_rows


def post_history(
    plant: Plant,
    scenario: Scenario,
    *,
    url: str,
    start_ms: int,
    end_ms: int,
    connections: int = 2,
    lines: int = LINES,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Post [start, end) to a sealer and return how many readings it has acknowledged.

    url : str  Where the sealer listens, e.g. http://127.0.0.1:8186.
    progress : called with the number of readings acknowledged so far.
    """
    names = [point.id for point in plant.points]
    shares = [names[place::connections] for place in range(connections) if names[place::connections]]
    pool = urllib3.PoolManager(maxsize=connections, retries=False)
    done, lock = [0], Lock()

    def send(share: Sequence[str]) -> None:
        for body, count in bodies(plant, history(plant, scenario, start_ms, end_ms, points=share, lines=lines)):
            _post(pool, f"{url.rstrip('/')}/write?precision=ms", body)
            with lock:
                done[0] += count
                if progress is not None:
                    progress(done[0])

    with ThreadPoolExecutor(len(shares)) as executor:
        for result in [executor.submit(send, share) for share in shares]:
            result.result()
    pool.clear()
    return done[0]


def _post(pool: urllib3.PoolManager, url: str, body: bytes) -> None:
    """Send one body until it is acknowledged; it may be sent twice, which the sealer drops as a repeat."""
    said = ""
    for attempt in range(RETRIES):
        if attempt:
            time.sleep(0.05 * 2 ** (attempt - 1))
        try:
            answer = pool.request("POST", url, body=body, headers={"Content-Type": "text/plain; charset=utf-8"})
        except urllib3.exceptions.HTTPError as error:
            said = str(error)
            continue
        if answer.status == 204:
            return
        said = f"{answer.status} {answer.data[:200].decode(errors='replace')}"
        if answer.status < 500 and answer.status != 429:
            raise StoreRefused(f"expected 204 from {url}, got {said}")
    raise StoreUnavailable(f"expected 204 from {url}, got {said}")
