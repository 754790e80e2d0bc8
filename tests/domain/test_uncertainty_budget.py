"""The budget of a period: what is shared adds linearly, what is not in quadrature (R37). Hand calculations beside."""

from __future__ import annotations

import math
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import uncertainty_budget
from tanji.domain.uncertainty_budget import Source, budget, contribution
from tanji.errors import DomainError

SCALE = Source("scale", "instrument", "amount", "t")
FACTOR = Source("table.carbon_per_energy", "factor", "carbon_per_energy", "tC/GJ")
CALORIMETER = Source("net_calorific_value@lab", "laboratory", "net_calorific_value", "GJ/t", draws="ncv")


def test_two_coals_through_one_factor_and_two_scales():
    # by hand, as in the module: 5, 0.4 and 0.6 t; root of 25.52 = 5.0517 t; shares 97.96, 0.63 and 1.41 %
    parts = [
        contribution(np.array([40.0]), source=FACTOR, stream="a", systematic=0.05),
        contribution(np.array([60.0]), source=FACTOR, stream="b", systematic=0.05),
        contribution(np.array([40.0]), source=Source("s1", "instrument", "amount"), stream="a", systematic=0.01),
        contribution(np.array([60.0]), source=Source("s2", "instrument", "amount"), stream="b", systematic=0.01),
    ]
    found = budget(parts, co2_t=100.0)
    assert found.standard_uncertainty == pytest.approx(math.sqrt(25.52), rel=1e-12)
    assert [row.source for row in found.rows] == ["table.carbon_per_energy", "s2", "s1"]
    assert [row.share for row in found.rows] == pytest.approx([25 / 25.52, 0.36 / 25.52, 0.16 / 25.52], rel=1e-12)
    assert found.rows[0].streams == ("a", "b") and found.rows[0].sensitivity == 100.0
    assert found.rows[0].u_rel == pytest.approx(0.05, rel=1e-12)


def year_of_a_scale(module: types.ModuleType) -> float:
    """U of a year by hand: 12 months of 10 000 tCO2 over one belt scale of class 0.5 and one laboratory.

    Scale: 0.5 %/root(3) = 0.288675 %, all systematic: 120 000 x 0.00288675 = 346.41 t.
    NCV, 1 % of which 0.6 % is new with each monthly sample: 0.8 % of 120 000 = 960 t; samples root(12) x 60 = 207.85 t.
    u = root(346.41^2 + 960^2 + 207.85^2) = root(120 000 + 921 600 + 43 200) = root(1 084 800) = 1 041.537 t
    U = 2 083.07 t. Taken as independent from month to month, all of it: root(12) x 10 000 x root(0.00288675^2 +
    0.01^2) = 360.56 t, U = 721.11 t: too small by 2.89; for the scale alone by root(12) = 3.464 exactly.
    """
    months = np.repeat(np.arange(12), 730)
    hourly = np.full(months.size, 10_000 / 730)
    parts = [
        module.contribution(hourly, source=SCALE, stream="coal", systematic=0.005 / math.sqrt(3)),
        module.contribution(hourly, source=CALORIMETER, stream="coal", systematic=0.008, random=0.006, draw=months),
    ]
    return float(2 * module.budget(parts, co2_t=120_000.0).standard_uncertainty)


def test_a_year_adds_systematic_parts_linearly_and_samples_in_quadrature():
    assert year_of_a_scale(uncertainty_budget) == pytest.approx(2 * math.sqrt(1_084_800), rel=1e-9)
    alone = contribution(np.full(12, 10_000.0), source=SCALE, stream="coal", systematic=0.005 / math.sqrt(3))
    as_if_new_each_month = contribution(
        np.full(12, 10_000.0), source=SCALE, stream="coal", systematic=0.0, random=0.005 / math.sqrt(3)
    )
    right = budget([alone], co2_t=120_000.0).standard_uncertainty
    wrong = budget([as_if_new_each_month], co2_t=120_000.0).standard_uncertainty
    assert right / wrong == pytest.approx(math.sqrt(12), rel=1e-12)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("sum(part.systematic for part in parts) ** 2", "sum(part.systematic**2 for part in parts)"),
        ("float(weighted @ fixed)", "float(np.sqrt(weighted**2 @ fixed**2))"),
        ("np.bincount(draw, weights=varying).astype(np.float64)", "varying"),
        ("(part.source.kind, part.source.id), []", "(part.source.kind, part.stream), []"),
    ],
)
def test_a_budget_that_drops_a_correlation_fails_these_hand_calculations(right: str, wrong: str):
    path = Path(uncertainty_budget.__file__)
    text = path.read_text(encoding="utf-8")
    assert text.count(right) == 1, right
    module = types.ModuleType("mutated_budget")
    sys.modules[module.__name__] = module  # where a dataclass looks for its annotations
    try:
        exec(compile(text.replace(right, wrong), str(path), "exec"), module.__dict__)
        with pytest.raises(AssertionError):
            check(module)
    finally:
        del sys.modules[module.__name__]


def check(module: types.ModuleType) -> None:
    """The correlation rule in three hand calculations: over hours, over samples, between streams."""
    assert year_of_a_scale(module) == pytest.approx(2 * math.sqrt(1_084_800), rel=1e-9)
    # two streams of 30 and 40 t through one factor of 10 %: 7 t, not root(9 + 16) = 5 t
    both = [
        module.contribution(np.array([size]), source=FACTOR, stream=str(size), systematic=0.1) for size in (30.0, 40.0)
    ]
    assert module.budget(both, co2_t=70.0).standard_uncertainty == pytest.approx(7.0, rel=1e-12)


def test_the_hand_calculations_hold_on_the_module_as_it_is():
    check(uncertainty_budget)


