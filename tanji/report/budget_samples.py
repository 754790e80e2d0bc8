"""A sample of readings: the conditions of each stack, and how an amount splits on the meters that give it together.

Hourly rows hold the whole uncertainty of a stack or of several meters, from the readings of that hour. How it splits on
its sources is told from the newest day on which the stream emitted; a year of seconds would take longer than the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tanji.domain import units
from tanji.plant import names
from tanji.plant.model import Plant, Point
from tanji.plant.stack_accuracy import CONDITIONS
from tanji.plant.streams import Stream
from tanji.report.grid import Grid
from tanji.report.model import HOUR_MS

if TYPE_CHECKING:
    from tanji.store.port import Store

SAMPLED_HOURS = 24

Samples = Mapping[str, float]
"""Mean of each sampled point in the unit used inside the code, a counter's as a rate by the hour."""


def sampled(store: Store, plant: Plant, emission: Grid, *, start_ms: int) -> dict[str, float]:
    """Means of the points of every stack and of every stream of several meters.

    emission : the period's rows, which say when a stream emitted; start_ms is its first hour. [UTC ms]
    """
    result: dict[str, float] = {}
    for stream in plant.streams:
        points = sampled_points(plant, stream)
        mine = emission.select(stream=stream.id)
        if not points or not mine.any():
            continue
        hours = np.flatnonzero((np.nan_to_num(emission.fields["co2_t"][mine]) != 0).any(axis=0))[-SAMPLED_HOURS:]
        if hours.size:
            result |= _means(store, plant, points, {start_ms + HOUR_MS * hour for hour in hours.tolist()})
    return result


def sampled_points(plant: Plant, stream: Stream) -> tuple[str, ...]:
    """Points of a stream whose readings say how its uncertainty splits; none where one meter gives it all."""
    if stream.flue_gas is not None:
        return tuple(getattr(stream.flue_gas, role) for role in CONDITIONS)
    points = (*stream.points, *stream.subtract)
    return points if len({plant.points_by_id[point].meter for point in points}) > 1 else ()


def _means(store: Store, plant: Plant, points: tuple[str, ...], hours: set[int]) -> dict[str, float]:
    found = store.windows(
        names.raw_bucket(plant.site.id),
        "reading",
        "value",
        start_ms=min(hours),
        end_ms=max(hours) + HOUR_MS,
        width_ms=HOUR_MS,
        where={"plant": (plant.site.id,), "point": points},
    ).to_pylist()
    values: dict[str, list[float]] = {}
    for row in found:
        point = plant.points_by_id[row["point"]]
        value = _rate(point, row["max"] - row["min"]) if point.kind == "counter" else row["mean"]
        if row["time"] in hours and value is not None:
            values.setdefault(point.id, []).append(value)
    return {
        point: float(units.conversion(plant.points_by_id[point].unit).to_internal(float(np.mean(many))))
        for point, many in values.items()
    }


def _rate(point: Point, counts: float) -> float | None:
    """What a counter counted in an hour, in its unit; None in an hour in which its register started again."""
    started_again = point.rollover is not None and counts > point.rollover / 2
    return None if started_again else counts * point.scale
