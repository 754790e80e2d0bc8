"""A month's tonnes against the simulator's mass balance (R12, R58), which shares no formula with the product."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.simulator.faults import Fault, FaultKind
from tanji.store.embedded import EmbeddedStore

from .metered import Metered, measure, scenario_of

TOTAL_WITHIN = 0.01
"""The issue's limit for every boundary total [1]."""

ITEM_WITHIN = {
    # Class of the scales plus two standard deviations of the month's mean laboratory result (see laboratory.py):
    "fossil_fuel": 0.005 + 2 * 0.002 / 31**0.5,  # coal scales 0.5, calorific value 0.2 % a day
    "process_clinker": 0.010,  # clinker scale 1.0
    "process_carbonate": 0.010 + 2 * 0.001 / 31**0.5,  # clinker scale 1.0, CaO 0.1 % a day
    "process_organic_carbon": 0.010 + 2 * 0.01 / 5**0.5,  # raw-meal scale 1.0, organic carbon 1 % a week
    "alternative_fuel": 0.010 + 2 * 0.004 * (2 / 5) ** 0.5,  # scale 1.0, two analyses of 0.4 % a week
    "biogenic": 0.010 + 2 * 0.004 * (2 / 5) ** 0.5 * 2,  # the biogenic share is the smaller rest of the same analysis
    "net_electricity": 0.005,  # meters 0.5S
    "clinker_electricity": 0.005,
    "flue_gas": (0.02**2 + 0.02**2 + 0.025**2) ** 0.5,  # CO2 2.0, velocity 2.0, humidity 2.5
}


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metered]:
    """31 days of seed 7 without faults, metered and computed once for this module."""
    folder = tmp_path_factory.mktemp("month")
    store = EmbeddedStore(folder / "tsdb.duckdb")
    yield measure(store, scenario_of(31), folder=folder)
    store.close()


def check_totals(metered: Metered) -> None:
    """Every boundary total under every rule set is within the limit of its truth."""
    totals = [key for key in metered.true if len(key) == 2]
    assert len(totals) == 4, totals
    for key in totals:
        assert abs(metered.difference(*key)) < TOTAL_WITHIN, (key, metered.difference(*key))


def check_items(metered: Metered) -> None:
    """Every item is within the accuracy of the meters and analyses behind it."""
    items = [key for key in metered.true if len(key) == 4]
    assert {key[2] for key in items} <= ITEM_WITHIN.keys()
    for key in items:
        assert abs(metered.difference(*key)) < ITEM_WITHIN[key[2]], (key, metered.difference(*key))


def test_the_month_is_within_one_percent_of_the_truth_for_both_boundaries_and_rule_sets(month: Metered) -> None:
    check_totals(month)


def test_every_item_is_within_the_accuracy_of_its_meters(month: Metered) -> None:
    check_items(month)
    assert len([key for key in month.true if len(key) == 4]) == len([key for key in month.computed if len(key) == 4])


def test_the_flue_gas_agrees_with_all_that_left_the_stack(month: Metered) -> None:
    assert abs(month.difference("cems")) < ITEM_WITHIN["flue_gas"]
    assert month.summary.flue_gas is not None
    assert month.summary.flue_gas.verdict == "agrees"


def test_nothing_of_a_healthy_month_is_substituted_or_missing(month: Metered) -> None:
    for total in month.summary.totals:
        assert total.missing_hours == 0
        assert total.substituted < 1e-9


def test_a_clinker_scale_that_reads_three_percent_high_fails_the_comparison(tmp_path: Path) -> None:
    """The comparison above can fail: 3 % of the clinker is 2 % of the tonnes, twice the limit."""
    sound = scenario_of(4)
    wrong = Fault(
        kind=FaultKind.SCALE, target="line1.clinker.total", start_ms=sound.start_ms, end_ms=sound.end_ms, size=1.03
    )
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    try:
        metered = measure(store, scenario_of(4, faults=(wrong,)), folder=tmp_path)
    finally:
        store.close()
    with pytest.raises(AssertionError):
        check_totals(metered)
    with pytest.raises(AssertionError):
        check_items(metered)