def test_purchase_and_export_through_one_meter_share_its_systematic_error_but_not_its_registers_noise():
    # by hand: 3 % of 100 - 40 = 1.8 t; 4 % random in each of the 100 and the 40, root(16 + 2.56) = 4.308 t
    both = [
        contribution(
            np.array([tonnes]), source=Source("meter", "instrument", "amount", draws=name), stream=name,
            systematic=0.03, random=0.04,
        )
        for name, tonnes in (("bought", 100.0), ("sold", -40.0))
    ]  # fmt: skip
    assert budget(both, co2_t=60.0).standard_uncertainty == pytest.approx(math.sqrt(1.8**2 + 16 + 2.56), rel=1e-12)


def test_a_sample_that_holds_for_a_day_is_one_draw():
    # by hand: 24 h of 10 t at 4 %: one draw of 9.6 t; were every hour a sample, root(24) x 0.4 = 1.96 t
    hours = np.full(24, 10.0)
    one = contribution(hours, source=CALORIMETER, stream="a", systematic=0.0, random=0.04, draw=np.zeros(24, np.int64))
    many = contribution(hours, source=CALORIMETER, stream="a", systematic=0.0, random=0.04)
    assert budget([one], co2_t=240.0).standard_uncertainty == pytest.approx(9.6, rel=1e-12)
    assert budget([many], co2_t=240.0).standard_uncertainty == pytest.approx(0.4 * math.sqrt(24), rel=1e-12)


def test_one_sample_of_two_streams_is_one_error():
    # by hand: the coal of the heap goes to both burners, 6 and 8 t at 10 %: 1.4 t; two samples: 1 t
    def burner(name: str, tonnes: float, sample: int):
        return contribution(
            np.array([tonnes]), source=CALORIMETER, stream=name, systematic=0.0, random=0.1, draw=np.array([sample])
        )

    shared = budget([burner("a", 6.0, 0), burner("b", 8.0, 0)], co2_t=14.0)
    apart = budget([burner("a", 6.0, 0), burner("b", 8.0, 1)], co2_t=14.0)
    assert shared.standard_uncertainty == pytest.approx(1.4, rel=1e-12)
    assert apart.standard_uncertainty == pytest.approx(1.0, rel=1e-12)


def test_an_hour_without_a_figure_contributes_nothing():
    hours = np.array([10.0, np.nan, 0.0])
    found = contribution(hours, source=SCALE, stream="a", systematic=np.array([0.1, np.nan, np.nan]), value=3.0)
    assert (found.sensitivity, found.systematic) == (10.0, 1.0)


def test_values_of_amounts_add_up_with_their_sign_and_those_of_parameters_are_means():
    bought = contribution(np.array([60.0]), source=SCALE, stream="bought", systematic=0.01, value=100.0)
    again = contribution(np.array([40.0]), source=SCALE, stream="bought", systematic=0.01, value=100.0)
    sold = contribution(np.array([-30.0]), source=SCALE, stream="sold", systematic=0.01, value=50.0)
    assert budget([bought, again, sold], co2_t=70.0).rows[0].value == 50.0
    # by hand: (60 x 20 + 20 x 24) / 80 = 21
    one = contribution(np.array([60.0]), source=CALORIMETER, stream="a", systematic=0.01, value=20.0)
    two = contribution(np.array([20.0]), source=CALORIMETER, stream="b", systematic=0.01, value=24.0)
    assert budget([one, two], co2_t=80.0).rows[0].value == pytest.approx(21.0, rel=1e-12)
    unknown = contribution(np.array([20.0]), source=CALORIMETER, stream="c", systematic=0.01)
    assert budget([one, unknown], co2_t=80.0).rows[0].value is None


def test_a_difference_of_surveys_has_no_relative_uncertainty_of_its_own():
    # by hand: opening 30 t and closing 29 t at 5 %, drawn apart: root(1.5^2 + 1.45^2) = 2.086 t, of 1 t it says nothing
    heap = Source("heap.stock", "entry", "stock", "t")
    parts = [
        contribution(np.array([tonnes]), source=heap, stream="a", systematic=0.0, random=0.05, draw=np.array([number]))
        for number, tonnes in enumerate((30.0, -29.0))
    ]
    (row,) = budget(parts, co2_t=100.0).rows
    assert row.standard_uncertainty == pytest.approx(math.hypot(1.5, 1.45), rel=1e-12) and row.u_rel is None


def test_a_figure_of_zero_or_without_sources_has_no_relative_uncertainty():
    assert budget([], co2_t=5.0).u_rel is None
    part = contribution(np.array([5.0, -5.0]), source=SCALE, stream="a", systematic=0.1)
    assert budget([part], co2_t=0.0).u_rel is None
    with pytest.raises(DomainError, match="co2_t: expected a finite number"):
        budget([part], co2_t=math.nan)


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=24),
    st.floats(0, 0.2),
    st.floats(0, 0.2),
)
def test_shares_add_up_to_one_and_splitting_a_period_never_changes_its_systematic_part(tonnes, systematic, random):
    hours = np.array(tonnes)
    whole = [contribution(hours, source=SCALE, stream="a", systematic=systematic, random=random)]
    found = budget(whole, co2_t=float(hours.sum()))
    assert sum(row.share for row in found.rows) == pytest.approx(1.0 if found.standard_uncertainty else 0.0)
    halves = [
        contribution(part, source=SCALE, stream="a", systematic=systematic)
        for part in (hours[: len(hours) // 2], hours[len(hours) // 2 :])
    ]
    linear = budget(halves, co2_t=float(hours.sum())).standard_uncertainty
    assert linear == pytest.approx(abs(systematic * hours.sum()), rel=1e-9, abs=1e-9)
