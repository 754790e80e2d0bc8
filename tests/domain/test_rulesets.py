"""The rule sets as data (R3, R8): the table of standard.md section 2.1, item by item."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.domain import factors, rulesets
from tanji.domain.items import Boundary, Item, Method, RuleSetId
from tanji.errors import DomainError

A = rulesets.load()[RuleSetId.GBT32151_8]
B = rulesets.load()[RuleSetId.CETS_AG_02_01]
TEXT = Path(rulesets.__file__).with_name("rulesets.toml").read_text(encoding="utf-8")


def test_the_compliance_figure_counts_fuel_and_process_alone():
    assert set(B.counted(Boundary.CLINKER)) == {Item.FOSSIL_FUEL, Item.PROCESS_CLINKER}


def test_the_enterprise_adds_exactly_the_net_electricity():
    for rule_set in (A, B):
        more = set(rule_set.counted(Boundary.ENTERPRISE)) - set(rule_set.counted(Boundary.CLINKER))
        assert more == {Item.NET_ELECTRICITY}


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
