"""A figure explained down to readings, laboratory results and factors (issue 4 item 7), and worked once more.

Every row of a plant with every stream kind and method goes through the catalogue of formulas and has to come to the
stored figure: jobs and `tanji compute` say the same, each by its own path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from calc_jobs import derivation, explanation
from calc_jobs.explanation import Explanation
from calc_jobs.jobs import Jobs
from tanji.domain.items import Method
from tanji.ledger import Ledger
from tanji.ledger.entries import Entry, accepted_parameters, parameters
from tanji.ledger.factor_editions import library_in_force
from tanji.plant.load import load
from tanji.store.embedded import EmbeddedStore

WHOLE = Path(__file__).parents[1] / "plant" / "golden" / "good" / "whole_standard.yaml"
START, HOUR, HOURS = 1_772_323_200_000, 3_600_000, 3
STEADY = {
    "kiln1.clinker.mass": 0.0,
    "grid.power": 20_000.0,
    "stack.co2": 20.0,
    "stack.velocity": 12.0,
    "stack.temperature": 91.0,
    "stack.pressure": 101.325,
    "stack.humidity": 10.0,
}
VALUES = {
    "net_calorific_value": 22.5,
    "carbon_per_energy": 0.0254,
    "carbon_as_received": 0.84,
    "calorific_value": 10.0,
    "non_biomass_energy_fraction": 0.5,
    "non_biomass_carbon_fraction": 0.8,
    "waste_carbon_fraction": 0.25,
    "fossil_carbon_fraction": 0.4,
    "burnout_fraction": 0.95,
    "clinker_cao": 0.65,
    "clinker_mgo": 0.02,
    "clinker_cao_non_carbonate": 0.02,
    "clinker_mgo_non_carbonate": 0.005,
    "raw_meal_organic_carbon": 0.002,
    "raw_meal_cao_non_carbonate": 0.02,
    "moisture": 0.05,
    "material_cao": 0.4,
    "material_mgo": 0.06,
    "loss_on_ignition_dust": 0.2,
    "loss_on_ignition_raw_meal": 0.36,
    "water_temperature": 70.0,
    "steam_enthalpy": 2783.74,
}
STOCK = {"purchase_amount": 60.0, "opening_stock": 10.0, "closing_stock": 10.0, "sold_amount": 0.0}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Explanation, ...]]:
    """Every figure of an hour of the plant with every stream kind, explained."""
    plant, folder = load(WHOLE), tmp_path_factory.mktemp("whole")
    store, ledger = EmbeddedStore(folder / "tsdb.duckdb"), Ledger(folder / "ledger.sqlite")
    times = START + 600_000 * np.arange(HOURS * 6 + 1)
    for number, point in enumerate(point.id for point in plant.points):
        values = np.full(times.size, STEADY.get(point, 1.0)) + 1e-4 * (-1.0) ** np.arange(times.size) * (number > 4)
        if point == "kiln1.clinker.mass":
            values = 350.0 * np.arange(times.size)
        rows = {"time": times, "plant": ["whole"] * times.size, "point": [point] * times.size, "value": values}
        store.write("whole_raw", "reading", pa.table(rows | {"quality": np.zeros(times.size, np.int64)}))
    hours = START + HOUR * np.arange(HOURS)
    arrival = {"time": hours, "plant": ["whole"] * HOURS, "hour_ms": hours, "count": [6] * HOURS}
    store.write("whole_raw", "arrival", pa.table(arrival))
    ledger.enter([entry for stream in plant.streams for entry in entries(stream)], recorded_at_ms=START)
    Jobs(plant, store=store, ledger=ledger, clock=lambda: START + (HOURS + 1) * HOUR).run_once()
    rows = explanation.find(plant, store, hour_ms=START + HOUR, where={})
    yield explanation.explain(plant, store, ledger, library_in_force(ledger), rows=rows)
    ledger.close()
    store.close()


def entries(stream) -> Iterator[Entry]:
    """Plausible values for all that the ledger takes of a stream; a clinker stocktake is left out: no closing."""
    gas = stream.fuel == "natural_gas"
    for name in accepted_parameters(stream):
        if name == "amount":
            value, units = (90_000.0 if gas else 30.0), parameters()[name].units
            unit = "Nm3" if gas else {"e": "MWh", "h": "GJ"}.get(stream.kind.value[0], "t")
            unit = "t" if stream.heat_carrier or stream.kind.value == "captive_power" else unit
            assert unit in units
        elif name in STOCK or name in VALUES:
            value, unit = {**STOCK, **VALUES}[name], parameters()[name].units[-1 if gas and "value" in name else 0]
            value = 389.31 if unit == "GJ/1e4Nm3" else value
        else:
            continue
        yield Entry(f"{stream.id}-{name}", stream.id, name, value, unit, START, START + HOURS * HOUR)


def test_every_figure_of_every_kind_comes_out_again_by_the_catalogue(whole: tuple[Explanation, ...]) -> None:
    wrong = {tuple(one.tags.values()): (one.figure["co2_t"], one.repeated) for one in whole if not one.agrees}
    assert not wrong
    methods = {one.tags["method"] for one in whole if one.steps}
    assert methods == {method.value for method in Method} - {"month_floor"}


def test_every_factor_is_told_with_source_and_mark_and_whether_anybody_verified_it(whole) -> None:
    factors = [factor for one in whole for factor in one.factors]
    assert factors and all(factor.source and factor.confidence in "TCMU" and factor.unit for factor in factors)
    assert not any(factor.verified for factor in factors)
    electricity = next(one for one in whole if one.tags["stream"] == "site.grid")
    assert {factor.quantity for factor in electricity.factors} == {"grid_factor"}


def test_what_the_laboratory_measured_is_told_and_no_default_beside_it(whole) -> None:
    coke = next(one for one in whole if one.tags["stream"] == "line2.coke" and one.tags["method"] == "measured_carbon")
    (result,) = (one for one in coke.laboratory if one.parameter == "carbon_as_received")
    assert (result.sample_id, result.value, result.accepted) == ("line2.coke-carbon_as_received", 0.84, True)
    carbon = next(one for one in coke.parameters if one.quantity == "carbon_as_received")
    assert (carbon.value, carbon.origin) == (0.84, "laboratory")


def test_counted_memo_and_information_items_are_told_apart(whole) -> None:
    told = {(one.tags["item"], one.tags["boundary"], one.tags["ruleset"]): one.verdict for one in whole}
    assert told["fossil_fuel", "clinker", "cets_ag_02_01"] == "counted"
    assert told["alternative_fuel", "clinker", "cets_ag_02_01"] == "information"
    assert told["alternative_fuel", "clinker", "gbt32151_8"] == "counted"
    assert told["biogenic", "enterprise", "gbt32151_8"] == "memo"


def explained(rig, **where: str) -> tuple[Explanation, ...]:
    rows = explanation.find(rig.plant, rig.store, hour_ms=START, where=where)
    return explanation.explain(rig.plant, rig.store, rig.ledger, library_in_force(rig.ledger), rows=rows)


COAL = {"stream": "coal", "ruleset": "cets_ag_02_01", "boundary": "clinker"}


def test_a_coal_figure_down_to_its_readings(rig) -> None:
    rig.normal(1)
    rig.put("coal", [900.0], at_min=30)  # outside the range of the scale
    rig.enter(23.4, from_h=0, to_h=1, basis="as_received", laboratory="CMA 01", method="GB/T 213")
    rig.run(after_h=1)
    (found,) = explained(rig, **COAL)
    # by hand: 20 t x 23.4 GJ/t x 0.02618 tC/GJ x 0.99 x 44/12 = 44.47563 t; the outlier's minute taken as the others
    assert found.figure["co2_t"] == pytest.approx(20 * 23.4 * 0.02618 * 0.99 * 44 / 12, rel=1e-4)
    assert found.agrees and found.steps[0].formula == "G1" and "44/12" in found.steps[0].lines[1]
    scale, gate = found.points
    assert (scale.point, scale.role, scale.count, scale.usable, scale.flags["RANGE"]) == ("coal", "amount", 60, 59, 1)
    assert scale.first == (START, 20.01) and scale.last == (START + 59 * 60_000, 19.99)
    assert scale.mean == pytest.approx(20.0, abs=1e-3)
    assert (scale.instrument.accuracy_class, scale.instrument.permissible_error) == ("0.5", 0.005)
    assert (gate.point, gate.role) == ("k1.running", "running")
    (result,) = found.laboratory
    assert (result.sample_id, result.laboratory, result.basis) == ("S", "CMA 01", "as_received")
    assert [version.reason for version in found.revisions] == ["first"]


def test_a_substitute_is_told_with_its_rule(rig) -> None:
    rig.normal(1)
    rig.run(after_h=1)
    (found,) = explained(rig, **COAL)
    heat = next(one for one in found.parameters if one.quantity == "net_calorific_value")
    assert (heat.origin, heat.value) == ("substituted", 23.076)  # appendix A of the guide
    assert "net_calorific_value: reference_value" in found.figure["rule"]
    assert "net_calorific_value" in {factor.quantity for factor in found.factors}


def test_a_value_outside_its_usual_range_is_named(rig) -> None:
    rig.normal(1)
    rig.enter(29.0, from_h=0, to_h=1, basis="as_received")  # usually 18 to 27 GJ/t
    rig.run(after_h=1)
    (found,) = explained(rig, **COAL)
    (odd,) = (one for one in found.parameters if one.usual)
    assert odd.quantity == "net_calorific_value" and "18 to 27" in odd.usual and found.figure["warnings"] == 1


def test_data_that_came_since_are_said_to_differ(rig) -> None:
    rig.normal(1)
    rig.enter(23.4, from_h=0, to_h=1, basis="as_received")
    rig.run(after_h=1)
    rig.enter(24.0, from_h=0, to_h=1, basis="as_received")
    (found,) = explained(rig, **COAL)
    assert not found.agrees
    assert found.repeated == pytest.approx(found.figure["co2_t"] * 24.0 / 23.4, rel=1e-9)
    rig.run()
    (found,) = explained(rig, **COAL)
    assert found.agrees and [version.reason for version in found.revisions] == ["first", "laboratory"]


def test_explaining_writes_nothing(rig) -> None:
    rig.normal(2)
    rig.run(after_h=2)
    before = rig.everything()
    assert explained(rig)
    assert rig.everything() == before


def test_a_missing_input_stops_the_calculation_and_says_which() -> None:
    case = derivation.Case(
        stream=load(WHOLE).streams_by_id["line1.coal"],
        item="fossil_fuel",
        method=Method.HEAT_CONTENT,
        ruleset="gbt32151_8",
        amount=10.0,
        running_h=1.0,
        values={"carbon_per_energy": 0.0261, "oxidation_fraction": 0.99},
        gas=False,
        clinker_kind="portland",
        meal_clinker_ratio=None,
    )
    steps, value = derivation.worked(case)
    assert value is None and "net_calorific_value" in steps[-1].lines[-1]
    whole, value = derivation.worked(replace(case, values={**case.values, "net_calorific_value": 22.5}))
    # by hand: 10 x 22.5 x 0.0261 x 0.99 x 44/12 = 21.317175 t
    assert value == pytest.approx(21.317175, abs=1e-5) and whole[0].formula == "F2"
