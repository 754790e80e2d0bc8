"""The measurements, as the design lists them."""

from __future__ import annotations

from tanji.store.schema import MEASUREMENTS


def test_the_measurements_are_those_of_the_design() -> None:
    assert set(MEASUREMENTS) == {
        *("reading", "arrival", "flag", "activity", "emission", "emission_history", "intensity", "health")
    }
    assert MEASUREMENTS["emission_history"].tags == (*MEASUREMENTS["emission"].tags, "revision")
