"""Allowance position (R44): the rule data of standard.md section 15, and positions worked by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import position
from tanji.errors import DomainError

RULE = position.rule_of(2025)
TEXT = Path(position.__file__).with_name("position.toml").read_text(encoding="utf-8")


def test_the_rule_of_2025_is_that_of_the_page():
    assert (RULE.slope, RULE.cap, RULE.confidence, RULE.verified) == (0.15, 0.03, "M", False)
    assert RULE.exemptions == position.Exemptions(True, 0.15, True, True)


@pytest.mark.parametrize(
    ("intensity", "rate"),
    [(0.80, 0.0), (0.64, 0.03), (0.72, 0.015), (0.50, 0.03), (0.96, -0.03), (0.88, -0.015), (1.20, -0.03)],
)
def test_the_rate_is_limited_and_reached_at_a_fifth(intensity, rate):
    # by hand, B 0.80: 10 % off is 0.015, 20 % off the limit of 0.03
    assert position.surplus_rate(intensity, balance_value=0.80, rule=RULE) == pytest.approx(rate, abs=1e-12)


def test_the_position_is_a_rate_of_the_emission_and_not_output_times_balance_less_emission():
    # by hand: 1 000 000 t at 0.76 against 0.80: 0.05 x 0.15 x 1e6 = 7 500
    # output x B - E = 1e6/0.76 x 0.80 - 1e6 = 52 632
    found = position.position(1e6, intensity=0.76, balance_value=0.80, rule=RULE)
    assert (found.surplus, found.quota, found.basis) == (pytest.approx(7500.0), pytest.approx(1_007_500.0), "balance")
    assert 52_632 / found.surplus == pytest.approx(7.0, abs=0.1)  # "about seven times"


@pytest.mark.parametrize(
    ("facts", "basis"),
    [
        (position.LineFacts(white_cement_only=True), "exempt"),
        (position.LineFacts(carbide_slag_fraction=0.151), "exempt"),
        (position.LineFacts(carbide_slag_fraction=0.15), "balance"),
        (position.LineFacts(gypsum_to_acid=True), "exempt"),
        (position.ORDINARY, "balance"),
        (position.LineFacts(closed_or_new=True, white_cement_only=True), "apart"),
    ],
)
def test_exempt_lines_get_what_they_emitted(facts, basis):
    found = position.position(1e6, intensity=0.9, balance_value=0.80, rule=RULE, facts=facts)
    assert found.basis == basis
    if basis == "exempt":
        assert (found.surplus, found.quota) == (0.0, 1e6)
    if basis == "apart":
        assert math.isnan(found.surplus) and math.isnan(found.quota)


def test_in_2024_the_quota_is_the_verified_emission():
    found = position.position(1e6, intensity=0.9, balance_value=None, rule=position.rule_of(2024))
    assert (found.surplus, found.rate, found.quota, found.basis) == (0.0, 0.0, 1e6, "verified")


def test_the_balance_value_is_an_input_and_never_a_default():
    with pytest.raises(DomainError, match="balance_value: expected the published value of 2025"):
        position.position(1e6, intensity=0.8, balance_value=None, rule=RULE)
    with pytest.raises(DomainError, match=r"balance_value: expected the year's published value above 0"):
        position.position(1e6, intensity=0.8, balance_value=0.0, rule=RULE)
    with pytest.raises(DomainError, match="year: expected one of 2024, 2025, got 2026"):
        position.rule_of(2026)


def test_a_standing_kiln_or_a_missing_emission_has_no_position():
    assert math.isnan(position.position(1e6, intensity=math.nan, balance_value=0.8, rule=RULE).surplus)
    assert math.isnan(position.position(math.nan, intensity=0.8, balance_value=0.8, rule=RULE).surplus)
    assert math.isnan(
        position.position(math.nan, intensity=0.8, balance_value=None, rule=position.rule_of(2024)).surplus
    )


@given(st.floats(0.3, 1.5), st.floats(0.3, 1.5), st.floats(0.3, 1.5))
def test_the_better_line_never_gets_less_and_none_more_than_the_limit(first, second, balance):
    better, worse = sorted((first, second))
    rates = [position.surplus_rate(value, balance_value=balance, rule=RULE) for value in (better, worse)]
    assert rates[0] >= rates[1]
    assert all(abs(rate) <= 0.03 for rate in rates)


@pytest.mark.parametrize(
    ("before", "after"),
    [("slope = 0.15", "slop = 0.15"), ('kind = "balance"', 'kind = "free"'), ("[2025]", "[year]"), ("[2024]", "[2024")],
)
def test_a_faulty_file_is_an_error_of_our_own(before, after):
    assert before in TEXT
    with pytest.raises(DomainError, match=r"position.toml: expected the fields of a rule"):
        position.read(TEXT.replace(before, after))
