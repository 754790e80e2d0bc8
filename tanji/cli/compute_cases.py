"""Cases of `tanji compute`: from JSON or flags to an answer, and whether a published figure agrees with it.

A case is {"formula", "inputs"} with, if one likes, the unit of the answer, the published figure and its tolerance. What
is wrong with a case is named by its field; a number in JSON keeps the digits it was printed with, since half of the
last one is the tolerance of a published figure that states none.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tanji.domain.calculator import Answer, calculate, finite, scale
from tanji.domain.catalogue import Formula, find
from tanji.errors import Fault, InputError, UsageError

CASE_KEYS = ("formula", "inputs", "unit", "expected", "tolerance")
NOTE_KEYS = ("id", "title", "source", "url", "method", "note", "notes")
"""Keys that say where a case comes from; they are carried along and not interpreted."""

ROUNDING = 1e-9
"""Relative slack of a comparison: decimals become binary numbers on the way."""

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*)", re.DOTALL)


def read_json(text: str, *, name: str) -> Any:
    """The JSON of a case or a list of cases; UsageError, with line and column, if it is none."""
    try:
        return json.loads(text.removeprefix("\ufeff"), parse_float=Decimal, object_pairs_hook=_unrepeated)
    except json.JSONDecodeError as err:
        raise UsageError(f"{name}:{err.lineno}:{err.colno}: expected JSON, {err.msg}") from err
    except RecursionError as err:
        raise UsageError(f"{name}: expected a case or a list of cases, got JSON nested without end") from err
    except ValueError as err:  # an integer with thousands of digits, a key given twice
        raise UsageError(f"{name}: {err}") from err


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key}: expected once in an object, got it twice")
        found[key] = value
    return found


def case_from_flags(formula: str, settings: Sequence[str]) -> dict[str, Any]:
    """The case of NAME=VALUE[UNIT] words; lists are separated by commas, and the last unit then holds for all."""
    record = find(formula)
    inputs: dict[str, Any] = {}
    for setting in settings:
        name, sign, text = setting.partition("=")
        name = name.strip()
        if not sign or not name:
            raise UsageError(f"inputs: expected NAME=VALUE or NAME=VALUEUNIT, got {setting!r}")
        if name in inputs:
            raise UsageError(f"inputs: expected {name} once, got it twice")
        inputs[name] = _flag_value(record, name, text)
    return {"formula": record.id, "inputs": inputs}


def _flag_value(formula: Formula, name: str, text: str) -> Any:
    entry = formula.input(name)
    if entry is not None and entry.kind in ("text", "flag"):
        word = text.strip()
        return {"true": True, "false": False}.get(word, word) if entry.kind == "flag" else word
    parts = text.split(",")
    values = [read_quantity(part) for part in parts]
    last = values[-1].get("unit") if isinstance(values[-1], dict) else None
    if last is not None and all(isinstance(value, Decimal) for value in values[:-1]):
        values = [*({"value": value, "unit": last} for value in values[:-1]), values[-1]]
    listed = len(values) > 1 or (entry is not None and entry.kind in ("numbers", "gaps"))
    return values if listed else values[0]


def read_quantity(text: str) -> Any:
    """A number, a number with its unit, or the text itself, which is refused later by name."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text.strip()
    number = Decimal(match[1])
    return {"value": number, "unit": match[2].strip()} if match[2].strip() else number


def answer_case(case: Any) -> dict[str, Any]:
    """The answer to one case as JSON has it; InputError, naming the field, if there is none.

    Beside formula, value, unit, clause, derivation and warnings there are only what the case asks for: its own notes,
    `sum` for a list of amounts, `details` where a formula gives a verdict, `check` where a published figure was stated.
    """
    formula, inputs, unit = _parts(case)
    answer = calculate(formula, inputs, unit=unit)
    result: dict[str, Any] = {key: case[key] for key in NOTE_KEYS if key in case}
    result |= {
        "formula": answer.formula,
        "value": list(answer.value) if isinstance(answer.value, tuple) else answer.value,
        "unit": answer.unit,
        "clause": answer.clause,
        "derivation": answer.derivation,
        "warnings": list(answer.warnings),
    }
    if answer.total is not None:
        result["sum"] = answer.total
    if answer.details:
        result["details"] = dict(answer.details)
    if "expected" in case:
        result["check"] = _check(answer, case["expected"], case.get("tolerance"))
    return result


