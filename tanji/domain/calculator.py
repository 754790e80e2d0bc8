"""One calculation by one formula of the catalogue: inputs in any fitting unit in, value with derivation out (R58).

Strict where a plant must be lenient: a missing value, a negative amount, a number in quotes or a unit of another
dimension is refused with the name of the input, because here somebody compares Tanji with a published figure. Ranges
are those of the formula itself. Reading of JSON and flags is the command's business.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tanji.domain.catalogue import Formula, Input
from tanji.domain.derivation import derivation
from tanji.domain.given import Given, given_inputs
from tanji.domain.limits import soft
from tanji.domain.unit_expressions import read_unit
from tanji.domain.unit_systems import fits
from tanji.errors import DomainError, Fault, InputError

ADDITIVE = ("tCO2", "t", "GJ", "MWh", "tce")
"""Units of results of which a list has a meaningful sum: the sources of a plant."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a formula says. `value` is None where the result is not defined; a list of inputs gives a list of values.

    total : sum of a list of values, where summing means something. [unit]
    details : further attributes of the result under their names, like the verdict of a check.
    """

    formula: str
    value: float | tuple[float | None, ...] | None
    unit: str
    clause: str
    derivation: str
    warnings: tuple[str, ...]
    total: float | None = None
    details: tuple[tuple[str, Any], ...] = ()


def calculate(formula: Formula, inputs: Mapping[str, Any], *, unit: str | None = None) -> Answer:
    """Calculate by one formula; InputError, naming every wrong input, if it cannot be done.

    inputs : symbol or name of an input -> number in the formula's own unit, {"value", "unit"}, or a list of numbers.
    unit : of the answer; the formula's own if None.
    """
    given, system = given_inputs(formula, inputs)
    own = system.get("result", formula.unit)
    lengths = {key: len(entry.own) for key, entry in given.items() if entry.per_case}
    if len(set(lengths.values())) > 1:
        raise InputError(tuple(Fault(key, "lists of one length", f"{n} values") for key, n in lengths.items()))
    count = next(iter(lengths.values()), None)
    cases = [None] if count is None else list(range(count))
    results = [_call(formula, given, index) for index in cases]
    values = tuple(_number(formula, result) for result in results)
    ratio = 1.0 if unit is None else scale(own, unit)
    shown = tuple(None if value is None else finite(value * ratio) for value in values)
    summable = count is not None and own in ADDITIVE and all(value is not None for value in shown)
    return Answer(
        formula=formula.id,
        value=shown if count is not None else shown[0],
        unit=own if unit is None else unit,
        clause=formula.clause,
        derivation=derivation(formula, given, values, own, shown, unit),
        warnings=_warnings(formula, given, values),
        total=_total(shown) if summable else None,
        details=tuple((name, _detail(getattr(results[0], name))) for name in formula.details) if count is None else (),
    )


def finite(value: float) -> float:
    """The value; InputError where it is too large for a number."""
    if math.isinf(value):
        raise InputError((Fault("inputs", "a result that is a finite number", "one too large"),))
    return value


def _total(values: tuple[float | None, ...]) -> float:
    try:
        return math.fsum(value for value in values if value is not None)
    except OverflowError:
        return finite(math.inf)


def scale(own: str, unit: str) -> float:
    """What turns a result in its own unit into one in the unit asked for."""
    if own == unit:
        return 1.0
    inner, outer = read_unit(own), read_unit(unit)
    if outer.offset or not fits(inner.dimension, outer.dimension, result=True):
        raise InputError((Fault("unit", f"a unit of {inner.dimension}, like {own}", unit),))
    return inner.factor / outer.factor


def _call(formula: Formula, given: Mapping[str, Given], index: int | None) -> Any:
    """The function's result for one case; an error of the function under the symbol of the input it names."""
    named: dict[str, Any] = {entry.name: entry.default for entry in formula.inputs if _left(entry, given)}
    starred: tuple[Any, ...] = ()
    parameters = inspect.signature(formula.function).parameters
    for name, entry in given.items():
        value = entry.own[index] if index is not None and entry.per_case else entry.own
        if parameters[name].kind is inspect.Parameter.VAR_POSITIONAL:
            starred = tuple(value)
        else:
            named[name] = np.asarray(value, dtype=np.float64) if entry.input.kind in ("numbers", "gaps") else value
    try:
        with np.errstate(all="ignore"):
            return formula.function(*starred, **named)
    except InputError:
        raise
    except DomainError as err:
        raise InputError((_fault(formula, given, str(err), index),)) from err
    except (ZeroDivisionError, OverflowError, ValueError) as err:
        raise InputError((Fault("inputs", "numbers the formula can work with", str(err)),)) from err


def _fault(formula: Formula, given: Mapping[str, Given], message: str, index: int | None) -> Fault:
    """An error of a function, `name: expected this, got that`, under the symbol of the input it names."""
    name, _, rest = message.partition(": ")
    expected, _, got = rest.removeprefix("expected ").rpartition(", got ")
    if not expected:
        return Fault("inputs", "numbers the formula can work with", message)
    named = [entry for entry in formula.inputs if name in (entry.name, entry.range_name)]
    if not named:
        return Fault(name, expected, got)
    written = given[named[0].name].written(index) if named[0].name in given else got
    return Fault(named[0].label, expected, got if written == got else f"{got} (given as {written})")


def _number(formula: Formula, result: Any) -> float | None:
    value = getattr(result, formula.result_field) if formula.result_field else result
    if value is None:
        return None
    number = finite(float(value))
    return None if math.isnan(number) else number


def _detail(value: Any) -> Any:
    """An attribute of a result as JSON can hold it."""
    if isinstance(value, bool | str | int) or value is None:
        return value
    if isinstance(value, np.ndarray | tuple | list):
        return [_detail(entry) for entry in value]
    number = float(value)
    return number if math.isfinite(number) else None


def _warnings(formula: Formula, given: Mapping[str, Given], values: tuple[float | None, ...]) -> tuple[str, ...]:
    """Inputs outside their usual range, inputs taken at their default, and results that are odd."""
    checked = {entry.input.range_name or name: entry for name, entry in given.items() if entry.input.kind == "number"}
    found: list[str] = []
    values_of = {name: np.asarray(entry.own, dtype=np.float64) for name, entry in checked.items()}
    for warning in soft(soft_ranges=None, **values_of):
        label = checked[warning.input].input.label
        found.append(f"{label}: usually {warning.soft}, got {warning.value:.9g}")
    found += [
        f"{entry.label}: not given, taken as {_default(entry)}" for entry in formula.inputs if _left(entry, given)
    ]
    if any(value is None for value in values):
        found.append(f"{formula.result}: not defined for these inputs; neither zero nor infinite")
    if formula.negative_note and any(value is not None and value < 0 for value in values):
        found.append(f"{formula.result}: {formula.negative_note}")
    return tuple(found)


def _left(entry: Input, given: Mapping[str, Given]) -> bool:
    return entry.name not in given and entry.default is not None


def _default(entry: Input) -> str:
    value = entry.default
    if isinstance(value, bool | str):
        return str(value).lower()
    if isinstance(value, tuple):
        return "none" if not value else ", ".join(f"{number:.9g}" for number in value)
    return f"{value:.9g} {entry.unit}".removesuffix(" 1").removesuffix(" any").strip()
