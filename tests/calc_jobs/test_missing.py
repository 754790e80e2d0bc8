"""Missing data through the jobs: the plan's rule, its share and its name in every row (quality.md 7, R21, R52).

Hours are those of tests/calc_jobs/conftest.py: coal 20 t/h, stack 137.468571 t/h. Hand calculations in the docstrings.
"""

from __future__ import annotations

import numpy as np
import pytest

from calc_jobs import missing
from tanji.ledger.entries import Entry
from tanji.plant.model import Plant
from tanji.quality.hours import Grid

HOUR, START = 3_600_000, 1_772_323_200_000  # 2026-03-01 00:00 UTC
LAB = "laboratory: [net_calorific_value]}"
STACK = "area_m2: 12}}"
COAL_T_PER_GJ = 0.02618 * 0.99 * 44 / 12  # cets_ag_02_01: CC x OF x 44/12 [tCO2/GJ]


def with_rule(rule: str) -> tuple[str, str]:
    return LAB, f"laboratory: [net_calorific_value], missing: {{{rule}}}}}"


def coal(rig) -> list[dict]:
    return rig.rows(stream="coal", ruleset="cets_ag_02_01", boundary="clinker")


def test_the_rule_of_an_amount_stands_in_its_activity_and_emission_rows(rig_of) -> None:
    """Hours of 20 and 26 t, then a dead scale: mean 23, sample deviation 6/sqrt(2) = 4.2426: 31.4853 t."""
    rig = rig_of(with_rule("amount: mean_plus_2_sigma"))
    rig.normal(1)
    rig.normal(1, from_h=1, coal=26.0)
    rig.normal(1, from_h=2, without=("coal",))
    rig.put("coal", [None] * 60, at_min=120, word=1 << 10)
    rig.enter(23.0, from_h=0, to_h=24, basis="as_received")
    rig.run(after_h=3)
    rows = rig.rows("activity", stream="coal")
    assert rows[2]["amount_t"] == pytest.approx(23 + 2 * 6 / 2**0.5)
    assert rows[2]["substituted"] == 1.0
    assert rows[2]["rule"] == "amount: mean_plus_2_sigma of 24 h (2 h there were)"
    assert {row["rule"] for row in rows[:2]} <= {"", "none"}
    assert coal(rig)[2]["rule"] == rows[2]["rule"] and coal(rig)[2]["substituted"] == 1.0


@pytest.mark.parametrize(
    ("rule", "value", "text"),
    [
        ("reference_value", 23.076, "net_calorific_value: reference_value"),
        ("conservative_default", 26.7, "net_calorific_value: conservative_default"),
        ("mean_of_valid", 22.0, "net_calorific_value: mean_of_valid of 24 h (2 h there were)"),
        ("mean_plus_2_sigma", 22 + 2 * 2**0.5, "net_calorific_value: mean_plus_2_sigma of 24 h (2 h there were)"),
    ],
)
def test_a_missing_laboratory_value_takes_the_plans_rule(rig_of, rule: str, value: float, text: str) -> None:
    """Appendix A 23.076, the older sheet 26.7 (standard.md 8.1 and 9); results of 21 and 23: mean 22, deviation
    sqrt(2).
    """
    rig = rig_of(with_rule(f"net_calorific_value: {rule}"))
    rig.normal(3)
    rig.enter(21.0, from_h=0, to_h=1, sample="A", basis="as_received")
    rig.enter(23.0, from_h=1, to_h=2, sample="B", basis="as_received")
    rig.run(after_h=3)
    assert [row["co2_t"] for row in coal(rig)] == pytest.approx(
        [20 * heat * COAL_T_PER_GJ for heat in (21.0, 23.0, value)]
    )
    assert [row["substituted"] for row in coal(rig)] == [0.0, 0.0, 1.0] and coal(rig)[2]["rule"] == text


def test_without_any_result_before_a_mean_has_no_value_and_the_hour_is_reported(rig_of) -> None:
    rig = rig_of(with_rule("net_calorific_value: mean_of_valid"))
    rig.normal(1)
    assert ("coal", 1) in rig.run(after_h=1).missing
    assert coal(rig)[0]["co2_t"] is None


