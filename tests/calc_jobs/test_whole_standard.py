"""Every stream kind and option of the carbon method through the jobs, March 2026, against hand calculations (R3, R8).

The plant is tests/plant/golden/good/whole_standard.yaml: readings every ten minutes, everything else from one sheet of
the drop folder. Line 1 and the enterprise are worked in tests/domain/plant_month.md; the other lines here. The kilns
of lines 2 to 4 and 24 h of line 1's standstill aside, readings are constant.

Line 2, white Portland, measured carbon, dust by F9:
  petroleum coke 1 000 t x 0.84 tC/t x 0.99 x 44/12 = 3 049.2 t
  FR10 = 0.02 of the meal x 1.55 = 0.031; (0.66 - 0.031) x 44/56 + 0.01 x 1.1 = 0.494214286 + 0.011 = 0.505214286
  F4: 5 000 t x 0.505214286 = 2 526.071429 t; organic carbon 5 000 x 1.55 x 0.002 x 44/12 = 56.833333 t
  d = 1 - 0.2 x 0.64 / (0.8 x 0.36) = 5/9; EF/(1 + EF) x d = 0.335642762 x 5/9 = 0.186468201; / (1 - 0.186468201) =
  0.229208254; kiln dust 100 t: 22.920825 t; bypass 20 t x 0.505214286 = 10.104286 t
  A: 3 049.2 + 2 526.071429 + 56.833333 + 22.920825 + 10.104286 = 5 665.129873; B: 3 049.2 + 5 000 x 0.550 = 5 799.2 t
Line 3, sulfoaluminate, a waste of known carbon:
  300 t x 0.25 x 0.95 = 71.25 tC; x 0.4 = 28.5 tC x 44/12 = 104.5 t fossil; 42.75 tC = 156.75 t biogenic
  F4: 0.42 x 44/56 + 0.02 x 1.1 = 0.352; 2 000 t: 704 t; dust 50 t, d = 1 by default of its kiln: 17.6 t
  A: 104.5 + 704 + 17.6 = 826.1 t; B: 2 000 x 0.413 = 826 t
Line 4, aluminate: F4 (0.40 - 0.02) x 44/56 + (0.015 - 0.005) x 1.1 = 0.298571429 + 0.011 = 0.309571429; 1 000 t:
  309.571429 t; B: without process emissions, 0 t
Enterprise beside the page: 100 GJ of heat by meter x 0.11 = 11 t.
  A: 94 366.972323 + 5 665.129873 + 826.1 + 309.571429 + 11 = 101 178.773625 t
  B: 89 195.201066 + 5 799.2 + 826 + 0 + 11 = 95 831.401066 t
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from calc_jobs.formulas import FORMULAS
from calc_jobs.jobs import Jobs
from tanji.domain import rulesets
from tanji.domain.items import Boundary, Item, Method, RuleSetId, StreamKind
from tanji.ledger import Ledger
from tanji.ledger.laboratory_csv import COLUMNS
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.report.summary import summarise
from tanji.store.embedded import EmbeddedStore

PLANT = Path(__file__).parents[1] / "plant" / "golden" / "good" / "whole_standard.yaml"
PAGE = (Path(__file__).parents[1] / "domain" / "plant_month.md").read_text(encoding="utf-8")
ZONE = ZoneInfo("Asia/Shanghai")
START, END = (round(datetime(2026, month, 1, tzinfo=ZONE).timestamp() * 1000) for month in (3, 4))
STEP, PER_HOUR, HOURS, STOPPED = 600_000, 6, 744, range(240, 264)
A, B = RuleSetId.GBT32151_8, RuleSetId.CETS_AG_02_01

SHEET = """
line1.coal         purchase_amount 12000 t as_received
line1.coal         opening_stock 3000 t as_received
line1.coal         closing_stock 2600 t as_received
line1.coal         sold_amount 0 t as_received
line1.coal         net_calorific_value 22500 kJ/kg as_received
line1.ignition     amount 25 t
line1.waste        amount 6000 t
line1.waste        calorific_value 10 GJ/t as_received
line1.waste        non_biomass_energy_fraction 50 %
line1.cloth        amount 500 t
line1.cloth        calorific_value 20 GJ/t as_received
line1.cloth        non_biomass_carbon_fraction 80 %
line1.clinker      clinker_cao 65.2 %
line1.clinker      clinker_mgo 2.2 %
line1.clinker      clinker_to_mill 90160 t
line1.clinker      clinker_dispatched 16000 t
line1.clinker      opening_stock 30000 t
line1.clinker      closing_stock 34000 t
line1.clinker      clinker_bought 0 t
line1.dust         amount 300 t
line1.bypass       amount 140 t
line1.raw_meal     amount 174000 t
line1.raw_meal     moisture 1 %
line1.raw_meal     raw_meal_organic_carbon 0.15 % dry
line1.carbide_slag amount 3000 t
line1.carbide_slag material_cao 65 % dry
line1.steel_slag   amount 2000 t
line1.steel_slag   moisture 5 %
line1.steel_slag   material_cao 40 % dry
line1.steel_slag   material_mgo 6 % dry
line1.electricity  amount 5700000 kWh
line2.coke         amount 1000 t
line2.coke         carbon_as_received 84 % as_received
line2.clinker      amount 5000 t
line2.clinker      clinker_cao 66 %
line2.clinker      clinker_mgo 1 %
line2.clinker      raw_meal_organic_carbon 0.2 % dry
line2.clinker      raw_meal_cao_non_carbonate 2 % dry
line2.dust         amount 100 t
line2.dust         loss_on_ignition_dust 20 % dry
line2.dust         loss_on_ignition_raw_meal 36 % dry
line2.bypass       amount 20 t
line3.waste        amount 300 t
line3.waste        waste_carbon_fraction 25 % as_received
line3.waste        fossil_carbon_fraction 40 %
line3.waste        burnout_fraction 95 %
line3.clinker      amount 2000 t
line3.clinker      clinker_cao 42 %
line3.clinker      clinker_mgo 2 %
line3.dust         amount 50 t
line4.clinker      amount 1000 t
line4.clinker      clinker_cao 40 %
line4.clinker      clinker_mgo 1.5 %
line4.clinker      clinker_cao_non_carbonate 2 %
line4.clinker      clinker_mgo_non_carbonate 0.5 %
site.forklift      amount 12000 L
site.exported      amount 200 MWh
site.green         amount 1500 MWh
site.waste_heat    amount 3300 MWh
site.steam         amount 500 t
site.steam         steam_enthalpy 2783.74 kJ/kg
site.hot_water     amount 2000 t
site.hot_water     water_temperature 70 degC
site.heat          amount 100 GJ
site.boiler        amount 800 t
site.boiler        net_calorific_value 8374 kJ/kg as_received
site.boiler        carbon_per_energy 25.41 tC/TJ
site.dryer         amount 50000 Nm3
site.dryer         net_calorific_value 389.31 GJ/1e4Nm3 as_received
site.dryer         carbon_per_energy 15.32 tC/TJ
"""
"""Stream, parameter, value, unit and basis of the month's composite or book."""

