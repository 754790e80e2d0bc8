"""Each fault does what it says, where it says, and nothing anywhere else (issue 3 item 4)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.simulator.faults import Fault, FaultKind
from services.simulator.history import history, instruments
from services.simulator.scenario import DAY_MS, HOUR_MS, MINUTE_MS, Scenario, demo_scenario
from tanji.acquisition.flags import Flag
from tanji.plant.load import load

DEMO = Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml"
START = 1_772_323_200_000  # 2026-03-01T00:00Z
END = START + DAY_MS
TIMES = np.arange(START, END, MINUTE_MS, dtype=np.int64)
FROM, TO = START + 6 * HOUR_MS, START + 8 * HOUR_MS
INSIDE = (TIMES >= FROM) & (TIMES < TO)
HEALTHY = Scenario(seed=5, start_ms=START, end_ms=END)
FEED, TOTAL, CO2 = "line1.raw_meal.mass_flow", "line1.raw_meal.total", "line1.flue.co2"


@pytest.fixture(scope="module")
def plant():
    return load(DEMO)


def columns(plant, point: str, kind: FaultKind, *, target: str | None = None, **more):
    fault = Fault(kind=kind, target=target or point, start_ms=FROM, end_ms=TO, **more)
    sick = replace(HEALTHY, faults=(fault,))
    return tuple(instruments(plant, s, end_ms=END, points=[point])[0].read(TIMES) for s in (HEALTHY, sick))


def test_stuck_repeats_the_value_it_had(plant) -> None:
    well, sick = columns(plant, FEED, FaultKind.STUCK)
    assert (sick.values[INSIDE] == well.values[INSIDE][0]).all()
    np.testing.assert_array_equal(sick.values[~INSIDE], well.values[~INSIDE])


def test_drift_grows_by_its_size_an_hour(plant) -> None:
    well, sick = columns(plant, FEED, FaultKind.DRIFT, size=0.02)
    hours = (TIMES[INSIDE] - FROM) / HOUR_MS
    np.testing.assert_allclose(sick.values[INSIDE] / well.values[INSIDE], 1 + 0.02 * hours, rtol=1e-6)
    np.testing.assert_array_equal(sick.values[~INSIDE], well.values[~INSIDE])


def test_spikes_are_single_and_of_their_size(plant) -> None:
    well, sick = columns(plant, FEED, FaultKind.SPIKES, size=3.0)
    ratio = sick.values / well.values
    assert set(np.round(ratio, 6)) == {1.0, 3.0}
    assert 2 <= (ratio > 2).sum() <= 20 and (ratio[~INSIDE] == 1).all()


def test_drop_out_is_a_failed_read_and_missing_is_no_row(plant) -> None:
    _, sick = columns(plant, FEED, FaultKind.DROP_OUT)
    assert np.isnan(sick.values[INSIDE]).all() and (sick.quality[INSIDE] == int(Flag.COMM)).all()
    assert np.isfinite(sick.values[~INSIDE]).all() and (sick.quality[~INSIDE] == 0).all()
    fault = Fault(kind=FaultKind.MISSING, target=FEED, start_ms=FROM, end_ms=TO)
    rows = sum(t.num_rows for t in history(plant, replace(HEALTHY, faults=(fault,)), START, END, points=[FEED, TOTAL]))
    assert rows == 2 * 1440 - 120


def test_dead_slave_silences_every_point_of_its_unit_and_no_other(plant) -> None:
    fault = Fault(kind=FaultKind.DEAD_SLAVE, target="raw_meal_scale", start_ms=FROM, end_ms=TO)
    for meter in instruments(plant, replace(HEALTHY, faults=(fault,)), end_ms=END):
        dead = np.isnan(meter.read(TIMES).values)
        assert (dead == (INSIDE if meter.point.meter == "raw_meal_scale" else False)).all(), meter.point.id


def test_bad_status_has_no_value_and_an_uncertain_one_keeps_it(plant) -> None:
    _, bad = columns(plant, CO2, FaultKind.BAD_STATUS, status=0x808C0000)  # BadSensorFailure
    assert np.isnan(bad.values[INSIDE]).all() and (bad.quality[INSIDE] == int(Flag.FAULT)).all()
    well, unsure = columns(plant, CO2, FaultKind.BAD_STATUS, status=0x40900000)  # UncertainLastUsableValue
    assert (unsure.quality[INSIDE] == int(Flag.STALE)).all()
    np.testing.assert_array_equal(unsure.values, well.values)


def test_clock_jump_moves_the_time_stamps_alone(plant) -> None:
    well, sick = columns(plant, FEED, FaultKind.CLOCK_JUMP, size=90)
    np.testing.assert_array_equal(sick.times - TIMES, np.where(INSIDE, 90_000, 0))
    np.testing.assert_array_equal(sick.values, well.values)
    fault = Fault(kind=FaultKind.CLOCK_JUMP, target=FEED, start_ms=FROM, end_ms=TO, size=90)
    jumped = replace(HEALTHY, faults=(fault,))
    stamps = np.concatenate([t["time"].to_numpy() for t in history(plant, jumped, START, END, points=[FEED])])
    np.testing.assert_array_equal(stamps, sick.times)


def test_rollover_comes_when_it_is_asked_for(plant) -> None:
    well, sick = columns(plant, TOTAL, FaultKind.ROLLOVER)
    first = int(np.flatnonzero(INSIDE)[0])
    assert sick.values[first] == 0 and sick.values[first - 1] > 0.999 * 10_000_000
    rise = np.diff(sick.values)
    assert (rise < 0).sum() == 1
    # Two countings of the same flow, cut to whole counts at different places.
    np.testing.assert_allclose(np.delete(rise, first - 1), np.delete(np.diff(well.values), first - 1), atol=1)


def test_reset_falls_back_to_zero_and_counts_on(plant) -> None:
    well, sick = columns(plant, TOTAL, FaultKind.RESET)
    first = int(np.flatnonzero(INSIDE)[0])
    np.testing.assert_array_equal(sick.values[:first], well.values[:first])
    assert sick.values[first] == 0 and sick.values[-1] == pytest.approx(well.values[-1] - well.values[first], abs=2)


@pytest.mark.parametrize("point", [FEED, TOTAL])
def test_wrong_scale_factor_reads_its_multiple_of_the_truth(plant, point: str) -> None:
    well, sick = columns(plant, point, FaultKind.SCALE, size=1.1)
    if point == FEED:
        np.testing.assert_allclose(sick.values[INSIDE], 1.1 * well.values[INSIDE], rtol=1e-6)
        return
    gained = [np.ptp(column.values[INSIDE]) for column in (well, sick)]
    assert gained[1] == pytest.approx(1.1 * gained[0], rel=1e-3)
    np.testing.assert_allclose(np.diff(sick.values[~INSIDE][400:]), np.diff(well.values[~INSIDE][400:]), atol=1)


def test_demonstration_has_a_few_harmless_faults_inside_its_period() -> None:
    month = demo_scenario(start_ms=START, end_ms=START + 31 * DAY_MS)
    assert 3 <= len(month.faults) <= 8
    assert all(START <= fault.start_ms < fault.end_ms <= month.end_ms for fault in month.faults)
    assert demo_scenario(start_ms=START, end_ms=END).faults == ()
