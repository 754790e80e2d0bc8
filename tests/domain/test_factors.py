"""The default factors (R4, R30): found by rule set, edition, fuel, equipment and day; sourced; none called verified.

Values are compared with the tables of standard.md sections 5.2 and 8, so that a slip of the pen in the file shows.
"""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from tanji.domain import factors, fuel, process, units
from tanji.domain.items import RuleSetId
from tanji.domain.limits import HARD_RANGES, within
from tanji.errors import DomainError

A = RuleSetId.GBT32151_8
B = RuleSetId.CETS_AG_02_01
DAY = date(2026, 3, 1)
LIBRARY = factors.load()


def value(quantity: str, applies_to: str, ruleset: RuleSetId, on: date = DAY, variant: str | None = None) -> float:
    return LIBRARY.find(quantity, applies_to=applies_to, ruleset=ruleset, on=on, variant=variant).value


@pytest.mark.parametrize(
    ("name", "heat", "carbon"),
    [
        ("anthracite", 22.867, 0.02749),
        ("bituminous_coal", 23.076, 0.02618),
        ("lignite", 14.759, 0.02797),
        ("coal_gangue", 8.374, 0.02541),
        ("petroleum_coke", 32.5, 0.0275),
        ("diesel", 42.652, 0.0202),
        ("natural_gas", 389.31, 0.01532),
        ("blast_furnace_gas", 33.0, 0.0708),
    ],
)
def test_fossil_fuels_of_method_b_are_those_of_the_table(name, heat, carbon):
    assert value("net_calorific_value", name, B) == heat
    assert value("carbon_per_energy", name, B) == carbon


def test_bituminous_coal_differs_between_the_rule_sets():
    assert value("carbon_per_energy", "bituminous_coal", A) == 0.0261
    assert value("carbon_per_energy", "bituminous_coal", B) == 0.02618


def test_oxidation_is_found_by_edition_and_equipment():
    assert value("oxidation_fraction", "bituminous_coal", A, date(2024, 5, 31)) == 0.98
    assert value("oxidation_fraction", "bituminous_coal", A, date(2024, 6, 1)) == 0.99
    assert value("oxidation_fraction", "bituminous_coal", B, variant="industrial_boiler") == 0.85
    assert value("oxidation_fraction", "diesel", B, variant="industrial_boiler") == 0.98  # serves every equipment


@pytest.mark.parametrize(
    ("kind", "factor"), [("portland", 0.535), ("white_portland", 0.55), ("sulfoaluminate", 0.413), ("aluminate", 0.292)]
)
def test_clinker_factors_are_those_of_appendix_c(kind, factor):
    assert value("clinker_process_factor", kind, B) == factor
    assert kind in process.CLINKER_KINDS


@pytest.mark.parametrize(
    ("material", "factor"),
    [
        ("hydrated_lime", 0.6), ("carbide_slag", 0.48), ("phosphorus_slag", 0.375), ("ferroalloy_slag", 0.305),
        ("phosphogypsum", 0.245), ("steel_slag", 0.215), ("zinc_slag", 0.135), ("copper_slag", 0.055),
    ],
)  # fmt: skip
def test_deduction_factors_are_those_of_appendix_c(material, factor):
    assert value("deduction_factor", material, B) == factor


def test_the_placeholder_oxides_give_the_portland_factor():
    # standard.md section 5.2: 0.652 x 44/56 + 0.021 x 1.1 = 0.5354
    by_oxides = process.clinker_oxide_factor(
        clinker_cao=value("clinker_cao", "portland", A), clinker_mgo=value("clinker_mgo", "portland", A)
    )
    assert by_oxides == pytest.approx(0.5354, abs=5e-5)


