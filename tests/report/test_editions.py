"""Totals of a period are counted hour by hour, by the edition of its days (R4, R8): numbers worked by hand.

GB/T 32151.8-2015 only shows alternative fuel and organic carbon, the edition of 2023 counts them from 1 June 2024
(standard.md 2.2). Means an hour of tests/seed.py, clinker boundary: coal and diesel 68.05 t, carbonate 112 t,
alternative fuel 6 + 3 t, organic carbon 1.5 t: 180.05 t by the edition of 2015, 190.55 t by that of 2023.
"""

from __future__ import annotations

from collections.abc import Callable
from math import fsum
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tanji.domain import factors
from tanji.domain.items import Boundary, Item, MissingRule, RuleSetId
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.report.budget_inputs import Inputs
from tanji.report.counting import counted_hours
from tanji.report.model import HOUR_MS, Summary
from tanji.report.summary import summary_of

JUNE = 1_717_171_200_000  # 2024-05-31 16:00 UTC, midnight of 1 June in Shanghai
A, B = RuleSetId.GBT32151_8, RuleSetId.CETS_AG_02_01
CLINKER, ENTERPRISE = Boundary.CLINKER, Boundary.ENTERPRISE
FEW, ALL = 180.05, 190.55

Make = Callable[..., Summary]


@pytest.fixture(scope="session")
def plant() -> Plant:
    found = load(Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml")
    return found.model_copy(update={"rulesets": (A,), "compliance": (ENTERPRISE, A)})


@pytest.fixture
def make(plant: Plant, seed: ModuleType) -> Make:
    """A summary of seeded rows of whole days before and after 1 June; keyword arguments go to `seed.tables`."""

    def summary(*, before: int, after: int, **options: object) -> Summary:
        start_ms, hours = JUNE - before * 24 * HOUR_MS, (before + after) * 24
        tables = seed.tables(plant, start_ms=start_ms, hours=hours, **options)
        three = (tables[name] for name in ("emission", "activity", "flag"))
        period = {"start_ms": start_ms, "end_ms": start_ms + hours * HOUR_MS}
        return summary_of(*three, plant, intensity=tables["intensity"], **period)

    return summary


@pytest.mark.parametrize(("before", "after"), [(1, 0), (0, 1), (1, 1), (2, 1)])
def test_a_total_adds_up_each_hour_by_the_edition_of_its_day(make: Make, before: int, after: int) -> None:
    summary = make(before=before, after=after)
    wanted = 24 * (before * FEW + after * ALL)
    assert summary.total(CLINKER, A).co2_t == pytest.approx(wanted, rel=1e-12)
    # the forklift's diesel and electricity: 7.04 t an hour more
    assert summary.total(ENTERPRISE, A).co2_t == pytest.approx(wanted + 7.04 * 24 * (before + after), rel=1e-12)
    clinker = 208 * 24 * (before + after)
    assert summary.total(CLINKER, A).t_per_t_clinker == pytest.approx(wanted / clinker, rel=1e-12)
    assert summary.budgets[CLINKER, A].co2_t == pytest.approx(wanted, rel=1e-12)


def test_an_item_of_both_editions_stands_once_in_the_total_and_once_apart(make: Make) -> None:
    """Alternative fuel of 9 t an hour: shown for two days, counted for one; counted parts add up to the total."""
    summary = make(before=2, after=1)
    by_status = {True: 0.0, False: 0.0}
    for figure in summary.items_of(CLINKER, A):
        if figure.item == "alternative_fuel":
            by_status[figure.counted] += figure.co2_t
            assert figure.missing_hours == 0
    assert by_status == {True: pytest.approx(9.0 * 24), False: pytest.approx(9.0 * 48)}
    counted = fsum(figure.co2_t for figure in summary.items_of(CLINKER, A) if figure.counted)
    assert counted == pytest.approx(summary.total(CLINKER, A).co2_t, rel=1e-12)
    days = dict(summary.days[CLINKER, A].columns)
    assert days["alternative_fuel"] == (0.0, 0.0, pytest.approx(9.0 * 24))


def test_the_rows_between_two_totals_count_the_same_hours(make: Make) -> None:
    summary = make(before=1, after=1)
    (bridge,) = summary.performance.bridges
    assert bridge.reconciliation.total_a == pytest.approx(summary.total(*bridge.a).co2_t, rel=1e-12)
    assert bridge.reconciliation.total_b == pytest.approx(summary.total(*bridge.b).co2_t, rel=1e-12)


def test_an_hour_lacks_only_what_its_own_edition_counts(make: Make) -> None:
    """Cloth strips have no row in hour 3, of May, and hour 30, of June: only the second is missing from the total."""
    total = make(before=1, after=1, missing={"line1.cloth_strips": {3, 30}}).total(CLINKER, A)
    assert (total.missing_hours, total.missing) == (1, (("line1.cloth_strips", 1),))
    never = make(before=1, after=1, missing={"line1.cloth_strips": range(48)}).total(CLINKER, A)
    assert (never.missing_hours, never.missing) == (24, (("line1.cloth_strips", 24),))


def test_the_substituted_share_weighs_what_the_hours_own_edition_counts(make: Make) -> None:
    """Hour 0, of May, is substituted: 180.05 + 7.04 t of the enterprise's 24 x (187.09 + 197.59) t, less the swing."""
    summary = make(before=1, after=1)
    review = summary.performance.review
    assert review.whole.share == pytest.approx(187.09 / (24 * (187.09 + 197.59)), rel=1e-9)
    assert review.whole.share == pytest.approx(summary.total(ENTERPRISE, A).substituted, rel=1e-9)


def test_hours_before_the_first_edition_lack_what_it_counts(plant: Plant) -> None:
    both = plant.model_copy(update={"rulesets": (A, B)})
    counted = counted_hours(both, start_ms=JUNE, hours=24)
    assert counted[CLINKER, B][Item.PROCESS_CLINKER].all() and Item.ALTERNATIVE_FUEL not in counted[CLINKER, B]


def test_the_budget_knows_what_stood_in_for_a_calorific_value_under_each_edition(plant: Plant) -> None:
    """26.7 GJ/t of the older sheet until May, 23.076 by fuel from June (standard.md 8.1 and 9)."""
    coal = next(stream for stream in plant.streams if stream.fuel == "bituminous_coal")
    missing = coal.missing | {"net_calorific_value": MissingRule.REFERENCE_VALUE}
    laboratory = tuple({*coal.laboratory, "net_calorific_value"})
    coal = coal.model_copy(update={"missing": missing, "laboratory": laboratory})
    inputs = Inputs(plant, factors.load(), (), start_ms=JUNE - 2 * HOUR_MS, hours=4)
    found = inputs.of(coal, "net_calorific_value", "bituminous_coal", ruleset=A)
    np.testing.assert_allclose(found.value, [26.7, 26.7, 23.076, 23.076])
    assert all(piece.hours.sum() == 2 for piece in found.pieces) and len(found.pieces) == 2
