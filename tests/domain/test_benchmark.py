"""Levels of GB 16780 and own targets (R41, R42): the table of standard.md section 14.1, and its corrections by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tanji.domain import benchmark, factors
from tanji.errors import DomainError

DAY = date(2026, 3, 1)
TEXT = Path(benchmark.__file__).with_name("benchmarks.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("indicator", "levels", "unit"),
    [
        ("clinker_comprehensive_energy", (100, 107, 117), "kgce/t"),
        ("clinker_comprehensive_coal", (94, 100, 109), "kgce/t"),
        ("clinker_comprehensive_electricity", (48, 57, 61), "kWh/t"),
        ("cement_comprehensive_energy", (80, 87, 94), "kgce/t"),
        ("cement_grinding_electricity", (26, 29, 34), "kWh/t"),
    ],
)
def test_the_levels_are_those_of_the_page(indicator, levels, unit):
    found = benchmark.find(indicator, on=DAY)
    assert (found.levels, found.unit, found.document[:13]) == (levels, unit, "GB 16780-2021")


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (80.0, "level_1"), (94.0, "level_1"), (94.1, "level_2"), (100.0, "level_2"), (109.0, "level_3"),
        (109.1, "beyond"), (math.nan, "undefined"),
    ],
)  # fmt: skip
def test_a_value_meets_the_strictest_level_it_does_not_exceed(value, level):
    assert benchmark.classify(value, benchmark=benchmark.find("clinker_comprehensive_coal", on=DAY)).level == level


def test_the_gaps_say_how_far_each_level_is():
    found = benchmark.classify(98.0, benchmark=benchmark.find("clinker_comprehensive_coal", on=DAY))
    assert found.gaps == (4.0, -2.0, -11.0)


def test_cement_levels_move_with_the_clinker_share():
    cement = benchmark.find("cement_comprehensive_energy", on=DAY)
    assert benchmark.adjusted_levels(cement, clinker_ratio=0.75) == (80.0, 87.0, 94.0)
    # by hand, 60 %: 15 points less: 80 - 16.5, 87 - 17.25, 94 - 18
    assert benchmark.adjusted_levels(cement, clinker_ratio=0.60) == pytest.approx((63.5, 69.75, 76.0), rel=1e-12)
    with pytest.raises(DomainError, match="clinker_ratio: expected 0 to 1 for cement_comprehensive_energy, got None"):
        benchmark.classify(80.0, benchmark=cement)
    with pytest.raises(DomainError, match="clinker_ratio: expected 0 to 1"):
        benchmark.adjusted_levels(cement, clinker_ratio=75.0)


def test_altitude_moves_the_last_level_alone_and_only_above_its_limit():
    kiln = benchmark.find("clinker_comprehensive_energy", on=DAY)
    assert benchmark.adjusted_levels(kiln, altitude=1500.0) == (100.0, 107.0, 117.0)
    # by hand, 3 000 m: (1 - 3000/44300)^5.256 = 0.691728; 1.179 - 0.211 x 0.691728 = 1.033045; x 117 = 120.8663
    assert benchmark.adjusted_levels(kiln, altitude=3000.0) == pytest.approx((100.0, 107.0, 120.8663), abs=1e-4)
    power = benchmark.find("clinker_comprehensive_electricity", on=DAY)
    assert benchmark.adjusted_levels(power, altitude=3000.0) == (48.0, 57.0, 61.0)


def test_whether_limit_or_measurement_is_multiplied_is_a_switch_of_the_data():
    kiln = benchmark.find("clinker_comprehensive_energy", on=DAY)
    assert kiln.altitude is not None and (kiln.altitude.multiplies, kiln.altitude.confidence) == ("limit", "U")
    other = replace(kiln, altitude=replace(kiln.altitude, multiplies="measurement"))
    assert benchmark.classify(118.0, benchmark=kiln, altitude=3000.0).level == "level_3"
    assert benchmark.classify(116.0, benchmark=other, altitude=3000.0).level == "beyond"
    assert benchmark.adjusted_levels(other, altitude=3000.0) == (100.0, 107.0, 117.0)


def test_editions_follow_each_other_and_a_named_one_can_be_asked_for():
    assert benchmark.find("clinker_comprehensive_coal", on=date(2020, 1, 1)).levels == (107.0, 110.0, 120.0)
    notice = benchmark.find("clinker_comprehensive_energy", on=DAY, edition_id="efficiency_levels_2023")
    assert (notice.levels, notice.level_names) == ((100.0, 117.0), ("benchmark_level", "base_level"))
    assert benchmark.classify(110.0, benchmark=notice).level == "base_level"
    with pytest.raises(DomainError, match=r"benchmark: expected one of .*gb16780_2021.clinker_comprehensive_coal"):
        benchmark.find("clinker_coal", on=DAY)


def test_nothing_is_verified_and_every_mark_is_known():
    marks = {found.confidence for found in benchmark.load()} | {
        coefficient.confidence for coefficient in benchmark.coefficients().values()
    }
    assert marks <= factors.CONFIDENCE_MARKS
    assert not any(found.verified for found in benchmark.load())
    assert benchmark.coefficients()["waste_heat"].confidence == "U"
    with pytest.raises(DomainError, match="edition_id: expected one of gb16780_2021"):
        benchmark.coefficients("gb16780")


def test_own_targets():
    # by hand: 0.84/0.80 - 1 = 0.05; 0.76/0.80 - 1 = -0.05
    assert benchmark.target_gap(0.84, target=0.80) == pytest.approx(0.05, rel=1e-9)
    assert benchmark.target_gap(0.76, target=0.80) == pytest.approx(-0.05, rel=1e-9)
    assert math.isnan(benchmark.target_gap(math.nan, target=0.80))
    with pytest.raises(DomainError, match="target: expected a number above 0, got 0"):
        benchmark.target_gap(0.8, target=0.0)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("levels = [94, 100, 109]", "levels = [94, 90, 109]", "expected a rising value for each level name"),
        ("levels = [94, 100, 109]", "levels = [94, 100]", "expected a rising value for each level name"),
        ('level_names = ["level_1"', 'names = ["level_1"', "expected editions with their records, got 'level_names'"),
        ("[gb16780_2021]", "[gb16780_2021", "expected editions with their records"),
    ],
)
def test_a_faulty_file_is_an_error_of_our_own(before, after, message):
    assert before in TEXT
    with pytest.raises(DomainError, match=message):
        benchmark.read(TEXT.replace(before, after))
