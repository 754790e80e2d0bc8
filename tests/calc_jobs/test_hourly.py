"""Hours by hand: amounts, substitution, factors and uncertainty (issue 3 item 9; standard.md 3, 5, 6, 9, 11, 13)."""

from __future__ import annotations

import math

import pytest

COAL_T_PER_GJ = 0.02618 * 0.99 * 44 / 12  # cets_ag_02_01: CC x OF x 44/12 [tCO2/GJ]


def test_a_steady_hour_is_what_it_is_by_hand(rig) -> None:
    """20 t/h of coal at 23 GJ/t: 20 x 23 x 0.02618 x 0.99 x 44/12 = 43.7154 t. 2,100 counts of 0.1 t: 210 t clinker
    x 0.535 = 112.35 t. 12,000 kWh x 0.5306 = 6.3672 t. Stack: 137.468571 t (domain.cems worked example).
    """
    rig.normal(1)
    rig.enter(23.0, from_h=0, to_h=24, basis="as_received")
    rig.enter(2.4, from_h=0, to_h=24, stream="diesel")
    report = rig.run(after_h=1)
    assert report.hours == 1 and report.missing == ()
    assert rig.co2("coal") == [pytest.approx(20 * 23 * COAL_T_PER_GJ, rel=1e-9)]
    assert rig.co2("coal")[0] == pytest.approx(43.7154, abs=1e-4)
    assert rig.co2("clinker") == [pytest.approx(112.35, rel=1e-9)]
    assert rig.co2("power") == [pytest.approx(6.3672, rel=1e-9)]
    # 2.4 t a day are 0.1 t an hour: x 42.652 x 0.0202 x 0.98 x 44/12
    assert rig.co2("diesel") == [pytest.approx(0.1 * 42.652 * 0.0202 * 0.98 * 44 / 12, rel=1e-9)]
    assert rig.co2("stack", boundary="clinker") == [pytest.approx(137.468571, abs=1e-5)]
    (activity,) = rig.rows("activity", stream="coal")
    assert activity["amount_t"] == pytest.approx(20.0) and activity["running_h"] == 1.0
    assert activity["captured"] == 1.0 and activity["substituted"] == 0.0 and activity["electricity_mwh"] is None
    assert rig.rows("activity", stream="power")[0]["electricity_mwh"] == pytest.approx(12.0)


def test_rule_sets_use_their_own_process_method_and_items(rig) -> None:
    """Method A: oxides by default, 0.652 x 44/56 + 0.021 x 1.1 = 0.535386 x 210 t; method B: 0.535 x 210 t."""
    rig.normal(1)
    rig.run(after_h=1)
    rows = {(row["ruleset"], row["boundary"], row["item"]): row for row in rig.rows(stream="clinker")}
    assert set(rows) == {
        ("gbt32151_8", "clinker", "process_carbonate"),
        ("gbt32151_8", "enterprise", "process_carbonate"),
        ("cets_ag_02_01", "clinker", "process_clinker"),
        ("cets_ag_02_01", "enterprise", "process_clinker"),
    }
    assert rows["gbt32151_8", "clinker", "process_carbonate"]["co2_t"] == pytest.approx(0.5353857 * 210, rel=1e-6)
    # Oxides are not on the laboratory's list of this plant, so their default is the plan, not a substitute.
    assert rows["gbt32151_8", "clinker", "process_carbonate"]["substituted"] == 0.0
    assert {row["item"] for row in rig.rows(stream="power")} == {"net_electricity"}
    assert {row["boundary"] for row in rig.rows(stream="power")} == {"enterprise"}


def test_uncertainty_combines_the_scales_class_with_the_laboratorys_and_the_factors(rig) -> None:
    """Class 0.5: 0.005/sqrt(3); laboratory NCV 1 %, default CC 5 % and OF 1 % (factors.toml)."""
    rig.normal(1)
    rig.enter(23.0, from_h=0, to_h=24, basis="as_received")
    rig.run(after_h=1)
    (row,) = rig.rows(stream="coal", ruleset="cets_ag_02_01", boundary="clinker")
    assert row["u_rel"] == pytest.approx(math.sqrt(0.005**2 / 3 + 0.01**2 + 0.025**2 + 0.01**2), rel=1e-9)


def test_a_missing_laboratory_value_takes_the_default_and_counts_as_substituted(rig) -> None:
    rig.normal(1)
    rig.run(after_h=1)
    (row,) = rig.rows(stream="coal", ruleset="cets_ag_02_01", boundary="clinker")
    assert row["co2_t"] == pytest.approx(20 * 23.076 * COAL_T_PER_GJ) and row["substituted"] == 1.0


