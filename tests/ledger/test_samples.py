"""Samples are registered when they are taken, once and for ever; those without a result stay listed (R35, R36)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tanji.ledger import Ledger
from tanji.ledger.entries import Entry
from tanji.ledger.samples import (
    Registered,
    Sample,
    SamplesResult,
    import_samples,
    is_sheet_of_samples,
    last_sample,
    register,
    samples,
    without_result,
)
from tanji.plant.model import Plant

HEADER = "sample_id,stream,taken_at,taken_by\n"
NOW = round(datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)
TAKEN = round(datetime(2026, 3, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)
KC = Sample("KC-1", "coal", TAKEN, "Li Na")
Bring = Callable[[str], SamplesResult]


@pytest.fixture
def bring(tmp_path: Path, ledger: Ledger, plant: Plant) -> Bring:
    def found(rows: str) -> SamplesResult:
        (tmp_path / "taken.csv").write_text(HEADER + rows, encoding="utf-8")
        return import_samples(tmp_path / "taken.csv", ledger=ledger, plant=plant, now_ms=NOW)

    return found


def result(sample: str, value: float = 23.1, *, withdrawn: bool = False) -> Entry:
    return Entry(sample, "coal", "net_calorific_value", value, "GJ/t", TAKEN, TAKEN + 1, withdrawn=withdrawn)


def test_a_sample_is_registered_once_and_known_the_second_time(ledger: Ledger) -> None:
    assert register(ledger, [KC], recorded_at_ms=7) == Registered(1, 0, ())
    again = register(ledger, [KC], recorded_at_ms=8)
    assert (again.added, again.repeated, again.taken) == (0, 1, ())
    (only,) = samples(ledger)
    assert (only.sample_id, only.taken_ms, only.recorded_at_ms, only.number) == ("KC-1", TAKEN, 7, 1)


def test_a_number_cannot_be_given_to_another_sample_afterwards(ledger: Ledger) -> None:
    later = Sample("KC-1", "coal", TAKEN + 1, "Li Na")
    outcome = register(ledger, [KC, later], recorded_at_ms=7)
    assert outcome.taken == (later,) and outcome.added == 1
    assert [sample.taken_ms for sample in samples(ledger)] == [TAKEN]


def test_samples_come_in_the_order_they_were_registered(ledger: Ledger) -> None:
    early = Sample("KC-0", "coal", TAKEN - 1)
    register(ledger, [KC], recorded_at_ms=1)
    register(ledger, [early], recorded_at_ms=2)
    assert [sample.sample_id for sample in samples(ledger)] == ["KC-1", "KC-0"]
    assert [sample.sample_id for sample in samples(ledger, after=1)] == ["KC-0"]
    assert samples(ledger, after=1, until=1) == ()
    assert last_sample(ledger) == 2


def test_numbers_without_a_result_stay_listed_until_one_is_in_force(ledger: Ledger) -> None:
    register(ledger, [KC, Sample("KC-2", "coal", TAKEN + 5)], recorded_at_ms=1)
    ledger.enter([result("KC-1")], recorded_at_ms=2)
    assert [sample.sample_id for sample in without_result(ledger)] == ["KC-2"]
    assert without_result(ledger, taken_before_ms=TAKEN + 5) == ()
    ledger.withdraw("KC-1", by="Li", reason="wrong container", recorded_at_ms=3)
    assert [sample.sample_id for sample in without_result(ledger)] == ["KC-1", "KC-2"]


def test_a_sheet_registers_its_good_rows_and_names_the_others(bring: Bring, ledger: Ledger) -> None:
    found = bring(
        "KC-1,coal,2026-03-01T08:00,Li Na\n"
        ",coal,2026-03-01T08:00,Li Na\n"
        "KC-2,steam,2026-03-01T08:00,Li Na\n"
        "KC-3,diesel,2026-03-01T08:00,Li Na\n"
        "KC-4,coal,yesterday,Li Na\n"
        "KC-5,coal,2026-03-09T08:00,Li Na\n"
        "KC-6,coal,2026-03-01T08:00,\n"
        "KC-1,coal,2026-03-01T09:00,Li Na\n"
    )
    assert (found.rows, found.added) == (8, 1)
    assert [(finding.line, finding.key) for finding in found.findings] == [
        (3, "sample_id"), (4, "stream"), (5, "stream"), (6, "taken_at"), (7, "taken_at"), (8, "taken_by"),
        (9, "sample_id"),
    ]  # fmt: skip
    assert [sample.taken_ms for sample in samples(ledger)] == [TAKEN]
    assert bring("KC-1,coal,2026-03-01T08:00,Li Na\n").repeated == 1


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (HEADER, True),
        ("sample_id;stream;taken_at;taken_by\n", True),
        ("sample_id,stream,parameter,value,unit,basis,valid_from,valid_to,laboratory,method\n", False),
        ("sample_id,stream,parameter,value,unit,basis,valid_from,valid_to,laboratory,method,taken_at\n", False),
        ("", False),
    ],
)
def test_a_sheet_of_samples_is_told_from_one_of_results(tmp_path: Path, header: str, wanted: bool) -> None:
    (tmp_path / "sheet.csv").write_text(header, encoding="utf-8")
    assert is_sheet_of_samples(tmp_path / "sheet.csv") is wanted


def test_a_sheet_without_its_columns_is_a_fault(tmp_path: Path, ledger: Ledger, plant: Plant) -> None:
    (tmp_path / "taken.csv").write_text("sample_id,taken_at\nKC-1,2026-03-01\n", encoding="utf-8")
    found = import_samples(tmp_path / "taken.csv", ledger=ledger, plant=plant, now_ms=NOW)
    assert found.added == 0 and found.findings[0].key == "header"
