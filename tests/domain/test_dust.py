"""Dust in the form of CSI, GCCA and EU (R18, F9). Numbers are independent hand calculations, worked beside."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import dust, process
from tanji.errors import DomainError

FACTOR = st.floats(0, 0.6)


def test_dust_like_meal_is_not_calcined_and_dust_without_loss_is_calcined_fully():
    assert dust.calcination_fraction(0.35, loss_on_ignition_raw_meal=0.35) == pytest.approx(0.0, abs=1e-12)
    assert dust.calcination_fraction(0.0, loss_on_ignition_raw_meal=0.35) == 1.0


def test_dust_with_more_loss_than_the_meal_is_refused():
    with pytest.raises(DomainError, match=r"loss_on_ignition_dust: expected at most .* got 0.4 with 0.35"):
        dust.calcination_fraction(0.40, loss_on_ignition_raw_meal=0.35)


def test_losses_in_percent_are_refused_by_name():
    with pytest.raises(DomainError, match=r"^loss_on_ignition_raw_meal: expected 0.2 to 0.45"):
        dust.calcination_fraction(0.10, loss_on_ignition_raw_meal=35.0)
    with pytest.raises(DomainError, match=r"^calcination_fraction: expected 0 to 1"):
        dust.kiln_dust_factor(0.525, calcination_fraction=50.0)


def test_fully_calcined_dust_is_what_f4_says():
    # by hand: oxides 0.652 and 0.021 give 0.535386; 100 t of kiln and 50 t of bypass dust: 80.3079 t by either form
    factor = process.clinker_oxide_factor(clinker_cao=0.652, clinker_mgo=0.021)
    tonnes = dust.dust_emission(100.0, bypass_dust=50.0, clinker_process_factor=factor, calcination_fraction=1.0)
    assert tonnes == pytest.approx(80.3079, abs=1e-4)
    oxides = {"clinker_cao": 0.652, "clinker_mgo": 0.021}
    by_f4 = process.carbonate_emission(0.0, kiln_dust=100.0, bypass_dust=50.0, **oxides)
    assert tonnes == pytest.approx(by_f4, rel=1e-12)


def test_uncalcined_kiln_dust_carries_nothing_and_bypass_dust_still_does():
    tonnes = dust.dust_emission(100.0, bypass_dust=50.0, clinker_process_factor=0.5, calcination_fraction=0.0)
    assert tonnes == 25.0


@pytest.mark.parametrize("missing", ["kiln_dust", "bypass_dust", "clinker_process_factor", "calcination_fraction"])
def test_a_missing_input_makes_the_emission_missing_and_not_zero(missing):
    inputs = {"kiln_dust": 1.0, "bypass_dust": 1.0, "clinker_process_factor": 0.5, "calcination_fraction": 0.5}
    assert math.isnan(dust.dust_emission(**{**inputs, missing: math.nan}))


@given(FACTOR, st.floats(0, 1), st.floats(0, 1))
def test_the_further_calcined_the_more_co2_and_never_more_than_clinker(factor, first, second):
    low, high = sorted((first, second))
    less, more = (dust.kiln_dust_factor(factor, calcination_fraction=d) for d in (low, high))
    assert 0 <= less <= more + 1e-15
    assert more <= factor + 1e-12


@given(st.floats(0, 1e6), st.floats(1.4, 1.8), st.floats(0, 0.02))
def test_carbon_by_clinker_and_ratio_is_carbon_by_meal(clinker, meal_per_clinker, carbon):
    by_clinker = dust.total_organic_carbon_emission(
        clinker, meal_clinker_ratio=meal_per_clinker, raw_meal_organic_carbon=carbon
    )
    by_meal = process.organic_carbon_emission(clinker * meal_per_clinker, raw_meal_organic_carbon=carbon)
    assert by_clinker == pytest.approx(by_meal, rel=1e-9)
