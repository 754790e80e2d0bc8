"""The ledger: values supersede and never disappear, watermarks move in one step (DESIGN section 3, R4, R36)."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from tanji.ledger import Ledger
from tanji.ledger.entries import Entry

DAY = 86_400_000
NCV = Entry("C-1", "coal", "net_calorific_value", 23.1, "GJ/t", 0, DAY, basis="as_received", laboratory="化验室")


def test_an_entry_comes_back_as_it_was_entered(ledger: Ledger) -> None:
    assert ledger.enter([NCV], recorded_at_ms=7).added == 1
    (found,) = ledger.entries()
    assert found == replace(NCV, id=1, recorded_at_ms=7, entered_value=23.1, entered_unit="GJ/t")


def test_the_same_value_again_changes_nothing(ledger: Ledger) -> None:
    ledger.enter([NCV], recorded_at_ms=1)
    outcome = ledger.enter([NCV, NCV], recorded_at_ms=2)
    assert (outcome.added, outcome.repeated, outcome.superseded) == (0, 2, 0) and ledger.last_change() == 1


def test_a_corrected_value_supersedes_the_old_one_which_is_kept(ledger: Ledger) -> None:
    ledger.enter([NCV], recorded_at_ms=1)
    assert ledger.enter([replace(NCV, value=22.9)], recorded_at_ms=2).superseded == 1
    assert [entry.value for entry in ledger.entries()] == [22.9]
    old, new = ledger.entries(superseded=True)
    assert (old.value, old.superseded_by, new.superseded_by) == (23.1, new.id, None)
    # And back again: a third version, not the first one revived.
    assert ledger.enter([NCV], recorded_at_ms=3).added == 1
    assert [entry.id for entry in ledger.entries()] == [3]


def test_another_period_or_parameter_of_a_sample_is_another_entry(ledger: Ledger) -> None:
    later = replace(NCV, valid_from_ms=DAY, valid_to_ms=2 * DAY)
    carbon = replace(NCV, parameter="carbon_as_received", value=0.6, unit="t/t")
    assert ledger.enter([NCV, later, carbon], recorded_at_ms=1).added == 3
    assert len(ledger.entries(start_ms=DAY, end_ms=DAY + 1)) == 1
    assert len(ledger.entries(start_ms=0, end_ms=DAY, parameter="net_calorific_value")) == 1
    assert ledger.entries(streams=["other"]) == ()


def test_changes_are_told_since_an_id_with_the_periods_they_touch(ledger: Ledger) -> None:
    ledger.enter([NCV, replace(NCV, sample_id="C-2", valid_from_ms=DAY, valid_to_ms=2 * DAY)], recorded_at_ms=1)
    ledger.enter([replace(NCV, value=20.0)], recorded_at_ms=2)
    assert [(change.id, change.valid_from_ms) for change in ledger.changes(after_id=1)] == [(2, DAY), (3, 0)]
    assert ledger.changes(after_id=ledger.last_change()) == ()


def test_watermarks_move_together_and_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.sqlite"
    first = Ledger(path)
    assert first.watermarks() == {} and first.run_number() == 0
    assert first.advance({"arrival": 5, "ledger": 1}, at_ms=1) == 1
    assert first.advance({"arrival": 9}, at_ms=2) == 2
    first.close()
    again = Ledger(path)
    assert again.watermarks() == {"arrival": 9, "ledger": 1} and again.run_number() == 2
    again.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    connection.close()


def test_any_sqlalchemy_url_serves() -> None:
    ledger = Ledger("sqlite://")
    assert ledger.enter([NCV], recorded_at_ms=1).added == 1
    ledger.close()
