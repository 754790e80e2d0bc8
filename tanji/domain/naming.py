"""What people call the inputs of a formula, `input_names.toml`: Chinese names and the names of published examples.

A published table writes `NCV_ar`, `Qnet,ar`, `低位发热量` or `Net calorific value`, and all four are one input. Names
are compared without case, spaces and punctuation; Greek letters also count under their English names.
"""

from __future__ import annotations

import tomllib
import unicodedata
from functools import cache
from pathlib import Path

_GREEK = {"α": "alpha", "δ": "delta", "η": "eta", "ρ": "rho", "φ": "phi"}
_FORMED = {"u_rel_": "的相对不确定度", "u_": "的标准不确定度"}
"""Names of uncertainties are those of their quantities, with a word behind."""


def fold(text: str) -> str:
    """A name without what does not distinguish names.

    >>> fold("Qnet,ar") == fold("QNET_AR"), fold("φ"), fold("Net calorific value")
    (True, 'phi', 'netcalorificvalue')
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(_GREEK.get(letter, letter) for letter in plain if letter.isalnum())


@cache
def _names() -> dict[str, list[str]]:
    path = Path(__file__).with_name("input_names.toml")
    found: dict[str, list[str]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return found


def chinese_name(name: str) -> str:
    """The Chinese name of an input; KeyError if it has none.

    >>> chinese_name("fuel_amount"), chinese_name("u_rel_fuel_amount")
    ('燃料消耗量', '燃料消耗量的相对不确定度')
    """
    if name in _names():
        return _names()[name][0]
    for prefix, suffix in _FORMED.items():
        if name.startswith(prefix):
            return chinese_name(name.removeprefix(prefix)) + suffix
    raise KeyError(name)


def other_names(name: str) -> tuple[str, ...]:
    """Every other name of an input, the Chinese one first."""
    return tuple(_names().get(name) or [chinese_name(name)])
