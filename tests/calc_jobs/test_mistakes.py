"""Mistakes of the trade that would be made in the jobs, not in a formula, each by its hand calculation (R16 to R25).

Hours are those of tests/calc_jobs/conftest.py: coal 20 t/h, stack 12 m/s in 12 m2 at 91 degC and 10 % moisture, which
is 388 800 Nm3/h wet and 349 920 dry.
"""

from __future__ import annotations

from datetime import date

import pytest

from calc_jobs.month_floor import month_of
from tanji.domain import factors
from tanji.domain.factors import FactorLibrary
from tanji.domain.items import RuleSetId
from tanji.ledger.entries import Entry

HOUR, START = 3_600_000, 1_772_323_200_000  # 2026-03-01 00:00 UTC, 08:00 in Shanghai
STACK = "area_m2: 12}}"


def stack(rig) -> list[dict]:
    return rig.rows("activity", stream="stack")


@pytest.mark.parametrize(("basis", "tonnes"), [("dry", 137.468571), ("wet", 152.742857)])
def test_a_concentration_goes_with_the_flow_of_its_own_basis(rig_of, basis: str, tonnes: float) -> None:
    """20 % of 349 920 dry or of 388 800 wet, x 44/22.4 kg; a wet one on the dry flow would lose its tenth."""
    rig = rig_of((STACK, f"area_m2: 12, basis: {basis}}}}}"))
    rig.normal(1)
    rig.run(after_h=1)
    assert stack(rig)[0]["co2_t"] == pytest.approx(tonnes, abs=1e-6)


@pytest.mark.parametrize(("basis", "lost"), [("dry", 1.0), ("wet", 0.0)])
def test_a_dry_analyser_below_its_hard_range_is_substituted_and_a_wet_one_believed_farther(
    rig_of, basis: str, lost: float
) -> None:
    """Dry CO2 is 5 to 45 % (standard.md 14.5); 4 % wet may be 5 % dry. An hour of 20 %, then one of 4 %."""
    rig = rig_of((STACK, f"area_m2: 12, basis: {basis}}}}}"))
    rig.normal(1)
    rig.normal(1, from_h=1, co2=4.0)
    rig.run(after_h=2)
    first, second = stack(rig)
    assert second["substituted"] == lost
    assert second["co2_t"] == pytest.approx(first["co2_t"] if lost else first["co2_t"] / 5)


def _densities() -> FactorLibrary:
    """The library with a density of diesel of 0.8 t/m3 until 1 March, 0.9 from 2 March."""
    kept = [one for one in factors.load().factors if (one.quantity, one.applies_to) != ("fuel_density", "diesel")]
    known = factors.load().find("fuel_density", applies_to="diesel", ruleset=RuleSetId.GBT32151_8, on=date(2026, 3, 1))
    fields = {name: getattr(known, name) for name in known.__slots__}
    older = type(known)(**{**fields, "id": "a", "value": 0.8, "valid_to": date(2026, 3, 1)})
    newer = type(known)(**{**fields, "id": "b", "value": 0.9, "valid_from": date(2026, 3, 2), "valid_to": None})
    return FactorLibrary((*kept, older, newer))


def test_a_density_is_that_of_the_hours_own_day_however_the_hours_are_cut_into_blocks(rig) -> None:
    """24 m3 over 24 hours from 08:00 of 1 March: 16 hours of 0.8 t, then 8 of 0.9 t: 20 t; all at 0.8 were 19.2 t."""
    rig.normal(24)
    rig.ledger.enter([Entry("D", "diesel", "amount", 24.0, "m3", START, START + 24 * HOUR)], recorded_at_ms=1)
    rig.now_ms = START + 24 * HOUR + 60_000
    rig.jobs(library=_densities()).run_once()
    amounts = [row["amount_t"] for row in rig.rows("activity", stream="diesel")]
    assert amounts == pytest.approx([0.8] * 16 + [0.9] * 8)


def test_a_density_of_the_hours_own_day_serves_a_meter_too(rig_of) -> None:
    rig = rig_of(
        ("unit: t/h, modbus: {address: 1}", "unit: m3/h, modbus: {address: 1}"),
        ("fuel: bituminous_coal, points: [coal], laboratory: [net_calorific_value]", "fuel: diesel, points: [coal]"),
    )
    rig.normal(17)
    rig.now_ms = START + 17 * HOUR + 60_000
    rig.jobs(library=_densities()).run_once()
    amounts = [row["amount_t"] for row in rig.rows("activity", stream="coal")]
    assert amounts == pytest.approx([16.0] * 16 + [18.0])


def test_carbon_that_falls_back_on_heat_content_says_by_which_rule_the_heat_was_found(rig_of) -> None:
    """Neither carbon nor heat was reported: 20 t x 26.7 GJ/t x 0.02618 x 0.99 x 44/12 = 50.7478 t, by both rules."""
    rig = rig_of(
        (
            "points: [coal], laboratory: [net_calorific_value]}",
            "points: [coal], method: measured_carbon, laboratory: [net_calorific_value, carbon_as_received],\n"
            "     missing: {net_calorific_value: conservative_default}}",
        )
    )
    rig.normal(1)
    rig.run(after_h=1)
    rows = rig.rows(stream="coal", ruleset="cets_ag_02_01", boundary="clinker", method="heat_content")
    assert rows[0]["co2_t"] == pytest.approx(50.7478, abs=1e-4) and rows[0]["substituted"] == 1.0
    assert rows[0]["rule"] == "carbon_as_received: by heat content; net_calorific_value: conservative_default"


def test_a_month_begins_and_ends_at_the_plants_own_midnight(plant) -> None:
    """March in Shanghai is 28 February 16:00 to 31 March 16:00 UTC: 744 hours; the hour before is one of February."""
    begin, end = month_of(plant, START)
    assert (begin, end) == (START - 8 * HOUR, START + (744 - 8) * HOUR)
    assert month_of(plant, begin) == month_of(plant, end - HOUR) == (begin, end)
    assert month_of(plant, begin - HOUR) == (begin - 28 * 24 * HOUR, begin)


def test_what_a_stream_subtracts_is_taken_off(rig_of) -> None:
    """210 t over the counter less 20 t of the scale: 190 t, and 190 x 0.535 = 101.65 t by G2; added, 230 t."""
    rig = rig_of(("     points: [clinker]}", "     points: [clinker], subtract: [coal]}"))
    rig.normal(1)
    rig.run(after_h=1)
    assert rig.rows("activity", stream="clinker")[0]["amount_t"] == pytest.approx(190.0)
    assert rig.co2("clinker") == pytest.approx([101.65])