def test_a_kiln_that_ran_twenty_minutes_counts_twenty(rig) -> None:
    """20 t/h for 20 of 60 minutes: 6.667 t, although the scale goes on showing 20."""
    rig.normal(1, without=("k1.running",))
    rig.put("k1.running", [1.0] * 20 + [0.0] * 40)
    rig.run(after_h=1)
    (row,) = rig.rows("activity", stream="coal")
    assert row["amount_t"] == pytest.approx(20 / 3, rel=1e-3) and row["running_h"] == pytest.approx(1 / 3)
    assert rig.rows("activity", stream="stack")[0]["co2_t"] == pytest.approx(137.468571 / 3)


def test_a_stopped_kiln_is_zero_and_not_missing(rig) -> None:
    rig.normal(2, without=("coal", "k1.running"))
    rig.put("k1.running", [0.0] * 120)
    report = rig.run(after_h=2)
    assert report.missing == (("diesel", 2),)
    assert [row["amount_t"] for row in rig.rows("activity", stream="coal")] == [0.0, 0.0]
    assert rig.co2("coal") == [0.0, 0.0]
    assert [row["substituted"] for row in rig.rows(stream="coal", ruleset="gbt32151_8", boundary="clinker")] == [0, 0]


def test_an_invalid_hour_is_the_mean_of_the_valid_ones_before_and_counted(rig) -> None:
    """Hours of 20 and 26 t, then a dead scale: 23 t, all of it substituted."""
    rig.normal(1)
    rig.normal(1, from_h=1, coal=26.0)
    rig.normal(1, from_h=2, without=("coal",))
    rig.put("coal", [None] * 60, at_min=120, word=1 << 10)
    rig.run(after_h=3)
    rows = rig.rows("activity", stream="coal")
    assert [row["amount_t"] for row in rows] == pytest.approx([20.0, 26.0, 23.0])
    assert [row["substituted"] for row in rows] == [0.0, 0.0, 1.0]
    assert [row["captured"] for row in rows] == [1.0, 1.0, 0.0]


def test_without_any_valid_hour_before_there_is_no_value_and_it_is_reported(rig) -> None:
    rig.normal(2, without=("coal",))
    rig.put("coal", [20.0, 20.1] * 30, at_min=60)
    report = rig.run(after_h=2)
    assert ("coal", 1) in report.missing
    assert [row["amount_t"] for row in rig.rows("activity", stream="coal")] == [None, pytest.approx(20.05)]
    first, second = rig.rows(stream="coal", ruleset="cets_ag_02_01", boundary="clinker")
    assert first["co2_t"] is None and first["substituted"] == 1.0 and second["co2_t"] > 40


def test_a_silence_of_the_whole_plant_is_filled_not_left_out(rig) -> None:
    """Four hours, the third without a single reading of anything: substituted, except for counters, which know."""
    rig.normal(2)
    rig.normal(1, from_h=3)
    report = rig.run(after_h=4)
    assert report.hours == 4
    rows = rig.rows("activity", stream="coal")
    assert [row["amount_t"] for row in rows] == pytest.approx([20.0] * 4)
    assert [row["substituted"] for row in rows] == [0, 0, 1, 0]
    rows = rig.rows("activity", stream="clinker")
    assert [row["amount_t"] for row in rows] == pytest.approx([210.0] * 4)
    assert [row["substituted"] for row in rows] == [0, 0, 0, 0]


def test_readings_the_rules_call_invalid_do_not_enter_and_the_hour_is_not_smaller(rig) -> None:
    """Ten readings of 900 t/h are out of range: the hour is 20 t from the other fifty."""
    rig.normal(1, without=("coal",))
    rig.put("coal", [20.01, 19.99] * 10 + [900.0] * 10 + [20.01, 19.99] * 15)
    rig.run(after_h=1)
    (row,) = rig.rows("activity", stream="coal")
    assert row["amount_t"] == pytest.approx(20.0) and row["captured"] == pytest.approx(50 / 60)
    assert sum(1 for row in rig.rows("flag", point="coal") if row["quality"] & 8) == 10


def test_a_rollover_in_the_middle_of_an_hour_loses_nothing(rig) -> None:
    rig.normal(1, without=("clinker",))
    rig.put("clinker", [(99_000 + 35 * minute) % 100_000 for minute in range(61)])
    rig.run(after_h=1)
    assert rig.rows("activity", stream="clinker")[0]["amount_t"] == pytest.approx(210.0)
    assert [row["quality"] for row in rig.rows("flag", point="clinker")] == [256]


def test_manual_amounts_are_spread_over_their_hours_and_carried_on_as_substituted(rig) -> None:
    """2.4 t for the first day: 0.1 t an hour. The second day has no entry yet: the same, substituted."""
    rig.normal(26)
    rig.enter(2.4, from_h=0, to_h=24, stream="diesel")
    rig.run(after_h=26)
    rows = rig.rows("activity", stream="diesel")
    assert [row["amount_t"] for row in rows] == pytest.approx([0.1] * 26)
    assert [row["substituted"] for row in rows] == [0.0] * 24 + [1.0] * 2
