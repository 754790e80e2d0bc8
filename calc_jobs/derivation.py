"""A figure of an hour worked once more by the catalogue of formulas, with its numbers written out (R3, R58).

The jobs compute arrays with the functions of `tanji.domain`; here the same hour goes through `tanji compute`'s door,
step by step, so that anyone can follow it with a pocket calculator. A result that differs from the job's is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tanji.domain import catalogue
from tanji.domain.calculator import calculate
from tanji.domain.items import Item, Method, RuleSetId, StreamKind
from tanji.errors import InputError
from tanji.plant.model import Stream

AGREEMENT = 1e-9
"""Relative difference up to which job and catalogue say the same."""
MINUTES_PER_HOUR = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """One formula with its numbers. `value` is None where it could not be worked; then `lines` say why."""

    formula: str
    title_zh: str
    title_en: str
    lines: tuple[str, ...]
    value: float | None
    unit: str
    clause: str


@dataclass(frozen=True, slots=True)
class Case:
    """What the steps of one figure start from: the stream, its amount in the hour, and parameters by name.

    gas : whether the amount is in 10^4 Nm3. clinker_kind, meal_clinker_ratio : of the line and its clinker.
    """

    stream: Stream
    item: Item
    method: Method
    ruleset: RuleSetId
    amount: float
    running_h: float
    values: Mapping[str, float]
    gas: bool
    clinker_kind: str
    meal_clinker_ratio: float | None


def worked(case: Case) -> tuple[tuple[Step, ...], float | None]:
    """The steps of a figure, and what they come to [tCO2]; None where a step could not be worked."""
    steps, value = _METHODS[case.method](case)
    return tuple(steps), value


def agrees(worked_out: float | None, stored: float | None) -> bool:
    """Whether the steps come to the stored figure; no value is the same as none."""
    if worked_out is None or stored is None:
        return worked_out is stored
    return abs(worked_out - stored) <= AGREEMENT * max(abs(stored), 1e-9)


Worked = tuple[list[Step], float | None]


def _step(formula: str, **inputs: Any) -> Step:
    record = catalogue.load()[formula]
    names = {"title_zh": record.title_zh, "title_en": record.title_en, "clause": record.clause}
    try:
        answer = calculate(record, inputs)
    except InputError as error:
        return Step(formula, lines=(record.printed, str(error)), value=None, unit=record.unit, **names)
    value = answer.value if isinstance(answer.value, float) else None
    return Step(formula, lines=tuple(answer.derivation.split("\n")), value=value, unit=answer.unit, **names)


def _signed(sign: float, *steps: Step) -> Worked:
    last = steps[-1].value
    return list(steps), None if last is None else sign * last


def _given(case: Case, *names: str) -> dict[str, float]:
    return {name: case.values[name] for name in names if name in case.values}


def _fuel_mass(case: Case) -> dict[str, Any]:
    return {"fuel_amount": {"value": case.amount, "unit": "1e4Nm3"} if case.gas else case.amount}


def _heat_content(case: Case) -> Worked:
    given: dict[str, Any] = _given(case, "net_calorific_value", "carbon_per_energy", "oxidation_fraction")
    if case.gas and "net_calorific_value" in given:
        given["net_calorific_value"] = {"value": given["net_calorific_value"], "unit": "GJ/1e4Nm3"}
    formula = "G1" if case.ruleset is RuleSetId.CETS_AG_02_01 else "F2"
    return _signed(1.0, _step(formula, **_fuel_mass(case), **given))


def _measured_carbon(case: Case) -> Worked:
    formula = "G1C" if case.ruleset is RuleSetId.CETS_AG_02_01 else "F2C"
    given = _given(case, "carbon_as_received", "oxidation_fraction")
    return _signed(1.0, _step(formula, **_fuel_mass(case), **given))


def _alternative(formula: str, memo: str) -> Callable[[Case], Worked]:
    def work(case: Case) -> Worked:
        chosen = memo if case.item is Item.BIOGENIC else formula
        given = _given(case, *(entry.name for entry in catalogue.load()[chosen].inputs))
        return _signed(1.0, _step(chosen, alternative_fuel_amount=case.amount, **given))

    return work


def _dry(case: Case) -> tuple[list[Step], float]:
    moisture = case.values.get("moisture", case.stream.moisture)
    if not moisture:
        return [], case.amount
    step = _step("DRY", wet_amount=case.amount, moisture=moisture)
    return [step], case.amount if step.value is None else step.value


def _oxides(case: Case) -> dict[str, Any]:
    given: dict[str, Any] = _given(case, "clinker_cao", "clinker_mgo")
    for oxide in ("cao", "mgo"):
        name = f"clinker_{oxide}_non_carbonate"
        of_meal = case.values.get(f"raw_meal_{oxide}_non_carbonate")
        ratio = case.meal_clinker_ratio
        other = of_meal * ratio if of_meal is not None and ratio is not None else case.values.get(name, 0.0)
        # A part larger than the whole is not used (calc_jobs.oxides).
        given[name] = other if other <= given.get(f"clinker_{oxide}", other) else 0.0
    return {**given, "clinker_kind": case.clinker_kind}


def _clinker_oxides(case: Case) -> Worked:
    kind = case.stream.kind
    if kind in (StreamKind.SUBSTITUTE_MATERIAL, StreamKind.RAW_MEAL):
        steps, dry = _dry(case)
        prefix = "material" if kind is StreamKind.SUBSTITUTE_MATERIAL else "raw_meal"
        suffix = "" if kind is StreamKind.SUBSTITUTE_MATERIAL else "_non_carbonate"
        oxides = {f"material_{oxide}": case.values.get(f"{prefix}_{oxide}{suffix}", 0.0) for oxide in ("cao", "mgo")}
        return _signed(-1.0, *steps, _step("F4D", material_amount=dry, **oxides))
    places = {StreamKind.KILN_DUST: "kiln_dust", StreamKind.BYPASS_DUST: "bypass_dust"}
    steps, dry = _dry(case) if kind in places else ([], case.amount)
    masses = {"clinker_output": 0.0, "kiln_dust": 0.0, "bypass_dust": 0.0, places.get(kind, "clinker_output"): dry}
    return _signed(1.0, *steps, _step("F4", **masses, **_oxides(case)))


def _partly_calcined(case: Case) -> Worked:
    steps, dry = _dry(case)
    factor = _step("F4E", **_oxides(case))
    steps.append(factor)
    kiln = case.stream.kind is StreamKind.KILN_DUST
    calcined = case.values.get("calcination_fraction", 1.0) if kiln else 1.0
    of_dust, of_meal = (case.values.get(f"loss_on_ignition_{name}") for name in ("dust", "raw_meal"))
    if kiln and of_dust is not None and of_meal is not None and of_dust <= of_meal:
        losses = _step("F9D", loss_on_ignition_dust=of_dust, loss_on_ignition_raw_meal=of_meal)
        steps.append(losses)
        calcined = calcined if losses.value is None else losses.value
    masses = {"kiln_dust": dry if kiln else 0.0, "bypass_dust": 0.0 if kiln else dry}
    given = {"clinker_process_factor": factor.value, "calcination_fraction": calcined}
    return _signed(1.0, *steps, _step("F9", **masses, **given))


def _organic_carbon(case: Case) -> Worked:
    given: dict[str, Any] = _given(case, "raw_meal_organic_carbon")
    if case.stream.kind is StreamKind.CLINKER:
        ratio = case.meal_clinker_ratio
        return _signed(1.0, _step("F9T", clinker_output=case.amount, meal_clinker_ratio=ratio, **given))
    steps, dry = _dry(case)
    return _signed(1.0, *steps, _step("F5", raw_meal_amount=dry, **given))


def _clinker_factor(case: Case) -> Worked:
    if case.stream.kind is StreamKind.SUBSTITUTE_MATERIAL:
        steps, dry = _dry(case)
        return _signed(-1.0, *steps, _step("G2D", substitute_amount=dry, **_given(case, "deduction_factor")))
    return _signed(1.0, _step("G2", clinker_output=case.amount, **_given(case, "clinker_process_factor")))


def _grid_factor(case: Case) -> Worked:
    if case.item is Item.CLINKER_ELECTRICITY:
        return _signed(1.0, _step("R19", electricity=case.amount, **_given(case, "grid_factor")))
    sign = 1.0 if case.stream.kind is StreamKind.ELECTRICITY_PURCHASED else -1.0
    return _signed(1.0, _step("F6", electricity=sign * case.amount, **_given(case, "grid_factor")))


def _heat_factor(case: Case) -> Worked:
    steps, heat = [], case.amount
    if case.stream.heat_carrier is not None:
        water = case.stream.heat_carrier == "hot_water"
        name = "water_temperature" if water else "steam_enthalpy"
        steps = [_step("F7W" if water else "F7S", mass=case.amount, **_given(case, name))]
        heat = heat if steps[0].value is None else steps[0].value
    sold = case.stream.kind is StreamKind.HEAT_SOLD
    both = {"heat_purchased": 0.0 if sold else heat, "heat_sold": heat if sold else 0.0}
    return _signed(1.0, *steps, _step("F7", **both, **_given(case, "heat_factor")))


def _flue_gas(case: Case) -> Worked:
    """The mean over the valid running minutes, by the time that ran."""
    if not case.running_h:
        return [], 0.0
    mean = case.amount / case.running_h
    return _signed(1.0, _step("CEMS_HOUR", co2_rate=[mean], running_minutes=case.running_h * MINUTES_PER_HOUR))


def _month_floor(case: Case) -> Worked:
    """`amount` is what the month lacked."""
    return _signed(1.0, _step("FLOOR", month_emission=-case.amount))


_METHODS: dict[Method, Callable[[Case], Worked]] = {
    Method.HEAT_CONTENT: _heat_content,
    Method.MEASURED_CARBON: _measured_carbon,
    Method.NON_BIOMASS_CARBON: _alternative("F3", "F3B"),
    Method.NON_BIOMASS_ENERGY: _alternative("F3E", "F3EB"),
    Method.WASTE_CARBON: _alternative("F3W", "F3WB"),
    Method.CLINKER_OXIDES: _clinker_oxides,
    Method.PARTLY_CALCINED_DUST: _partly_calcined,
    Method.ORGANIC_CARBON: _organic_carbon,
    Method.CLINKER_FACTOR: _clinker_factor,
    Method.MONTH_FLOOR: _month_floor,
    Method.GRID_FACTOR: _grid_factor,
    Method.HEAT_FACTOR: _heat_factor,
    Method.FLUE_GAS_DIRECT: _flue_gas,
}
