"""The catalogue (R3, R58): every formula of the method is there, once, with units, source and names people use."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from pathlib import Path

import pytest

from tanji.domain import catalogue
from tanji.domain.catalogue import ANY_UNIT, MARKS, NO_CLAUSE, NOT_CHECKED
from tanji.domain.unit_expressions import read_unit
from tanji.errors import InputError

FORMULAS = catalogue.load()
VECTORS = Path(__file__).parent / "vectors"

MODULES = (
    *("fuel", "coal", "alternative", "process", "dust", "electricity", "stock", "yearly", "intensity", "cems"),
    *("uncertainty", "sheet", "sheet_flue_gas", "published", "published_process"),
)
NO_FORMULA = {
    "fuel.check_coal_analysis": "a list of findings",
    "coal.check_coal_analysis": "the same",
    "coal.require_same_place": "a check",
    "stock.close_month": "hours of a month, each hour × k; k is CLOSING",
    "published.not_zero": "a check",
}
"""Public functions of those modules that are no formula of the catalogue, and why."""


def public(module: str) -> dict[str, object]:
    found = vars(importlib.import_module(f"tanji.domain.{module}"))
    return {
        f"{module}.{name}": thing
        for name, thing in found.items()
        if inspect.isfunction(thing) and not name.startswith("_") and thing.__module__ == f"tanji.domain.{module}"
    }


def test_no_public_formula_of_the_method_is_left_out():
    listed = {formula.function for formula in FORMULAS.values()}
    everything = {name: function for module in MODULES for name, function in public(module).items()}
    assert {name for name, function in everything.items() if function not in listed} - set(NO_FORMULA) == set()


def test_every_formula_is_reached_by_a_hand_calculation():
    cases = json.loads((VECTORS / "hand_calculations.json").read_text(encoding="utf-8"))
    assert [case["formula"] for case in cases if case["note"] == ""] == []
    assert set(FORMULAS) == {case["formula"] for case in cases}


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=lambda formula: formula.id)
def test_a_printed_formula_uses_every_input_and_nothing_else(formula):
    used = set(re.findall(r"\{([^}]+)\}", formula.expression))
    symbols = {entry.symbol for entry in formula.inputs}
    assert used <= symbols
    settings = {entry.symbol for entry in formula.inputs if entry.kind in ("text", "flag")}
    details = {"clinker_ratio", "h", "year", "slag", "stated", "tolerance", "a", "a_min"}  # of verdicts beside a value
    assert symbols - used - settings <= (details if formula.details or formula.note else set())


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=lambda formula: formula.id)
def test_every_unit_can_be_read_and_every_mark_is_known(formula):
    names = {entry.name for entry in formula.inputs} | {"result"}
    for system in formula.systems:
        assert set(system) <= names
        for unit in set(system.values()) | {formula.unit}:
            assert unit in ("", ANY_UNIT) or read_unit(unit).dimension
    assert set(formula.mark.split("/")) <= set(MARKS)


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=lambda formula: formula.id)
def test_every_input_answers_to_its_symbol_its_names_and_its_label(formula):
    for entry in formula.inputs:
        for name in (entry.symbol, entry.name, entry.label, entry.name.replace("_", " ").upper(), entry.name_zh):
            assert formula.input(name) is entry, name


def test_case_tells_inputs_apart_only_where_it_must():
    assert FORMULAS["F2"].input("ncv").symbol == "NCV"
    assert FORMULAS["DRY"].input("m").name == "wet_amount"
    assert FORMULAS["DRY"].input("M").name == "moisture"


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=lambda formula: formula.id)
def test_no_name_of_an_input_means_two_inputs(formula):
    for entry in formula.inputs:
        for name in entry.aliases:
            assert formula.input(name) is entry, f"{entry.label}: {name}"


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=lambda formula: formula.id)
def test_no_clause_is_claimed_that_nobody_has_checked(formula):
    assert formula.clause.endswith((NOT_CHECKED, NO_CLAUSE))
    assert f"formula {formula.id} of docs/method.md" in formula.clause


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("F2", "F2"),
        ("f2", "F2"),
        ("c_ar_from_ad", "C_AR_FROM_AD"),
        ("fuel", "F2"),
        ("Fossil fuel, by heat content", "F2"),
        ("碳酸盐分解", "F4"),
        ("化石燃料燃烧(热值法)", "F2"),  # brackets of either width
        ("fuel.gas_amount", "GAS_AMOUNT"),
    ],
)
def test_a_formula_is_found_by_id_title_alias_or_function(name, id):
    assert catalogue.find(name).id == id


def test_a_name_that_no_formula_has_is_refused():
    with pytest.raises(InputError, match=r"formula: expected an id or title .*, got 'F99'"):
        catalogue.find("F99")


def test_a_name_that_two_formulas_share_is_refused_and_both_are_named():
    with pytest.raises(InputError, match=r"formula: expected one of F2, G1, got 'fuel.heat_content_emission'"):
        catalogue.find("fuel.heat_content_emission")


def test_ids_and_titles_are_unique():
    titles = [title for formula in FORMULAS.values() for title in (formula.title_en, formula.title_zh)]
    assert len(titles) == len(set(titles))
    assert len({id.lower() for id in FORMULAS}) == len(FORMULAS)


def test_what_may_be_left_out_is_read_from_the_function():
    given = {entry.symbol: (entry.required, entry.default) for entry in FORMULAS["F4"].inputs}
    assert given["Q"] == (True, None)
    assert given["FR10"] == (False, 0.0)
    assert given["kind"] == (False, "portland")