def test_every_deduction_of_appendix_c_is_there():
    # standard.md section 5.2: 2 + 2 + 3 + 4 + 7 + 2 + 3 + 7 materials
    records = [record for record in LIBRARY.factors if record.quantity == "deduction_factor"]
    by_value = {number: sum(record.value == number for record in records) for number in {r.value for r in records}}
    assert by_value == {0.6: 2, 0.48: 2, 0.375: 3, 0.305: 4, 0.245: 7, 0.215: 2, 0.135: 3, 0.055: 7}
    assert value("clinker_process_factor", "aluminate", B, variant="without_process_emissions") == 0.0


def test_kiln_dust_has_the_default_calcination_of_its_kiln():
    # standard.md section 5.1, F9: d = 0 for dry kilns, 1 otherwise
    assert value("calcination_fraction", "kiln_dust", A) == 0.0
    assert value("calcination_fraction", "kiln_dust", A, variant="other_kiln") == 1.0


def test_heat_and_organic_carbon_have_their_defaults():
    assert value("heat_factor", "heat", A) == 0.11
    assert value("raw_meal_organic_carbon", "raw_meal", A) == 0.001
    assert value("raw_meal_organic_carbon", "raw_meal", A, variant="coal_gangue") == 0.003


def test_the_fuels_the_requirement_names_have_an_unverified_placeholder_that_asks_for_a_measurement():
    for name, quantity in (
        ("domestic_waste", "non_biomass_energy_fraction"),
        ("cloth_strips", "non_biomass_carbon_fraction"),
    ):
        record = LIBRARY.find(quantity, applies_to=name, ruleset=A, on=DAY)
        assert record.confidence == "U"
        assert not record.verified
        assert "measure" in record.note
        assert "no table value" in record.note
    assert value("emission_factor_fossil", "domestic_waste", A) == 0.0917
    assert value("emission_factor_biogenic", "domestic_waste", A) == 0.1
    assert value("emission_factor", "cloth_strips", A) == 0.0917


@pytest.mark.parametrize(
    ("on", "region", "factor"),
    [
        (date(2022, 12, 31), "national", 0.5703),
        (date(2024, 4, 11), "national", 0.5703),
        (date(2024, 4, 12), "national", 0.5568),
        (date(2024, 12, 26), "national", 0.5366),
        (date(2026, 3, 1), "national", 0.5306),
        (date(2025, 6, 1), "central_china", 0.5395),
        (date(2026, 3, 1), "central_china", 0.5271),
        (date(2026, 3, 1), "hubei", 0.4364),
    ],
)
def test_a_grid_factor_is_the_newest_in_use_of_its_own_region(on, region, factor):
    assert value("grid_factor", region, B, on) == factor


def test_the_year_hubei_lacks_is_said_and_not_invented():
    record = LIBRARY.find("grid_factor", applies_to="hubei", ruleset=B, on=DAY)
    assert record.data_year == 2022
    assert "2023" in record.note


def test_kinds_of_grid_factor_are_kept_apart():
    assert value("grid_factor", "national", B, variant="without_traded_non_fossil") == 0.6096
    assert value("grid_factor", "national", B, variant="fossil") == 0.8273
    with pytest.raises(DomainError):
        value("grid_factor", "hubei", B, variant="fossil")


def test_what_does_not_exist_is_an_error_that_lists_what_does():
    with pytest.raises(DomainError, match=r"expected one of the quantities calcination_fraction, .*got grid_facto of"):
        value("grid_facto", "national", B)
    with pytest.raises(DomainError, match=r"expected grid_factor of one of central_china, hubei, national; got"):
        value("grid_factor", "beijing", B)
    with pytest.raises(DomainError, match=r"deduction_factor of carbide_slag under cets_ag_02_01 from 2024-09-13; got"):
        value("deduction_factor", "carbide_slag", A)
    with pytest.raises(DomainError, match=r"to 2024-05-31.* on 2010-01-01"):
        value("oxidation_fraction", "bituminous_coal", A, date(2010, 1, 1))