STEADY = {
    "kiln2.running": 1.0, "kiln3.running": 1.0, "kiln4.running": 1.0,
    "grid.power": 9_600_000 / HOURS,
    "stack.co2": 19.0, "stack.velocity": 12.0, "stack.temperature": 91.0, "stack.pressure": 101.325,
    "stack.humidity": 10.0,
}  # fmt: skip


def sheet() -> str:
    lines = [",".join((*COLUMNS, "period", "place"))]
    for number, line in enumerate(SHEET.strip().splitlines()):
        stream, parameter, value, unit, basis = (*line.split(), "")[:5]
        place = "truck_scale" if (stream, parameter) == ("line1.coal", "net_calorific_value") else ""
        lines.append(f"M{number},{stream},{parameter},{value},{unit},{basis},2026-03-01,,laboratory,,month,{place}")
    return "\n".join(lines) + "\n"


def readings() -> dict[str, np.ndarray]:
    """Ten-minute readings from the start of March to the start of April, and what line 1 does: 720 h x 150 t/h."""
    running = np.ones(HOURS * PER_HOUR + 1)
    running[STOPPED.start * PER_HOUR : STOPPED.stop * PER_HOUR] = 0.0
    counts = np.concatenate(([0.0], np.cumsum(running[:-1]) * 150 / PER_HOUR / 0.1))
    constant = {point: np.full(running.size, value) for point, value in STEADY.items()}
    return {**constant, "kiln1.running": running, "kiln1.clinker.mass": counts}


