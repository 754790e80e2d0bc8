"""The rule sets as data (R3, R8): the table of standard.md section 2.1, item by item."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tanji.domain import factors, rulesets
from tanji.domain.items import Boundary, Item, Method, RuleSetId
from tanji.errors import DomainError

A = rulesets.load()[RuleSetId.GBT32151_8]
B = rulesets.load()[RuleSetId.CETS_AG_02_01]
TEXT = Path(rulesets.__file__).with_name("rulesets.toml").read_text(encoding="utf-8")


def test_the_compliance_figure_counts_fuel_and_process_alone():
    assert set(B.counted(Boundary.CLINKER)) == {Item.FOSSIL_FUEL, Item.PROCESS_CLINKER}


def test_the_enterprise_adds_energy_bought_and_under_method_b_its_other_facilities():
    energy = {Item.NET_ELECTRICITY, Item.NET_HEAT}
    for rule_set, more in ((A, energy), (B, energy | {Item.CAPTIVE_POWER, Item.OTHER_FACILITY})):
        assert set(rule_set.counted(Boundary.ENTERPRISE)) - set(rule_set.counted(Boundary.CLINKER)) == more


def test_fuels_of_other_facilities_are_terms_of_their_own_or_plain_fuel():
    assert (A.captive_power_item, A.other_facility_item) == (Item.FOSSIL_FUEL, Item.FOSSIL_FUEL)
    assert (B.captive_power_item, B.other_facility_item) == (Item.CAPTIVE_POWER, Item.OTHER_FACILITY)
    for rule_set in (A, B):
        counted = rule_set.counted(Boundary.ENTERPRISE)
        assert {rule_set.captive_power_item, rule_set.other_facility_item} <= set(counted)


def test_a_rule_set_names_what_stands_in_for_an_unmeasured_calorific_value():
    quantities = {record.quantity for record in factors.load().factors}
    assert {A.missing_net_calorific_value, B.missing_net_calorific_value} <= quantities


def test_alternative_fuels_count_under_method_a_only_and_are_shown_under_both():
    for where in Boundary:
        assert A.alternative_fuel_counted(where)
        assert not B.alternative_fuel_counted(where)
        assert Item.ALTERNATIVE_FUEL in B.information(where)


def test_each_method_has_its_own_process_items():
    process = {Item.PROCESS_CARBONATE, Item.PROCESS_ORGANIC_CARBON, Item.PROCESS_CLINKER}
    for where in Boundary:
        assert process & set(A.counted(where)) == {Item.PROCESS_CARBONATE, Item.PROCESS_ORGANIC_CARBON}
        assert process & set(B.counted(where)) == {Item.PROCESS_CLINKER}
    assert (A.process_method, B.process_method) == (Method.CLINKER_OXIDES, Method.CLINKER_FACTOR)


def test_biogenic_carbon_electricity_of_clinker_and_flue_gas_are_never_counted():
    for rule_set in (A, B):
        for where in Boundary:
            shown = {Item.BIOGENIC, Item.CLINKER_ELECTRICITY, Item.FLUE_GAS}
            assert not shown & set(rule_set.counted(where))
            assert rule_set.memo(where) == (Item.BIOGENIC,)


def test_the_switches_of_the_two_methods():
    assert (A.deduct_non_fossil, B.deduct_non_fossil) == (False, True)
    assert (A.floors_process_month, B.floors_process_month) == (False, True)
    assert A.grid_factor_kind == B.grid_factor_kind == "average"


def test_the_named_editions_and_kinds_exist_among_the_factors():
    records = factors.load().factors
    for rule_set in (A, B):
        own = [record for record in records if rule_set.id in record.rulesets]
        assert rule_set.oxidation_edition in {r.edition for r in own if r.quantity == "oxidation_fraction"}
        assert rule_set.grid_factor_kind in {r.variant for r in own if r.quantity == "grid_factor"}


def test_no_rule_set_claims_to_be_verified_and_open_points_carry_a_mark():
    for rule_set in (A, B):
        assert not rule_set.verified
        assert {note.mark for note in rule_set.notes} <= factors.CONFIDENCE_MARKS
        assert any(note.mark == "U" for note in rule_set.notes)


def test_the_digest_changes_with_a_rule_and_not_with_a_comment():
    changed = TEXT.replace("deduct_non_fossil = true", "deduct_non_fossil = false")
    assert rulesets.read("# a comment\n" + TEXT)[B.id].digest() == B.digest()
    assert rulesets.read(changed)[B.id].digest() != B.digest()
    assert rulesets.read(changed)[A.id].digest() == A.digest()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"process_clinker"]\nmemo', '"process_clincker"]\nmemo', "'process_clincker' is not a valid Item"),
        ('process_method = "clinker_factor"', 'process_method = "clinker"', "'clinker' is not a valid Method"),
        ("[cets_ag_02_01]", "[cets]", "'cets' is not a valid RuleSetId"),
        ("deduct_non_fossil = true", "deduct = true", "unexpected keyword argument 'deduct'"),
        ('information = ["alternative_fuel"]', 'information = ["fossil_fuel"]', "expected each item once"),
        ("[cets_ag_02_01]", "[cets_ag_02_01", "expected TOML"),
    ],
)
def test_a_faulty_rule_set_is_an_error_of_our_own(before, after, message):
    assert before in TEXT
    with pytest.raises(DomainError, match=message):
        rulesets.read(TEXT.replace(before, after))


def test_a_rule_set_that_is_missing_is_an_error():
    with pytest.raises(DomainError, match="expected gbt32151_8, cets_ag_02_01, got gbt32151_8"):
        rulesets.read(TEXT[: TEXT.index("[cets_ag_02_01]")])


@pytest.mark.parametrize(
    ("ruleset", "on", "edition"),
    [
        (RuleSetId.GBT32151_8, date(2016, 6, 1), "2015"),
        (RuleSetId.GBT32151_8, date(2024, 5, 31), "2015"),
        (RuleSetId.GBT32151_8, date(2024, 6, 1), "2023"),
        (RuleSetId.CETS_AG_02_01, date(2024, 9, 13), "V01-2024"),
        (RuleSetId.CETS_AG_02_01, date(2026, 3, 1), "V01-2024"),
    ],
)
def test_a_day_is_calculated_by_the_edition_in_force_on_it(ruleset, on, edition):
    assert rulesets.in_force(ruleset, on=on).edition == edition


def test_a_day_before_the_first_edition_has_no_rule():
    with pytest.raises(DomainError, match=r"expected cets_ag_02_01 .* V01-2024 from 2024-09-13; got 2024-09-12"):
        rulesets.in_force(RuleSetId.CETS_AG_02_01, on=date(2024, 9, 12))


def test_the_edition_of_2015_counts_neither_alternative_fuels_nor_organic_carbon():
    old = rulesets.in_force(RuleSetId.GBT32151_8, on=date(2020, 1, 1))
    assert set(old.counted(Boundary.CLINKER)) == {Item.FOSSIL_FUEL, Item.PROCESS_CARBONATE}
    assert old.oxidation_edition == "2015"
    assert set(old.flue_gas_scope) == set(A.flue_gas_scope)


def test_a_new_edition_is_a_new_entry_and_not_new_code():
    present = TEXT[TEXT.index("[cets_ag_02_01]") : TEXT.index("# The superseded edition")]
    newer = present.replace("[cets_ag_02_01", "[cets_ag_02_01-2027").replace("2024-09-13", "2027-01-01")
    newer = newer.replace('"V01-2024"', '"V02-2027"').replace(
        '["fossil_fuel", "process_clinker"]', '["process_clinker"]'
    )
    found = rulesets.read_editions(TEXT + newer)
    assert [one.edition for one in found if one.id is RuleSetId.CETS_AG_02_01] == ["V01-2024", "V02-2027"]
    assert rulesets.read(TEXT + newer)[RuleSetId.CETS_AG_02_01].counted(Boundary.CLINKER) == (Item.PROCESS_CLINKER,)
    with pytest.raises(DomainError, match="expected one edition of a rule set per first day"):
        rulesets.read_editions(TEXT + present.replace("[cets_ag_02_01", "[cets_ag_02_01-again"))


def test_days_are_divided_between_the_editions_in_force_on_them():
    """31 May 2024 is the last day of the edition of 2015; the guide begins on 13 September 2024, and before is none."""
    days = np.array([date(2024, month, day).toordinal() for month, day in ((5, 30), (5, 31), (6, 1), (9, 13))])
    found = rulesets.by_day(RuleSetId.GBT32151_8, days=days)
    assert [(edition.edition, ruled.tolist()) for edition, ruled in found] == [
        ("2015", [True, True, False, False]),
        ("2023", [False, False, True, True]),
    ]
    ((_, ruled),) = rulesets.by_day(RuleSetId.CETS_AG_02_01, days=days)
    assert ruled.tolist() == [False, False, False, True]
