"""Which periods new editions of factors touch, so that the hours in them are computed again (R4, R30).

The editions themselves are in `tanji.ledger.factor_editions`; what is computed again is the jobs' business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tanji.domain.factors import Factor
from tanji.ledger.factor_editions import Edition, editions
from tanji.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class FactorChange:
    """Plant-local time [valid_from, valid_to] in which a quantity may have another value; `id` grows with each."""

    id: int
    quantity: str
    applies_to: str
    valid_from: date
    valid_to: date | None

    def period_ms(self, timezone: str) -> tuple[int, int | None]:
        """Start and end [UTC ms] of the period at a plant; None for an end that is open."""
        zone = ZoneInfo(timezone)
        start = _midnight(self.valid_from, zone)
        return start, None if self.valid_to is None else _midnight(self.valid_to + timedelta(days=1), zone)


def changes(ledger: Ledger, *, after_id: int) -> tuple[FactorChange, ...]:
    """Periods that editions entered since `after_id` touch: their own, and that of the edition they replaced.

    A period ends where a later own edition of the same kind takes over, unless that is new as well.
    """
    known = editions(ledger)
    found = []
    for edition in known:
        if edition.number <= after_id:
            continue
        found.append(_change(edition, known))
        found += [
            replace(_change(old, known), id=edition.number) for old in known if old.superseded_by == edition.number
        ]
    return tuple(found)


def _change(edition: Edition, known: Iterable[Edition]) -> FactorChange:
    factor = edition.factor
    later = [
        other.factor.valid_from
        for other in known
        if other.number < edition.number
        and other.superseded_by is None
        and other.factor.valid_to is None
        and other.factor.valid_from > factor.valid_from
        and _covers(other.factor, factor)
    ]
    ends = [day for day in (factor.valid_to, *(day - timedelta(days=1) for day in later)) if day is not None]
    return FactorChange(
        edition.number, factor.quantity, factor.applies_to, factor.valid_from, min(ends) if ends else None
    )


def _covers(other: Factor, factor: Factor) -> bool:
    """Whether `other` stands in for every use of `factor`."""
    kind = (other.quantity, other.applies_to) == (factor.quantity, factor.applies_to)
    return kind and set(other.rulesets) >= set(factor.rulesets) and other.variant in ("", factor.variant)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, time(), zone).timestamp() * 1000)