@pytest.mark.parametrize("rejected", [5.0, 2310.0])
def test_a_result_outside_its_hard_range_is_substituted_and_never_left_out(rig_of, rejected: float) -> None:
    """8 to 34 GJ/t of coal. One hour, two samples of half an hour: 22 and one that is refused. Left out, the hour were
    22; taken as measured, 13.5. By the rule: (22 + 26.7)/2 = 24.35 GJ/t, counted as substituted.
    """
    rig = rig_of(with_rule("net_calorific_value: conservative_default"))
    rig.normal(2)
    half = HOUR // 2
    entry = Entry("A", "coal", "net_calorific_value", 22.0, "GJ/t", START, START + half, basis="as_received")
    wrong = Entry("B", "coal", "net_calorific_value", rejected, "GJ/t", START + half, START + HOUR)
    whole = Entry("C", "coal", "net_calorific_value", rejected, "GJ/t", START + HOUR, START + 2 * HOUR)
    rig.ledger.enter([entry, wrong, whole], recorded_at_ms=1)
    rig.run(after_h=2)
    assert [row["co2_t"] for row in coal(rig)] == pytest.approx([20 * 24.35 * COAL_T_PER_GJ, 20 * 26.7 * COAL_T_PER_GJ])
    assert [row["substituted"] for row in coal(rig)] == [1.0, 1.0]
    assert coal(rig)[0]["rule"] == "net_calorific_value: conservative_default"


TABLE = (
    "streams:\n",
    "quality:\n  substitution:\n    - {capture_min: 0.90, hours_max: 2, lookback_valid_hours: 3}\n"
    "    - {capture_min: 0.90, lookback_valid_hours: 6}\n    - {capture_min: 0.75, lookback_valid_hours: 12}\n"
    "    - {capture_min: 0.00, lookback_valid_hours: 0}\nstreams:\n",
)
BY_TABLE = (STACK, "area_m2: 12}, missing: {amount: hj75_table}}")
T_PER_PERCENT = 137.468571 / 20  # the stack's tonnes are proportional to its CO2 fraction


def stack_hours(rig, percents: list[float | None], *, from_h: int = 0) -> None:
    """Steady operation with the CO2 fraction of each hour; None is a dead analyser."""
    for hour, percent in enumerate(percents, from_h):
        rig.normal(1, from_h=hour, without=("co2",))
        rig.put("co2", [percent] * 60, at_min=60 * hour, word=0 if percent is not None else 1 << 10)


def stack(rig) -> list[dict]:
    return rig.rows("activity", stream="stack")


def test_a_stack_takes_the_largest_of_the_last_valid_hours_by_the_plans_table(rig_of) -> None:
    """20 hours at 20 %, hour 16 at 24 %, hour 13 at 28 %; one hour lost at 20: 20 of 21 hours are 95 %: the largest of
    3 (hours 17 to 19) is 20 %. The fourth hour back, 24 %, and the mean, 20.6 %, would be wrong.
    """
    rig = rig_of(TABLE, BY_TABLE)
    percents: list[float | None] = [20.0] * 20
    percents[16], percents[13] = 24.0, 28.0
    stack_hours(rig, [*percents, None])
    rig.run(after_h=21)
    rows = stack(rig)
    assert rows[20]["co2_t"] == pytest.approx(20 * T_PER_PERCENT, rel=1e-6) and rows[20]["substituted"] == 1.0
    assert rows[20]["rule"] == "amount: hj75_table: capture from 0.9, at most 2 h: maximum of 3 h"


def test_when_the_outage_goes_on_the_row_changes_and_its_first_hours_are_revised(rig_of) -> None:
    """Three hours lost of 40: 92.5 %, but longer than 2 h: the largest of 6 hours, 24 %, for all of them. The first
    had been filled by the row for short outages; its new value is a revision.
    """
    rig = rig_of(TABLE, BY_TABLE)
    percents: list[float | None] = [20.0] * 37
    percents[32] = 24.0
    stack_hours(rig, [*percents, None])
    rig.run(after_h=38)
    assert stack(rig)[37]["co2_t"] == pytest.approx(20 * T_PER_PERCENT, rel=1e-6)
    stack_hours(rig, [None, None], from_h=38)
    rig.run(after_h=40)
    assert [row["co2_t"] for row in stack(rig)[37:]] == pytest.approx([24 * T_PER_PERCENT] * 3, rel=1e-6)
    assert {row["rule"] for row in stack(rig)[37:]} == {"amount: hj75_table: capture from 0.9: maximum of 6 h"}
    versions = rig.rows("emission_history", stream="stack", ruleset="cets_ag_02_01")
    assert [row["revision"] for row in versions if row["hour"] == 37] == ["1", "2"]


