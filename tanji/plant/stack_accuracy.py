"""What the uncertainty of a stack measurement is made of: instruments and section, with their real weights (R25, R37).

The weights are those of standard.md section 13, last form, at the conditions of the gas; what an instrument is worth is
`tanji.plant.instruments`. Who adds the parts up: the hourly job for an hour, `tanji.report.budget` for a period.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tanji.domain import uncertainty
from tanji.domain.limits import Quantity, within
from tanji.domain.uncertainty_typical import Typical
from tanji.plant.instruments import Accuracy, accuracy
from tanji.plant.model import Plant
from tanji.plant.streams import FlueGas

CONDITIONS: Mapping[str, str] = {
    "co2": "co2_fraction",
    "velocity": "velocity",
    "temperature": "temperature",
    "pressure": "pressure",
    "humidity": "humidity",
}
"""What is measured in a stack: the key of the plant file, and the name of the quantity."""
AREA = "stack_area"
"""The section of the stack: measured once, with a tape."""


@dataclass(frozen=True, slots=True)
class StackPart:
    """One part of a stack's uncertainty.

    quantity, meter : what it measures, and the instrument; empty for the section.
    weight : relative change of the tonnes per relative change of the quantity. [1]
    accuracy : of the instrument; `u_rel` is what it comes to at this reading, relative. [1]
    """

    quantity: str
    meter: str
    weight: Quantity
    accuracy: Accuracy
    u_rel: Quantity


def stack_parts(
    plant: Plant, gas: FlueGas, conditions: Mapping[str, Quantity], *, typical: Typical
) -> tuple[StackPart, ...]:
    """Every part of a stack's uncertainty at the conditions of its gas, alone or hour by hour.

    conditions : `co2`, `velocity`, `temperature`, `pressure`, `humidity` in the units used inside the code; where one
        is missing or no formula would take it, every part has weight 1 and its plain class: never too little.
    """
    there = np.isfinite(np.asarray(conditions["co2"])) & np.isfinite(np.asarray(conditions["velocity"]))
    for role in ("temperature", "pressure", "humidity"):
        there = there & within(role, conditions[role])
    at = {role: np.where(there, conditions[role], 0.0) for role in CONDITIONS}
    weights = uncertainty.flue_gas_weights(
        temperature=at["temperature"], humidity=at["humidity"], basis=gas.basis, pitot=gas.pitot
    )
    wet = {"humidity": 0.0} if gas.basis == "wet" else {}  # there is no such term, whatever the conditions
    weight_of = {"temperature": weights.temperature, "pressure": weights.pressure, "humidity": weights.humidity} | wet
    parts = []
    for role, quantity in CONDITIONS.items():
        meter = plant.points_by_id[getattr(gas, role)].meter
        known = accuracy(plant.meters_by_id[meter], typical=typical.total(quantity, origin="meter"))
        weight = np.where(there, weight_of.get(role, 1.0), wet.get(role, 1.0))
        parts.append(StackPart(quantity, meter, weight, known, known.at(at[role])))
    area = typical.total(AREA, origin="entry")
    return (*parts, StackPart(AREA, "", 1.0, Accuracy(area, 0.0), area))
