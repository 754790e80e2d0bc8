"""The quality job: range, rate, stuck, gap and counter rules into the flag word (quality.md sections 2 and 5).

A row of `flag` speaks of one reading: its time is the reading's time. Only words that changed are written, back to 0
where a flag no longer holds; raw values and raw words are never touched. Statistics and balances come later, as jobs
of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from calc_jobs.readings import COUNTER_INVALID, PointReadings, Readings, Words
from tanji.acquisition.flags import INVALID, Flag
from tanji.plant.model import Plant, Point
from tanji.quality import rules
from tanji.quality.exchange import Exchange, continued
from tanji.quality.hours import MS_PER_HOUR, RUNNING_FROM
from tanji.quality.rules import Floats, Mask, Times

RULE_SET = "rules-1"
"""Written beside every flag word: which rules it was made by."""


@dataclass(frozen=True, slots=True)
class FlagResult:
    """Words of every point (aligned with the readings), the rows that changed, and the hours [UTC ms] they are in."""

    words: dict[str, Words]
    rows: pa.Table
    changed_hours: frozenset[int]
    changed: int


def flag(plant: Plant, readings: Readings, *, start_ms: int, end_ms: int) -> FlagResult:
    """Words of all readings, judged anew inside [start_ms, end_ms) and kept as stored outside."""
    gates = gate_of_points(plant)
    words: dict[str, Words] = {}
    times: list[Times] = []
    changed: list[Words] = []
    points: list[str] = []
    for point_id, found in readings.points.items():
        point = plant.points_by_id.get(point_id)
        if point is None or point.kind == "parameter":
            continue
        gate = gates.get(point_id)
        running = None if gate is None or point.limits.stuck_s is None else running_at(found.time_ms, readings.of(gate))
        stored = readings.stored_words(point_id)
        word = _words(point, found, maximum_gap_s=plant.quality.maximum_gap_s, running=running)
        low, high = np.searchsorted(found.time_ms, (start_ms, end_ms))
        if stored.size:
            word[:low], word[high:] = stored[:low], stored[high:]
            differs = np.flatnonzero(word != stored)
        else:
            word[:low] = word[high:] = 0
            differs = np.flatnonzero(word)
        if differs.size:
            times.append(found.time_ms[differs])
            changed.append(word[differs])
            points.append(point_id)
        if stored.size or differs.size:
            words[point_id] = word
    rows = _table(plant.site.id, points, times, changed)
    hours = np.unique(np.concatenate(times) // MS_PER_HOUR * MS_PER_HOUR) if times else np.empty(0, np.int64)
    return FlagResult(words, rows, frozenset(hours.tolist()), rows.num_rows)


def gate_of_points(plant: Plant) -> dict[str, str]:
    """State point that says whether a point's source runs; points of no stream go by the plant's only kiln."""
    gates: dict[str, str] = {}
    for stream in plant.streams:
        gate = plant.running_point(stream)
        used = [*stream.points, *stream.subtract]
        if stream.flue_gas is not None:
            gas = stream.flue_gas
            used += [gas.co2, gas.velocity, gas.temperature, gas.pressure, gas.humidity]
            used += [gas.oxygen] if gas.oxygen is not None else []
        for point in used:
            if gate is not None:
                gates.setdefault(point, gate)
    if len(plant.lines) == 1:
        for entry in plant.metered_points:
            gates.setdefault(entry.id, plant.lines[0].kiln.running)
    return gates


def running_at(time_ms: Times, state: PointReadings) -> Mask:
    """Whether the source ran at each time: the last known state before it; unknown counts as running."""
    known = np.isfinite(state.value) & ((state.word & int(INVALID)) == 0)
    when, runs = state.time_ms[known], state.value[known] >= RUNNING_FROM
    at = np.searchsorted(when, time_ms, side="right")
    answer: Mask = np.concatenate(([True], runs))[at]
    return answer


def _words(point: Point, found: PointReadings, *, maximum_gap_s: float, running: Mask | None) -> Words:
    word = np.zeros(found.time_ms.size, np.int64)
    spoiled = COUNTER_INVALID if point.kind == "counter" else INVALID
    value: Floats = np.where((found.word & int(spoiled)) == 0, found.value, np.nan)
    limits = point.limits
    _set(word, rules.gap(found.time_ms, found.value, maximum_gap_s=maximum_gap_s), Flag.GAP)
    if limits.low is not None or limits.high is not None:
        _set(word, rules.out_of_range(found.value, low=limits.low, high=limits.high), Flag.RANGE)
        if limits.low is not None and limits.low >= 0:
            _set(word, found.value < 0, Flag.NEGATIVE)
    if limits.rate_per_s is not None:
        _set(word, rules.rate_of_change(found.time_ms, value, limit_per_s=limits.rate_per_s), Flag.RATE)
    if limits.stuck_s is not None:
        held = rules.stuck(
            found.time_ms,
            value,
            span_s=limits.stuck_s,
            tolerance=limits.stuck_tolerance,
            maximum_gap_s=maximum_gap_s,
            running=running,
        )
        _set(word, held, Flag.STUCK)
    if point.kind == "counter":
        _count(word, increments(point, found.time_ms, value))
    return word


def increments(point: Point, time_ms: Times, count: Floats, *, maximum_span_ms: int | None = None) -> rules.Increments:
    """Increments of a counter point by the parameters of the plant file [counts]."""
    rated = None if point.rated_per_h is None else point.rated_per_h / abs(point.scale)
    exchanges = [Exchange(exchange.at_ms, exchange.last, exchange.first) for exchange in point.exchanges]
    count = continued(time_ms, count, exchanges)
    return rules.counter_increments(
        time_ms, count, rollover=point.rollover, rated_per_h=rated, maximum_span_ms=maximum_span_ms
    )


def _count(word: Words, steps: rules.Increments) -> None:
    word[steps.at[steps.rolled]] |= int(Flag.ROLLOVER)
    word[steps.at[steps.reset]] |= int(Flag.RESET)
    word[steps.at[steps.jumped]] |= int(Flag.RATE)


def _set(word: Words, mask: Mask, bit: Flag) -> None:
    word[mask] |= int(bit)


def _table(plant_id: str, points: list[str], times: list[Times], words: list[Words]) -> pa.Table:
    count = [time.size for time in times]
    codes = pa.array(np.repeat(np.arange(len(points), dtype=np.int32), count), pa.int32())
    total = sum(count)
    return pa.table(
        {
            "time": pa.array(np.concatenate(times) if times else np.empty(0, np.int64)),
            "plant": pa.DictionaryArray.from_arrays(pa.array(np.zeros(total, np.int32)), pa.array([plant_id])),
            "point": pa.DictionaryArray.from_arrays(codes, pa.array(points, pa.string())),
            "quality": pa.array(np.concatenate(words) if words else np.empty(0, np.int64)),
            "rule_set": pa.array([RULE_SET] * total, pa.string()),
        }
    )
