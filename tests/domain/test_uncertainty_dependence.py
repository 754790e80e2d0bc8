"""Inputs that are not independent: NCV and CC, CaO and MgO, FR10 and Q (standard.md section 13, R37).

Each is simulated with its dependence (numpy Generator, fixed seed) or worked by hand, beside the form that the product
uses; the numbers are those of the docstring of `tanji.domain.uncertainty`.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tanji.domain import process, uncertainty

DRAWS = 400_000


def rng() -> np.random.Generator:
    return np.random.default_rng(20_260_301)


def test_ncv_and_cc_of_one_sample_cancel_and_measured_carbon_is_the_exact_form():
    # C = NCV x CC whatever the calorimeter says: u(C) = 1 %; independent NCV (1 %) and CC (root 2 %) give 1.732 %
    drawn = rng()
    carbon = 0.6 * (1 + 0.01 * drawn.standard_normal(DRAWS))
    heat = 23.0 * (1 + 0.01 * drawn.standard_normal(DRAWS))
    per_energy = carbon / heat
    true = float(np.std(heat * per_energy) / 0.6)
    assert true == pytest.approx(0.01, rel=0.005)
    exact = uncertainty.fuel_by_measured_carbon(
        u_rel_fuel_amount=0.0, u_rel_carbon_as_received=0.01, u_rel_oxidation_fraction=0.0
    )
    assert exact == pytest.approx(true, rel=0.005)
    independent = uncertainty.fuel_by_heat_content(
        u_rel_fuel_amount=0.0,
        u_rel_net_calorific_value=0.01,
        u_rel_carbon_per_energy=float(np.std(per_energy) / np.mean(per_energy)),
        u_rel_oxidation_fraction=0.0,
    )
    assert independent == pytest.approx(0.01732, rel=0.01)  # never too little
    # the correlation that is stated: r = -u(NCV) / u(CC) = -1 / root(2)
    assert np.corrcoef(heat, per_energy)[0, 1] == pytest.approx(-1 / math.sqrt(2), abs=0.01)


@pytest.mark.parametrize(("correlation", "percent"), [(0.0, 1.93), (1.0, 2.13), (-1.0, 1.70), (0.3, 1.99)])
def test_cao_and_mgo_of_one_analysis_move_the_second_digit_at_most(correlation: float, percent: float):
    # by hand: c1 u = 44/56 x 0.652 x 2 % = 0.010246, c2 u = 1.1 x 0.021 x 5 % = 0.001155; EF 0.535386
    factor = float(process.clinker_oxide_factor(clinker_cao=0.652, clinker_mgo=0.021))
    u_factor = uncertainty.clinker_oxide_factor(
        u_clinker_cao=0.652 * 0.02, u_clinker_mgo=0.021 * 0.05, correlation=correlation
    )
    assert 100 * float(u_factor) / factor == pytest.approx(percent, abs=0.005)
    cao, mgo = rng().multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], DRAWS, check_valid="ignore").T
    simulated = process.CO2_PER_CAO * 0.652 * (1 + 0.02 * cao) + process.CO2_PER_MGO * 0.021 * (1 + 0.05 * mgo)
    assert float(np.std(simulated)) == pytest.approx(float(u_factor), rel=0.01)


@pytest.mark.parametrize(("other", "independent", "dependent"), [(0.01, 2.043, 2.046), (0.1, 2.896, 2.917)])
def test_fr10_that_hangs_on_the_clinker_output_does_not_matter(other: float, independent: float, dependent: float):
    """FR10 = sum(m CaO) / Q, Q 5 000 t +- 0.577 %, m CaO = 5 000 x FR10 +- 10 %, CaO 0.652 +- 2 %, MgO 0.021 +- 5 %.

    E = Q (c1 FR1 + c2 FR2) - c1 sum(m CaO): Q weighs EF(FR10 = 0)/EF, 1.015 with FR10 0.01 and 1.172 with 0.1.
    """
    whole = float(process.clinker_oxide_factor(clinker_cao=0.652, clinker_mgo=0.021))
    factor = whole - process.CO2_PER_CAO * other
    u_factor = uncertainty.clinker_oxide_factor(
        u_clinker_cao=0.652 * 0.02, u_clinker_mgo=0.021 * 0.05, u_clinker_cao_non_carbonate=other * 0.1
    )
    u_output = 0.01 / math.sqrt(3)
    form = float(
        uncertainty.clinker_by_oxides(u_rel_clinker_output=u_output, u_oxide_factor=u_factor, oxide_factor=factor)
    )
    exact = math.hypot(u_output * whole / factor, float(u_factor) / factor)
    drawn = rng()
    output = 5000 * (1 + u_output * drawn.standard_normal(DRAWS))
    calcium = 5000 * other * (1 + 0.1 * drawn.standard_normal(DRAWS))
    tonnes = output * process.clinker_oxide_factor(
        clinker_cao=0.652 * (1 + 0.02 * drawn.standard_normal(DRAWS)),
        clinker_mgo=0.021 * (1 + 0.05 * drawn.standard_normal(DRAWS)),
        clinker_cao_non_carbonate=calcium / output,
    )
    assert float(np.std(tonnes) / (5000 * factor)) == pytest.approx(exact, rel=0.005)
    assert (100 * form, 100 * exact) == pytest.approx((independent, dependent), abs=0.0006)
    assert f"{100 * form:.2g}" == f"{100 * exact:.2g}"  # two digits, as JJF 1059.1 keeps
