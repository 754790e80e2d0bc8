"""Received figures moved to the moisture of the scale, each by the formula it names (standard.md section 3)."""

from __future__ import annotations

import pytest

from tanji.ledger.coal_analysis import MOVED, RAW

AT = {"moisture_total": 0.10, "moisture_at_scale": 0.01}


@pytest.mark.parametrize(
    ("parameter", "received", "at_scale"), [("carbon_as_received", 0.6, 0.66), ("net_calorific_value", 22.27, 24.727)]
)
def test_raw_coal_becomes_powder_at_the_rotor_scale(parameter: str, received: float, at_scale: float) -> None:
    """Raw coal at 10 %, powder at 1 %. Carbon 0.6/0.9 x 0.99; heat (22.27 + 0.23)/0.9 x 0.99 - 0.023 = 24.727 GJ/t."""
    assert MOVED[parameter].convert(received, AT) == pytest.approx(at_scale, rel=1e-12)


def test_raw_figures_of_powder_take_the_moisture_of_the_scale() -> None:
    """Air dried at 2 %, weighed at 1 %: 0.637/0.98 x 0.99 = 0.6435; dry 0.65 x 0.99; gross (26 - 0.721)/0.98 x 0.99
    - 0.023 = 25.513949 GJ/t. At the 10 % of the raw coal the carbon were a tenth less.
    """
    given = {**AT, "moisture_air_dried": 0.02, "hydrogen_air_dried": 0.035}
    found = {name: conversion.convert(value, given) for (name, conversion), value in zip(
        RAW.items(), (0.637, 0.65, 26.0), strict=True)}  # fmt: skip
    assert found == {
        "carbon_air_dried": pytest.approx(0.6435, rel=1e-9),
        "carbon_dry": pytest.approx(0.6435, rel=1e-9),
        "gross_calorific_value_air_dried": pytest.approx(25.513949, abs=1e-6),
    }
