"""Names of inputs: one input under all the names that published tables give it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tanji.domain import catalogue, naming
from tanji.domain.naming import chinese_name, fold, other_names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Qnet,ar", "QNET_AR"),
        ("net_calorific_value", "Net calorific value"),
        ("ΔP", "delta p"),
        ("α", "ALPHA"),
        ("CO₂", "CO2"),
        ("Ｆ２", "f2"),
    ],
)
def test_case_spaces_punctuation_and_greek_letters_do_not_distinguish(one, other):
    assert fold(one) == fold(other)


def test_letters_and_digits_do():
    assert fold("FR1") != fold("FR10")
    assert fold("低位发热量") != fold("高位发热量")


def test_every_input_of_the_catalogue_has_a_chinese_name():
    for formula in catalogue.load().values():
        for entry in formula.inputs:
            assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese_name(entry.name)), entry.name


def test_every_name_on_the_list_is_an_input():
    listed = tomllib.loads(Path(naming.__file__).with_name("input_names.toml").read_text(encoding="utf-8"))
    used = {entry.name for formula in catalogue.load().values() for entry in formula.inputs}
    bases = {name.removeprefix("u_rel_").removeprefix("u_") for name in used}
    assert set(listed) - used - bases == set()


def test_an_uncertainty_is_called_after_its_quantity():
    assert chinese_name("u_rel_fuel_amount") == "燃料消耗量的相对不确定度"
    assert chinese_name("u_clinker_cao") == "熟料中氧化钙的含量的标准不确定度"
    assert other_names("u_clinker_cao") == ("熟料中氧化钙的含量的标准不确定度",)


def test_a_name_that_is_not_on_the_list_has_no_chinese_name():
    with pytest.raises(KeyError):
        chinese_name("ash")


def test_the_gross_value_never_passes_as_the_net_one():
    formula = catalogue.find("F2")
    assert formula.input("gross calorific value") is None
    assert formula.input("高位发热量") is None
    assert formula.input("HHV") is None
