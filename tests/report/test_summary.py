"""The summary: sums by hand, what is missing is said, uncertainty by the correlation rule (R8, R25, R37, R41, R55)."""

from __future__ import annotations

from math import sqrt
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest

from tanji.domain.items import Boundary, RuleSetId
from tanji.errors import UsageError
from tanji.plant.model import Plant
from tanji.report.summary import summarise, summary_of
from tanji.store.embedded import EmbeddedStore

from .conftest import HOUR_MS, HOURS, START_MS, Make

A, B = RuleSetId.GBT32151_8, RuleSetId.CETS_AG_02_01
FOSSIL = 26 + 42 + 0.05
"""Means of tests/seed.py [t/h]."""


@pytest.mark.parametrize(
    ("boundary", "ruleset", "hourly"),
    [
        (Boundary.CLINKER, A, FOSSIL + 6 + 3 + 112 + 1.5),
        (Boundary.CLINKER, B, FOSSIL + 111),  # method B counts fossil fuel only (standard.md section 2.1)
        (Boundary.ENTERPRISE, A, FOSSIL + 6 + 3 + 112 + 1.5 + 0.04 + 7),
        (Boundary.ENTERPRISE, B, FOSSIL + 111 + 0.04 + 7),
    ],
)
def test_a_total_is_the_sum_of_the_counted_items(
    make: Make, boundary: Boundary, ruleset: RuleSetId, hourly: float
) -> None:
    total = make().total(boundary, ruleset)
    assert total.co2_t == pytest.approx(hourly * HOURS, rel=1e-12)
    assert total.t_per_t_clinker == pytest.approx(hourly / 208, rel=1e-12)
    assert total.complete and total.missing == ()
    assert total.compliance == ((boundary, ruleset) == (Boundary.CLINKER, B))


def test_memo_and_information_items_stand_apart(make: Make) -> None:
    apart = {figure.item for figure in make().items_of(Boundary.CLINKER, B) if not figure.counted}
    assert apart == {"alternative_fuel", "biogenic", "clinker_electricity", "flue_gas"}
    counted = {figure.item for figure in make().items_of(Boundary.CLINKER, A) if figure.counted}
    assert counted == {"fossil_fuel", "alternative_fuel", "process_carbonate", "process_organic_carbon"}


def test_a_total_has_the_uncertainty_of_what_its_hours_and_streams_share(make: Make) -> None:
    """By hand, tCO2/h: coals 26 and 42, diesel 0.05, clinker 111. Hours share everything but samples, so they add up.

    Both coals: CC 2.5 % of 68, OF 1 % of 68, NCV of one laboratory 1 % of 68; each its scale of class 0.5. Diesel: CC
    2.5 %, NCV 5 %, OF 1 %, scale 0.5. Clinker: factor 4 %, scale of class 1.0.
    """
    total = make().total(Boundary.CLINKER, B)
    half, one = 0.005 / sqrt(3), 0.01 / sqrt(3)
    coal = (0.025 * 68) ** 2 + 2 * (0.01 * 68) ** 2 + (half * 26) ** 2 + (half * 42) ** 2
    diesel = 0.05**2 * (0.025**2 + 0.05**2 + 0.01**2 + half**2)
    clinker = 111**2 * (0.04**2 + one**2)
    assert total.u_rel == pytest.approx(sqrt(coal + diesel + clinker) / (FOSSIL + 111), rel=1e-12)


def test_the_figures_of_one_factor_do_not_add_in_quadrature(make: Make) -> None:
    """The coals alone: in quadrature their CC would be 2.5 % of root(26^2 + 42^2) = 49.4 t instead of 68 t."""
    summary = make()
    item = next(
        figure for figure in summary.items
        if (figure.boundary, figure.ruleset, figure.item) == (Boundary.CLINKER, B, "fossil_fuel")
    )  # fmt: skip
    of_streams = [figure for figure in summary.figures if figure.item == "fossil_fuel"
                  and (figure.boundary, figure.ruleset) == (Boundary.CLINKER, B)]  # fmt: skip
    absolute = [figure.u_rel * figure.co2_t for figure in of_streams if figure.u_rel is not None]
    assert item.u_rel is not None and len(absolute) == 3
    assert sqrt(sum(part**2 for part in absolute)) < 0.8 * item.u_rel * item.co2_t < 0.8 * sum(absolute)


