"""The budget of a plant month against a Monte-Carlo simulation of its instruments, samples and factors (R37).

Errors are drawn (numpy Generator, fixed seed), the formulas of `tanji.domain` run on what the plant would then have
read, and the spread of the tonnes is compared with the analytic budget of `tanji.report.budget`, which sees nothing
but plant file, rows, ledger and factor library. As in JJF 1059.2, permissible errors are rectangles, the rest normal.

The month: two coals over one scale, with one default CC and OF, from one laboratory, sharing a sample every other
day; clinker with a noisy scale and daily CaO and MgO; power bought and sold through one meter; a stack with five
instruments.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pytest

from tanji.domain import cems, electricity, factors, fuel, process
from tanji.domain.items import Boundary, RuleSetId
from tanji.domain.uncertainty import root_of_squares
from tanji.domain.uncertainty_typical import Typical
from tanji.ledger.entries import Entry
from tanji.plant.load import parse
from tanji.plant.stack_accuracy import CONDITIONS, stack_parts
from tanji.report import figures
from tanji.report.budget import Contributions, Origins, contributions
from tanji.report.grid import Floats, Grid
from tanji.report.model import HOUR_MS

START_MS = 1_772_294_400_000
"""2026-02-28T16:00:00Z: the first of March in Shanghai."""
DAYS, HOURS = 31, 744
TRIALS, BATCH = 16_000, 400
"""The standard deviation of 16 000 draws is known to 0.56 %."""
WITHIN = 0.02
DATE = date(2026, 3, 1)
A = RuleSetId.GBT32151_8

PLANT = """
tanji: 1
site: {id: mc, name: {zh: 厂, en: plant}, region: national}
lines:
  - {id: l1, name: {zh: 线, en: line}, capacity_t_per_day: 5000,
     kiln: {id: k1, name: {zh: 窑, en: kiln}, running: k1.running}}
devices: [{id: d, name: {zh: 网关, en: gateway}, protocol: modbus_tcp, host: 127.0.0.1}]
meters:
  - {id: coal_scale, name: {zh: 秤, en: coal scale}, kind: rotor_scale, device: d, accuracy_class: "1.0"}
  - {id: clinker_scale, name: {zh: 秤, en: clinker scale}, kind: belt_scale, device: d, accuracy_class: "1.0",
     certificate: {number: a, due: "2027-01-01", expanded_uncertainty: 0.1, random_share: 0.98}}
  - {id: grid_meter, name: {zh: 表, en: meter}, kind: electricity_meter, device: d,
     certificate: {number: b, due: "2027-01-01", expanded_uncertainty: 0.04, random_share: 0.6}}
  - {id: m_co2, name: {zh: 碳, en: co2}, kind: gas_analyser, device: d, accuracy_class: "2.0"}
  - {id: m_velocity, name: {zh: 速, en: velocity}, kind: velocity_meter, device: d, accuracy_class: "3.0"}
  - {id: m_temperature, name: {zh: 温, en: temperature}, kind: temperature, device: d, accuracy_class: "4.0"}
  - {id: m_pressure, name: {zh: 压, en: pressure}, kind: pressure, device: d, accuracy_class: "1.0"}
  - {id: m_humidity, name: {zh: 湿, en: humidity}, kind: humidity, device: d, accuracy_class: "10.0"}
