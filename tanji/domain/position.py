"""Allowance position of a clinker line in the national market: standard.md section 15 (R44).

The rule of each year is data, `position.toml`; the yearly balance value B is an input record, never a default. The
position is not output x B - E, which is about seven times as large. No official text has been checked yet: marks are
shown beside every result. A missing input (not-a-number) gives a missing surplus.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from tanji.errors import DomainError

Basis = Literal["verified", "balance", "exempt", "apart"]


@dataclass(frozen=True, slots=True)
class Exemptions:
    """Which lines a year's rule does not compare; `carbide_slag_above` is a share [1], None where there is no such."""

    white_cement_only: bool = False
    carbide_slag_above: float | None = None
    gypsum_to_acid: bool = False
    closed_or_new_apart: bool = False


@dataclass(frozen=True, slots=True)
class AllowanceRule:
    """The rule of one year: slope [1] and cap [1] of the surplus rate, exemptions, and how far it can be trusted."""

    year: int
    kind: Literal["verified", "balance"]
    slope: float
    cap: float
    exemptions: Exemptions
    confidence: str
    verified: bool
    document: str
    note: str


@dataclass(frozen=True, slots=True)
class LineFacts:
    """What decides an exemption. `carbide_slag_fraction` is its share of the raw materials [1]."""

    white_cement_only: bool = False
    carbide_slag_fraction: float = 0.0
    gypsum_to_acid: bool = False
    closed_or_new: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """Surplus (positive) or deficit [tCO2], its rate of the emission [1], the quota [tCO2] and what it rests on.

    `basis`: verified or exempt, quota = verified emission; balance, by the yearly balance value; apart, closed and new
    lines that have a rule of their own, so that the position is not defined here.
    """

    surplus: float
    rate: float
    quota: float
    basis: Basis
    rule: AllowanceRule


ORDINARY = LineFacts()
"""A line without any ground for exemption."""


def surplus_rate(intensity: float, *, balance_value: float, rule: AllowanceRule) -> float:
    """Surplus per emission: positive for a line better than the balance value. [1]

    clip(slope x (B - I)/B, -cap, +cap), standard.md section 15 [M slope]; official text not yet checked.

    intensity : I, of the line and year. [tCO2/t]
    balance_value : B, published for the year. [tCO2/t]
    rule : of the year.

    By hand, B 0.85 and I 0.816: (0.85 - 0.816)/0.85 = 0.04; x 0.15 = 0.006. At 20 % the limit of 0.03 is reached.
    """
    if rule.kind == "verified":
        return 0.0
    if not balance_value > 0:
        raise DomainError(f"balance_value: expected the year's published value above 0 tCO2/t, got {balance_value}")
    rate = rule.slope * (balance_value - intensity) / balance_value
    return rate if math.isnan(rate) else min(max(rate, -rule.cap), rule.cap)


def position(
    emission: float,
    *,
    intensity: float,
    balance_value: float | None,
    rule: AllowanceRule,
    facts: LineFacts = ORDINARY,
) -> Position:
    """Allowance position of a line in a year. [tCO2]

    surplus = E x clip(0.15 x (B - I)/B, -0.03, +0.03); 0 where the quota is the verified emission, by the year's rule
    or by exemption. standard.md section 15 [M; exemptions C, press]; official text not yet checked.

    emission : verified emission of the line, clinker boundary, method B. [tCO2]
    intensity : emission per clinker. [tCO2/t]
    balance_value : B of the year; may be None only where the rule or an exemption does not need it. [tCO2/t]
    rule : of the year, `rule_of`.
    facts : what decides an exemption.

    >>> round(position(1_000_000.0, intensity=0.816, balance_value=0.85, rule=rule_of(2025)).surplus, 3)
    6000.0

    By hand: rate 0.006 as in `surplus_rate`; x 1000000 t = 6000 t surplus. Output x B - E would say 41667 t.
    """
    basis = _basis(rule, facts)
    if basis == "apart":
        return Position(float("nan"), float("nan"), float("nan"), basis, rule)
    if basis != "balance":
        return Position(emission * 0.0, 0.0, emission, basis, rule)
    if balance_value is None:
        raise DomainError(f"balance_value: expected the published value of {rule.year} [tCO2/t], got none")
    rate = surplus_rate(intensity, balance_value=balance_value, rule=rule)
    surplus = emission * rate
    return Position(surplus, rate, emission + surplus, basis, rule)


def _basis(rule: AllowanceRule, facts: LineFacts) -> Basis:
    exempt = rule.exemptions
    if exempt.closed_or_new_apart and facts.closed_or_new:
        return "apart"
    if rule.kind == "verified":
        return "verified"
    limit = exempt.carbide_slag_above
    slag = limit is not None and facts.carbide_slag_fraction > limit
    white = exempt.white_cement_only and facts.white_cement_only
    return "exempt" if slag or white or (exempt.gypsum_to_acid and facts.gypsum_to_acid) else "balance"


def rule_of(year: int) -> AllowanceRule:
    """The rule of a year; DomainError, with the known years, if there is none.

    year : compliance year.
    """
    if year not in load():
        raise DomainError(f"year: expected one of {', '.join(map(str, load()))}, got {year}")
    return load()[year]


@cache
def load() -> Mapping[int, AllowanceRule]:
    """The rules of `position.toml` under their years, read once."""
    return read(Path(__file__).with_name("position.toml").read_text(encoding="utf-8"))


def read(text: str) -> dict[int, AllowanceRule]:
    """Rules from the text of a position file; DomainError if one is incomplete."""
    try:
        return {int(year): _rule(int(year), table) for year, table in tomllib.loads(text).items()}
    except (KeyError, TypeError, ValueError) as err:
        raise DomainError(f"position.toml: expected the fields of a rule, got {err}") from err


def _rule(year: int, table: Mapping[str, Any]) -> AllowanceRule:
    if table["kind"] not in ("verified", "balance"):
        raise ValueError(f"kind {table['kind']}")
    balance = table["kind"] == "balance"
    return AllowanceRule(
        **{
            **table,
            "year": year,
            "slope": float(table["slope"]) if balance else 0.0,
            "cap": float(table["cap"]) if balance else 0.0,
            "exemptions": Exemptions(**table.get("exemptions", {})),
        }
    )
