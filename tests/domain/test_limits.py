"""Hard ranges of raw inputs (standard.md section 14.5; R52)."""

from __future__ import annotations

import importlib
import inspect

import numpy as np
import pytest

from tanji.domain import fuel, limits, process
from tanji.domain.limits import Range
from tanji.errors import DomainError


@pytest.mark.parametrize(
    ("quantity", "low", "high"),
    [
        ("clinker_cao", 0.55, 0.72),
        ("clinker_mgo", 0.0, 0.06),
        ("coal_net_calorific_value", 8, 34),
        ("carbon_as_received", 0.2, 0.95),
        ("coal_carbon_per_energy", 0.0235, 0.03),
        ("co2_fraction_dry", 0.05, 0.45),
        ("humidity", 0.0, 0.4),
        ("temperature", 0, 400),
        ("raw_meal_organic_carbon", 0, 0.02),
        ("oxidation_fraction", 0.85, 1),
        ("hydrogen_air_dried", 0.02, 0.06),
        ("moisture_total", 0, 0.25),
        ("non_biomass_carbon_fraction", 0, 1),
        ("deduction_factor", 0, 0.7),
        ("grid_factor", 0, 1.2),
    ],
)
def test_ranges_are_those_of_the_page(quantity, low, high):
    bounds = limits.HARD_RANGES[quantity]
    assert (bounds.low, bounds.high) == (low, high)


def test_a_limit_itself_is_inside_even_after_conversion_from_percents():
    limits.require(clinker_cao=55 * 0.01, clinker_mgo=6 * 0.01, deduction_factor=70 * 0.01)
    with pytest.raises(DomainError, match="deduction_factor"):
        limits.require(deduction_factor=0.7001)


def test_within_masks_what_a_formula_would_refuse_and_what_is_missing():
    readings = np.array([0.2, 0.0004, np.nan, 0.46, 0.45])
    assert limits.within("co2_fraction_dry", readings).tolist() == [True, False, False, False, True]


def test_a_missing_value_passes_and_a_negative_amount_too():
    limits.require(clinker_cao=float("nan"))
    limits.require_finite(fuel_amount=np.array([-0.01, np.nan]))


def test_an_unknown_quantity_is_refused_with_the_known_ones():
    with pytest.raises(DomainError, match=r"hard range: expected one of altitude, .* got coal"):
        limits.within("coal", 1.0)


@pytest.mark.parametrize(
    ("quantity", "low", "high"),
    [
        ("clinker_cao", 0.62, 0.68),
        ("clinker_mgo", 0.008, 0.04),
        ("coal_net_calorific_value", 18, 27),
        ("carbon_as_received", 0.45, 0.70),
        ("clinker_process_factor", 0.48, 0.555),
        ("co2_fraction_dry", 0.15, 0.35),
        ("humidity", 0.03, 0.20),
        ("temperature", 60, 150),
        ("temperature_after_wet_cleaning", 30, 65),
        ("raw_meal_organic_carbon", 0.001, 0.003),
        ("loss_on_ignition_raw_meal", 0.33, 0.37),
    ],
)
def test_soft_ranges_are_those_of_the_page_and_lie_inside_the_hard_ones(quantity, low, high):
    soft, hard = limits.SOFT_RANGES[quantity], limits.HARD_RANGES[quantity]
    assert (soft.low, soft.high) == (low, high)
    assert hard.low <= soft.low < soft.high <= hard.high


@pytest.mark.parametrize(
    ("ratio", "soft", "hard"),
    [
        ("meal_clinker_ratio", (1.50, 1.65), (1.4, 1.8)),
        ("heat_per_clinker", (2.8, 3.6), (2.3, 6)),
        ("electricity_per_clinker", (45, 75), (20, 150)),
        ("electricity_per_cement", (60, 100), (20, 150)),
        ("process_per_clinker", (0.48, 0.555), (0.25, 0.60)),
        ("direct_per_clinker", (0.75, 0.90), (0.55, 1.10)),
        ("flue_gas_per_clinker", (1400, 2300), None),
        ("flue_gas_deviation", (-0.05, 0.05), (-0.15, 0.15)),
        ("thermal_substitution", (0, 0.4), (0, 1)),
        ("dust_per_clinker", (0, 0.05), None),
    ],
)
def test_ranges_of_derived_ratios_are_those_of_the_page(ratio, soft, hard):
    found = {kind: ranges.get(ratio) for kind, ranges in limits.DIAGNOSTIC_RANGES.items()}
    assert (found["soft"].low, found["soft"].high) == soft
    assert (found["hard"] and (found["hard"].low, found["hard"].high)) == hard


