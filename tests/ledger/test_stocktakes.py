"""Stocktakes: complete or nothing, every term with its sign, and how uncertain their difference is (R21, R37)."""

from __future__ import annotations

import math
from datetime import date

import pytest

from tanji.domain import factors
from tanji.domain.items import Boundary, RuleSetId, StreamKind
from tanji.domain.uncertainty_typical import Typical
from tanji.ledger.entries import Entry
from tanji.ledger.stocktakes import stocktakes
from tanji.plant.model import Name
from tanji.plant.streams import Stream

TYPICAL = Typical(factors.load(), RuleSetId.CETS_AG_02_01, date(2026, 3, 1))
MONTH_MS = 31 * 86_400_000
COAL = Stream(
    id="coal", name=Name(zh="煤", en="coal"), kind=StreamKind.FOSSIL_FUEL, boundaries=(Boundary.CLINKER,),
    fuel="bituminous_coal", ledger=True, stock=True,
)  # fmt: skip
CLINKER = COAL.model_copy(update={"id": "clinker", "kind": StreamKind.CLINKER, "fuel": None})


def entries(stream: Stream, stated: dict[str, float], *, start_ms: int = 0) -> list[Entry]:
    return [
        Entry(f"S{start_ms}", stream.id, name, value, "t", start_ms, start_ms + MONTH_MS)
        for name, value in stated.items()
    ]


FUEL = {"purchase_amount": 12_000.0, "opening_stock": 3000.0, "closing_stock": 2500.0, "sold_amount": 0.0}


def test_a_stock_difference_is_as_uncertain_as_its_terms():
    # by hand: 60, 150 and 125 t: root(3 600 + 22 500 + 15 625) = 204.267 t of 12 500 t: 1.634134 %
    (found,) = stocktakes(COAL, entries(COAL, FUEL))
    assert found.amount == 12_500.0
    assert found.terms() == {**FUEL, "closing_stock": -2500.0, "sold_amount": -0.0}
    assert found.u_rel(TYPICAL) == pytest.approx(math.sqrt(41_725) / 12_500, rel=1e-12)
    assert (found.surveyed_ms("opening_stock"), found.surveyed_ms("closing_stock")) == (0, MONTH_MS)


def test_clinker_in_the_silo_at_the_end_was_produced():
    stated = {"clinker_to_mill": 90_000.0, "clinker_dispatched": 50_000.0, "opening_stock": 30_000.0,
              "closing_stock": 34_000.0, "clinker_bought": 1000.0}  # fmt: skip
    (found,) = stocktakes(CLINKER, entries(CLINKER, stated))
    assert found.amount == sum(found.terms().values()) == 143_000.0
    # by hand: 900, 250, 1 500, 1 700 and 5 t: root(810 000 + 62 500 + 2 250 000 + 2 890 000 + 25) = 2 451.9 t
    assert found.u_rel(TYPICAL) == pytest.approx(math.sqrt(6_012_525) / 143_000, rel=1e-12)


def test_what_was_not_stated_is_missing_and_never_zero():
    stated = {name: value for name, value in FUEL.items() if name != "sold_amount"}
    assert not list(stocktakes(COAL, entries(COAL, stated)))
    other = entries(COAL, FUEL)
    other[0] = Entry("x", "coal", "purchase_amount", 12_000.0, "m3", 0, MONTH_MS)
    assert not list(stocktakes(COAL, other))


def test_an_amount_of_zero_has_no_relative_uncertainty():
    (found,) = stocktakes(COAL, entries(COAL, FUEL | {"purchase_amount": -500.0}))
    assert found.amount == 0.0 and found.u_rel(TYPICAL) is None
