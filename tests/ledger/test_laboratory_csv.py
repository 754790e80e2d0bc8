"""The drop-folder CSV: good rows enter, bad rows are named with line and field (issue 3 item 9, R9, R52)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.ledger import Ledger
from tanji.ledger.laboratory_csv import ImportResult, import_file, read
from tanji.plant.model import Plant

HEADER = "sample_id,stream,parameter,value,unit,basis,valid_from,valid_to,laboratory,method\n"
GOOD = "C-1,coal,net_calorific_value,23100,kJ/kg,as_received,2026-03-01,2026-03-01,化验室,GB/T 213\n"
MARCH_1 = 1_772_294_400_000  # 2026-03-01 00:00 in Asia/Shanghai
DAY = 86_400_000


def bring(body: str | bytes, *, tmp_path: Path, ledger: Ledger, plant: Plant) -> ImportResult:
    file = tmp_path / "lab.csv"
    file.write_bytes(body.encode() if isinstance(body, str) else body)
    return import_file(file, ledger=ledger, plant=plant, now_ms=1)


def refused(row: str, plant: Plant) -> tuple[int, str, str, str]:
    """The one finding of a file with a good row and this one on line 3."""
    entries, (finding,), rows = read((HEADER + GOOD + row).encode(), file="lab.csv", plant=plant)
    assert len(entries) == 1 and rows == 2 and finding.file == "lab.csv"
    return finding.line, finding.key, finding.expected, finding.got


def test_a_good_row_enters_in_internal_units_and_local_days(tmp_path: Path, ledger: Ledger, plant: Plant) -> None:
    """23,100 kJ/kg are 23.1 GJ/t; 1 March in Asia/Shanghai is 28 February 16:00 to 1 March 16:00 UTC."""
    result = bring(HEADER + GOOD, tmp_path=tmp_path, ledger=ledger, plant=plant)
    assert (result.rows, result.added, result.findings) == (1, 1, ())
    (entry,) = ledger.entries()
    assert entry.value == pytest.approx(23.1, rel=1e-15) and entry.unit == "GJ/t"
    assert (entry.valid_from_ms, entry.valid_to_ms) == (MARCH_1, MARCH_1 + DAY)
    assert (entry.entered_value, entry.entered_unit, entry.source) == (23100, "kJ/kg", "lab.csv:2")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_excels_encodings_separators_and_line_ends_are_read(
    tmp_path: Path, ledger: Ledger, plant: Plant, encoding: str
) -> None:
    body = (HEADER + GOOD).replace("\n", "\r\n").replace(",", ";").encode(encoding)
    assert bring(body, tmp_path=tmp_path, ledger=ledger, plant=plant).added == 1
    assert ledger.entries()[0].laboratory == "化验室"


def test_columns_may_come_in_any_order_with_further_ones_and_blank_lines(plant: Plant) -> None:
    body = "note,method,laboratory,valid_to,valid_from,basis,unit,value,parameter,stream,sample_id\n,,,,,,,,,,\n"
    body += "x,GB,lab,2026-03-02T08:00,2026-03-01 08:00,as_received,%,61.5,carbon_as_received,coal,C-9\n"
    (entry,), findings, _ = read(body.encode(), file="lab.csv", plant=plant)
    assert not findings and entry.value == pytest.approx(0.615) and entry.source == "lab.csv:3"
    assert entry.valid_from_ms == MARCH_1 + 8 * 3_600_000


def test_times_with_a_zone_are_taken_as_they_are(plant: Plant) -> None:
    row = GOOD.replace("2026-03-01,2026-03-01", "2026-03-01T00:00+08:00,2026-03-01T00:00Z")
    (entry,), _, _ = read((HEADER + row).encode(), file="lab.csv", plant=plant)
    assert (entry.valid_from_ms, entry.valid_to_ms) == (MARCH_1, MARCH_1 + 8 * 3_600_000)


@pytest.mark.parametrize(
    ("change", "field", "expected", "got"),
    [
        (("C-1,", ","), "sample_id", "the sample's number", "nothing"),
        (("coal", "coke"), "stream", "a source stream of the plant: coal, diesel", "coke"),
        (("net_calorific_value", "ash"), "parameter", "one of net_calorific_value, carbon_as_received", "ash"),
        (("23100", "23 100"), "value", "a number", "23 100"),
        (("23100", ""), "value", "a number", "nothing"),
        (("23100", "nan"), "value", "a finite number", "nan"),
        (("kJ/kg", "%"), "unit", "one of GJ/t, MJ/kg, kJ/kg", "%"),
        (("kJ/kg", "kj"), "unit", "one of GJ/t, MJ/kg, kJ/kg", "kj"),
        (("kJ/kg", "GJ/t"), "value", "8 to 34 GJ/t", "23100 GJ/t"),
        (("as_received", "air_dried"), "basis", "one of as_received", "air_dried"),
        (("2026-03-01,", "1.3.2026,"), "valid_from", "an ISO 8601 time", "1.3.2026"),
        (("03-01,化", "02-01,化"), "valid_to", "a time after 2026-03-01", "2026-02-01"),
        ((",GB/T 213", ""), "row", "10 fields", "9 fields"),
        ((",GB/T 213", ",GB,T"), "row", "10 fields", "11 fields"),
    ],
)
def test_a_bad_row_is_named_with_line_field_expectation_and_what_was_got(
    plant: Plant, change: tuple[str, str], field: str, expected: str, got: str
) -> None:
    line, key, wanted, found = refused(GOOD.replace("C-1", "C-1").replace(*change, 1), plant)
    assert (line, key) == (3, field) and expected in wanted and got in found


@pytest.mark.parametrize(
    ("value", "unit", "got"),
    [
        ("649.4", "%", "6.494, entered as 649.4 %"),  # 64.94 % with its point in the wrong place
        ("649.4 %", "%", "6.494, entered as 649.4 %"),  # a cell that Excel shows as a percentage
        ("6.494", "1", "6.494"),
        ("10", "%", "0.1, entered as 10 %"),
        ("0.1", "1", "0.1 (10 %)"),
    ],
)
def test_a_share_is_told_as_a_number_and_above_one_never_as_a_percentage(
    plant: Plant, value: str, unit: str, got: str
) -> None:
    row = f"C-2,coal,carbon_as_received,{value},{unit},as_received,2026-03-01,2026-03-01,化验室,GB/T 476\n"
    assert refused(row, plant)[1::2] == ("value", got)


def test_a_manual_amount_is_taken_only_by_a_stream_that_lives_from_the_ledger(plant: Plant) -> None:
    row = "D-1,{},amount,{},{},,2026-03-01,2026-03-01,仓库,加油台账\n"
    body = HEADER + row.format("diesel", 500, "L") + row.format("coal", 5, "t") + row.format("diesel", -1, "t")
    (entry,), findings, _ = read(body.encode(), file="a.csv", plant=plant)
    assert (entry.value, entry.unit) == (0.5, "m3")
    assert [(finding.line, finding.key) for finding in findings] == [(3, "parameter"), (4, "value")]


def test_two_values_for_one_sample_in_a_file_are_a_fault_not_a_correction(plant: Plant) -> None:
    line, key, expected, got = refused(GOOD.replace("23100", "23200"), plant)
    assert (line, key, got) == (3, "value", "23200") and "line 2" in expected


@pytest.mark.parametrize(
    ("body", "line", "key"),
    [
        (b"", 1, "header"),
        (b"\n\n", 1, "header"),
        (HEADER.replace("unit,", "").encode(), 1, "header"),
        (HEADER.replace("basis", "unit").encode(), 1, "header"),
        (b"\xff\xfe\x00\xff\xff", 1, "file"),
        ((HEADER + '"C-1,coal\n').encode(), 2, "row"),
    ],
)
def test_a_file_that_is_no_table_of_values_brings_one_finding(plant: Plant, body: bytes, line: int, key: str) -> None:
    entries, (finding,), _ = read(body, file="lab.csv", plant=plant)
    assert not entries and (finding.line, finding.key) == (line, key)


def test_a_second_import_of_the_same_file_changes_nothing(tmp_path: Path, ledger: Ledger, plant: Plant) -> None:
    bring(HEADER + GOOD, tmp_path=tmp_path, ledger=ledger, plant=plant)
    result = bring(HEADER + GOOD, tmp_path=tmp_path, ledger=ledger, plant=plant)
    assert (result.added, result.repeated) == (0, 1) and ledger.last_change() == 1


def test_the_good_rows_of_a_file_with_a_bad_one_enter(tmp_path: Path, ledger: Ledger, plant: Plant) -> None:
    body = HEADER + GOOD + GOOD.replace("C-1", "C-2").replace("23100", "x") + GOOD.replace("C-1", "C-3")
    result = bring(body, tmp_path=tmp_path, ledger=ledger, plant=plant)
    assert result.added == 2 and [finding.line for finding in result.findings] == [3]
    assert [entry.sample_id for entry in ledger.entries()] == ["C-1", "C-3"]
