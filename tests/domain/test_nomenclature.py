"""The nomenclature page holds every name of the domain: parameters, enums, keys of the factor library."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tanji.domain
from tanji.domain import factors, items

PAGE = (Path(__file__).parents[2] / "docs" / "nomenclature.md").read_text(encoding="utf-8")
NAMES = set(re.findall(r"`([a-z0-9_]+)`", PAGE))
ENUM_ROWS = set(re.findall(r"^\| (\w+) \| `([a-z0-9_]+)` \| .", PAGE, flags=re.MULTILINE))
MODULES = sorted(module.name for module in pkgutil.iter_modules(tanji.domain.__path__, "tanji.domain."))
UNIT_MODULES = (
    *("fuel", "coal", "alternative", "process", "dust", "electricity", "cems", "uncertainty"),
    *("stock", "yearly", "intensity", "ratios"),
)
UNIT_OR_DIMENSIONLESS = re.compile(r"\[[^\]\n]+\]")


def public_functions(module_name: str) -> Iterator[tuple[str, object]]:
    module = importlib.import_module(module_name)
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", "") != module_name:
            continue
        if inspect.isclass(thing):
            yield from ((f"{name}.{key}", f) for key, f in vars(thing).items() if inspect.isfunction(f))
        elif callable(thing):
            yield name, thing


@pytest.mark.parametrize("module_name", MODULES)
def test_every_parameter_of_a_public_function_is_on_the_page(module_name):
    for name, function in public_functions(module_name):
        if "._" in name:
            continue
        for parameter in inspect.signature(function).parameters:
            bare = re.sub(r"^u_(rel_)?", "", parameter)
            assert {parameter, bare} & (NAMES | {"self"}), f"{module_name}.{name}: {parameter}"


@pytest.mark.parametrize("module_name", [f"tanji.domain.{name}" for name in UNIT_MODULES])
def test_every_formula_states_its_units(module_name):
    for name, function in public_functions(module_name):
        documentation = inspect.getdoc(function) or ""
        if "->" in str(inspect.signature(function)) and "-> None" not in str(inspect.signature(function)):
            assert UNIT_OR_DIMENSIONLESS.search(documentation), f"{module_name}.{name}"


@pytest.mark.parametrize(
    "enum",
    (
        *(items.Boundary, items.RuleSetId, items.Item, items.Method),
        *(items.StreamKind, items.MissingRule, items.Indicator),
    ),
)
def test_every_member_of_an_enum_is_on_the_page_and_nothing_else(enum):
    assert {value for kind, value in ENUM_ROWS if kind == enum.__name__} == set(enum)


def test_every_key_of_the_factor_library_is_on_the_page():
    for record in factors.load().factors:
        for key in filter(None, (record.quantity, record.applies_to, record.variant)):
            assert key in NAMES, record.id


@pytest.mark.parametrize("module_name", MODULES)
def test_the_worked_examples_in_the_docstrings_hold(module_name):
    assert doctest.testmod(importlib.import_module(module_name)).failed == 0


def test_the_formulas_have_at_least_eight_hand_calculations():
    text = "".join(Path(importlib.import_module(name).__file__ or "").read_text(encoding="utf-8") for name in MODULES)
    assert text.count("By hand") >= 8


def test_nothing_is_labelled_as_checked_against_a_clause():
    for name in MODULES:
        text = Path(importlib.import_module(name).__file__ or "").read_text(encoding="utf-8")
        assert "per clause" not in text
