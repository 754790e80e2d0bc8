"""Arithmetic as it is printed in a derivation or in the note of a hand calculation, evaluated on its own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest

Arithmetic = Callable[[str], float]

WRITTEN = (("×", "*"), ("−", "-"), ("^", "**"), ("√", "root"), ("Σ", "total"), ("null", "nan"))
KNOWN = {
    "root": math.sqrt,
    "total": lambda values: float(np.sum(values)),
    "mean": lambda values: float(np.nanmean(values)),
    "clip": lambda value, low, high: min(max(value, low), high),
    "max": max,
    "array": lambda *values: np.array(values, dtype=float),
    "nan": math.nan,
}


def _evaluated(text: str) -> float:
    plain = text
    for printed, meant in WRITTEN:
        plain = plain.replace(printed, meant)
    plain = re.sub(r"\[(\w+) = (\w+)\]", lambda match: str(int(match[1] == match[2])), plain)
    plain = re.sub(r"\[([^\]]*)\]", r"array(\1)", plain)
    return float(eval(plain, {"__builtins__": {}}, KNOWN))  # the text is Tanji's own


@pytest.fixture(scope="session")
def arithmetic() -> Arithmetic:
    """Evaluates printed arithmetic: ×, −, ^, √(), Σ(), mean(), [lists], [a = b] for 1 or 0."""
    return _evaluated
