"""The model's own laws: mass, heat, carbon and power balance at every step (issue 3 item 4)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.simulator.process import simulate
from services.simulator.scenario import DAY_MS, Scenario
from services.simulator.signals import Model, model
from tanji.plant.load import load

DEMO = Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml"
START = 1_772_323_200_000  # 2026-03-01T00:00Z
MONTH = 31 * 1440
SCENARIO = Scenario(seed=7, start_ms=START, end_ms=START + 31 * DAY_MS)


@pytest.fixture(scope="module")
def found() -> Model:
    return model(load(DEMO), SCENARIO, minutes=MONTH)


def total(rate: np.ndarray) -> float:
    return float((rate[1:] + rate[:-1]).sum() / 120)


def test_mass_balance_closes_at_every_step(found: Model) -> None:
    process, made_of = found.process, found.process.composition
    carbonate = process.clinker * (made_of.clinker_cao * 44 / 56 + made_of.clinker_mgo * 44 / 40)
    meal = process.raw_meal_dry
    out = process.clinker + carbonate + meal * (SCENARIO.nature.meal_water + made_of.meal_organic_carbon)
    np.testing.assert_allclose(meal + process.coal_ash, out, rtol=1e-12, atol=1e-9)
    assert (meal >= 0).all()


def test_heat_of_all_fuels_is_the_heat_the_kiln_takes(found: Model) -> None:
    process, made_of = found.process, found.process.composition
    burnt = (process.kiln_coal + process.calciner_coal) * made_of.coal_calorific_value
    burnt += process.waste * made_of.waste_calorific_value + process.cloth * made_of.cloth_calorific_value
    burnt += process.diesel * 42.652
    np.testing.assert_allclose(burnt, process.heat, rtol=1e-12, atol=1e-9)
    assert (process.kiln_coal >= 0).all() and (process.calciner_coal >= 0).all()


def test_stack_co2_is_the_sum_of_its_sources(found: Model) -> None:
    process, made_of = found.process, found.process.composition
    coal = process.coal_heat * 0.02618 * 0.99 * 44 / 12
    diesel = process.diesel * 42.652 * 0.0202 * 0.98 * 44 / 12
    waste = process.waste_heat * (made_of.waste_fossil_energy * 0.0917 + (1 - made_of.waste_fossil_energy) * 0.1)
    cloth = process.cloth_heat * 0.0917
    stone = process.clinker * (made_of.clinker_cao * 44 / 56 + made_of.clinker_mgo * 1.1)
    organic = process.raw_meal_dry * made_of.meal_organic_carbon * 44 / 12
    np.testing.assert_allclose(process.co2, coal + diesel + waste + cloth + stone + organic, rtol=1e-9, atol=1e-12)


def test_hj75_formulas_on_error_free_gas_give_the_co2_that_left(found: Model) -> None:
    """Qs = 3600 F Kv V; Qsn = Qs 273/(273+t) P/101325 (1-X); G = co2 Qsn 44/22.4 1e-3 (standard.md 11.1, R25)."""
    gas = found.gas
    actual = 3600 * 12.57 * 0.98 * gas.velocity
    standard_dry = actual * 273 / (273 + gas.temperature) * gas.pressure / 101_325 * (1 - gas.humidity)
    np.testing.assert_allclose(gas.co2 * standard_dry * 44 / 22.4 * 1e-3, found.process.co2, rtol=1e-9, atol=1e-12)


def test_gas_of_a_fed_kiln_looks_like_a_kiln_s(found: Model) -> None:
    """Soft ranges of standard.md section 14.5."""
    gas, at_work = found.gas, found.process.feed.load > 0.9
    assert 0.15 < gas.co2[at_work].min() and gas.co2[at_work].max() < 0.35
    assert 0.03 < gas.humidity[at_work].min() and gas.humidity[at_work].max() < 0.20
    assert 60 < gas.temperature[at_work].min() and gas.temperature[at_work].max() < 150
    assert 1400 < total(gas.dry_flow * at_work) / total(found.process.clinker * at_work) < 2300


def test_month_looks_like_a_5000_tonne_line_s(found: Model) -> None:
    """Soft ranges of standard.md section 14.5, and what the issue asks of the sample plant."""
    process, power = found.process, found.power
    clinker = total(process.clinker)
    assert 130_000 < clinker < 170_000
    assert 2.9 < total(process.heat) / clinker < 3.3
    assert 1.50 < total(process.raw_meal_dry) / clinker < 1.65
    assert 45 < 1000 * total(power.raw_mill + power.kiln_line) / clinker < 75
    assert 0.06 < total(process.waste_heat + process.cloth_heat) / total(process.heat) < 0.09
    assert 0.78 < total(process.co2) / clinker < 0.88
    assert total(power.exported) > 0


def test_bought_less_sold_is_used_less_waste_heat(found: Model) -> None:
    power = found.power
    np.testing.assert_allclose(power.purchased - power.exported, power.used - power.waste_heat, rtol=1e-12, atol=1e-12)
    assert (power.purchased >= 0).all() and (power.exported >= 0).all()


def test_two_stops_each_restarted_with_diesel(found: Model) -> None:
    process = found.process
    fed = process.feeding.astype(int)
    assert (np.diff(fed) == -1).sum() == 2 and (np.diff(fed) == 1).sum() == 2
    lit = np.flatnonzero(np.diff(process.firing.astype(int)) == 1)
    assert lit.size == 2
    for step in lit:
        assert total(process.diesel[step : step + 12 * 60]) > 5


def test_nothing_flows_while_its_state_says_stopped(found: Model) -> None:
    process = found.process
    cold, unfed = ~process.firing, ~process.feeding
    for rate in (process.kiln_coal, process.calciner_coal, process.diesel, process.waste, process.cloth, process.co2):
        assert (rate[cold] == 0).all()
    assert (process.clinker[unfed] == 0).all() and (process.raw_meal_dry[unfed] == 0).all()
    assert (process.calciner_coal[unfed] == 0).all()


def test_longer_run_begins_with_the_same_figures() -> None:
    plant = load(DEMO)
    short, long = (model(plant, SCENARIO, minutes=minutes) for minutes in (3 * 1440 + 7, 5 * 1440))
    for name, (values, _) in short.known.items():
        np.testing.assert_array_equal(values, long.known[name][0][: values.size], err_msg=name)


def test_another_seed_is_another_month() -> None:
    other = Scenario(seed=8, start_ms=START, end_ms=START + DAY_MS)
    assert not np.array_equal(simulate(SCENARIO, minutes=1440).clinker, simulate(other, minutes=1440).clinker)
