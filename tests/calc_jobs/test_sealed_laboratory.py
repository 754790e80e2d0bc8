"""What a laboratory sealed against what the ledger says: altered, added, left out, withdrawn (R35, R36)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calc_jobs.laboratory_seal import of_entry
from calc_jobs.sealed_laboratory import SealedResults, check_ledger, in_force
from tanji.errors import TrustError
from tanji.ledger.entries import Entry
from tanji.trust.payload_line import LaboratoryLine

DAY = 86_400_000
FIRST = Entry("KC-1", "coal", "net_calorific_value", 22.5, "GJ/t", 0, DAY, basis="as_received")
SECOND = replace(FIRST, sample_id="KC-2", value=21.0, valid_from_ms=DAY, valid_to_ms=2 * DAY)
EVER = (0, 10 * DAY)


def lines(*entries: Entry) -> tuple[LaboratoryLine, ...]:
    return tuple(LaboratoryLine.parse(text.encode()) for entry in entries for text in of_entry(entry))


def check(ledger: list[Entry], *sealed: LaboratoryLine, since_ms: int | None = None, window=EVER) -> None:
    check_ledger(ledger, SealedResults(sealed, since_ms), window=window)


def test_what_was_sealed_and_nothing_else_is_accepted() -> None:
    check([FIRST, SECOND], *lines(FIRST, SECOND))


@pytest.mark.parametrize(
    "ledger",
    [
        [replace(FIRST, value=21.8), SECOND],
        [replace(FIRST, unit="GJ/1e4Nm3"), SECOND],
        [replace(FIRST, basis="dry"), SECOND],
        [replace(FIRST, valid_to_ms=DAY // 2), SECOND],
        [replace(FIRST, stream="other"), SECOND],
        [FIRST, SECOND, replace(SECOND, sample_id="KC-3", value=19.0)],
        [FIRST],
    ],
)
def test_a_ledger_that_says_something_else_is_refused(ledger: list[Entry]) -> None:
    with pytest.raises(TrustError) as error:
        check(ledger, *lines(FIRST, SECOND))
    assert error.value.rule == "recompute-inputs"


def test_a_later_result_of_a_sample_takes_the_place_of_the_one_it_overlaps() -> None:
    corrected = replace(FIRST, value=22.1)
    check([corrected], *lines(FIRST, corrected))
    with pytest.raises(TrustError):
        check([FIRST], *lines(FIRST, corrected))


def test_a_withdrawn_result_no_longer_counts() -> None:
    gone = lines(replace(FIRST, withdrawn=True, recorded_at_ms=5))
    check([SECOND], *lines(FIRST, SECOND), *gone)
    with pytest.raises(TrustError):
        check([FIRST, SECOND], *lines(FIRST, SECOND), *gone)


def test_samples_are_no_results() -> None:
    assert in_force([LaboratoryLine("sample", "KC-1", 5)]) == []


def test_values_from_before_the_sealed_lines_begin_cannot_be_compared() -> None:
    check([FIRST, SECOND], *lines(SECOND), since_ms=DAY)
    with pytest.raises(TrustError):
        check([FIRST, SECOND], *lines(SECOND))
    with pytest.raises(TrustError):
        check([FIRST, SECOND], *lines(FIRST), since_ms=DAY)


def test_only_what_holds_in_the_window_matters() -> None:
    check([FIRST], *lines(FIRST, SECOND), window=(0, DAY))
