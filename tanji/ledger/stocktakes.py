"""Complete stocktakes in the ledger: which terms they state, and what an error of each term does to the amount (R37).

An amount by stocktake is a difference of large numbers (standard.md sections 9 and 13): purchases and sales go over
one scale, whose error is the same every month; a survey of a heap or a silo is new every time, and the stock that
closes one month opens the next. Formulas are `tanji.domain.stock`, how uncertain each term is `factors.toml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tanji.domain import stock
from tanji.domain.items import StreamKind
from tanji.domain.uncertainty_rules import root_of_squares
from tanji.domain.uncertainty_typical import Typical
from tanji.ledger.entries import Entry, stock_parameters
from tanji.plant.streams import Stream

SIGNS: Mapping[str, float] = {
    "purchase_amount": 1.0,
    "opening_stock": 1.0,
    "closing_stock": -1.0,
    "sold_amount": -1.0,
}
CLINKER_SIGNS: Mapping[str, float] = {
    "clinker_to_mill": 1.0,
    "clinker_dispatched": 1.0,
    "opening_stock": -1.0,
    "closing_stock": 1.0,
    "clinker_bought": -1.0,
}
"""Which way each term enters: what is in the silo at the end was produced, what is on the heap was not burned."""

SURVEYED = ("opening_stock", "closing_stock")
"""Terms that a survey finds, anew every time."""


@dataclass(frozen=True, slots=True)
class Stocktake:
    """What a stream's stocktake states for [start_ms, end_ms) [UTC ms], all of it, and the amount it gives."""

    start_ms: int
    end_ms: int
    unit: str
    stated: Mapping[str, float]
    amount: float
    clinker: bool = False

    def terms(self) -> dict[str, float]:
        """Every term with the sign it enters the amount with. [unit]"""
        signs = CLINKER_SIGNS if self.clinker else SIGNS
        return {name: sign * self.stated[name] for name, sign in signs.items()}

    def surveyed_ms(self, name: str) -> int:
        """When a stock was surveyed. [UTC ms]"""
        return self.start_ms if name == "opening_stock" else self.end_ms

    def u_rel(self, typical: Typical) -> float | None:
        """Relative standard uncertainty of the amount, its terms in quadrature; None for an amount of zero. [1]

        By hand: purchase 12 000 t +- 0.5 %, stocks 3 000 and 2 500 t +- 5 %, sold nothing: 60, 150 and 125 t; root of
        3 600 + 22 500 + 15 625 = 204.3 t of 12 500 t: 1.634 %.
        """
        if not self.amount:
            return None
        parts = [value * typical.total(name, origin="entry") for name, value in self.terms().items()]
        return float(root_of_squares(*parts)) / abs(self.amount)


def stocktakes(stream: Stream, entries: Iterable[Entry]) -> Iterator[Stocktake]:
    """Every period of a stream whose stocktake is complete; what was not stated is missing and never zero."""
    wanted = stock_parameters(stream)
    periods: dict[tuple[int, int], dict[str, list[Entry]]] = {}
    for entry in entries:
        if entry.stream == stream.id and entry.parameter in wanted:
            found = periods.setdefault((entry.valid_from_ms, entry.valid_to_ms), {})
            found.setdefault(entry.parameter, []).append(entry)
    for (start_ms, end_ms), found in sorted(periods.items()):
        if set(found) == set(wanted) and len({entry.unit for rows in found.values() for entry in rows}) == 1:
            # several deliveries, several heaps: they add up, in an order that does not depend on arrival
            stated = {name: sum(sorted(entry.value for entry in rows)) for name, rows in found.items()}
            clinker = stream.kind is StreamKind.CLINKER
            unit = next(iter(found.values()))[0].unit
            yield Stocktake(start_ms, end_ms, unit, stated, _amount(stated, clinker=clinker), clinker)


def _amount(stated: Mapping[str, float], *, clinker: bool) -> float:
    rest = dict(stated)
    if clinker:
        return float(stock.clinker_by_stocktake(rest.pop("clinker_to_mill"), **rest))
    return float(stock.stock_consumption(rest.pop("purchase_amount"), **rest))