def agrees(answer: Mapping[str, Any]) -> bool:
    """Whether nothing that was compared disagrees."""
    stated = answer.get("details", {}).get("consistent")
    return answer.get("check", {}).get("consistent", True) and stated is not False


def _parts(case: Any) -> tuple[Formula, Mapping[str, Any], str | None]:
    if not isinstance(case, Mapping):
        raise InputError((Fault("case", 'an object with "formula" and "inputs"', _kind(case)),))
    faults = [Fault(str(key), f"one of {', '.join(CASE_KEYS + NOTE_KEYS)}", "an unknown key") for key in _unknown(case)]
    name, inputs, unit = case.get("formula"), case.get("inputs"), case.get("unit")
    if not isinstance(name, str):
        faults.append(Fault("formula", "the id of a formula, see tanji compute --list", _kind(name)))
    if not isinstance(inputs, Mapping):
        faults.append(Fault("inputs", "an object of inputs", _kind(inputs)))
    if unit is not None and not isinstance(unit, str):
        faults.append(Fault("unit", "a unit in words", _kind(unit)))
    if "tolerance" in case and "expected" not in case:
        faults.append(Fault("expected", "the published figure that the tolerance is for", "none"))
    if faults or not isinstance(name, str) or not isinstance(inputs, Mapping):
        raise InputError(tuple(faults))
    return find(name), inputs, unit


def _unknown(case: Mapping[str, Any]) -> list[str]:
    return [key for key in case if key not in CASE_KEYS + NOTE_KEYS]


def _check(answer: Answer, expected: Any, tolerance: Any) -> dict[str, Any]:
    """The published figure beside the answer, both in the unit of the published figure."""
    unit = answer.unit
    if isinstance(expected, Mapping):
        if (
            set(expected) - {"value", "unit"}
            or "value" not in expected
            or not isinstance(expected.get("unit", ""), str)
        ):
            raise InputError((Fault("expected", 'a number, or "value" and "unit"', ", ".join(map(str, expected))),))
        unit = expected.get("unit", unit)
        expected = expected["value"]
    published = _finite("expected", expected)
    slack = _last_digit(expected) if tolerance is None else _finite("tolerance", tolerance)
    if slack < 0:
        raise InputError((Fault("tolerance", "at least 0", f"{slack:g}"),))
    value = answer.total if isinstance(answer.value, tuple) else answer.value
    if isinstance(answer.value, tuple) and value is None:
        raise InputError((Fault("expected", "inputs without lists, or a result that can be summed", "a list"),))
    try:
        computed = None if value is None else finite(value * scale(answer.unit, unit))
    except InputError as err:
        raise InputError((Fault("expected", err.faults[0].expected, unit),)) from err
    difference = None if computed is None else published - computed
    room = slack + ROUNDING * max(abs(published), abs(computed or 0.0))
    return {
        "expected": published,
        "computed": computed,
        "unit": unit,
        "tolerance": slack,
        "difference": difference,
        "consistent": difference is not None and abs(difference) <= room,
    }


def _finite(field: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InputError((Fault(field, "a number", _kind(value)),))
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError((Fault(field, "a finite number", str(value)),))
    return number


def _last_digit(value: Any) -> float:
    """Half of the last printed digit."""
    exponent = Decimal(str(value)).as_tuple().exponent
    return 0.5 * 10.0 ** min(int(exponent), 0) if isinstance(exponent, int) else 0.0


def _kind(value: Any) -> str:
    names = {type(None): "none", bool: "true or false", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")
