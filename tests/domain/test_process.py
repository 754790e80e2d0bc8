"""Process emissions by both methods (R18). Numbers are independent hand calculations, worked beside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import process
from tanji.errors import DomainError

CAO = st.floats(0.55, 0.72)
MGO = st.floats(0, 0.06)
OUTPUT = st.floats(0, 1e6)
NAN = float("nan")


def test_ratios_are_the_chinese_integer_masses():
    assert process.CO2_PER_CAO == pytest.approx(0.785714, abs=5e-7)  # standard.md section 1
    assert process.CO2_PER_MGO == 1.1


def test_the_portland_factor_corresponds_to_its_usual_oxides():
    # standard.md section 5.2, own calculation there: 0.652 x 44/56 + 0.021 x 1.1 = 0.5354
    assert process.clinker_oxide_factor(clinker_cao=0.652, clinker_mgo=0.021) == pytest.approx(0.5354, abs=5e-5)


def test_a_day_of_clinker_with_dust_and_carbide_slag_by_oxides():
    # by hand: slag 280 t dry x 0.63 CaO = 176.4 t; over 5 000 + 40 t: FR10 = 0.035
    # factor: (0.651 - 0.035) x 44/56 = 0.484; 0.02 x 1.1 = 0.022; together 0.506; x 5 040 = 2 550.24 tCO2
    dust = {"kiln_dust": 40.0, "bypass_dust": 0.0}
    fraction = process.non_carbonate_oxide(280 * 0.63, clinker_output=5000.0, **dust)
    assert fraction == pytest.approx(0.035, rel=1e-12)
    tonnes = process.carbonate_emission(
        5000.0, **dust, clinker_cao=0.651, clinker_mgo=0.02, clinker_cao_non_carbonate=fraction
    )
    assert tonnes == pytest.approx(2550.24, rel=1e-12)


def test_every_tonne_of_non_carbonate_cao_is_deducted_exactly_once():
    # by hand: 176.4 t CaO x 44/56 = 138.6 tCO2 less, with or without dust
    for dust in (0.0, 250.0):
        oxides = {"kiln_dust": dust, "bypass_dust": dust, "clinker_cao": 0.65, "clinker_mgo": 0.02}
        fraction = process.non_carbonate_oxide(176.4, clinker_output=5000.0, kiln_dust=dust, bypass_dust=dust)
        without = process.carbonate_emission(5000.0, **oxides)
        assert without - process.carbonate_emission(
            5000.0, **oxides, clinker_cao_non_carbonate=fraction
        ) == pytest.approx(138.6, rel=1e-9)


def test_magnesia_from_slag_is_deducted_too():
    # by hand: 0.65 x 44/56 = 0.5107143; (0.03 - 0.01) x 1.1 = 0.022; together 0.5327143
    factor = process.clinker_oxide_factor(clinker_cao=0.65, clinker_mgo=0.03, clinker_mgo_non_carbonate=0.01)
    assert factor == pytest.approx(0.5327143, abs=5e-8)


def test_organic_carbon_of_the_raw_meal():
    # by hand: 7 750 t x 0.0018 = 13.95 tC; x 44/12 = 51.15 tCO2
    assert process.organic_carbon_emission(7750.0, raw_meal_organic_carbon=0.0018) == pytest.approx(51.15, rel=1e-12)


def test_a_day_of_clinker_by_the_factor_with_a_wet_substitute():
    # by hand: carbide slag 100 t at 34 % moisture: 66 t x 0.48 = 31.68; 5 000 x 0.535 = 2 675; less 31.68 = 2 643.32
    deduction = process.substitute_deduction(process.dry_amount(100.0, moisture=0.34), deduction_factor=0.48)
    assert deduction == pytest.approx(31.68, rel=1e-12)
    tonnes = process.clinker_factor_emission(5000.0, clinker_process_factor=0.535, deduction=deduction)
    assert tonnes == pytest.approx(2643.32, rel=1e-12)


def test_hours_stay_below_zero_and_the_month_is_corrected_by_a_row_of_its_own():
    hours = process.clinker_factor_emission(np.array([0.0, 100.0]), clinker_process_factor=0.5, deduction=60.0)
    assert hours.tolist() == [-60.0, -10.0]
    assert process.floor_correction(float(hours.sum())) == 70.0
    assert process.floor_correction(12.0) == 0.0
    assert math.isnan(process.floor_correction(NAN))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"clinker_cao": 65.2}, "clinker_cao: expected 0.55 to 0.72 t/t .* got 65.2"),
        ({"clinker_cao": 0.54}, "clinker_cao: expected .* got 0.54"),
        ({"clinker_mgo": 0.061}, "clinker_mgo: expected 0 to 0.06 t/t .* got 0.061"),
        ({"clinker_cao_non_carbonate": 0.7}, "clinker_cao_non_carbonate: expected at most clinker_cao"),
        ({"clinker_mgo_non_carbonate": 0.03}, "clinker_mgo_non_carbonate: expected at most clinker_mgo"),
        ({"clinker_kind": "grey"}, "clinker_kind: expected one of portland, .* got grey"),
    ],
)
def test_oxides_outside_their_hard_range_are_refused(changed, message):
    with pytest.raises(DomainError, match=message):
        process.clinker_oxide_factor(**{"clinker_cao": 0.652, "clinker_mgo": 0.021, **changed})


def test_sulfoaluminate_clinker_may_have_less_lime():
    # by hand: 0.42 x 44/56 = 0.33
    oxides = {"clinker_cao": 0.42, "clinker_mgo": 0.0}
    assert process.clinker_oxide_factor(**oxides, clinker_kind="sulfoaluminate") == pytest.approx(0.33, rel=1e-12)
    with pytest.raises(DomainError, match="clinker_cao"):
        process.clinker_oxide_factor(**oxides)


@pytest.mark.parametrize("value", [0.1, 0.021, -0.001])
def test_organic_carbon_given_in_percent_is_refused(value):
    with pytest.raises(DomainError, match=r"raw_meal_organic_carbon: expected 0 to 0.02 tC/t"):
        process.organic_carbon_emission(1.0, raw_meal_organic_carbon=value)


def test_the_hard_ranges_of_the_factors_hold():
    with pytest.raises(DomainError, match="clinker_process_factor"):
        process.clinker_factor_emission(1.0, clinker_process_factor=0.61)
    with pytest.raises(DomainError, match="deduction_factor"):
        process.substitute_deduction(1.0, deduction_factor=0.71)


def test_without_clinker_the_non_carbonate_fraction_is_not_defined():
    assert math.isnan(process.non_carbonate_oxide(0.0, clinker_output=0.0))
    hours = process.non_carbonate_oxide(np.array([1.8, 1.8]), clinker_output=np.array([0.0, 180.0]))
    assert np.isnan(hours[0])
    assert hours[1] == pytest.approx(0.01)


def test_missing_oxides_make_the_emission_missing_and_not_zero():
    assert math.isnan(
        process.carbonate_emission(1.0, kiln_dust=0.0, bypass_dust=0.0, clinker_cao=NAN, clinker_mgo=0.02)
    )
    assert math.isnan(process.carbonate_emission(1.0, kiln_dust=NAN, bypass_dust=0.0, clinker_cao=0.6, clinker_mgo=0.0))
    assert math.isnan(process.clinker_factor_emission(1.0, clinker_process_factor=0.535, deduction=NAN))


@given(OUTPUT, OUTPUT, CAO, MGO)
def test_clinker_of_two_hours_adds_up_by_both_methods(first, second, cao, mgo):
    oxides = {"kiln_dust": 0.0, "bypass_dust": 0.0, "clinker_cao": cao, "clinker_mgo": mgo}
    apart = process.carbonate_emission(first, **oxides) + process.carbonate_emission(second, **oxides)
    assert process.carbonate_emission(first + second, **oxides) == pytest.approx(apart, rel=1e-9, abs=1e-9)
    apart = sum(process.clinker_factor_emission(q, clinker_process_factor=0.535) for q in (first, second))
    together = process.clinker_factor_emission(first + second, clinker_process_factor=0.535)
    assert together == pytest.approx(apart, rel=1e-9, abs=1e-9)


@given(st.lists(st.tuples(OUTPUT, CAO, MGO), min_size=1, max_size=8))
def test_an_array_gives_exactly_what_its_values_give(rows):
    output, cao, mgo = (np.array(column) for column in zip(*rows, strict=True))
    dust = {"kiln_dust": 3.0, "bypass_dust": 1.0}
    together = process.carbonate_emission(output, **dust, clinker_cao=cao, clinker_mgo=mgo)
    alone = [process.carbonate_emission(q, **dust, clinker_cao=c, clinker_mgo=m) for q, c, m in rows]
    assert together.tolist() == alone


@given(CAO, st.floats(0, 0.1), MGO)
def test_the_more_oxide_is_not_from_carbonates_the_less_co2(cao, slag, mgo):
    less = process.clinker_oxide_factor(clinker_cao=cao, clinker_mgo=mgo, clinker_cao_non_carbonate=slag)
    assert less <= process.clinker_oxide_factor(clinker_cao=cao, clinker_mgo=mgo)