def test_no_default_claims_to_be_verified_and_each_has_a_source():
    for record in LIBRARY.factors:
        assert not record.verified, record.id
        assert record.document and record.clause, record.id
        assert not record.clause.startswith("per clause"), record.id


def test_every_value_has_an_internal_unit_and_lies_inside_its_hard_range():
    for record in LIBRARY.factors:
        conversion = units.conversion(record.unit)
        assert (conversion.factor, conversion.offset) == (1.0, 0.0), record.id
        if record.quantity in HARD_RANGES:
            assert within(record.quantity, record.value), record.id


def test_a_default_coal_is_a_consistent_coal():
    for name in ("anthracite", "bituminous_coal", "lignite", "coal_slurry"):
        heat = value("net_calorific_value", name, B)
        fuel.check_coal_analysis(heat, carbon_as_received=heat * value("carbon_per_energy", name, B))


def test_the_digest_changes_with_a_value_and_not_with_a_comment():
    text = """
[s]
rulesets = ["gbt32151_8"]
document = "d"
edition = "e"
clause = "not yet checked"
valid_from = 2024-01-01
confidence = "U"
records = [{ quantity = "heat_factor", applies_to = "heat", value = 0.11, unit = "tCO2/GJ" }]
"""
    digest = factors.read(text).digest()
    assert digest == factors.read("# a comment\n" + text).digest()
    assert digest != factors.read(text.replace("0.11", "0.12")).digest()
    assert digest != factors.read(text.replace('"U"', '"M"')).digest()
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("value = 0.11", "value = 'x'", "expected the fields of a factor"),
        ('unit = "tCO2/GJ"', 'units = "tCO2/GJ"', "unexpected keyword argument 'units'"),
        ('clause = "c"\n', "", "missing 1 required positional argument: 'clause'"),
        ('"U"', '"X"', "expected a confidence of T, C, M or U, got X"),
        ("gbt32151_8", "gbt", "'gbt' is not a valid RuleSetId"),
        ('"heat"', '["heat", "heat"]', "expected every id once"),
        ('applies_to = "heat", ', "", "expected applies_to in every record"),
        ("records = [", "record = [", "expected a table with a list of records"),
        ("[s]", "[s", "expected TOML"),
    ],
)
def test_a_faulty_record_is_an_error_of_our_own(before, after, message):
    text = (
        '[s]\nrulesets = ["gbt32151_8"]\ndocument = "d"\nedition = "e"\nclause = "c"\nvalid_from = 2024-01-01\n'
        'confidence = "U"\n'
        'records = [{ quantity = "heat_factor", applies_to = "heat", value = 0.11, unit = "tCO2/GJ" }]\n'
    )
    assert before in text
    with pytest.raises(DomainError, match=message):
        factors.read(text.replace(before, after))


def test_two_records_for_one_kind_and_day_are_refused():
    source = (
        '[{}]\nrulesets = ["gbt32151_8"]\ndocument = "d"\nedition = "e"\nclause = "c"\nvalid_from = 2024-01-01\n'
        'confidence = "U"\n'
        'records = [{{ quantity = "heat_factor", applies_to = "heat", value = 0.11, unit = "tCO2/GJ" }}]\n'
    )
    with pytest.raises(DomainError, match=r"expected one record per kind and first day, got a.heat_factor.heat and b"):
        factors.read(source.format("a") + source.format("b"))


def test_records_of_different_kinds_are_not_compared():
    national = LIBRARY.find("grid_factor", applies_to="national", ruleset=B, on=DAY)
    hubei = LIBRARY.find("grid_factor", applies_to="hubei", ruleset=B, on=DAY)
    with pytest.raises(DomainError, match="expected two records of applies_to 'national', got 'hubei'"):
        factors.relative_change(hubei, older=national)


def test_a_record_cannot_be_changed_in_place():
    with pytest.raises(dataclasses.FrozenInstanceError):
        LIBRARY.factors[0].value = 1.0