class Month:
    """The plant after its jobs ran: tonnes of the month by any of the tags of a row."""

    def __init__(self, plant: Plant, store: EmbeddedStore, ledger: Ledger, jobs: Jobs) -> None:
        self.plant, self.store, self.ledger, self.jobs = plant, store, ledger, jobs
        self.report = jobs.run_once()
        self.rows = store.read("whole_derived", "emission").to_pylist()

    def tonnes(self, **tags: str) -> float:
        found = [row["co2_t"] for row in self.rows if all(row[tag] == value for tag, value in tags.items())]
        assert found and None not in found, tags
        return sum(found)

    def total(self, ruleset: RuleSetId, boundary: Boundary, **tags: str) -> float:
        counted = rulesets.load()[ruleset].counted(boundary)
        by_item: dict[str, float] = defaultdict(float)
        for row in self.rows:
            if (row["ruleset"], row["boundary"]) == (ruleset, boundary) and all(
                row[tag] == value for tag, value in tags.items()
            ):
                by_item[row["item"]] += row["co2_t"]
        return sum(by_item[item] for item in counted)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    folder = tmp_path_factory.mktemp("whole")
    (folder / "drop").mkdir()
    (folder / "drop" / "march.csv").write_text(sheet(), encoding="utf-8")
    plant, store, ledger = load(PLANT), EmbeddedStore(folder / "tsdb.duckdb"), Ledger(folder / "ledger.sqlite")
    for point, values in readings().items():
        times = START + STEP * np.arange(values.size, dtype=np.int64)
        rows = {"time": times, "plant": ["whole"] * values.size, "point": [point] * values.size, "value": values}
        store.write("whole_raw", "reading", pa.table({**rows, "quality": np.zeros(values.size, np.int64)}))
    hours = START + 3_600_000 * np.arange(HOURS, dtype=np.int64)
    arrived = {"time": START - HOURS + np.arange(HOURS), "plant": ["whole"] * HOURS, "hour_ms": hours}
    store.write("whole_raw", "arrival", pa.table({**arrived, "count": [66] * HOURS}))
    jobs = Jobs(plant, store=store, ledger=ledger, clock=lambda: END + 60_000, drop_dir=folder / "drop")
    yield Month(plant, store, ledger, jobs)
    ledger.close()
    store.close()


def by_hand(text: str) -> object:
    """A result of the page, as printed there in bold."""
    assert f"**{text}**" in PAGE
    return pytest.approx(float(text), abs=5e-6)


def close(value: float) -> object:
    return pytest.approx(value, abs=2e-6)


def test_the_sheet_enters_whole_and_no_hour_is_without_a_value(month: Month) -> None:
    assert month.report.findings == () and month.report.entries == len(SHEET.strip().splitlines())
    assert month.report.hours == HOURS and month.report.missing == () and month.report.no_edition == ()
    assert {row["substituted"] for row in month.rows} == {0.0}


@pytest.mark.parametrize(("ruleset", "tonnes"), [(A, "88544.287598"), (B, "84168.416341")])
def test_the_clinker_boundary_of_the_first_line_is_that_of_the_page(
    month: Month, ruleset: RuleSetId, tonnes: str
) -> None:
    assert month.total(ruleset, Boundary.CLINKER, line="line1") == by_hand(tonnes)


@pytest.mark.parametrize(
    ("line", "a", "b"), [("line2", 5665.129873, 5799.2), ("line3", 826.1, 826.0), ("line4", 309.571429, 0.0)]
)
def test_the_clinker_boundary_of_the_other_lines(month: Month, line: str, a: float, b: float) -> None:
    assert month.total(A, Boundary.CLINKER, line=line) == close(a)
    assert month.total(B, Boundary.CLINKER, line=line) == close(b)


@pytest.mark.parametrize(("ruleset", "tonnes"), [(A, 101_178.773625), (B, 95_831.401066)])
def test_the_enterprise_adds_its_lines_and_what_is_its_own(month: Month, ruleset: RuleSetId, tonnes: float) -> None:
    assert month.total(ruleset, Boundary.ENTERPRISE) == pytest.approx(tonnes, abs=1e-5)


