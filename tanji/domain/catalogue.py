"""The catalogue of formulas, `catalogue.toml`: what `tanji compute` offers and docs/method.md prints (R3, R58).

A record names the function, its inputs with symbol and unit, the unit of the result, where the formula comes from and
how far that can be trusted, and the formula as people write it; the calculation itself is the function's business, and
whether an input may be left out is read from its signature. A test evaluates every printed formula and compares it with
its function, another asks that no public formula of `tanji.domain` is left out.
"""

from __future__ import annotations

import importlib
import inspect
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from tanji.domain.naming import chinese_name, fold, other_names
from tanji.domain.unit_expressions import read_unit
from tanji.errors import DomainError, Fault, InputError

ANY_UNIT = "any"
"""Unit of inputs that must share one, whichever it is: the parts of a sum."""

NOT_INPUTS = frozenset({"hard_ranges", "soft_ranges"})
"""Parameters that carry a plant's settings and are no inputs of the formula."""

MARKS = {
    "T": "read in a document",
    "C": "read in program code only",
    "M": "engineering memory",
    "U": "uncertain",
    "O": "own reading, where the texts are silent",
}
"""Confidence marks of standard.md section 0.1, and one for our own arithmetic."""

Kind = Literal["number", "numbers", "gaps", "text", "flag"]


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a formula.

    kind : number; numbers, a list that is one value (the parts of a sum); gaps, the same with missing places; text,
        one of `choices`; flag, true or false.
    default : value when left out [unit]; None for one that must be given, and for one that has no value when left out.
    signed : whether an amount may be below zero.
    highest : more than this is impossible [unit]; ranges that functions check themselves are not repeated.
    """

    symbol: str
    name: str
    unit: str
    required: bool
    default: float | str | bool | tuple[float, ...] | None
    kind: Kind = "number"
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    signed: bool = False
    range_name: str = ""
    highest: float | None = None

    @property
    def dimension(self) -> str:
        """Dimension of the unit, like heat/mass; nothing for a text or flag."""
        return self.unit if self.unit in (ANY_UNIT, "") else read_unit(self.unit).dimension

    @property
    def label(self) -> str:
        """Symbol and name in code, as messages show them."""
        return self.symbol if self.symbol == self.name else f"{self.symbol} ({self.name})"

    @property
    def name_zh(self) -> str:
        """Chinese name."""
        return chinese_name(self.name)

    def ways_to_say(self) -> tuple[tuple[str, ...], ...]:
        """Every name of the input, the surest first: symbol and label, name in code, other names."""
        return (self.symbol, self.label), (self.name,), self.aliases


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula of the method, with everything needed to use it and to judge it.

    aliases : further names of the formula.
    expression : the formula as printed, symbols of inputs in braces.
    systems : units of the inputs that belong together, the usual ones first; a result unit under `result`.
    documents, mark : where it comes from, and its confidence mark.
    result_field : attribute of the function's result that is the value; empty where the result is the value.
    details : attributes of the result that are shown beside the value.
    """

    id: str
    title_en: str
    title_zh: str
    module: str
    function: Callable[..., Any]
    inputs: tuple[Input, ...]
    result: str
    unit: str
    expression: str
    documents: str
    mark: str
    systems: tuple[Mapping[str, str], ...]
    aliases: tuple[str, ...] = ()
    result_field: str = ""
    details: tuple[str, ...] = ()
    negative_note: str = ""
    note: str = field(default="", compare=False)

    @property
    def clause(self) -> str:
        """Source with honest wording: no official text has been compared with the formula yet."""
        marks = ", ".join(MARKS[letter] for letter in self.mark.split("/"))
        checked = NO_CLAUSE if self.documents == OWN_RULE else NOT_CHECKED
        return f"{self.documents}; formula {self.id} of docs/method.md [{self.mark}: {marks}]; {checked}"

    @property
    def printed(self) -> str:
        """The formula in symbols; only the symbol where the value itself is what is judged."""
        expression = self.expression.replace("{", "").replace("}", "")
        return expression if expression == self.result else f"{self.result} = {expression}"

    def input(self, key: str) -> Input | None:
        """The input that answers to a symbol, a name in code or another name; None if no input does, or two do."""
        for same in (str, fold):
            for rank in range(3):
                found = [entry for entry in self.inputs if same(key) in map(same, entry.ways_to_say()[rank])]
                if found:
                    return found[0] if len(found) == 1 else None
        return None


NOT_CHECKED = "clause not yet checked against the official text"
NO_CLAUSE = "no clause of a standard"
OWN_RULE = "Tanji, own rule"


@cache
def load() -> dict[str, Formula]:
    """Every formula under its id, in the order of the page."""
    path = Path(__file__).with_name("catalogue.toml")
    tables: dict[str, dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
    found: dict[str, Formula] = {}
    for id, table in tables.items():
        try:
            found[id] = _formula(id, table)
        except (KeyError, TypeError, AttributeError, ValueError) as err:
            raise DomainError(f"catalogue.toml: {id}: expected the fields of a formula, got {err!r}") from err
    return found


def find(name: str) -> Formula:
    """The formula of an id, a title, an alias or a function; InputError if there is none.

    Case, spaces and punctuation do not matter. A name that two formulas share is refused, and both are named.
    """
    formulas = load()
    if name in formulas:
        return formulas[name]
    for names in (_ids, _titles, _functions):
        found = [formula for formula in formulas.values() if fold(name) in map(fold, names(formula))]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError((Fault("formula", f"one of {', '.join(entry.id for entry in found)}", repr(name)),))
    raise InputError((Fault("formula", "an id or title that tanji compute --list shows, like F2", repr(name)),))


def _ids(formula: Formula) -> tuple[str, ...]:
    return (formula.id,)


def _titles(formula: Formula) -> tuple[str, ...]:
    return (formula.title_en, formula.title_zh, *formula.aliases)


def _functions(formula: Formula) -> tuple[str, ...]:
    return (f"{formula.module}.{formula.function.__name__}",)


def _formula(id: str, table: Mapping[str, Any]) -> Formula:
    fields = dict(table)
    module, _, name = fields.pop("function").rpartition(".")
    function = getattr(importlib.import_module(f"tanji.domain.{module}"), name)
    parameters = inspect.signature(function).parameters
    inputs = tuple(_input(entry, parameters[entry["name"]]) for entry in fields.pop("inputs"))
    usual = {entry.name: entry.unit for entry in inputs}
    others = tuple(usual | more for more in fields.pop("systems", ()))
    return Formula(
        id=id,
        title_en=fields.pop("en"),
        title_zh=fields.pop("zh"),
        module=module,
        function=function,
        inputs=inputs,
        systems=(usual, *others),
        details=tuple(fields.pop("details", ())),
        aliases=tuple(fields.pop("aliases", ())),
        **fields,
    )


def _input(entry: Mapping[str, Any], parameter: inspect.Parameter) -> Input:
    fields = dict(entry)
    # A star takes any number of values, so it has no default and yet must be given
    starred = parameter.kind is inspect.Parameter.VAR_POSITIONAL
    required = fields.pop("required", starred or parameter.default is inspect.Parameter.empty)
    default = None if starred or parameter.default is inspect.Parameter.empty else parameter.default
    if "default" in fields:  # the record's own, where the function asks for a value and the printed formula does not
        required, default = False, fields.pop("default")
    aliases = (*fields.pop("aliases", ()), *other_names(entry["name"]))
    choices = tuple(fields.pop("choices", ()))
    return Input(**fields, required=required, default=default, aliases=aliases, choices=choices)
