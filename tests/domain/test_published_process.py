"""Process emissions as other texts print them: their ratios are inputs, and percents are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import process, published_process
from tanji.errors import DomainError

CAO = st.floats(0.55, 0.72)
MGO = st.floats(0, 0.06)


@given(cao=CAO, mgo=MGO)
def test_with_the_chinese_ratios_it_is_the_factor_of_the_method(cao, mgo):
    own = process.clinker_oxide_factor(clinker_cao=cao, clinker_mgo=mgo)
    assert published_process.clinker_factor_by_ratio(cao, clinker_mgo=mgo) == pytest.approx(own, rel=1e-12)


def test_the_published_ratio_gives_the_published_factor_and_the_chinese_one_does_not():
    # PROC-01 of standard.md section 16: 0.646 x 0.785 = 0.50711, printed 0.507; 0.646 x 44/56 = 0.507571
    assert published_process.clinker_factor_by_ratio(0.646, ratio_co2_cao=0.785) == pytest.approx(0.507, abs=5e-4)
    assert abs(published_process.clinker_factor_by_ratio(0.646) - 0.507) > 5e-4


@pytest.mark.parametrize("ratio", [0.44, 1.0, 78.5])
def test_a_ratio_that_is_no_rounding_of_the_molar_masses_is_refused(ratio):
    with pytest.raises(DomainError, match="ratio_co2_cao: expected within 2 %"):
        published_process.clinker_factor_by_ratio(0.65, ratio_co2_cao=ratio)


def test_no_lost_dust_needs_no_correction():
    none = published_process.dust_correction(
        0.0,
        clinker_output=1000.0,
        carbonate_fraction=1.0,
        calcination_fraction=1.0,
        carbonate_factor=0.44,
        clinker_factor=0.51,
    )
    assert none == 1.0


@given(dust=st.floats(0, 100), more=st.floats(0.1, 100))
def test_more_lost_dust_needs_more_correction(dust, more):
    def correction(amount):
        return published_process.dust_correction(
            amount,
            clinker_output=1000.0,
            carbonate_fraction=0.8,
            calcination_fraction=0.5,
            carbonate_factor=0.44,
            clinker_factor=0.51,
        )

    assert correction(dust + more) > correction(dust)


def test_clinker_that_is_imported_is_not_burned_here_and_exported_is():
    # by hand: (1000 x 0.75 - 50) x 0.52 = 364; (750 + 50) x 0.52 = 416
    common = {"clinker_fraction": 0.75, "clinker_factor": 0.52}
    assert published_process.cement_emission(1000.0, clinker_imported=50.0, **common) == pytest.approx(364.0)
    assert published_process.cement_emission(1000.0, clinker_exported=50.0, **common) == pytest.approx(416.0)


def test_a_carbonate_emits_by_its_own_factor():
    # (EU) 2018/2066: 0.440 tCO2/t CaCO3, 0.522 tCO2/t MgCO3, figures from memory
    assert published_process.material_emission(1000.0, material_factor=0.440) == pytest.approx(440.0)
    assert published_process.material_emission(10.0, material_factor=0.522, conversion_fraction=0.5) == pytest.approx(
        2.61
    )


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("material_factor", lambda: published_process.material_emission(1.0, material_factor=44.0)),
        (
            "conversion_fraction",
            lambda: published_process.material_emission(1.0, material_factor=0.44, conversion_fraction=98.0),
        ),
        (
            "clinker_fraction",
            lambda: published_process.cement_emission(1.0, clinker_fraction=75.0, clinker_factor=0.52),
        ),
    ],
)
def test_a_percent_where_a_fraction_belongs_is_refused(name, call):
    with pytest.raises(DomainError, match=f"^{name}: expected 0 to"):
        call()


@given(amount=st.floats(1, 1e6), scaling=st.floats(2, 10))
def test_emission_with_a_dust_correction_is_proportional_to_clinker(amount, scaling):
    one = published_process.clinker_emission_with_dust_correction(amount, clinker_factor=0.51, dust_correction=1.02)
    many = published_process.clinker_emission_with_dust_correction(
        amount * scaling, clinker_factor=0.51, dust_correction=1.02
    )
    assert many == pytest.approx(one * scaling)