def test_report_page_and_json_show_the_budget_of_the_total(make: Make) -> None:
    summary = make()
    for total in summary.totals:
        assert summary.budgets[total.boundary, total.ruleset].u_rel == total.u_rel
        assert summary.budgets[total.boundary, total.ruleset].co2_t == pytest.approx(total.co2_t, rel=1e-12)


def test_the_substituted_share_is_weighed_by_tonnes(make: Make) -> None:
    # One hour of 72, the first, where the swing is 1 exactly: 1 / 72.
    assert make().total(Boundary.CLINKER, B).substituted == pytest.approx(1 / 72, rel=1e-9)


def test_a_total_with_a_missing_hour_says_so(make: Make) -> None:
    total = make(missing={"line1.clinker": {5, 6, 30}}).total(Boundary.CLINKER, B)
    assert not total.complete
    assert total.missing_hours == 3 and total.missing == (("line1.clinker", 3),)
    # The intensity is of the hours that have both, so it does not sink with the total.
    assert total.t_per_t_clinker == pytest.approx((FOSSIL + 111) / 208, rel=1e-12)


def test_a_stream_that_never_reported_is_missing_all_the_time(make: Make) -> None:
    summary = make(missing={"line1.calciner_coal": range(HOURS)})
    total = summary.total(Boundary.ENTERPRISE, A)
    assert total.missing_hours == HOURS and total.missing == (("line1.calciner_coal", HOURS),)
    assert total.t_per_t_clinker is None
    quality = next(row for row in summary.streams if row.stream == "line1.calciner_coal")
    assert quality.missing_hours == HOURS and quality.captured == 0.0