points:
  - {id: k1.running, name: {zh: 运, en: run}, meter: coal_scale, kind: state, unit: "1", modbus: {address: 0}}
  - {id: coal_a, name: {zh: 煤, en: a}, meter: coal_scale, kind: rate, unit: t/h, modbus: {address: 1}}
  - {id: coal_b, name: {zh: 煤, en: b}, meter: coal_scale, kind: rate, unit: t/h, modbus: {address: 2}}
  - {id: clinker, name: {zh: 料, en: c}, meter: clinker_scale, kind: rate, unit: t/h, modbus: {address: 3}}
  - {id: bought, name: {zh: 购, en: b}, meter: grid_meter, kind: rate, unit: kW, modbus: {address: 4}}
  - {id: sold, name: {zh: 售, en: s}, meter: grid_meter, kind: rate, unit: kW, modbus: {address: 5}}
  - {id: co2, name: {zh: 碳, en: co2}, meter: m_co2, kind: concentration, unit: "1", modbus: {address: 6}}
  - {id: velocity, name: {zh: 速, en: v}, meter: m_velocity, kind: condition, unit: m/s, modbus: {address: 7}}
  - {id: temperature, name: {zh: 温, en: t}, meter: m_temperature, kind: condition, unit: degC, modbus: {address: 8}}
  - {id: pressure, name: {zh: 压, en: p}, meter: m_pressure, kind: condition, unit: Pa, modbus: {address: 9}}
  - {id: humidity, name: {zh: 湿, en: x}, meter: m_humidity, kind: condition, unit: "1", modbus: {address: 10}}
streams:
  - {id: a, name: {zh: 煤, en: a}, kind: fossil_fuel, line: l1, boundaries: [clinker, enterprise],
     fuel: bituminous_coal, points: [coal_a], laboratory: [net_calorific_value]}
  - {id: b, name: {zh: 煤, en: b}, kind: fossil_fuel, line: l1, boundaries: [clinker, enterprise],
     fuel: bituminous_coal, points: [coal_b], laboratory: [net_calorific_value]}
  - {id: clinker, name: {zh: 料, en: c}, kind: clinker, line: l1, boundaries: [clinker, enterprise],
     points: [clinker], laboratory: [clinker_cao, clinker_mgo]}
  - {id: bought, name: {zh: 购, en: b}, kind: electricity_purchased, boundaries: [enterprise], points: [bought]}
  - {id: sold, name: {zh: 售, en: s}, kind: electricity_exported, boundaries: [enterprise], points: [sold]}
  - {id: stack, name: {zh: 烟, en: s}, kind: flue_gas, line: l1, boundaries: [clinker],
     flue_gas: {co2: co2, velocity: velocity, temperature: temperature, pressure: pressure, humidity: humidity,
                area_m2: 12}}
