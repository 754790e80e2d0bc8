"""A stack's parts with their real weights, alone and hour by hour, and never too little (R25, R37)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tanji.domain import factors
from tanji.domain.items import RuleSetId
from tanji.domain.uncertainty import root_of_squares
from tanji.domain.uncertainty_typical import Typical
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.plant.stack_accuracy import stack_parts
from tanji.plant.streams import FlueGas

TYPICAL = Typical(factors.load(), RuleSetId.GBT32151_8, date(2026, 3, 1))
GAS = {"co2": 0.2, "velocity": 15.0, "temperature": 91.0, "pressure": 1e5, "humidity": 0.1}


@pytest.fixture(scope="module")
def plant() -> Plant:
    return load(Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml")


def stack_of(plant: Plant, **changed: object) -> FlueGas:
    found = next(stream.flue_gas for stream in plant.streams if stream.flue_gas is not None)
    return found.model_copy(update=changed)


def total(plant: Plant, gas: FlueGas, conditions: dict[str, float]) -> float:
    parts = stack_parts(plant, gas, conditions, typical=TYPICAL)
    return float(root_of_squares(*(part.weight * part.u_rel for part in parts)))


def test_the_demo_stack_by_hand(plant: Plant):
    """Percent of the reading over root(3): CO2 2, velocity 2, T 0.5, P 0.5, humidity 2.5; section 1 % as it is.

    (4 + 4 + (0.25 x 0.5)^2 + 0.5^2 + (0.1111 x 2.5)^2) / 3 + 1 = (8 + 0.015625 + 0.25 + 0.07716) / 3 + 1 = 3.780929;
    root 1.944461 %. Wet: without the humidity 3.755208, 1.937836 %. Pitot: T and P halved, (8 + 0.003906 + 0.0625 +
    0.07716) / 3 + 1 = 3.714522, 1.927310 %.
    """
    assert total(plant, stack_of(plant), GAS) == pytest.approx(0.01944461, abs=5e-9)
    assert total(plant, stack_of(plant, basis="wet"), GAS) == pytest.approx(0.01937836, abs=5e-9)
    assert total(plant, stack_of(plant, pitot=True), GAS) == pytest.approx(0.01927310, abs=5e-9)


def test_hours_come_out_as_each_would_alone(plant: Plant):
    hotter = GAS | {"temperature": 182.0, "humidity": 0.2}
    both = {role: np.array([GAS[role], hotter[role]]) for role in GAS}
    parts = stack_parts(plant, stack_of(plant), both, typical=TYPICAL)
    hours = root_of_squares(*(part.weight * part.u_rel for part in parts))
    assert hours == pytest.approx(
        [total(plant, stack_of(plant), GAS), total(plant, stack_of(plant), hotter)], rel=1e-12
    )


@pytest.mark.parametrize("wrong", [{"humidity": np.nan}, {"temperature": 900.0}, {"co2": np.nan}])
def test_an_hour_whose_conditions_nobody_knows_takes_every_class_in_full(plant: Plant, wrong: dict[str, float]):
    # by hand: (4 + 4 + 0.25 + 0.25 + 6.25) / 3 + 1 = 5.916667, root 2.432420 %; wet, without humidity: 3.833333
    assert total(plant, stack_of(plant), GAS | wrong) == pytest.approx(0.02432420, abs=5e-9)
    assert total(plant, stack_of(plant, basis="wet"), GAS | wrong) == pytest.approx(0.01957890, abs=5e-9)


def test_an_instrument_without_class_takes_the_typical_value_of_what_it_measures(plant: Plant):
    meters = tuple(meter.model_copy(update={"accuracy_class": None}) for meter in plant.meters)
    bare = Plant.model_validate({**{name: getattr(plant, name) for name in Plant.model_fields}, "meters": meters})
    parts = {part.quantity: part for part in stack_parts(bare, stack_of(bare), GAS, typical=TYPICAL)}
    assert parts["velocity"].u_rel == pytest.approx(0.05) and parts["pressure"].u_rel == pytest.approx(0.005)
    assert parts["stack_area"].u_rel == 0.01 and parts["stack_area"].meter == ""
