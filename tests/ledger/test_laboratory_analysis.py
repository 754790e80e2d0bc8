"""Raw coal analyses, places of weighing, periods, withdrawal, XLSX and the dry run (R9, R52, standard.md section 3).

Hand calculations in the docstrings; the conversions themselves are tested in tests/domain/test_coal.py.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tanji.ledger import Ledger
from tanji.ledger.laboratory_csv import COLUMNS, ImportResult, import_file, preview_file, read
from tanji.plant.load import parse
from tanji.plant.model import Plant

MARCH_1, DAY = 1_772_294_400_000, 86_400_000
ROW = {
    "sample_id": "C-1", "stream": "coal", "parameter": "carbon_as_received", "value": "60", "unit": "%",
    "basis": "as_received", "valid_from": "2026-03-01", "valid_to": "2026-03-01", "laboratory": "lab", "method": "GB",
}  # fmt: skip
AIR_DRIED = {"parameter": "carbon_air_dried", "value": "65", "basis": "air_dried"}
MOISTURES = {"moisture_total": "9 %", "moisture_air_dried": "2 %"}


@pytest.fixture(scope="session")
def weighed(plant: Plant) -> Plant:
    """The plant of this folder, its coal weighed at a named place, with stocktake and laboratory of a stack."""
    text = plant.model_dump_json(exclude_defaults=True)
    data = json.loads(text)
    data["streams"][0]["weighed_at"] = "kiln_rotor_scale"
    return Plant.model_validate(data)


def sheet(*rows: dict[str, str]) -> bytes:
    names = list(dict.fromkeys((*COLUMNS, *itertools.chain(*rows))))
    lines = [",".join(names), *(",".join(row.get(name, "") for name in names) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def bring(plant: Plant, ledger: Ledger, folder: Path, *rows: dict[str, str], name: str = "lab.csv") -> ImportResult:
    file = folder / name
    file.write_bytes(sheet(*rows))
    return import_file(file, ledger=ledger, plant=plant, now_ms=1)


def refused(plant: Plant, row: dict[str, str]) -> tuple[str, str, str]:
    entries, (finding,), _ = read(sheet(row), file="lab.csv", plant=plant)
    assert not entries and (finding.file, finding.line) == ("lab.csv", 2)
    return finding.key, finding.expected, finding.got


def test_air_dried_carbon_is_converted_to_the_moisture_at_the_scale_and_both_are_kept(plant: Plant) -> None:
    """C_ar = 0.65 x (1 - 0.09) / (1 - 0.02) = 0.5915 / 0.98 = 0.603571."""
    (entry,), findings, _ = read(sheet(ROW | AIR_DRIED | MOISTURES), file="lab.csv", plant=plant)
    assert not findings and entry.parameter == "carbon_as_received" and entry.basis == "as_received"
    assert entry.value == pytest.approx(0.5915 / 0.98, rel=1e-12) and entry.entered_value == 65
    assert entry.formula.startswith("C_ar = C_ad x (1 - M) / (1 - M_ad)")
    assert json.loads(entry.raw) == pytest.approx(
        {"carbon_air_dried": 0.65, "moisture_total": 0.09, "moisture_air_dried": 0.02}
    )


def test_air_dried_carbon_taken_as_received_would_be_seven_percent_more(plant: Plant) -> None:
    """The mutation `C_ad taken as received`: 0.65 instead of 0.6036 tC/t."""
    (entry,), _, _ = read(sheet(ROW | AIR_DRIED | MOISTURES), file="lab.csv", plant=plant)
    assert entry.value < 0.61
    assert refused(plant, ROW | {"basis": "air_dried"})[0] == "basis"


def test_the_moisture_at_the_scale_goes_before_the_total_one(plant: Plant) -> None:
    """Pulverised coal at 1 %: 0.65 x 0.99 / 0.98 = 0.656633, 8 % above the raw coal at 9 %."""
    row = ROW | AIR_DRIED | MOISTURES | {"moisture_at_scale": "1 %"}
    (entry,), _, _ = read(sheet(row), file="lab.csv", plant=plant)
    assert entry.value == pytest.approx(0.65 * 0.99 / 0.98)
    received = ROW | {"moisture_total": "10 %", "moisture_at_scale": "1 %"}
    (entry,), _, _ = read(sheet(received), file="lab.csv", plant=plant)
    assert entry.value == pytest.approx(0.6 / 0.9 * 0.99) and entry.formula.startswith("C_w = ")


def test_dry_carbon_and_the_gross_value_are_converted(plant: Plant) -> None:
    """C_ar = 0.66 x 0.91 = 0.6006. Gross: (27000 - 206 x 4) x 91/98 - 23 x 9 = 24099.2857 J/g."""
    dry = ROW | {"parameter": "carbon_dry", "value": "66", "basis": "dry", "moisture_total": "9%"}
    (entry,), _, _ = read(sheet(dry), file="lab.csv", plant=plant)
    assert entry.value == pytest.approx(0.6006)
    gross = ROW | AIR_DRIED | MOISTURES | {
        "parameter": "gross_calorific_value_air_dried", "value": "27000", "unit": "J/g", "hydrogen_air_dried": "4 %",
    }  # fmt: skip
    (entry,), findings, _ = read(sheet(gross), file="lab.csv", plant=plant)
    assert not findings and entry.parameter == "net_calorific_value"
    assert entry.value == pytest.approx(24.0992857, rel=1e-8) and "Qnet,ar" in entry.formula


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"moisture_total": ""}, "moisture_total"),
        ({"moisture_air_dried": ""}, "moisture_air_dried"),
        ({"moisture_total": "9"}, "moisture_total"),
        ({"moisture_total": "x %"}, "moisture_total"),
        ({"moisture_total": "40 %"}, "moisture_total"),
        ({"basis": ""}, "basis"),
        ({"basis": "as_received"}, "basis"),
        ({"value": "120"}, "value"),
    ],
)
def test_a_raw_figure_without_basis_or_moistures_is_refused(plant: Plant, change: dict[str, str], field: str) -> None:
    assert refused(plant, ROW | AIR_DRIED | MOISTURES | change)[0] == field


def test_a_column_may_say_the_unit_of_the_moistures(plant: Plant) -> None:
    row = ROW | AIR_DRIED | {"moisture_total": "0.09", "moisture_air_dried": "0.02", "moisture_unit": "1"}
    (entry,), _, _ = read(sheet(row), file="lab.csv", plant=plant)
    assert entry.value == pytest.approx(0.5915 / 0.98)


def test_one_place_one_moisture(plant: Plant, weighed: Plant) -> None:
    assert refused(weighed, ROW | {"place": "truck_scale"}) == (
        "place", "kiln_rotor_scale, where coal is weighed", "truck_scale",
    )  # fmt: skip
    assert refused(weighed, ROW)[2] == "nothing"
    assert refused(plant, ROW | {"place": "truck_scale"})[0] == "place"
    (entry,), _, _ = read(sheet(ROW | {"place": "kiln_rotor_scale"}), file="lab.csv", plant=weighed)
    assert entry.place == "kiln_rotor_scale"


HEAT = ROW | {"parameter": "net_calorific_value", "value": "23100", "unit": "kJ/kg"}


def test_carbon_and_heat_of_a_sample_that_do_not_fit_together_are_both_refused(plant: Plant) -> None:
    """0.75 / 23.1 = 0.0325 tC/GJ; 0.6 / 23.1 = 0.0260 is fine. standard.md 14.5: 0.0235 to 0.0300."""
    entries, findings, _ = read(sheet(ROW | {"value": "75"}, HEAT), file="lab.csv", plant=plant)
    assert not entries and [(finding.line, finding.key) for finding in findings] == [(2, "value"), (3, "value")]
    assert "0.0325" in findings[0].got
    entries, findings, _ = read(sheet(ROW, HEAT), file="lab.csv", plant=plant)
    assert len(entries) == 2 and not findings


def test_carbon_is_compared_with_the_heat_that_the_ledger_has_of_the_sample(
    plant: Plant, ledger: Ledger, tmp_path: Path
) -> None:
    assert bring(plant, ledger, tmp_path, HEAT).added == 1
    result = bring(plant, ledger, tmp_path, ROW | {"value": "75"})
    assert result.added == 0 and result.findings[0].key == "value"
    assert bring(plant, ledger, tmp_path, ROW).added == 1


@pytest.mark.parametrize(
    ("change", "period"),
    [
        ({"period": "batch", "valid_to": "2026-03-04T12:00"}, (0, 3 * DAY + DAY // 2)),
        ({"period": "day", "valid_to": ""}, (0, DAY)),
        ({"period": "month", "valid_to": ""}, (0, 31 * DAY)),
        ({"period": "month", "valid_to": "2026-03-31"}, (0, 31 * DAY)),
    ],
)
def test_a_result_holds_for_a_batch_a_day_or_a_month(
    plant: Plant, change: dict[str, str], period: tuple[int, int]
) -> None:
    (entry,), findings, _ = read(sheet(ROW | change), file="lab.csv", plant=plant)
    assert not findings and entry.period == change["period"]
    assert (entry.valid_from_ms - MARCH_1, entry.valid_to_ms - MARCH_1) == period


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"period": "week"}, "period"),
        ({"period": "day", "valid_to": "2026-03-02"}, "period"),
        ({"period": "month", "valid_from": "2026-03-02", "valid_to": ""}, "period"),
        ({"period": "batch", "valid_to": ""}, "valid_to"),
    ],
)
def test_a_period_that_is_none_is_refused(plant: Plant, change: dict[str, str], field: str) -> None:
    assert refused(plant, ROW | change)[0] == field


def test_a_result_is_withdrawn_by_a_row_and_touches_the_hours_it_held_for(
    plant: Plant, ledger: Ledger, tmp_path: Path
) -> None:
    bring(plant, ledger, tmp_path, ROW)
    gone = ROW | {"withdrawn": "yes", "reason": "container mixed up", "value": "", "unit": "", "basis": ""}
    assert bring(plant, ledger, tmp_path, gone).withdrawn == 1
    assert ledger.entries() == ()
    (_, change) = ledger.changes(after_id=0)
    assert (change.valid_from_ms, change.valid_to_ms) == (MARCH_1, MARCH_1 + DAY)
    last = ledger.entries(superseded=True)[-1]
    assert (last.withdrawn, last.value, last.reason) == (True, 0.6, "container mixed up")
    # The same file again, a second withdrawal: nothing left to do.
    again = bring(plant, ledger, tmp_path, gone)
    assert (again.added, again.findings) == (0, ()) and len(ledger.changes(after_id=0)) == 2
    # And the result may come back.
    assert bring(plant, ledger, tmp_path, ROW).added == 1 and len(ledger.entries()) == 1


def test_a_withdrawal_names_its_reason_and_something_that_is_there(
    plant: Plant, ledger: Ledger, tmp_path: Path
) -> None:
    assert refused(plant, ROW | {"withdrawn": "yes"})[0] == "reason"
    assert refused(plant, ROW | {"withdrawn": "perhaps"})[0] == "withdrawn"
    result = bring(plant, ledger, tmp_path, ROW | {"withdrawn": "是", "reason": "x"})
    assert [finding.key for finding in result.findings] == ["sample_id"]


def test_a_sample_is_withdrawn_as_a_whole_or_by_parameter(plant: Plant, ledger: Ledger, tmp_path: Path) -> None:
    bring(plant, ledger, tmp_path, ROW, HEAT)
    (gone,) = ledger.withdraw("C-1", by="Li", reason="x", recorded_at_ms=2, parameter="net_calorific_value")
    assert gone.parameter == "net_calorific_value" and len(ledger.entries()) == 1
    assert len(ledger.withdraw("C-1", by="Li", reason="x", recorded_at_ms=3)) == 1 and ledger.entries() == ()
    assert ledger.withdraw("C-1", by="Li", reason="x", recorded_at_ms=4) == ()


def workbook(rows: list[list[Any]], *, shape: Callable[[Any], None] | None = None) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for row in rows:
        page.append(row)
    if shape is not None:
        shape(page)
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


def test_an_xlsx_sheet_is_read_as_it_is_seen(plant: Plant, ledger: Ledger, tmp_path: Path) -> None:
    """A date cell, a number, and 60 % in a cell formatted as a percentage, whose content is 0.6."""
    header = [*COLUMNS, None]
    first = ["C-1", "coal", "carbon_as_received", 0.6, "%", "as_received", date(2026, 3, 1), datetime(2026, 3, 1, 12),
             "化验室", "GB/T 476"]  # fmt: skip
    second = ["C-1", "coal", "net_calorific_value", 23100, "kJ/kg", "as_received", "2026-03-01", "2026-03-01T12:00",
              "化验室", "GB/T 213", None]  # fmt: skip

    def percent(page: Any) -> None:
        page.cell(row=2, column=4).number_format = "0.0%"
        page.cell(row=9, column=14).number_format = "0.0"  # a formatted cell far from the table

    file = tmp_path / "lab.xlsx"
    file.write_bytes(workbook([header, first, [None] * 10, second], shape=percent))
    result = import_file(file, ledger=ledger, plant=plant, now_ms=1)
    assert result.findings == () and result.added == 2
    carbon, heat = ledger.entries()
    assert carbon.value == pytest.approx(0.6) and heat.value == pytest.approx(23.1) and heat.source == "lab.xlsx:4"
    assert carbon.valid_to_ms - carbon.valid_from_ms == DAY // 2 and carbon.laboratory == "化验室"


def test_a_percentage_cell_in_another_unit_and_a_formula_without_value_are_refused(plant: Plant) -> None:
    row = ["C-1", "coal", "carbon_as_received", 0.6, "t/t", "as_received", "2026-03-01", "2026-03-01", "", ""]

    def percent(page: Any) -> None:
        page.cell(row=2, column=4).number_format = "0%"

    _, (finding,), _ = read(workbook([list(COLUMNS), row], shape=percent), file="x.xlsx", plant=plant)
    assert (finding.line, finding.key) == (2, "unit") and "percentage" in finding.expected
    row[3] = "=1/2"
    _, (finding,), _ = read(workbook([list(COLUMNS), row]), file="x.xlsx", plant=plant)
    assert finding.key == "value"
    _, (finding,), _ = read(b"PK\x03\x04 but no archive", file="x.xlsx", plant=plant)
    assert finding.key == "file"


def test_a_dry_run_says_of_every_row_what_would_change_and_writes_nothing(
    plant: Plant, ledger: Ledger, tmp_path: Path
) -> None:
    later = ROW | {"valid_from": "2026-03-02", "valid_to": "2026-03-02"}
    bring(plant, ledger, tmp_path, ROW, HEAT, later)
    file = tmp_path / "next.csv"
    file.write_bytes(
        sheet(
            ROW | {"value": "61"},
            HEAT,
            later | {"withdrawn": "yes", "reason": "x"},
            ROW | {"sample_id": "C-2"},
            ROW | {"sample_id": "C-3", "value": "x"},
        )
    )
    preview = preview_file(file, ledger=ledger, plant=plant)
    assert [(row.line, row.action, row.value, row.before) for row in preview.planned] == [
        (2, "correct", pytest.approx(0.61), 0.6), (3, "keep", 23.1, 23.1), (4, "withdraw", None, 0.6),
        (5, "enter", 0.6, None),
    ]  # fmt: skip
    assert [finding.line for finding in preview.findings] == [6] and preview.rows == 5
    assert len(ledger.entries()) == 3 and ledger.last_change() == 3


def test_a_stocktake_is_entered_by_its_parts(plant: Plant) -> None:
    data = json.loads(plant.model_dump_json(exclude_defaults=True))
    text = json.dumps(data, ensure_ascii=False)
    stocked = parse(text.replace('"streams": [', '"streams": [{"id": "yard", "name": {"zh": "煤场", "en": "yard"}, '
        '"kind": "fossil_fuel", "boundaries": ["enterprise"], "fuel": "bituminous_coal", "ledger": true, '
        '"stock": true}, '))  # fmt: skip
    row = ROW | {"stream": "yard", "unit": "t", "basis": "", "period": "month", "valid_to": ""}
    good = [row | {"parameter": name} for name in ("purchase_amount", "opening_stock", "closing_stock", "sold_amount")]
    entries, findings, _ = read(sheet(*good), file="lab.csv", plant=stocked)
    assert len(entries) == 4 and not findings
    assert refused(stocked, row | {"parameter": "amount"})[0] == "parameter"