def test_without_any_row_there_is_no_total(plant: Plant, tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    summary = summarise(store, plant, start_ms=START_MS, end_ms=START_MS + 24 * HOUR_MS)
    store.close()
    for total in summary.totals:
        assert total.co2_t is None and total.u_rel is None and total.t_per_t_clinker is None
        assert total.missing_hours == 24 and not total.complete
    assert summary.flue_gas is not None and summary.flue_gas.verdict == "undecided"
    assert summary.clinker_missing_hours == 24


def test_a_standing_kiln_has_no_intensity_and_no_bearing_on_capture(make: Make) -> None:
    summary = make(stopped=range(HOURS))
    assert summary.total(Boundary.CLINKER, B).co2_t == 0.0
    assert summary.total(Boundary.CLINKER, B).t_per_t_clinker is None
    clinker = next(row for row in summary.streams if row.stream == "line1.clinker")
    assert clinker.captured is None and clinker.stopped_hours == HOURS and clinker.missing_hours == 0


def test_capture_counts_a_missing_hour_as_not_captured(make: Make) -> None:
    summary = make(missing={"line1.clinker": range(18)}, stopped=range(18, 24))
    clinker = next(row for row in summary.streams if row.stream == "line1.clinker")
    # 72 hours less 6 stopped; 48 captured at 0.99, 18 not at all.
    assert clinker.captured == pytest.approx(48 * 0.99 / 66)
    assert clinker.running_hours == 48


def test_the_stack_is_compared_with_the_calculation_of_its_own_scope(make: Make) -> None:
    check = make().flue_gas
    assert check is not None
    # Method A's scope: fossil 68.05, alternative 9, biogenic 4.5, carbonate 112, organic 1.5; measured 197 t/h.
    assert check.calculated_t == pytest.approx(195.05 * HOURS, rel=1e-12)
    assert check.measured_t == pytest.approx(197 * HOURS, rel=1e-12)
    assert check.difference == pytest.approx(197 / 195.05 - 1) and check.verdict == "agrees"


def test_a_line_whose_gas_nobody_measures_is_no_part_of_the_comparison(plant: Plant, seed: ModuleType) -> None:
    """A second line burns 26 t/h of coal beside; the stack of the first one still has 195.05 t/h to account for."""
    tables = seed.tables(plant, start_ms=START_MS, hours=HOURS)
    rows = tables["emission"].to_pylist()
    second = [row | {"line": "line2", "stream": "line2.coal"} for row in rows if row["stream"] == "line1.kiln_coal"]
    tables["emission"] = pa.Table.from_pylist([*rows, *second])
    three = (tables[name] for name in ("emission", "activity", "flag"))
    found = summary_of(
        *three, plant, intensity=tables["intensity"], start_ms=START_MS, end_ms=START_MS + HOURS * HOUR_MS
    )
    assert found.flue_gas is not None and found.flue_gas.verdict == "agrees"
    assert found.flue_gas.calculated_t == pytest.approx(195.05 * HOURS, rel=1e-12)
    total = found.total(Boundary.CLINKER, A)
    assert total is not None and total.co2_t == pytest.approx((FOSSIL + 122.5 + 26) * HOURS, rel=1e-12)


def test_the_stack_is_compared_over_the_hours_that_have_both(make: Make) -> None:
    check = make(missing={"line1.flue_gas": range(24), "line1.kiln_coal": range(24, 48)}).flue_gas
    assert check is not None and check.common_hours == 24
    assert check.common_measured_t == pytest.approx(197 * 24, rel=1e-12)
    assert check.common_calculated_t == pytest.approx(195.05 * 24, rel=1e-12)
    assert check.difference == pytest.approx(197 / 195.05 - 1)


def test_figures_by_stream_add_up_to_the_items(make: Make) -> None:
    summary = make()
    for item in summary.items:
        parts = [
            figure.co2_t
            for figure in summary.figures
            if (figure.boundary, figure.ruleset, figure.item, figure.method)
            == (item.boundary, item.ruleset, item.item, item.method)
        ]
        assert sum(parts) == pytest.approx(item.co2_t, rel=1e-12)


def test_days_are_local_and_a_hole_is_a_gap(make: Make) -> None:
    summary = make(missing={"line1.clinker": {0, 71}})
    days = summary.days[Boundary.CLINKER, B]
    assert days.times_ms == tuple(START_MS + day * 24 * HOUR_MS for day in range(3))
    process = dict(days.columns)["process_clinker"]
    assert process[0] is None and process[2] is None and process[1] == pytest.approx(111 * 24, rel=1e-12)
    last = summary.last_day[Boundary.CLINKER, B]
    assert len(last.times_ms) == 24 and last.times_ms[-1] == START_MS + 71 * HOUR_MS
    assert dict(last.columns)["process_clinker"][-1] is None


def test_a_store_and_the_tables_give_the_same_summary(
    make: Make, plant: Plant, seed: ModuleType, tmp_path: Path
) -> None:
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    for measurement, rows in seed.tables(plant, start_ms=START_MS, hours=HOURS).items():
        store.write("demo_derived", measurement, rows)
    stored = summarise(store, plant, start_ms=START_MS, end_ms=START_MS + HOURS * HOUR_MS)
    store.close()
    assert stored == make()
    assert stored.flagged_readings == 2  # the hours 0 and 50


@pytest.mark.parametrize(("start_ms", "end_ms"), [(0, 0), (1, HOUR_MS), (0, HOUR_MS + 1), (HOUR_MS, 0)])
def test_a_period_that_is_not_of_full_hours_is_refused(
    plant: Plant, start_ms: int, end_ms: int, tmp_path: Path
) -> None:
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    with pytest.raises(UsageError, match="full hours"):
        summarise(store, plant, start_ms=start_ms, end_ms=end_ms)
    store.close()