@pytest.mark.parametrize(
    ("tonnes", "tags"),
    [
        ("26433.297", {"stream": "line1.coal", "ruleset": A}),
        ("26514.3186", {"stream": "line1.coal", "ruleset": B}),
        ("77.397741", {"stream": "line1.ignition", "ruleset": B}),
        ("3484.6", {"line": "line1", "item": Item.ALTERNATIVE_FUEL, "ruleset": A}),
        ("3183.4", {"line": "line1", "item": Item.BIOGENIC, "ruleset": B}),
        ("57601.562857", {"line": "line1", "item": Item.PROCESS_CARBONATE, "ruleset": A}),
        ("947.43", {"line": "line1", "item": Item.PROCESS_ORGANIC_CARBON, "ruleset": A}),
        ("57576.7", {"line": "line1", "item": Item.PROCESS_CLINKER, "ruleset": B}),
        ("3024.42", {"item": Item.CLINKER_ELECTRICITY, "ruleset": A}),
        ("94028.502857", {"item": Item.FLUE_GAS, "ruleset": A}),
    ],
)
def test_items_of_the_first_line_are_those_of_the_page(month: Month, tonnes: str, tags: dict[str, str]) -> None:
    assert month.tonnes(boundary=Boundary.CLINKER, **tags) == by_hand(tonnes)


@pytest.mark.parametrize(
    ("tonnes", "tags"),
    [
        ("31.392524", {"stream": "site.forklift", "ruleset": B}),
        ("592.956241", {"item": Item.CAPTIVE_POWER, "ruleset": B}),
        ("592.956241", {"stream": "site.boiler", "item": Item.FOSSIL_FUEL, "ruleset": A}),
        ("108.25076", {"item": Item.OTHER_FACILITY, "ruleset": B}),
        ("4987.64", {"item": Item.NET_ELECTRICITY, "ruleset": A}),
        ("4191.74", {"item": Item.NET_ELECTRICITY, "ruleset": B}),
    ],
)
def test_items_of_the_enterprise_are_those_of_the_page(month: Month, tonnes: str, tags: dict[str, str]) -> None:
    assert month.tonnes(boundary=Boundary.ENTERPRISE, **tags) == by_hand(tonnes)


def test_heat_is_the_same_by_meter_and_by_its_carriers(month: Month) -> None:
    """Steam 1 350 GJ bought and hot water 418.68 GJ sold: 102.4452 t (the page); by meter 100 GJ: 11 t."""
    net = month.tonnes(boundary=Boundary.ENTERPRISE, item=Item.NET_HEAT, ruleset=B)
    assert net - month.tonnes(stream="site.heat", ruleset=B) == by_hand("102.4452")
    assert month.tonnes(stream="site.heat", ruleset=B) == close(11.0)
    assert month.tonnes(stream="site.hot_water", ruleset=A) == close(-418.68 * 0.11)


@pytest.mark.parametrize(
    ("stream", "item", "method", "tonnes"),
    [
        ("line2.coke", Item.FOSSIL_FUEL, Method.MEASURED_CARBON, 3049.2),
        ("line2.coke", Item.FOSSIL_FUEL, Method.HEAT_CONTENT, 0.0),
        ("line2.clinker", Item.PROCESS_CARBONATE, Method.CLINKER_OXIDES, 2526.071429),
        ("line2.clinker", Item.PROCESS_ORGANIC_CARBON, Method.ORGANIC_CARBON, 56.833333),
        ("line2.dust", Item.PROCESS_CARBONATE, Method.PARTLY_CALCINED_DUST, 22.920825),
        ("line2.bypass", Item.PROCESS_CARBONATE, Method.PARTLY_CALCINED_DUST, 10.104286),
        ("line3.waste", Item.ALTERNATIVE_FUEL, Method.WASTE_CARBON, 104.5),
        ("line3.waste", Item.BIOGENIC, Method.WASTE_CARBON, 156.75),
        ("line3.dust", Item.PROCESS_CARBONATE, Method.PARTLY_CALCINED_DUST, 17.6),
        ("line1.dust", Item.PROCESS_CARBONATE, Method.CLINKER_OXIDES, 300 * (0.652 * 44 / 56 + 0.022 * 1.1)),
        ("line1.steel_slag", Item.PROCESS_CARBONATE, Method.CLINKER_OXIDES, -(760 * 44 / 56 + 114 * 1.1)),
        ("line1.carbide_slag", Item.PROCESS_CARBONATE, Method.CLINKER_OXIDES, -1287 * 44 / 56),
    ],
)
def test_each_stream_has_its_row_by_its_formula(
    month: Month, stream: str, item: Item, method: Method, tonnes: float
) -> None:
    found = month.tonnes(stream=stream, item=item, method=method, ruleset=A, boundary=Boundary.CLINKER)
    assert found == close(tonnes)


