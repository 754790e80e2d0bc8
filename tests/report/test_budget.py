"""The budget of a period from rows, plant and ledger: what shares an error, what the plan's rules make of it (R37)."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from tanji.domain import factors
from tanji.domain.factors import Factor, FactorLibrary
from tanji.domain.items import RuleSetId
from tanji.domain.uncertainty_budget import Budget, BudgetRow
from tanji.ledger.entries import CLOSING_FACTOR, Entry
from tanji.plant.load import parse
from tanji.plant.model import Plant
from tanji.report import figures
from tanji.report.budget import Origins, contributions
from tanji.report.budget_samples import sampled, sampled_points
from tanji.report.grid import Grid
from tanji.store.embedded import EmbeddedStore

START_MS = 1_772_294_400_000
"""2026-02-28T16:00:00Z: the first of March in Shanghai."""
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
HALF = 0.005 / math.sqrt(3)
CC, OF, NCV = 0.025, 0.01, 0.05
"""Relative standard uncertainties of the defaults of bituminous coal."""

PLANT = """
tanji: 1
site: {id: b, name: {zh: 厂, en: plant}, region: national}
lines:
  - {id: l1, name: {zh: 线, en: line}, capacity_t_per_day: 5000,
     kiln: {id: k1, name: {zh: 窑, en: kiln}, running: run}}
devices: [{id: d, name: {zh: 网关, en: gateway}, protocol: modbus_tcp, host: 127.0.0.1}]
meters:
  - {id: one, name: {zh: 秤, en: one}, kind: rotor_scale, device: d, accuracy_class: "0.5"}
  - {id: two, name: {zh: 秤, en: two}, kind: rotor_scale, device: d, accuracy_class: "1.0"}
points:
  - {id: run, name: {zh: 运, en: run}, meter: one, kind: state, unit: "1", modbus: {address: 0}}
  - {id: p1, name: {zh: 煤, en: p1}, meter: one, kind: rate, unit: t/h, modbus: {address: 1}}
  - {id: p2, name: {zh: 煤, en: p2}, meter: two, kind: counter, unit: kg, scale: 10, rollover: 1000,
     modbus: {address: 2}}
streams:
  - {id: coal, name: {zh: 煤, en: coal}, kind: fossil_fuel, line: l1, boundaries: [clinker, enterprise],
     fuel: bituminous_coal, points: [p1]}
