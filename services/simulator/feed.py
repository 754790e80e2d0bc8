"""How the line is driven: its load from campaign to campaign, its stops, its heating-up, when waste can be burnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.simulator.noise import stepped, wander
from services.simulator.scenario import DAY_MS, LOCAL_OFFSET_MS, MINUTE_MS, Scenario

Array = NDArray[np.float64]

RAMP_DOWN_H: Final = 1 / 3
FULL_LOAD_AFTER_H: Final = 10.0
DIESEL_AFTER_FEED_H: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """How hard the line is driven. load: share of the nominal clinker rate, fire: heating-up heat [GJ/h]."""

    load: Array
    fire: Array
    diesel_share: Array  # of the heat


def local_days(scenario: Scenario, minutes: int) -> NDArray[np.int64]:
    """Local day of every step, the scenario's first day being 0."""
    times = scenario.origin_ms + np.arange(minutes, dtype=np.int64) * MINUTE_MS + LOCAL_OFFSET_MS
    return times // DAY_MS - (scenario.origin_ms + LOCAL_OFFSET_MS) // DAY_MS


def campaign(scenario: Scenario, minutes: int) -> Feed:
    """Load, heating-up and diesel share from the stops of the scenario, with the load changes of a campaign."""
    hours = np.arange(minutes) / 60
    knots_load, knots_fire, knots_diesel = [(0.0, 1.0)], [(0.0, 0.0)], [(0.0, 0.0)]
    for stop in scenario.stops:
        out, lit = stop.after_h, stop.after_h + stop.cold_h
        fed = lit + stop.heat_up_h
        knots_load += [(out - RAMP_DOWN_H, 1.0), (out, 0.0), (fed, 0.0), (fed + 0.25, 0.55), (fed + 6, 0.75)]
        knots_load += [(fed + FULL_LOAD_AFTER_H, 1.0)]
        knots_fire += [(lit, 0.0), (lit + 1, 50.0), (fed, 150.0), (fed + 4, 0.0)]
        knots_diesel += [(lit - 0.01, 0.0), (lit, 1.0), (lit + 0.35 * stop.heat_up_h, 1.0), (fed, 0.3)]
        knots_diesel += [(fed + DIESEL_AFTER_FEED_H, 0.0)]
    shape = _at(hours, knots_load)
    level = 1 + stepped(scenario.seed, "campaign", local_days(scenario, minutes), deviation=0.02)
    # A load change takes a few hours, not a step at midnight.
    smooth = np.convolve(np.concatenate([np.full(180, level[0]), level]), np.full(181, 1 / 181), mode="valid")
    live = wander(scenario.seed, "load", minutes, minutes=180, deviation=0.012)
    return Feed(load=shape * (smooth + live), fire=_at(hours, knots_fire), diesel_share=_at(hours, knots_diesel))


def alternative_available(scenario: Scenario, minutes: int) -> Array:
    """1 while the alternative-fuel hall delivers; now and then it does not for some hours."""
    slow = wander(scenario.seed, "alternative fuel hall", minutes, minutes=360, deviation=1)
    return np.clip((slow + 2.0) / 0.2, 0, 1)


def _at(hours: Array, knots: list[tuple[float, float]]) -> Array:
    x, y = zip(*knots, strict=True)
    return np.interp(hours, x, y)