def test_a_soft_warning_carries_input_value_range_and_unit_and_the_worst_of_an_array():
    (warning,) = limits.soft(carbon_as_received=np.array([0.6, 0.44, 0.30, np.nan, 0.71]))
    assert (warning.input, warning.value, warning.unit, warning.count) == ("carbon_as_received", 0.30, "tC/t", 3)
    assert (warning.soft.low, warning.soft.high) == (0.45, 0.70)
    assert str(warning) == "carbon_as_received: usually 0.45 to 0.7 tC/t (plausible range of Tanji), got 0.3"


def test_nothing_is_warned_of_inside_the_range_at_its_ends_or_where_a_value_is_missing():
    assert limits.soft(clinker_cao=0.62, clinker_mgo=4 * 0.01, humidity=float("nan"), unknown=1.0) == ()


def test_a_figure_outside_the_soft_range_is_calculated_all_the_same():
    # by hand: 100 t x 0.42 x 0.99 x 44/12 = 152.46 t
    tonnes = fuel.measured_carbon_emission(100.0, carbon_as_received=0.42, oxidation_fraction=0.99)
    assert tonnes == pytest.approx(152.46, rel=1e-12)
    assert len(limits.soft(carbon_as_received=0.42, oxidation_fraction=0.99)) == 1


def test_a_plant_may_narrow_or_widen_a_range_and_only_that_one():
    own = {"clinker_cao": Range(0.50, 0.72, "t/t", "plan 2026")}
    with pytest.raises(DomainError, match=r"clinker_cao: expected 0.55 to 0.72"):
        process.clinker_oxide_factor(clinker_cao=0.52, clinker_mgo=0.02)
    # by hand: 0.52 x 44/56 = 0.408571; 0.02 x 1.1 = 0.022
    factor = process.clinker_oxide_factor(clinker_cao=0.52, clinker_mgo=0.02, hard_ranges=own)
    assert factor == pytest.approx(0.430571, abs=1e-6)
    with pytest.raises(DomainError, match=r"clinker_mgo: expected 0 to 0.06"):
        process.clinker_oxide_factor(clinker_cao=0.52, clinker_mgo=0.07, hard_ranges=own)
    with pytest.raises(DomainError, match=r"clinker_cao: expected 0.5 to 0.72 t/t \(plan 2026\), got 0.49"):
        process.clinker_oxide_factor(clinker_cao=0.49, clinker_mgo=0.02, hard_ranges=own)
    assert limits.within("clinker_cao", 0.52, hard_ranges=own)
    assert limits.soft(soft_ranges=own, clinker_cao=0.52) == ()


def test_every_formula_with_a_hard_range_lets_a_plant_override_it():
    for name in ("alternative", "cems", "coal", "dust", "electricity", "fuel", "process"):
        module = importlib.import_module(f"tanji.domain.{name}")
        for function in (thing for thing in vars(module).values() if inspect.isfunction(thing)):
            if function.__module__ == module.__name__ and not function.__name__.startswith("_"):
                ranged = any(parameter in limits.HARD_RANGES for parameter in inspect.signature(function).parameters)
                used = "require(" in inspect.getsource(function)
                if ranged and used:
                    assert "hard_ranges" in inspect.signature(function).parameters, function.__name__


def test_a_derived_ratio_diagnoses_and_never_refuses():
    lines = limits.diagnose(
        heat_per_clinker=np.array([3.0, 3.8, 6.5]), direct_per_clinker=0.74, meal_clinker_ratio=float("nan")
    )
    assert [(line.ratio, line.verdict, line.value, line.count) for line in lines] == [
        ("heat_per_clinker", "diagnose", 6.5, 1),
        ("direct_per_clinker", "warn", 0.74, 1),
    ]
    with pytest.raises(DomainError, match=r"ratio: expected one of .*heat_per_clinker.* got heat"):
        limits.diagnose(heat=3.0)


def test_the_monthly_comparison_warns_beyond_five_and_diagnoses_beyond_fifteen_percent():
    verdicts = [
        [line.verdict for line in limits.diagnose(flue_gas_deviation=value)] for value in (0.05, -0.06, 0.15, -0.16)
    ]
    assert verdicts == [[], ["warn"], ["warn"], ["diagnose"]]


def test_a_default_factor_of_another_kind_of_clinker_is_no_reason_for_a_warning():
    # appendix C: sulfoaluminate 0.413 tCO2/t, outside the soft range of Portland clinker
    assert limits.soft(clinker_process_factor=0.413)
    own = limits.range_name("clinker_process_factor", clinker_kind="sulfoaluminate")
    assert limits.soft(**{own: 0.413}) == ()
    assert limits.range_name("clinker_process_factor", clinker_kind="white_portland") == "clinker_process_factor"
