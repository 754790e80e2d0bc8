"""Intensity, levels, targets, position and reconciliation of a period: numbers worked by hand (R8, R41, R42, R44)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import fsum
from types import ModuleType

import pytest

from tanji.domain import factors
from tanji.domain.factors import Factor, FactorLibrary
from tanji.domain.items import Boundary, Indicator, RuleSetId
from tanji.plant.model import AllowanceFacts, Plant
from tanji.report import levels, positions
from tanji.report.budget import Origins
from tanji.report.intensities import Ratio
from tanji.report.performance import Performance, calendar_of
from tanji.report.performance_view import BY_MONTH, indicator_rows, month_rows
from tanji.report.summary import summary_of
from tanji.report.unverified import total_is_unverified
from tanji.report.words import Words

from .conftest import HOUR_MS, HOURS, START_MS, Make

A, B = RuleSetId.GBT32151_8, RuleSetId.CETS_AG_02_01
CLINKER, ENTERPRISE = Boundary.CLINKER, Boundary.ENTERPRISE


def of(given: Performance, name: Indicator, boundary: Boundary = CLINKER, ruleset: RuleSetId = B) -> Ratio:
    rows = [row for row in given.intensities if (row.name, row.boundary, row.ruleset) == (name, boundary, ruleset)]
    (row,) = rows
    return row.whole


def test_an_indicator_is_the_sum_over_the_sum_of_the_period(make: Make) -> None:
    """Means of tests/seed.py: 68.05 + 111 t over 208 t of clinker, 186.09 t over 277 t of cement."""
    given = make().performance
    assert of(given, Indicator.EMISSION_PER_CLINKER).value == pytest.approx(179.05 / 208, rel=1e-12)
    assert of(given, Indicator.EMISSION_PER_CLINKER, ruleset=A).value == pytest.approx(190.55 / 208, rel=1e-12)
    assert of(given, Indicator.EMISSION_PER_CEMENT, ENTERPRISE).value == pytest.approx(186.09 / 277, rel=1e-12)
    assert of(given, Indicator.THERMAL_SUBSTITUTION).value == pytest.approx(0.125, rel=1e-12)
    assert of(given, Indicator.EMISSION_PER_CLINKER).hours == HOURS


def test_hour_day_month_and_year_have_their_own_ratio(make: Make) -> None:
    """72 hours across the turn of the year: 2 days of December, one of January."""
    turn = 1_798_732_800_000  # 2026-12-31 16:00 UTC, midnight in Shanghai
    given = make(start_ms=turn - 48 * HOUR_MS).performance
    assert [span.day for span in given.calendar.years] == [date(2026, 12, 30), date(2027, 1, 1)]
    assert [(span.day.month, span.complete) for span in given.calendar.months] == [(12, False), (1, False)]
    assert [span.complete for span in given.calendar.days] == [True, True, True]
    (row,) = [row for row in given.intensities if row.name == Indicator.HEAT_PER_CLINKER]
    assert len(row.last_day) == 24 and row.last_day[-1] == pytest.approx(3.2)
    for ratios, hours in ((row.years, [48, 24]), (row.months, [48, 24]), (row.days, [24, 24, 24])):
        assert [one.hours for one in ratios] == hours
        assert [one.value for one in ratios] == pytest.approx([3.2] * len(hours))


def test_days_are_not_defined_while_the_kiln_stands(make: Make) -> None:
    given = make(stopped=range(24, 48)).performance
    (row,) = [row for row in given.intensities if row.name == Indicator.HEAT_PER_CLINKER]
    assert [one.value is None for one in row.days] == [False, True, False]
    assert row.whole.value == pytest.approx(3.2)
    assert [standing.benchmark.indicator for standing in given.levels.whole.standings]


def test_the_card_and_the_indicator_say_the_same(make: Make) -> None:
    summary = make(missing={"line1.clinker": {5, 6}})
    total = summary.total(CLINKER, B)
    assert total.t_per_t_clinker == pytest.approx(of(summary.performance, Indicator.EMISSION_PER_CLINKER).value)


def test_levels_are_net_of_waste_heat_and_follow_the_clinker_share(make: Make) -> None:
    """Net coal 92 kgce/t is level 1 (94), 56 kWh/t level 2 (57); 92 + 56 x 0.1229 = 98.8824 is level 1 (100).

    Cement: share 208/277 = 0.750903; 0.750903 x 98.8824 + 30 x 0.1229 = 77.938 kgce/t against 80 + 0.0903 x 1.10.
    """
    standings = {one.benchmark.indicator: one for one in make().performance.levels.whole.standings}
    assert {name: one.level for name, one in standings.items()} == {
        "clinker_comprehensive_energy": "level_1",
        "clinker_comprehensive_coal": "level_1",
        "clinker_comprehensive_electricity": "level_2",
        "cement_comprehensive_energy": "level_1",
        "cement_grinding_electricity": "level_3",
    }
    assert standings["clinker_comprehensive_energy"].value == pytest.approx(98.8824)
    assert standings["clinker_comprehensive_electricity"].gaps == pytest.approx((8, -1, -5))
    cement = standings["cement_comprehensive_energy"]
    assert cement.value == pytest.approx(77.938, abs=1e-3)
    assert cement.levels[0] == pytest.approx(80.0993, abs=1e-4)
    assert not cement.benchmark.verified


def test_only_level_three_follows_the_altitude(plant: Plant) -> None:
    """2000 m: factor 1.013488 (tests/domain/test_benchmark.py); 109 x 1.013488 = 110.470."""
    high = plant.model_copy(update={"site": plant.site.model_copy(update={"altitude_m": 2000.0})})
    found = levels.levels_of({Indicator.NET_COAL_PER_CLINKER: 110.0}, high, on=date(2026, 10, 1))
    (standing,) = found.standings
    assert standing.levels == pytest.approx((94, 100, 110.470), abs=1e-3)
    assert standing.level == "level_3"
    low = levels.levels_of({Indicator.NET_COAL_PER_CLINKER: 110.0}, plant, on=date(2026, 10, 1))
    assert low.standings[0].level == "beyond"


def test_targets_know_which_way_is_better(make: Make) -> None:
    """Targets of the demo: 0.82 tCO2/t, 98 kgce/t, 52 kWh/t, 15 % of the heat."""
    targets = {target.name: target for target in make().performance.levels.whole.targets}
    assert not targets[Indicator.EMISSION_PER_CLINKER].met
    assert targets[Indicator.EMISSION_PER_CLINKER].gap == pytest.approx(179.05 / 208 / 0.82 - 1)
    assert targets[Indicator.NET_COAL_PER_CLINKER].met
    substitution = targets[Indicator.THERMAL_SUBSTITUTION]
    assert (substitution.met, substitution.gap) == (False, pytest.approx(0.125 / 0.15 - 1))


def balance(value: float, *, year: int = 2025, verified: bool = False) -> FactorLibrary:
    """The built-in library and one published balance value."""
    record = Factor(
        id=f"own.balance_value.{year}",
        quantity="balance_value",
        applies_to="clinker",
        rulesets=tuple(RuleSetId),
        value=value,
        unit="tCO2/t",
        document="published",
        edition="",
        clause="",
        valid_from=date(year, 1, 1),
        valid_to=date(year, 12, 31),
        confidence="T",
        verified=verified,
        own=True,
    )
    return FactorLibrary((*factors.load().factors, record))


YEAR = Ratio(0.816, 816_000.0, 1_000_000.0, 8760)


def test_the_position_is_that_of_the_hand_calculation(plant: Plant) -> None:
    """B 0.85, I 0.816: 0.04 x 0.15 = 0.006 of 816,000 t: 4,896 t; and 0.0 t in 2024."""
    found = positions.line_position(plant.lines[0], YEAR, year=2025, library=balance(0.85))
    assert found.position is not None and found.lacking is None
    assert found.position.surplus == pytest.approx(4_896.0)
    before = positions.line_position(plant.lines[0], YEAR, year=2024, library=factors.load())
    assert before.position is not None and (before.position.basis, before.position.surplus) == ("verified", 0.0)


def test_without_a_balance_value_of_that_year_there_is_no_position(plant: Plant) -> None:
    line = plant.lines[0]
    for library in (factors.load(), balance(0.85, year=2024)):
        found = positions.line_position(line, YEAR, year=2025, library=library)
        assert (found.position, found.lacking) == (None, "balance_value")
    assert positions.line_position(line, YEAR, year=2031, library=balance(0.85)).lacking == "rule"
    stood = Ratio(None, 12.0, 0.0, 24)
    assert positions.line_position(line, stood, year=2025, library=balance(0.85)).lacking == "clinker"


@pytest.mark.parametrize(
    ("facts", "basis"),
    [
        ({"white_cement_only": True}, "exempt"),
        ({"carbide_slag_fraction": 0.2}, "exempt"),
        ({"gypsum_to_acid": True}, "exempt"),
        ({"closed_or_new": True}, "apart"),
    ],
)
def test_an_exempt_line_needs_no_balance_value(plant: Plant, facts: dict[str, object], basis: str) -> None:
    line = plant.lines[0].model_copy(update={"allowance": AllowanceFacts.model_validate(facts)})
    found = positions.line_position(line, YEAR, year=2025, library=factors.load())
    assert found.position is not None and found.position.basis == basis


def test_a_period_that_is_no_whole_year_says_so(make: Make) -> None:
    (found,) = make().performance.positions
    assert (found.year, found.complete, found.lacking) == (2026, False, "rule")
    assert found.emission_t == pytest.approx(179.05 * HOURS)


@pytest.mark.parametrize(("language", "said"), [("zh", "-2.5 个百分点"), ("en", "-2.5 percentage points")])
def test_the_gap_of_a_share_is_told_in_percentage_points_and_that_of_others_relative(
    make: Make, language: str, said: str
) -> None:
    """12.5 % of the heat against a target of 15 %: 2.5 points less, not -16.7 %; 0.8608 t/t is 5.0 % above 0.82."""
    summary, words = make(), Words(language)
    rows = {row["name"]: row["target"] for row in indicator_rows(summary, words)}
    substitution = rows[words("indicator.thermal_substitution")]
    assert said in substitution and "16.7" not in substitution
    assert "+4.98" in rows[words("indicator.emission_per_clinker")]
    (month,) = month_rows(summary, words)
    assert said in month["cells"][BY_MONTH.index(Indicator.THERMAL_SUBSTITUTION)]["target"]


def test_the_rows_between_two_totals_add_up_to_their_difference(make: Make) -> None:
    """By hand, clinker boundary an hour: A 68.05 + 6 + 3 + 112 + 1.5, B 68.05 + 111: 11.5 t; enterprise over clinker
    under B: diesel 0.04 and electricity 7.
    """
    summary = make()
    found = {(bridge.a, bridge.b): bridge.reconciliation for bridge in summary.performance.bridges}
    assert len(found) == 3
    for (a, b), line in found.items():
        assert line.difference == fsum(part for row in line.rows for part in (row.emission_a, -row.emission_b))
        assert line.total_a == pytest.approx(summary.total(*a).co2_t)
        assert line.total_b == pytest.approx(summary.total(*b).co2_t)
    methods = found[(CLINKER, A), (CLINKER, B)]
    assert methods.difference == pytest.approx(11.5 * HOURS)
    assert {str(row.item): row.why for row in methods.rows} == {
        "fossil_fuel": "same",
        "alternative_fuel": "only_a",
        "process_carbonate": "only_a",
        "process_organic_carbon": "only_a",
        "process_clinker": "only_b",
    }
    boundaries = found[(ENTERPRISE, B), (CLINKER, B)]
    assert boundaries.difference == pytest.approx(7.04 * HOURS)
    (fuel,) = [row for row in boundaries.rows if row.item == "fossil_fuel"]
    assert fuel.why == "streams_differ"  # the forklift diesel, by the same factors


def test_electricity_of_clinker_production_stays_outside_the_compliance_sum(make: Make) -> None:
    (electricity,) = [one for one in make().items_of(CLINKER, B) if one.item == "clinker_electricity"]
    assert not electricity.counted and electricity.co2_t == pytest.approx(4.0 * HOURS)


def test_spans_of_months_know_whether_they_are_whole() -> None:
    """October 2026 in Shanghai begins on 2026-09-30 16:00 UTC and has 744 hours."""
    start = 1_790_784_000_000
    calendar = calendar_of(start, start + 745 * HOUR_MS, timezone="Asia/Shanghai")
    assert [(span.first, span.end, span.complete) for span in calendar.months] == [(0, 744, True), (744, 745, False)]
    assert len(calendar.days) == 32 and calendar.whole.end == 745


def test_a_factor_approved_in_the_library_loses_its_mark(plant: Plant, seed: ModuleType, make: Make) -> None:
    assert total_is_unverified(make(), CLINKER, B)
    approved = FactorLibrary(tuple(replace(one, verified=True) for one in factors.load().factors))
    tables = seed.tables(plant, start_ms=START_MS, hours=24)
    three = (tables[name] for name in ("emission", "activity", "flag"))
    period = {"start_ms": START_MS, "end_ms": START_MS + 24 * HOUR_MS}
    summary = summary_of(*three, plant, intensity=tables["intensity"], origins=Origins(approved), **period)
    assert summary.performance.unverified == () and not total_is_unverified(summary, CLINKER, B)
