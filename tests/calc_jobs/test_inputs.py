"""Raw inputs a formula would not take: substituted by the plan's rule and counted, never left out (standard.md 14.5).

Hours are those of tests/calc_jobs/conftest.py: clinker 210 t/h, stack 137.468571 t/h at 20 % CO2. By hand.
"""

from __future__ import annotations

import pytest

from tanji.ledger.entries import Entry

HOUR, START = 3_600_000, 1_772_323_200_000
CLINKER = "points: [clinker]}"
NEW = "streams:\n"


def lab(rig, stream: str, *, hours: tuple[int, int] = (0, 24), **values: float) -> None:
    rig.ledger.enter(
        [
            Entry(f"{stream}.{name}", stream, name, value, "1", START + hours[0] * HOUR, START + hours[1] * HOUR)
            for name, value in values.items()
        ],
        recorded_at_ms=1,
    )


def carbonate(rig, stream: str = "clinker") -> list[dict]:
    return rig.rows(stream=stream, ruleset="gbt32151_8", boundary="clinker", item="process_carbonate")


def stack(rig) -> list[dict]:
    return rig.rows("activity", stream="stack")


def test_ten_minutes_of_flue_gas_below_the_range_do_not_lower_their_hour(rig) -> None:
    """Analyser at 2 % for 10 of 60 running minutes: the mean of the 50 valid ones x 60 min, 137.468571 t. Left out they
    would be 114.557 t, taken as measured 116.848 t.
    """
    rig.normal(1)
    rig.put("co2", [2.0] * 10, at_min=20)
    rig.run(after_h=1)
    assert stack(rig)[0]["co2_t"] == pytest.approx(137.468571, rel=1e-8)
    assert stack(rig)[0]["captured"] == pytest.approx(50 / 60) and stack(rig)[0]["substituted"] == 0.0


def test_twenty_minutes_below_the_range_have_the_whole_hour_substituted(rig) -> None:
    """40 valid minutes are fewer than 45: the hour before, 137.468571 t, stands in and is counted."""
    rig.normal(2)
    rig.put("co2", [2.0] * 20, at_min=80)
    rig.run(after_h=2)
    assert stack(rig)[1]["co2_t"] == pytest.approx(137.468571, rel=1e-8)
    assert stack(rig)[1]["substituted"] == 1.0 and stack(rig)[1]["rule"].startswith("amount: mean_of_valid")


@pytest.mark.parametrize("speed", [-12.0, -0.5, 349_920.0])
def test_a_velocity_no_stack_has_is_substituted_and_takes_no_tonnes_away(rig, speed: float) -> None:
    """For 10 minutes the other 50 stand for the hour, for 20 the hour before does: 137.468571 t, never less. Taken as
    measured, 20 minutes at -12 m/s would leave 45.823 t, and a flow of 349 920 Nm3/h as a velocity a million.
    """
    rig.normal(3)
    rig.put("speed", [speed] * 10, at_min=80)
    rig.put("speed", [speed] * 20, at_min=140)
    rig.run(after_h=3)
    assert [row["co2_t"] for row in stack(rig)] == pytest.approx([137.468571] * 3, rel=1e-8)
    assert [row["substituted"] for row in stack(rig)] == [0.0, 0.0, 1.0]
    assert stack(rig)[2]["rule"].startswith("amount: mean_of_valid")


def test_more_oxide_from_elsewhere_than_the_clinker_holds_is_not_deducted(rig_of) -> None:
    """CaO 0.65, MgO 0.02: 0.510714286 + 0.022 = 0.532714286 t/t x 210 t = 111.87 t, less nothing for 0.7 of it."""
    rig = rig_of((CLINKER, "points: [clinker], laboratory: [clinker_cao, clinker_mgo, clinker_cao_non_carbonate]}"))
    rig.normal(1)
    lab(rig, "clinker", clinker_cao=0.65, clinker_mgo=0.02, clinker_cao_non_carbonate=0.7)
    rig.run(after_h=1)
    (row,) = carbonate(rig)
    assert row["co2_t"] == pytest.approx(111.87) and row["substituted"] == 1.0
    assert row["rule"] == "clinker_cao_non_carbonate: none, since more was reported than the clinker holds"