"""

DAY = np.arange(HOURS) // 24
SWING = np.sin(2 * np.pi * np.arange(HOURS) / 24)
AMOUNT = {"a": 20 + 3 * SWING, "b": 8 - 2 * SWING, "clinker": 200 + 10 * SWING, "bought": 30 + 5 * SWING,
          "sold": 12 - 2 * SWING}  # fmt: skip
"""t/h and MWh/h. The coals see different days of the laboratory; the meter sells two fifths of what it buys."""
NCV = {"a": 22.5 + 0.5 * np.sin(DAY), "b": 24.0 + 0.5 * np.cos(DAY)}
CAO, MGO = 0.652 + 0.002 * np.sin(DAY), 0.021 + 0.001 * np.cos(DAY)
GAS = {"co2": 0.20 + 0.02 * SWING, "velocity": 14 + SWING, "temperature": 110 + 20 * SWING,
       "pressure": np.full(HOURS, 1e5), "humidity": 0.12 + 0.03 * SWING}  # fmt: skip
CC, OF, GRID = 0.0261, 0.99, 0.5306
"""Records of the library for the day; the test below says so."""


def tonnes(
    amount: dict[str, Floats],
    *,
    heat: dict[str, Floats],
    cao: Floats,
    mgo: Floats,
    cc: Floats,
    of: Floats,
    grid: Floats,
) -> dict[str, Floats]:
    """The month by the formulas, by stream: hours last, trials before them. [tCO2]"""
    coal = {
        name: fuel.heat_content_emission(
            amount[name], net_calorific_value=heat[name], carbon_per_energy=cc, oxidation_fraction=of
        )
        for name in ("a", "b")
    }
    factor = process.clinker_oxide_factor(clinker_cao=cao, clinker_mgo=mgo)
    return {
        **coal,
        "clinker": amount["clinker"] * factor,
        "bought": electricity.information_emission(amount["bought"], grid_factor=grid),
        "sold": -electricity.information_emission(amount["sold"], grid_factor=grid),
    }


def stack_tonnes(gas: dict[str, Floats], area: Floats | float) -> Floats:
    """CO2 of the stack by hour. [tCO2]"""
    flow = cems.standard_flow(
        gas["velocity"], area=area, temperature=gas["temperature"], pressure=gas["pressure"],
        humidity=gas["humidity"], basis="dry",
    )  # fmt: skip
    return np.asarray(cems.co2_mass_rate(gas["co2"], standard_flow=flow))


def right() -> dict[str, Floats]:
    one = np.ones(HOURS)
    return tonnes(AMOUNT, heat=NCV, cao=CAO, mgo=MGO, cc=CC * one, of=OF * one, grid=GRID * one)


def entries() -> tuple[Entry, ...]:
    """One result a day; on even days both coals came from one sample."""
    found = []
    for day in range(DAYS):
        start_ms = START_MS + day * 24 * HOUR_MS
        period = start_ms, start_ms + 24 * HOUR_MS
        for name in ("a", "b"):
            sample = f"coal {day}" if day % 2 == 0 else f"coal {name} {day}"
            value = float(NCV[name][24 * day])
            found.append(Entry(sample, name, "net_calorific_value", value, "GJ/t", *period, laboratory="lab"))
        for parameter, values in (("clinker_cao", CAO), ("clinker_mgo", MGO)):
            value = float(values[24 * day])
            found.append(Entry(f"clinker {day}", "clinker", parameter, value, "t/t", *period, laboratory="lab"))
    return tuple(found)


@dataclass(frozen=True)
class Case:
    """The rows of the month and their budget."""

    emission: Grid
    parts: Contributions

    def u(self, *streams: str) -> float:
        chosen = self.emission.select(stream=streams)
        return self.parts.of(chosen).standard_uncertainty


@pytest.fixture(scope="module")
def case() -> Case:
    plant = parse(PLANT)
    gas = plant.streams_by_id["stack"].flue_gas
    assert gas is not None
    typical = Typical(factors.load(), A, DATE)
    parts = stack_parts(plant, gas, GAS, typical=typical)
    of_stack = np.asarray(root_of_squares(*(part.weight * part.u_rel for part in parts)), np.float64)
    named = {"a": ("fossil_fuel", "heat_content"), "b": ("fossil_fuel", "heat_content"),
             "clinker": ("process_carbonate", "clinker_oxides"), "bought": ("net_electricity", "grid_factor"),
             "sold": ("net_electricity", "grid_factor"), "stack": ("flue_gas", "flue_gas_direct")}  # fmt: skip
    rows = {**right(), "stack": stack_tonnes(GAS, 12.0)}
    keys = tuple((str(Boundary.ENTERPRISE), str(A), item, method, "l1", name) for name, (item, method) in named.items())
    u_rel = [of_stack if name == "stack" else np.zeros(HOURS) for name in named]
    fields = {"co2_t": np.array([rows[name] for name in named]), "u_rel": np.array(u_rel)}
    emission = Grid(figures.EMISSION_TAGS, keys, fields, HOURS)
    means = {role: float(np.mean(GAS[role])) for role in CONDITIONS}
    origins = Origins(factors.load(), entries(), means)
    return Case(emission, contributions(emission, plant, origins, start_ms=START_MS))


def simulated() -> dict[str, Floats]:
    """Tonnes of the month of every stream in every trial."""
    rng = np.random.default_rng(20_260_301)
    even = DAY % 2 == 0
    found: dict[str, list[Floats]] = {name: [] for name in (*AMOUNT, "stack")}
    for _ in range(TRIALS // BATCH):

        def normal(u_rel: float, *, per: int = 1) -> Floats:
            return u_rel * rng.standard_normal((BATCH, per))

        def rectangle(permissible: float) -> Floats:
            return rng.uniform(-permissible, permissible, (BATCH, 1))

        scale, registers = rectangle(0.01), normal(0.02 * 0.8)
        clinker = 1 + normal(0.05 * (1 - 0.98**2) ** 0.5) + normal(0.05 * 0.98, per=HOURS)
        amount = {
            "a": AMOUNT["a"] * (1 + scale),
            "b": AMOUNT["b"] * (1 + scale),
            "clinker": AMOUNT["clinker"] * clinker,
            "bought": AMOUNT["bought"] * (1 + registers + normal(0.02 * 0.6, per=HOURS)),
            "sold": AMOUNT["sold"] * (1 + registers + normal(0.02 * 0.6, per=HOURS)),
        }
        calorimeter, both = normal(0.008), normal(0.006, per=DAYS)
        own = {name: normal(0.006, per=DAYS) for name in ("a", "b")}
        heat = {
            name: NCV[name] * (1 + calorimeter + np.where(even, both[:, DAY], own[name][:, DAY])) for name in ("a", "b")
        }
        made = tonnes(
            amount,
            heat=heat,
            cao=CAO * (1 + normal(0.008) + normal(0.006, per=DAYS)[:, DAY]),
            mgo=MGO * (1 + normal(0.04) + normal(0.03, per=DAYS)[:, DAY]),
            cc=CC * (1 + normal(0.025)) * (1 + normal(0.01)),  # that of OF rides on CC: no formula takes an OF above 1
            of=OF * np.ones((BATCH, 1)),
            grid=GRID * (1 + normal(0.03)),
        )
        classes = {"co2": 0.02, "velocity": 0.03, "temperature": 0.04, "pressure": 0.01, "humidity": 0.1}
        gas = {role: GAS[role] * (1 + rectangle(permissible)) for role, permissible in classes.items()}
        made["stack"] = stack_tonnes(gas, 12.0 * (1 + normal(0.01)))
        for name, values in made.items():
            found[name].append(values.sum(axis=1))
    return {name: np.concatenate(values) for name, values in found.items()}


@pytest.fixture(scope="module")
def trials() -> dict[str, Floats]:
    return simulated()


def spread(trials: dict[str, Floats], *streams: str) -> float:
    return float(np.std(sum(trials[name] for name in streams), ddof=1))


@pytest.mark.parametrize(
    "streams",
    [("a",), ("b",), ("a", "b"), ("clinker",), ("bought", "sold"), ("stack",), ("a", "b", "clinker"),
     ("a", "b", "clinker", "bought", "sold")],
    ids="+".join,
)  # fmt: skip
def test_the_budget_agrees_with_the_simulation_within_two_percent(
    case: Case, trials: dict[str, Floats], streams: tuple[str, ...]
) -> None:
    assert case.u(*streams) == pytest.approx(spread(trials, *streams), rel=WITHIN)


def test_without_the_correlations_the_budget_would_miss_the_simulation(case: Case, trials: dict[str, Floats]) -> None:
    coals = spread(trials, "a", "b")
    assert np.hypot(case.u("a"), case.u("b")) < 0.8 * coals  # what is shared between the coals, in quadrature
    power = spread(trials, "bought", "sold")
    assert np.hypot(case.u("bought"), case.u("sold")) > 1.5 * power  # one meter and one factor for both directions


def test_the_constants_of_this_month_are_the_records_in_force() -> None:
    for quantity, applies_to, value in (
        ("carbon_per_energy", "bituminous_coal", CC),
        ("oxidation_fraction", "bituminous_coal", OF),
        ("grid_factor", "national", GRID),
    ):
        record = factors.load().find(quantity, applies_to=applies_to, ruleset=A, on=DATE)
        assert record.value == value
