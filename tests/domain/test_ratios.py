"""Mass ratios and quotients (standard.md section 1)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tanji.domain import ratios


def test_ratios_are_integer_masses_and_not_the_foreign_ones():
    assert pytest.approx(3.666667, abs=5e-7) == ratios.CO2_PER_CARBON
    assert pytest.approx(0.785714, abs=5e-7) == ratios.CO2_PER_CAO
    assert ratios.CO2_PER_CAO > 0.7857 > 0.785
    assert ratios.CO2_PER_MGO == 1.1


def test_a_kilogram_of_standard_coal_is_29_3076_megajoules():
    assert ratios.KGCE_PER_GJ * 29.3076 == pytest.approx(1000.0, rel=1e-12)


@pytest.mark.parametrize("denominator", [0.0, -1.0, math.nan])
def test_a_quotient_without_denominator_is_neither_zero_nor_infinite(denominator):
    assert math.isnan(ratios.quotient(1.0, denominator=denominator))


def test_a_quotient_of_arrays_is_missing_only_where_it_must_be():
    found = ratios.quotient(np.array([1.0, 1.0, math.nan]), denominator=np.array([2.0, 0.0, 4.0]))
    assert found[0] == 0.5
    assert np.isnan(found[1:]).all()
