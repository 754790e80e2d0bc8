"""Which days new editions of factors touch (R4): exactly those in which a value may differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from tanji.ledger import Ledger
from tanji.ledger.factor_changes import FactorChange, changes
from tanji.ledger.factor_editions import add

from .conftest import OWN


def test_a_change_touches_exactly_the_days_it_covers(ledger: Ledger) -> None:
    add(ledger, [OWN], by="Li", recorded_at_ms=1)
    (change,) = changes(ledger, after_id=0)
    assert change == FactorChange(1, "carbon_per_energy", "bituminous_coal", OWN.valid_from, OWN.valid_to)
    # 2026-01-01 00:00 and 2027-01-01 00:00 in Asia/Shanghai
    assert change.period_ms("Asia/Shanghai") == (1_767_196_800_000, 1_798_732_800_000)


def test_an_edition_of_another_period_touches_both_periods(ledger: Ledger) -> None:
    add(ledger, [OWN], by="Li", recorded_at_ms=1)
    moved = replace(OWN, valid_from=date(2026, 7, 1))
    add(ledger, [moved], by="Li", recorded_at_ms=2)
    assert [(change.id, change.valid_from) for change in changes(ledger, after_id=1)] == [
        (2, date(2026, 7, 1)), (2, date(2026, 1, 1)),
    ]  # fmt: skip
    assert changes(ledger, after_id=2) == ()


def test_a_change_ends_where_a_later_edition_holds_already(ledger: Ledger) -> None:
    later = replace(OWN, id="own.later", valid_from=date(2026, 7, 1), valid_to=None)
    add(ledger, [later], by="Li", recorded_at_ms=1)
    add(ledger, [replace(OWN, valid_to=None)], by="Li", recorded_at_ms=2)
    (change,) = changes(ledger, after_id=1)
    assert (change.valid_from, change.valid_to) == (date(2026, 1, 1), date(2026, 6, 30))
