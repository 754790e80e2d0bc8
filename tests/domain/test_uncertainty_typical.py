"""Uncertainties that are data: records of the factor library, and what stands in where there is none (R37, R4)."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pytest

from tanji.domain import factors
from tanji.domain.factors import FactorLibrary
from tanji.domain.items import RuleSetId
from tanji.domain.uncertainty_typical import UNKNOWN, Typical

DAY = date(2026, 3, 1)


def typical(library: FactorLibrary | None = None) -> Typical:
    return Typical(library or factors.load(), RuleSetId.CETS_AG_02_01, DAY)


def test_a_laboratory_has_a_part_that_stays_and_a_part_that_is_new_with_every_sample():
    # by hand: NCV 1 %, 0.6 % of it sampling: root(1 - 0.36) = 0.8 %
    assert typical().parts("net_calorific_value", origin="laboratory") == pytest.approx((0.008, 0.006), rel=1e-12)
    # nothing said about samples: all of it stays
    assert typical().parts("oxidation_fraction", origin="laboratory") == (0.01, 0.0)


def test_a_record_that_states_its_own_uncertainty_goes_before_the_typical_one():
    bituminous = factors.load().find(
        "carbon_per_energy", applies_to="bituminous_coal", ruleset=RuleSetId.CETS_AG_02_01, on=DAY
    )
    assert typical().of_factor(replace(bituminous, relative_uncertainty=0.031)) == 0.031
    assert typical().of_factor(replace(bituminous, relative_uncertainty=None)) == 0.025


def test_a_plants_own_record_replaces_the_typical_one():
    record = next(
        one for one in factors.load().factors
        if (one.quantity, one.applies_to, one.variant) == ("relative_uncertainty", "amount", "meter")
    )  # fmt: skip
    own = replace(record, id="own", value=0.007, own=True)
    assert typical(FactorLibrary((*factors.load().factors, own))).total("amount", origin="meter") == 0.007


def test_what_nobody_has_said_anything_about_could_be_anything():
    assert typical().total("colour", origin="laboratory") == UNKNOWN


def test_every_typical_sampling_part_is_smaller_than_its_whole():
    sampled = [one for one in factors.load().factors if one.quantity == "sampling_uncertainty"]
    assert sampled
    for one in sampled:
        whole = typical().total(one.applies_to, origin=one.variant)
        assert 0 < one.value < whole < UNKNOWN, one.id
        assert math.isclose(math.hypot(*typical().parts(one.applies_to, origin=one.variant)), whole)


@pytest.mark.parametrize(
    ("quantity", "origin", "low", "high"),
    [
        ("clinker_cao", "laboratory", 0.01, 0.02),
        ("clinker_cao", "default", 0.04, 0.08),
        ("carbon_per_energy", "default", 0.02, 0.05),
        ("velocity", "meter", 0.03, 0.10),
        ("amount", "meter", 0.01, 0.02),
    ],
)
def test_typical_values_lie_in_the_ranges_of_the_page(quantity: str, origin: str, low: float, high: float):
    """standard.md section 13, last lines: CaO analysis 1-2 %, default CaO 4-8 %, default CC 2-5 %, CEMS flow 3-10 %,
    clinker weighing 1-2 %."""
    assert low <= typical().total(quantity, origin=origin) <= high
