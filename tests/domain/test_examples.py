"""Published worked figures (R58): every entry of vectors/examples.json, within the tolerance of standard.md section 16.

Units are converted by `tanji.domain.units`, so these are unit-conversion tests too. COMP and GNR check sums and ratios
of disclosed figures, not the engine; no complete published plant example was found.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tanji.domain import boundary, factors, fuel, process, units
from tanji.domain.items import RuleSetId

EXAMPLES: dict[str, dict[str, Any]] = {
    example["id"]: example
    for example in json.loads((Path(__file__).parent / "vectors" / "examples.json").read_text(encoding="utf-8"))
}
DAY = date(2026, 3, 1)


def given(example_id: str, name: str) -> float:
    entry = EXAMPLES[example_id]["inputs"][name]
    return float(units.conversion(entry["unit"]).to_internal(entry["value"]))


def published(example_id: str, name: str) -> float:
    return float(EXAMPLES[example_id]["expected"][name])


def test_every_published_example_has_a_test_here():
    source = Path(__file__).read_text(encoding="utf-8")
    assert [key for key in EXAMPLES if f'"{key}"' not in source] == []


@pytest.mark.parametrize("example_id", ["FUEL-01", "FUEL-03", "FUEL-05", "FUEL-07"])
def test_burning_a_kilogram_of_fuel_gives_the_published_co2(example_id):
    tonnes = fuel.heat_content_emission(
        given(example_id, "FC"),
        net_calorific_value=given(example_id, "NCV"),
        carbon_per_energy=given(example_id, "CC"),
        oxidation_fraction=given(example_id, "OF"),
    )
    assert tonnes * 1000 == pytest.approx(published(example_id, "CO2_per_unit"), abs=5e-5)


def test_burning_a_cubic_metre_of_natural_gas_gives_the_published_co2():
    # the published table does not say at which temperature its cubic metre is; it is taken as the normal one
    tonnes = fuel.heat_content_emission(
        fuel.gas_amount(given("FUEL-10", "FC")),
        net_calorific_value=given("FUEL-10", "NCV"),
        carbon_per_energy=given("FUEL-10", "CC"),
        oxidation_fraction=given("FUEL-10", "OF"),
    )
    assert tonnes * 1000 == pytest.approx(published("FUEL-10", "CO2_per_unit"), abs=5e-5)


def test_the_published_cao_ratio_gives_the_published_clinker_factor_and_the_chinese_ratio_does_not():
    cao = EXAMPLES["PROC-01"]["inputs"]["CaO_fraction"]["value"]
    foreign_ratio = EXAMPLES["PROC-01"]["inputs"]["ratio_CO2_CaO"]["value"]
    chinese = process.clinker_oxide_factor(clinker_cao=cao, clinker_mgo=0.0)
    assert chinese * foreign_ratio / process.CO2_PER_CAO == pytest.approx(published("PROC-01", "EF_clinker"), abs=5e-4)
    assert chinese == pytest.approx(0.507571, abs=5e-7)  # the entry's own note
    assert abs(chinese - published("PROC-01", "EF_clinker")) > 5e-4


def test_process_and_fuel_add_up_to_the_published_clinker_figure():
    inputs = EXAMPLES["PROC-05"]["inputs"]
    check = boundary.check_sum(
        (inputs["EF_process"]["value"], inputs["EF_fuel"]["value"]),
        stated=published("PROC-05", "EF_clinker"),
        tolerance=0.005,
    )
    assert check.consistent
    assert not boundary.check_sum((520.0, 288.06), stated=808.07, tolerance=0.005).consistent


@pytest.mark.parametrize(("example_id", "region"), [("ELEC-01", "national"), ("ELEC-05", "central_china")])
def test_grid_factor_records_change_by_the_published_percentage(example_id, region):
    inputs = EXAMPLES[example_id]["inputs"]
    record = factors.load().find("grid_factor", applies_to=region, ruleset=RuleSetId.CETS_AG_02_01, on=DAY)
    older = replace(record, value=inputs["EF_2022"]["value"])
    newer = replace(record, value=inputs["EF_2023"]["value"])
    percent = 100 * factors.relative_change(newer, older=older)
    assert percent == pytest.approx(published(example_id, "change_pct"), abs=0.05)


@pytest.mark.parametrize(("example_id", "region"), [("ELEC-01", "national"), ("ELEC-05", "central_china")])
def test_the_library_holds_the_published_grid_factors(example_id, region):
    inputs = EXAMPLES[example_id]["inputs"]
    by_year = {
        record.data_year: record.value
        for record in factors.load().factors
        if (record.quantity, record.applies_to, record.variant) == ("grid_factor", region, "average")
    }
    assert by_year[2022] == inputs["EF_2022"]["value"]
    assert by_year[2023] == inputs["EF_2023"]["value"]


@pytest.mark.parametrize("example_id", ["COMP-03", "COMP-07"])
def test_disclosed_direct_and_indirect_emissions_add_up(example_id):
    inputs = EXAMPLES[example_id]["inputs"]
    parts = (inputs["direct"]["value"], inputs["indirect"]["value"])
    assert boundary.check_sum(parts, stated=published(example_id, "total"), tolerance=1).consistent
    assert not boundary.check_sum(parts, stated=published(example_id, "total") + 2, tolerance=1).consistent


def test_a_disclosed_total_that_is_ten_times_too_large_is_reported():
    inputs = EXAMPLES["COMP-08"]["inputs"]
    check = boundary.check_sum(
        (inputs["direct"]["value"], inputs["indirect"]["value"]), stated=published("COMP-08", "total"), tolerance=1
    )
    assert not check.consistent
    assert check.difference == 408_475_800  # the entry's own note


def test_the_clinker_ratio_of_gnr_is_met_approximately():
    inputs = EXAMPLES["GNR-01"]["inputs"]
    ratio = boundary.clinker_ratio(inputs["clinker"]["value"], cement_output=inputs["cementitious"]["value"])
    assert 100 * ratio == pytest.approx(published("GNR-01", "clinker_in_cement_pct"), abs=0.5)