def test_the_month_of_clinker_closes_with_its_factor_as_a_revision(month: Month) -> None:
    """110 160 t by stocktake over 108 000 t of the scale: k = 1.02, shown in the ledger; hours add up to 110 160 t."""
    (k,) = month.ledger.entries(parameter="closing_factor")
    assert k.value == pytest.approx(1.02, rel=1e-11)
    rows = month.store.read("whole_derived", "activity", where={"stream": ["line1.clinker"]}).to_pylist()
    assert sum(row["amount_t"] for row in rows) == pytest.approx(110_160, rel=1e-11)
    history = month.store.read("whole_derived", "emission_history", where={"stream": ["line1.clinker"]}).to_pylist()
    assert {(row["revision"], row["reason"]) for row in history} == {("1", "first"), ("2", "laboratory")}


def test_stopped_hours_are_zero_and_nothing_is_substituted_for_them(month: Month) -> None:
    stopped = {START + 3_600_000 * hour for hour in STOPPED}
    for stream in ("line1.clinker", "line1.stack"):
        rows = [row for row in month.rows if row["stream"] == stream and row["time"] in stopped]
        assert rows and {row["co2_t"] for row in rows} == {0.0} and {row["substituted"] for row in rows} == {0.0}


def test_waste_heat_power_has_hours_and_no_tonnes(month: Month) -> None:
    rows = month.store.read("whole_derived", "activity", where={"stream": ["site.waste_heat"]}).to_pylist()
    assert sum(row["electricity_mwh"] for row in rows) == pytest.approx(3300)
    assert not [row for row in month.rows if row["stream"] == "site.waste_heat"]


def test_the_stack_agrees_with_all_carbon_of_the_kiln(month: Month) -> None:
    """94 028.502857 / 91 727.687598 - 1 = 0.025083 (the page, section 8); without the biogenic part a warning."""
    scope = rulesets.load()[A].flue_gas_scope
    calculated = sum(month.tonnes(line="line1", boundary=Boundary.CLINKER, ruleset=A, item=item) for item in scope)
    assert calculated == by_hand("91727.687598")
    measured = month.tonnes(item=Item.FLUE_GAS, ruleset=A, boundary=Boundary.CLINKER)
    assert measured / calculated - 1 == by_hand("0.025083")


def test_the_file_exercises_every_kind_of_stream_that_has_a_formula_and_every_method(month: Month) -> None:
    assert {stream.kind for stream in month.plant.streams} >= set(FORMULAS) | {StreamKind.ELECTRICITY_WASTE_HEAT}
    assert {row["method"] for row in month.rows} == set(Method) - {Method.MONTH_FLOOR}  # the floor: test_month_floor
    assert {row["item"] for row in month.rows} == set(Item)
    assert {line.clinker_kind for line in month.plant.lines} == {
        "portland",
        "white_portland",
        "sulfoaluminate",
        "aluminate",
    }


def test_a_second_run_changes_nothing(month: Month) -> None:
    again = month.jobs.recompute(START, END)
    assert (again.activity_rows, again.emission_rows) == (0, 0)


def test_the_report_of_the_month_has_its_totals_and_a_budget_of_every_one(month: Month) -> None:
    """The same totals by the report's own sums; each has an expanded uncertainty, a few percent of a full plant."""
    found = summarise(month.store, month.plant, start_ms=START, end_ms=END, ledger=month.ledger)
    totals = {(row.boundary, row.ruleset): row for row in found.totals}
    assert totals[Boundary.ENTERPRISE, A].co2_t == pytest.approx(101_178.773625, abs=1e-4)
    assert totals[Boundary.ENTERPRISE, B].co2_t == pytest.approx(95_831.401066, abs=1e-4)
    assert all(row.u_rel is not None and 0.001 < row.u_rel < 0.1 for row in totals.values())
