"""Meters: error within class, registers, counters that roll over, and a healthy month without a false flag (R33)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.simulator.history import instruments
from services.simulator.instruments import SHARE_OF_CLASS
from services.simulator.scenario import DAY_MS, MINUTE_MS, Scenario
from tanji.acquisition.registers import decode, encode
from tanji.plant.load import load
from tanji.quality import rules

DEMO = Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml"
START = 1_772_323_200_000  # 2026-03-01T00:00Z
END = START + 31 * DAY_MS
TIMES = np.arange(START, END, MINUTE_MS, dtype=np.int64)
SCENARIO = Scenario(seed=5, start_ms=START, end_ms=END)


@pytest.fixture(scope="module")
def plant():
    return load(DEMO)


@pytest.fixture(scope="module")
def meters(plant):
    return {meter.point.id: meter for meter in instruments(plant, SCENARIO, end_ms=END)}


def test_every_classed_meter_errs_within_its_class_and_one_errs(plant, meters) -> None:
    errors = []
    for meter in meters.values():
        allowed = plant.meters_by_id[meter.point.meter].permissible_error
        if allowed is not None and meter.error:
            assert abs(meter.error) <= SHARE_OF_CLASS * allowed
            errors.append(abs(meter.error) / allowed)
    assert max(errors) > 0.2


def test_mean_of_many_readings_shows_the_systematic_error_alone(meters) -> None:
    for name in ("line1.calciner_coal.mass_flow", "line1.raw_meal.mass_flow", "site.waste_heat.power"):
        meter = meters[name]
        shown = meter.read(TIMES).values.sum() / meter.true(TIMES).sum()
        # 44,640 readings of 0.5 % noise: the mean is known to 0.0025 %; four times that is allowed.
        assert shown == pytest.approx(1 + meter.error, abs=1e-4)


def test_counters_add_up_what_flowed_within_class(meters) -> None:
    for name, meter in meters.items():
        if meter.point.kind != "counter":
            continue
        found = rules.counter_increments(
            TIMES,
            meter.read(TIMES).values,
            rollover=meter.point.rollover,
            rated_per_h=meter.point.rated_per_h / meter.point.scale,
        )
        assert found.known.all(), name
        true = (meter.track[1 : TIMES.size] + meter.track[: TIMES.size - 1]).sum() / 120
        assert found.amount.sum() * meter.point.scale == pytest.approx(true * (1 + meter.error), rel=1e-4, abs=1), name


def test_counters_roll_over_within_the_month(meters) -> None:
    rolled = [
        name
        for name, meter in meters.items()
        if meter.point.kind == "counter" and (np.diff(meter.read(TIMES).values) < 0).any()
    ]
    assert {"line1.raw_meal.total", "line1.clinker.total", "site.incoming.energy", "line1.raw_mill.energy"} <= set(
        rolled
    )


def test_counts_are_whole_and_inside_the_register(meters) -> None:
    for meter in meters.values():
        if meter.point.kind == "counter":
            counts = meter.read(TIMES[:1440]).values
            assert (counts == np.floor(counts)).all() and counts.min() >= 0
            assert counts.max() < meter.point.rollover


def test_every_modbus_value_survives_its_registers_bit_for_bit(meters) -> None:
    for name, meter in meters.items():
        if meter.layout is None:
            continue
        point = meter.point
        for value in meter.read(TIMES[:3]).values.tolist():
            raw = value if point.kind == "counter" else (value - point.offset) / point.scale
            back = decode(encode(raw, meter.layout), meter.layout)
            plain = point.kind == "counter" or (point.scale == 1 and point.offset == 0)
            assert (back if plain else back * point.scale + point.offset) == value, name


def test_healthy_month_has_no_false_flag(plant, meters) -> None:
    gates = {}
    for stream in plant.streams:
        flue = stream.flue_gas
        for name in (*stream.points, *((flue.co2, flue.velocity) if flue else ())):
            gates[name] = plant.running_point(stream) or plant.lines[0].kiln.running
    for name, meter in meters.items():
        limits, values = meter.point.limits, meter.read(TIMES).values
        assert np.isfinite(values).all(), name
        assert not rules.out_of_range(values, low=limits.low, high=limits.high).any(), name
        if limits.rate_per_s is not None:
            assert not rules.rate_of_change(TIMES, values, limit_per_s=limits.rate_per_s).any(), name
        if limits.stuck_s is not None:
            running = meters[gates[name]].read(TIMES).values >= 0.5
            held = rules.stuck(TIMES, values, span_s=limits.stuck_s, running=running, maximum_gap_s=90)
            assert not held.any(), name


def test_live_seconds_change_no_faster_than_the_limits(meters) -> None:
    seconds = np.arange(START + DAY_MS, START + DAY_MS + 3_600_000, 1000, dtype=np.int64)
    for name, meter in meters.items():
        if meter.point.limits.rate_per_s is not None:
            values = meter.read(seconds).values
            assert not rules.rate_of_change(seconds, values, limit_per_s=meter.point.limits.rate_per_s).any(), name


def test_seconds_go_on_where_minutes_end(meters) -> None:
    """The reading of a whole minute is the same in both; counters never step back; flows do not jump."""
    at = START + 20 * DAY_MS
    minute = np.array([at], dtype=np.int64)
    seconds = np.arange(at, at + 120_000, 1000, dtype=np.int64)
    for name, meter in meters.items():
        live = meter.read(seconds).values
        assert live[0] == meter.read(minute).values[0], name
        if meter.point.kind == "counter":
            assert (np.diff(live) >= 0).all() or meter.point.rollover is not None
        assert meter.true(seconds)[60] == pytest.approx(meter.true(minute + 60_000)[0], rel=1e-12)


def test_readings_depend_on_seed_point_and_time_alone(plant, meters) -> None:
    again = instruments(plant, SCENARIO, end_ms=START + 3 * DAY_MS, points=["line1.clinker.mass_flow"])[0]
    part = TIMES[1000:1500]
    whole = meters["line1.clinker.mass_flow"].read(TIMES).values[1000:1500]
    np.testing.assert_array_equal(again.read(part).values, whole)
    other = Scenario(seed=6, start_ms=START, end_ms=END)
    changed = instruments(plant, other, end_ms=START + 3 * DAY_MS, points=["line1.clinker.mass_flow"])[0]
    assert not np.array_equal(changed.read(part).values, whole)
