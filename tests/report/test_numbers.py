"""How numbers are written: never a zero for nothing, and a tiny share stays visible (R55)."""

from __future__ import annotations

import pytest

from tanji.report import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [(130357.7, "130,358"), (999.96, "1,000.0"), (42.25, "42.2"), (0.04, "0.04"), (-5208.4, "-5,208"), (None, "–")],
)
def test_tonnes(value: float | None, text: str) -> None:
    assert numbers.tonnes(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0136, "1.36 %"), (0.38, "38.0 %"), (1.0, "100 %"), (0.0, "0 %"), (0.00001, "<0.01 %"), (None, "–")],
)
def test_percents(value: float | None, text: str) -> None:
    assert numbers.percent(value).replace("\u00a0", " ") == text


def test_differences_carry_their_sign() -> None:
    assert numbers.signed_percent(0.01).startswith("+1.00")
    assert numbers.signed_percent(-0.01).startswith("-1.00")
    assert numbers.signed_percent(None) == numbers.ABSENT


def test_expanded_uncertainty_is_twice_the_standard_one() -> None:
    assert numbers.expanded(0.01) == pytest.approx(0.02)
    assert numbers.expanded(None) is None


def test_times_are_the_plants_local_ones() -> None:
    # 2026-03-01T00:00:00Z is 08:00 in Shanghai.
    assert numbers.local_time(1_772_323_200_000, "Asia/Shanghai") == "2026-03-01 08:00"