def test_a_mean_and_two_sigma_that_leaves_the_hard_range_stops_at_its_edge(rig_of) -> None:
    """MgO of 0.01 and 0.05: mean 0.03, deviation 0.028284; with 2 sigma 0.0866, beyond 0.06: 0.06 stands in. By F4
    (0.65 x 44/56 + 0.06 x 1.1) x 210 = 121.11 t.
    """
    more = "points: [clinker], laboratory: [clinker_cao, clinker_mgo], missing: {clinker_mgo: mean_plus_2_sigma}}"
    rig = rig_of((CLINKER, more))
    rig.normal(3)
    lab(rig, "clinker", clinker_cao=0.65)
    lab(rig, "clinker", hours=(0, 1), clinker_mgo=0.01)
    lab(rig, "clinker", hours=(1, 2), clinker_mgo=0.05)
    rig.run(after_h=3)
    assert carbonate(rig)[2]["co2_t"] == pytest.approx(121.11)
    assert carbonate(rig)[2]["rule"] == "clinker_mgo: mean_plus_2_sigma of 24 h (2 h there were)"


DUST = (
    NEW,
    "streams:\n  - {id: dust, name: {zh: 灰, en: dust}, kind: kiln_dust, line: l1, boundaries: [clinker],\n"
    "     ledger: true, method: partly_calcined_dust, variant: other_kiln,\n"
    "     laboratory: [loss_on_ignition_dust, loss_on_ignition_raw_meal]}\n",
)


@pytest.mark.parametrize(("loss", "factor", "substituted"), [(0.20, 0.240266, 0.0), (0.40, 0.535386, 1.0)])
def test_dust_that_lost_more_than_its_meal_takes_the_default_calcination(
    rig_of, loss: float, factor: float, substituted: float
) -> None:
    """Default oxides 0.652 and 0.021: EF 0.535386. LOI 0.20 of 0.36: d = 5/9, 0.535386 x 5/9 = 0.297437 / (1.535386 -
    0.297437) = 0.240266. LOI 0.40 is more than the meal has: d = 1 of the other kilns, 0.535386. Dust 1 t an hour.
    """
    rig = rig_of(DUST)
    rig.normal(1)
    rig.ledger.enter([Entry("D", "dust", "amount", 24.0, "t", START, START + 24 * HOUR)], recorded_at_ms=1)
    lab(rig, "dust", loss_on_ignition_dust=loss, loss_on_ignition_raw_meal=0.36)
    rig.run(after_h=1)
    (row,) = carbonate(rig, "dust")
    assert row["co2_t"] == pytest.approx(factor, abs=1e-6)
    assert row["substituted"] == substituted


SLAG = (
    NEW,
    "streams:\n  - {id: slag, name: {zh: 渣, en: slag}, kind: substitute_material, line: l1, boundaries: [clinker],\n"
    "     fuel: carbide_slag, ledger: true, moisture: 0.34, laboratory: [moisture, material_cao]}\n",
)


def test_a_missing_moisture_is_that_of_the_plan_and_a_missing_oxide_deducts_nothing(rig_of) -> None:
    """10 t an hour. With both: 10 x 0.7 dry x 0.5 x 44/56 = 2.75 t off F4 and 7 x 0.48 = 3.36 t off G2; without either
    6.6 t dry by the plan: nothing off F4, 3.168 t off G2; both are counted as substituted.
    """
    rig = rig_of(SLAG)
    rig.normal(2)
    rig.ledger.enter([Entry("W", "slag", "amount", 240.0, "t", START, START + 24 * HOUR)], recorded_at_ms=1)
    lab(rig, "slag", hours=(0, 1), moisture=0.3, material_cao=0.5)
    rig.run(after_h=2)
    assert [row["co2_t"] for row in carbonate(rig, "slag")] == pytest.approx([-2.75, 0.0])
    rows = rig.rows(stream="slag", ruleset="cets_ag_02_01", boundary="clinker")
    assert [row["co2_t"] for row in rows] == pytest.approx([-3.36, -3.168])
    assert [row["substituted"] for row in rows] == [0.0, 1.0] and rows[1]["rule"] == "moisture: 0.34 of the plan"