"""
BOTH = ("points: [p1]}", "points: [p1, p2]}")
LABORATORY = ("points: [p1]}", "points: [p1], laboratory: [net_calorific_value]}")
LEDGER = ("points: [p1]}", "ledger: true, stock: true}")
KEY = ("clinker", "cets_ag_02_01", "fossil_fuel", "heat_content", "l1", "coal")

Make = Callable[..., Budget]


def plant_of(*changes: tuple[str, str]) -> Plant:
    text = PLANT
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return parse(text)


def grid(tonnes: list[float], *, u_rel: float = 0.1, keys: tuple[tuple[str, ...], ...] = (KEY,)) -> Grid:
    rows = np.tile(np.array(tonnes), (len(keys), 1))
    return Grid(figures.EMISSION_TAGS, keys, {"co2_t": rows, "u_rel": np.full(rows.shape, u_rel)}, rows.shape[1])


def budget_of(
    plant: Plant,
    emission: Grid,
    *,
    entries: tuple[Entry, ...] | None = (),
    library: FactorLibrary | None = None,
    samples: dict[str, float] | None = None,
) -> Budget:
    origins = Origins(library or factors.load(), entries, samples or {})
    return contributions(emission, plant, origins, start_ms=START_MS).of(np.ones(len(emission.keys), np.bool_))


def row(budget: Budget, source: str) -> BudgetRow:
    return next(found for found in budget.rows if source in found.source)


def result(sample: str, value: float, first_h: int, last_h: int, **more: str) -> Entry:
    period = START_MS + first_h * HOUR_MS, START_MS + last_h * HOUR_MS
    return Entry(sample, "coal", "net_calorific_value", value, "GJ/t", *period, laboratory="lab", **more)


def test_a_day_of_coal_by_heat_content_with_defaults():
    # by hand: 24 h of 50 t: 1 200 x 5, 2.5, 1 and 0.288675 %: 60, 30, 12 and 3.4641 t
    found = budget_of(plant_of(), grid([50.0] * 24))
    assert row(found, "net_calorific_value").standard_uncertainty == pytest.approx(60.0, rel=1e-12)
    assert row(found, "carbon_per_energy").standard_uncertainty == pytest.approx(30.0, rel=1e-12)
    assert row(found, "oxidation_fraction").standard_uncertainty == pytest.approx(12.0, rel=1e-12)
    assert row(found, "one").standard_uncertainty == pytest.approx(1200 * HALF, rel=1e-12)
    assert found.u_rel == pytest.approx(math.sqrt(NCV**2 + CC**2 + OF**2 + HALF**2), rel=1e-12)
    assert row(found, "carbon_per_energy").value == pytest.approx(0.02618, rel=1e-12)
    assert row(found, "carbon_per_energy").unit == "tC/GJ"


def test_samples_add_in_quadrature_and_the_calorimeter_linearly():
    # by hand: two samples of 12 h, 600 t each: 0.8 % of 1 200 = 9.6 t; 0.6 % of 600 twice: root 2 x 3.6 = 5.0912 t
    entries = (result("S1", 22.0, 0, 12), result("S2", 23.0, 12, 24))
    found = budget_of(plant_of(LABORATORY), grid([50.0] * 24), entries=entries)
    lab = row(found, "net_calorific_value@lab")
    assert lab.standard_uncertainty == pytest.approx(math.hypot(9.6, 3.6 * math.sqrt(2)), rel=1e-12)
    assert lab.value == pytest.approx(22.5, rel=1e-12)
    one = budget_of(plant_of(LABORATORY), grid([50.0] * 24), entries=(result("S1", 22.0, 0, 24),))
    assert row(one, "@lab").standard_uncertainty == pytest.approx(12.0, rel=1e-12)  # 1 % of 1 200


def test_two_laboratories_are_two_sources():
    other = Entry("S2", "coal", "net_calorific_value", 23.0, "GJ/t", START_MS + 12 * HOUR_MS, START_MS + DAY_MS,
                  laboratory="other")  # fmt: skip
    found = budget_of(plant_of(LABORATORY), grid([50.0] * 24), entries=(result("S1", 22.0, 0, 12), other))
    assert row(found, "@lab").standard_uncertainty == pytest.approx(6.0, rel=1e-12)
    assert row(found, "@other").standard_uncertainty == pytest.approx(6.0, rel=1e-12)


def test_without_a_ledger_every_laboratory_value_is_wrong_by_the_same():
    found = budget_of(plant_of(LABORATORY), grid([50.0] * 24), entries=None)
    assert row(found, "net_calorific_value@").standard_uncertainty == pytest.approx(12.0, rel=1e-12)


@pytest.mark.parametrize(
    ("rule", "source", "relative"),
    [
        ("reference_value", "cets_2024_fossil.net_calorific_value.bituminous_coal", NCV),
        ("conservative_default", "net_calorific_value_conservative.coal", 0.1),
        ("mean_of_valid", "net_calorific_value@lab", 0.01),
    ],
)
def test_hours_without_a_result_have_the_uncertainty_of_what_the_plan_puts_there(
    rule: str, source: str, relative: float
):
    missing = (
        "points: [p1]}",
        "points: [p1], laboratory: [net_calorific_value],\n     missing: {net_calorific_value: %s}}",
    )
    plant = plant_of((missing[0], missing[1] % rule))
    found = budget_of(plant, grid([0.0] * 12 + [50.0] * 12), entries=(result("S1", 22.0, 0, 12),))
    assert row(found, source).standard_uncertainty == pytest.approx(600 * relative, rel=1e-9)
    # a result outside its hard range is not used as measured: the whole day is the rule's
    refused = budget_of(plant, grid([50.0] * 24), entries=(result("S1", 99.0, 0, 24),))
    assert row(refused, source if "@" not in source else "@lab").standard_uncertainty == pytest.approx(
        1200 * relative, rel=1e-9
    )


def test_editions_that_change_within_the_period_are_two_sources():
    base = factors.load().find("carbon_per_energy", applies_to="bituminous_coal", on=date(2026, 3, 1),
                               ruleset=RuleSetId.CETS_AG_02_01)  # fmt: skip
    own = Factor(**{**{name: getattr(base, name) for name in base.__slots__}, "id": "own.cc", "own": True,
                    "valid_from": date(2026, 3, 2), "relative_uncertainty": 0.01})  # fmt: skip
    library = FactorLibrary((*factors.load().factors, own))
    found = budget_of(plant_of(), grid([50.0] * 48), library=library)
    assert row(found, "cets_2024_fossil.carbon_per_energy").standard_uncertainty == pytest.approx(30.0, rel=1e-12)
    assert row(found, "own.cc").standard_uncertainty == pytest.approx(12.0, rel=1e-12)


def test_several_meters_split_the_rows_own_uncertainty_in_their_proportions():
    """By hand: 30 t/h on class 0.5, 10 t/h on class 1.0: weights 3/4 and 1/4, 0.216506 and 0.144338 %."""
    whole = math.hypot(0.75 * HALF, 0.25 * 2 * HALF)
    u_rel = math.sqrt(whole**2 + NCV**2 + CC**2 + OF**2)
    found = budget_of(plant_of(BOTH), grid([50.0] * 24, u_rel=u_rel), samples={"p1": 30.0, "p2": 10.0})
    assert row(found, "one").standard_uncertainty == pytest.approx(1200 * 0.75 * HALF, rel=1e-9)
    assert row(found, "two").standard_uncertainty == pytest.approx(1200 * 0.5 * HALF, rel=1e-9)
    assert found.u_rel == pytest.approx(u_rel, rel=1e-12)
    evenly = budget_of(plant_of(BOTH), grid([50.0] * 24, u_rel=u_rel))  # nobody knows how they share it
    assert evenly.u_rel == pytest.approx(u_rel, rel=1e-12)
    assert row(evenly, "two").standard_uncertainty == pytest.approx(2 * row(evenly, "one").standard_uncertainty)


def test_a_sample_is_taken_of_the_hours_in_which_the_stream_emitted(tmp_path):
    plant = plant_of(BOTH)
    assert sampled_points(plant, plant.streams[0]) == ("p1", "p2")
    assert sampled_points(plant_of(), plant_of().streams[0]) == ()
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    minutes = START_MS + 60_000 * np.arange(240, dtype=np.int64)
    running = np.arange(240) < 120
    values = {"p1": np.where(running, 30.0, 0.0), "p2": (np.cumsum(np.where(running, 1.0, 0.0)) + 950) % 1000}
    for point, each in values.items():
        rows = {"time": minutes, "plant": ["b"] * 240, "point": [point] * 240, "value": each}
        store.write("b_raw", "reading", pa.table({**rows, "quality": np.zeros(240, np.int64)}))
    found = sampled(store, plant, grid([50.0, 50.0, 0.0, 0.0]), start_ms=START_MS)
    store.close()
    # p1 30 t/h; p2 started again in the first hour, which is left out: 59 counts of 10 kg in the second, 0.59 t
    assert found == {"p1": pytest.approx(30.0), "p2": pytest.approx(0.59)}


STATED = {"purchase_amount": 12_000.0, "opening_stock": 3000.0, "closing_stock": 2500.0, "sold_amount": 0.0}


def stated(month: int, hours: int, values: dict[str, float]) -> list[Entry]:
    period = START_MS + month * hours * HOUR_MS, START_MS + (month + 1) * hours * HOUR_MS
    return [Entry(f"M{month}", "coal", name, value, "t", *period) for name, value in values.items()]


def test_a_month_by_stocktake_has_the_uncertainty_of_its_terms():
    # by hand, per tonne of 12 500 t: 60 t of purchases, root(150^2 + 125^2) = 195.256 t of surveys
    found = budget_of(plant_of(LEDGER), grid([100.0] * 10), entries=tuple(stated(0, 10, STATED)))
    assert row(found, "coal.purchase_amount").standard_uncertainty == pytest.approx(1000 * 60 / 12_500, rel=1e-12)
    assert row(found, "coal.stock").standard_uncertainty == pytest.approx(1000 * 195.2562 / 12_500, rel=1e-6)
    assert row(found, "coal.purchase_amount").value == 12_000.0


def test_the_stock_that_closes_a_month_opens_the_next_and_its_error_cancels():
    """By hand, three months of 12 000 t, stocks 3 000 t all along, factor 1 tCO2/t: each month alone root 2 x 150 =
    212.13 t of surveys, in quadrature 367.4 t; but only the first and the last survey are left: 212.13 t. Purchases go
    over one scale: 3 x 60 = 180 t.
    """
    same = {**STATED, "closing_stock": 3000.0}
    entries = tuple(entry for month in range(3) for entry in stated(month, 10, same))
    found = budget_of(plant_of(LEDGER), grid([1200.0] * 30), entries=entries)
    assert row(found, "coal.stock").standard_uncertainty == pytest.approx(150 * math.sqrt(2), rel=1e-12)
    assert row(found, "coal.purchase_amount").standard_uncertainty == pytest.approx(180.0, rel=1e-12)


def test_a_month_that_a_stocktake_closes_takes_its_uncertainty_and_an_open_one_that_of_the_scale():
    plant = plant_of(("points: [p1]}", "points: [p1], stock: true}"))
    period = START_MS, START_MS + 10 * HOUR_MS
    closing = Entry("k", "coal", CLOSING_FACTOR, 1.02, "1", *period)
    entries = (*stated(0, 10, STATED), closing)
    found = budget_of(plant, grid([100.0] * 20), entries=entries)
    assert row(found, "one").standard_uncertainty == pytest.approx(1000 * HALF, rel=1e-12)
    assert row(found, "coal.purchase_amount").standard_uncertainty == pytest.approx(4.8, rel=1e-12)
    still_open = budget_of(plant, grid([100.0] * 20), entries=entries[:-1])
    assert row(still_open, "one").standard_uncertainty == pytest.approx(2000 * HALF, rel=1e-12)


def test_litres_bring_the_density_with_them():
    # by hand: 1 % of 1 200 t, the typical density, in the hours of the entry in m3 and in no other
    plant = plant_of(("fuel: bituminous_coal, points: [p1]}", "fuel: diesel, ledger: true}"))
    period = START_MS, START_MS + 12 * HOUR_MS
    litres = Entry("a", "coal", "amount", 10.0, "m3", *period)
    tonnes = Entry("b", "coal", "amount", 10.0, "t", period[1], START_MS + DAY_MS)
    found = budget_of(plant, grid([50.0] * 24), entries=(litres, tonnes))
    assert row(found, "fuel_density").standard_uncertainty == pytest.approx(6.0, rel=1e-12)
    assert row(found, "coal.amount").standard_uncertainty == pytest.approx(24.0, rel=1e-12)  # an entry, 2 % of 1 200 t


def test_a_row_of_a_stream_the_plant_no_longer_has_keeps_what_it_says():
    key = (*KEY[:5], "gone")
    found = budget_of(plant_of(), grid([50.0] * 24, keys=(key,)))
    assert found.u_rel == pytest.approx(0.1, rel=1e-12) and found.rows[0].source == "gone"


def test_the_floor_of_a_month_takes_nothing_from_the_uncertainty_of_its_hours():
    floor = ("clinker", "cets_ag_02_01", "process_clinker", "month_floor", "l1", "coal")
    found = budget_of(plant_of(), grid([50.0] * 24, keys=(KEY, floor)))
    alone = budget_of(plant_of(), grid([50.0] * 24))
    assert found.standard_uncertainty == alone.standard_uncertainty
    assert budget_of(plant_of(), grid([50.0] * 24, keys=(floor,))).u_rel is None