def test_below_75_percent_the_quarter_fails_and_no_value_is_made_up(rig_of) -> None:
    """Two of six hours lost: 66.7 %. When ten more valid ones came it is 87.5 %: the row of 12 hours applies."""
    rig = rig_of(TABLE, BY_TABLE)
    stack_hours(rig, [20.0, 22.0, None, None, 20.0, 20.0])
    report = rig.run(after_h=6)
    assert ("stack", 2) in report.missing and stack(rig)[2]["co2_t"] is None and stack(rig)[2]["substituted"] == 1.0
    stack_hours(rig, [20.0] * 10, from_h=6)
    rig.run(after_h=16)
    assert [row["co2_t"] for row in stack(rig)[2:4]] == pytest.approx([22 * T_PER_PERCENT] * 2, rel=1e-6)
    assert stack(rig)[2]["rule"].endswith("capture from 0.75: maximum of 12 h (2 h there were)")


def test_a_stopped_hour_is_no_part_of_the_capture_rate(rig_of) -> None:
    """8 h valid, 8 h stopped, 2 h lost: 8 of 10 running hours are 80 %, the largest of 12: the 23 % of hour 0. Counting
    the stop as valid were 89 %, as invalid 44 %.
    """
    rig = rig_of(TABLE, BY_TABLE)
    stack_hours(rig, [23.0, *[20.0] * 7])
    for hour in range(8, 16):
        rig.normal(1, from_h=hour, without=("k1.running", "co2"))
        rig.put("k1.running", [0.0] * 60, at_min=60 * hour)
    stack_hours(rig, [None, None], from_h=16)
    rig.run(after_h=18)
    rows = stack(rig)
    assert [row["co2_t"] for row in rows[8:16]] == [0.0] * 8 and rows[9]["substituted"] == 0.0
    assert rows[16]["co2_t"] == pytest.approx(23 * T_PER_PERCENT, rel=1e-6)
    assert rows[16]["rule"].startswith("amount: hj75_table: capture from 0.75: maximum of 12 h")


def test_a_system_out_of_control_looks_back_from_its_last_calibration(rig_of) -> None:
    """Out of control in hour 20; hours 17 to 19 before the failure hold 26 %, calibrated at hour 10: hours 7 to 9 at
    21 % count. Its own readings, good as they look, do not.
    """
    rig = rig_of(TABLE, BY_TABLE)
    stack_hours(rig, [*[20.0] * 7, *[21.0] * 3, *[20.0] * 7, *[26.0] * 3, 30.0])
    calibrated = Entry("K", "stack", "calibration", 1.0, "1", START + 10 * HOUR, START + 11 * HOUR)
    rig.ledger.enter([calibrated], recorded_at_ms=1)
    rig.run(after_h=21)
    assert stack(rig)[20]["co2_t"] == pytest.approx(30 * T_PER_PERCENT, rel=1e-6)
    lost = Entry("L", "stack", "out_of_control", 1.0, "1", START + 20 * HOUR, START + 21 * HOUR)
    rig.ledger.enter([lost], recorded_at_ms=2)
    rig.run(after_h=21)
    assert stack(rig)[20]["co2_t"] == pytest.approx(21 * T_PER_PERCENT, rel=1e-6)
    assert stack(rig)[20]["substituted"] == 1.0


def test_quarters_are_the_plants_own(rig_of) -> None:
    """31 March 16:00 UTC is the first of April in Asia/Shanghai."""
    plant: Plant = rig_of().plant
    april = 1_774_972_800_000
    assert missing.quarter_ms(plant, april)[0] == april and missing.quarter_ms(plant, april - 1)[1] == april
    grid = Grid(april - 2 * HOUR, 4)
    assert np.diff(missing.quarters(plant, grid)).tolist() == [0, 1, 0]
    december = missing.quarter_ms(plant, 1_798_000_000_000)  # December 2026
    assert missing.quarter_ms(plant, december[1])[0] == december[1]
