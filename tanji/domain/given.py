"""Inputs of a calculation as somebody wrote them: names resolved, values checked, units converted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tanji.domain.catalogue import Formula, Input
from tanji.domain.unit_expressions import read_unit
from tanji.domain.unit_systems import choose
from tanji.errors import Fault, InputError

NEVER_NEGATIVE = frozenset(
    "mass heat electricity volume normal_volume CO2 C time area length fraction mass/mass C/mass".split()
)
"""Dimensions of amounts and shares, which have no meaning below zero unless the input says so."""


@dataclass(frozen=True, slots=True)
class Given:
    """One input: as written, and in the unit the formula takes it in.

    own : value in `unit`; a tuple where a list was given.
    per_case : whether the list is one value for each of several cases, and not one value of many parts.
    """

    input: Input
    own: Any
    unit: str
    texts: tuple[str, ...]
    per_case: bool

    def written(self, index: int | None = None) -> str:
        """Value and unit as somebody wrote them."""
        return ", ".join(self.texts) if index is None else self.texts[index]


@dataclass(frozen=True, slots=True)
class _Raw:
    """Values of one input as written, not yet converted."""

    input: Input
    values: tuple[Any, ...]
    units: tuple[str | None, ...]
    listed: bool


def given_inputs(formula: Formula, inputs: Mapping[str, Any]) -> tuple[dict[str, Given], Mapping[str, str]]:
    """Given inputs under their names in code, and the system of units they are in; InputError names every wrong one."""
    faults: list[Fault] = []
    raw: dict[str, _Raw] = {}
    for key, value in inputs.items():
        try:
            entry = _resolve(formula, key, raw)
            raw[entry.name] = _read(entry, value)
        except InputError as err:
            faults += err.faults
    named = {fault.field for fault in faults}
    for entry in formula.inputs:
        if entry.required and entry.name not in raw and entry.label not in named:
            faults.append(Fault(entry.label, f"a value{_in(entry)}", "none"))
    if faults:
        raise InputError(tuple(faults))
    units = {name: entry.units for name, entry in raw.items() if entry.input.kind not in ("text", "flag")}
    system = choose(formula, units)
    given = {name: _convert(entry, system[name]) for name, entry in raw.items()}
    return given, system


def _in(entry: Input) -> str:
    return "" if entry.unit in ("", "1") else f" in {entry.unit}" if entry.unit != "any" else ""


def _resolve(formula: Formula, key: str, known: Mapping[str, _Raw]) -> Input:
    entry = formula.input(key)
    if entry is None:
        inputs = ", ".join(entry.label for entry in formula.inputs)
        raise InputError((Fault(key, f"one of the inputs of {formula.id}: {inputs}", "an unknown name"),))
    if entry.name in known:
        raise InputError((Fault(entry.label, "one value", f"another one under the name {key}"),))
    return entry


def _read(entry: Input, value: Any) -> _Raw:
    """Values and units of one input, checked for what no formula needs to see."""
    unit: str | None = None
    if isinstance(value, Mapping):
        value, unit = _value_and_unit(entry, value)
    if entry.kind in ("text", "flag"):
        return _Raw(entry, (_word(entry, value, unit),), (None,), False)
    listed = isinstance(value, list | tuple)
    parts: Iterable[Any] = value if listed else (value,)
    values, units = [], []
    for part in parts:
        own = unit
        if isinstance(part, Mapping):
            part, more = _value_and_unit(entry, part)
            own = more or unit
        values.append(_number(entry, part))
        units.append(own)
    if not values:
        raise InputError((Fault(entry.label, "at least one number", "an empty list"),))
    for own in filter(None, units):
        try:
            read_unit(own)
        except InputError as err:
            raise InputError((replace(err.faults[0], field=entry.label),)) from err
    return _Raw(entry, tuple(values), tuple(units), listed)


def _value_and_unit(entry: Input, value: Mapping[str, Any]) -> tuple[Any, str | None]:
    unknown = [key for key in value if key not in ("value", "unit")]
    if unknown or "value" not in value:
        raise InputError((Fault(entry.label, '"value" and "unit"', ", ".join(map(str, value)) or "nothing"),))
    unit = value.get("unit")
    if unit is not None and (not isinstance(unit, str) or not unit.strip()):
        raise InputError((Fault(entry.label, "a unit in words, like kJ/kg", repr(unit)),))
    return value["value"], unit


def _word(entry: Input, value: Any, unit: str | None) -> str | bool:
    if unit is not None:
        raise InputError((Fault(entry.label, "no unit", unit),))
    if entry.kind == "flag":
        if not isinstance(value, bool):
            raise InputError((Fault(entry.label, "true or false", repr(value)),))
        return value
    if not isinstance(value, str) or (entry.choices and value not in entry.choices):
        raise InputError((Fault(entry.label, f"one of {', '.join(entry.choices)}", repr(value)),))
    return value


def _number(entry: Input, value: Any) -> float:
    if value is None and entry.kind == "gaps":
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        got = {"None": "null", "True": "true", "False": "false"}.get(str(value), repr(value))
        raise InputError((Fault(entry.label, f"a number{_in(entry)}", got),))
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError((Fault(entry.label, "a finite number", str(value)),))
    return number


def _convert(raw: _Raw, own: str) -> Given:
    entry = raw.input
    if entry.kind in ("text", "flag"):
        return Given(entry, raw.values[0], "", (str(raw.values[0]).lower(),), False)
    target = read_unit(own or "1")
    values = []
    for value, unit in zip(raw.values, raw.units, strict=True):
        converted = value if unit is None else float(read_unit(unit).to(target, value))
        got = f"{value:.9g} {unit or own}".removesuffix(" 1")
        if math.isinf(converted):
            raise InputError((Fault(entry.label, f"a finite number{_in(entry)}", got),))
        if converted < 0 and not entry.signed and target.dimension in NEVER_NEGATIVE:
            raise InputError((Fault(entry.label, f"at least 0 {own}".removesuffix(" 1"), got),))
        if entry.highest is not None and converted > entry.highest:
            raise InputError((Fault(entry.label, f"at most {entry.highest:g} {own}".removesuffix(" 1"), got),))
        values.append(converted)
    texts = tuple(
        f"{value:.10g} {unit or own}".removesuffix(" 1") for value, unit in zip(raw.values, raw.units, strict=True)
    )
    many = entry.kind in ("numbers", "gaps")
    held = tuple(values) if many or raw.listed else values[0]
    return Given(entry, held, own, texts, raw.listed and not many)
