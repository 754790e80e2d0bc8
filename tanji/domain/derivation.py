"""How a value came about, in lines to follow with a pocket calculator: formula, conversions, numbers, result."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tanji.domain.catalogue import Formula, Input
from tanji.domain.given import Given

MOST_CASES = 20
"""Cases of a list that are written out; the rest is counted."""

_PLACE = re.compile(r"\{([^}]+)\}")
_EMPTY_SUM = re.compile(r"Σ\(\[\](?: × \[\])*\)")


def derivation(
    formula: Formula,
    given: Mapping[str, Given],
    values: Sequence[float | None],
    own: str,
    shown: Sequence[float | None],
    unit: str | None,
) -> str:
    """The lines of one calculation.

    values, shown : results in the formula's own unit `own`, and in the unit asked for, if any.
    """
    lines = [formula.printed]
    for entry in formula.inputs:
        if entry.name in given and (converted := _converted(given[entry.name])):
            lines.append(converted)
    for index, value in enumerate(values[:MOST_CASES]):
        line = f"{formula.result} = {_numbers(formula, given, index)} = {_result(value, own)}"
        if unit is not None and unit != own:
            line += f" = {_result(shown[index], unit)}"
        lines.append(line)
    if len(values) > MOST_CASES:
        lines.append(f"and {len(values) - MOST_CASES} more")
    return "\n".join(lines)


def _converted(entry: Given) -> str:
    """The line that converts an input, or nothing if it was given in the formula's own unit."""
    if entry.input.kind in ("text", "flag"):
        return ""
    values = entry.own if isinstance(entry.own, tuple) else (entry.own,)
    own = [f"{value:.10g} {entry.unit}".removesuffix(" 1") for value in values]
    if list(entry.texts) == own:
        return ""
    lines = [f"{text} = {there}" for text, there in zip(entry.texts, own, strict=True)]
    return f"{entry.input.symbol} = {'; '.join(lines[:MOST_CASES])}"


def _numbers(formula: Formula, given: Mapping[str, Given], index: int) -> str:
    """The printed formula with the numbers of one case in the places of the symbols; a sum over nothing reads 0."""
    filled = {entry.symbol: _filled(entry, given.get(entry.name), index) for entry in formula.inputs}
    return _EMPTY_SUM.sub("0", _PLACE.sub(lambda match: filled[match[1]], formula.expression))


def _filled(entry: Input, held: Given | None, index: int) -> str:
    if held is None:
        return _default(entry)
    if entry.kind in ("numbers", "gaps"):
        return _listed(held.own)
    return _plain(held.own[index] if held.per_case else held.own)


def _default(entry: Input) -> str:
    if isinstance(entry.default, tuple):
        return _listed(entry.default)
    return _plain(entry.default)


def _listed(values: Sequence[object]) -> str:
    return "[" + ", ".join("null" if value != value else _plain(value) for value in values) + "]"


def _plain(value: object) -> str:
    if isinstance(value, bool | str) or value is None:
        return str(value).lower()
    text = f"{value:.10g}"
    return f"(−{text[1:]})" if text.startswith("-") else text


def _result(value: float | None, unit: str) -> str:
    if value is None:
        return "not defined"
    return f"{value:.10g} {unit}".removesuffix(" 1")
