"""A sample holds once for any moment: a corrected period may not leave the old one in force beside it (R9, R52).

Amounts that overlap add up, so that a booking whose last day was corrected would count twice.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tanji.ledger import Ledger
from tanji.ledger.laboratory_csv import ImportResult, import_file
from tanji.plant.model import Plant

HEADER = "sample_id,stream,parameter,value,unit,basis,valid_from,valid_to,laboratory,method,withdrawn,reason\n"
MARCH = "D-1,diesel,amount,31,t,,2026-03-01,2026-03-31,,,,\n"
CORRECTED = "D-1,diesel,amount,31,t,,2026-03-01,2026-03-30,,,,\n"
Bring = Callable[[str], ImportResult]


@pytest.fixture
def bring(tmp_path: Path, ledger: Ledger, plant: Plant) -> Bring:
    def found(rows: str) -> ImportResult:
        (tmp_path / "book.csv").write_text(HEADER + rows, encoding="utf-8")
        return import_file(tmp_path / "book.csv", ledger=ledger, plant=plant, now_ms=1)

    return found


def test_a_corrected_period_takes_the_place_of_the_old_one_and_nothing_counts_twice(
    bring: Bring, ledger: Ledger
) -> None:
    """31 t booked for March and again for 30 days of it would be 62 t."""
    assert bring(MARCH).added == 1
    result = bring(CORRECTED)
    assert (result.added, result.superseded, result.findings) == (1, 1, ())
    assert [entry.value for entry in ledger.entries()] == [31]


def test_two_periods_of_a_sample_that_overlap_within_a_file_are_a_fault(bring: Bring) -> None:
    result = bring(MARCH + CORRECTED)
    assert result.added == 1 and [finding.line for finding in result.findings] == [3]


def test_the_period_is_corrected_by_withdrawing_the_old_one_beside_it(bring: Bring, ledger: Ledger) -> None:
    bring(MARCH)
    gone = "D-1,diesel,amount,,,,2026-03-01,2026-03-31,,,yes,one day less\n"
    assert bring(CORRECTED + gone).findings == ()
    assert [entry.value for entry in ledger.entries()] == [31]


def test_periods_apart_and_other_samples_are_their_own(bring: Bring, ledger: Ledger) -> None:
    april = "D-1,diesel,amount,30,t,,2026-04-01,2026-04-30,,,,\n"
    other = "D-2,diesel,amount,2,t,,2026-03-15,2026-03-16,,,,\n"
    assert bring(MARCH + april + other).findings == ()
    assert bring(MARCH).findings == () and len(ledger.entries()) == 3


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "field"),
    [
        ("2026-03-01T08:30", "2026-03-02T08:00", "valid_from"),
        ("2026-03-01T08:00", "2026-03-02T08:30", "valid_to"),
        ("2026-03-01T08:00:01", "2026-03-02", "valid_from"),
    ],
)
def test_an_amount_is_booked_over_full_hours(bring: Bring, valid_from: str, valid_to: str, field: str) -> None:
    """30 known minutes of an hour are fewer than 45: it would be substituted, and the hours not be what was booked."""
    (finding,) = bring(f"D-1,diesel,amount,24,t,,{valid_from},{valid_to},,,,\n").findings
    assert (finding.line, finding.key, finding.got) == (2, field, {"valid_from": valid_from}.get(field, valid_to))
    assert finding.expected.startswith("full hours, e.g. 2026-10-01")
    assert bring("D-1,diesel,amount,24,t,,2026-03-01T08:00,2026-03-02T08:00,,,,\n").findings == ()


def test_a_result_may_hold_to_the_minute(bring: Bring, ledger: Ledger) -> None:
    result = bring("S-1,coal,net_calorific_value,22,GJ/t,as_received,2026-03-01T08:30,2026-03-01T16:10,,,,\n")
    assert result.findings == () and len(ledger.entries()) == 1
