"""Points in a table beside the plant file, as admins keep them in Excel."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from tanji.errors import PlantError
from tanji.plant.load import load
from tanji.plant.model import Limits, Point, Register

FULL = {
    "id": "kiln1.coal.temperature", "name_zh": "煤粉温度", "name_en": "Coal temperature", "meter": "coal_scale",
    "kind": "condition", "unit": "degC", "via": "telegraf", "address": 10, "table": "input", "type": "int16",
    "order": "BADC", "scale": 0.1, "offset": -50, "period_s": 10, "low": -10, "high": 120, "rate_per_s": 2,
    "stuck_s": 3600, "stuck_tolerance": 0.05,
}  # fmt: skip
COUNTER = {
    "id": "grid.reverse", "name_zh": "反向电量", "name_en": "Exported electricity", "meter": "grid_meter",
    "kind": "counter", "unit": "kWh", "address": "0x10", "type": "uint32", "rollover": "4294967296",
    "rated_per_h": 9000,
}  # fmt: skip
BIT = {
    "id": "kiln1.feeding", "name_zh": "窑投料", "name_en": "Kiln feeding", "meter": "dcs", "kind": "state", "unit": 1,
    "address": 5, "type": "bool", "bit": 3,
}  # fmt: skip
EXPECTED = (
    Point.model_validate(
        {
            "id": "kiln1.coal.temperature", "name": {"zh": "煤粉温度", "en": "Coal temperature"}, "meter": "coal_scale",
            "kind": "condition", "unit": "degC", "via": "telegraf", "scale": 0.1, "offset": -50, "period_s": 10,
            "modbus": Register(table="input", address=10, type="int16", order="BADC"),
            "limits": Limits(low=-10, high=120, rate_per_s=2, stuck_s=3600, stuck_tolerance=0.05),
        }
    ),
    Point.model_validate(
        {
            "id": "grid.reverse", "name": {"zh": "反向电量", "en": "Exported electricity"}, "meter": "grid_meter",
            "kind": "counter", "unit": "kWh", "modbus": Register(address=16, type="uint32"), "rollover": 2**32,
            "rated_per_h": 9000,
        }
    ),
    Point.model_validate(
        {
            "id": "kiln1.feeding", "name": {"zh": "窑投料", "en": "Kiln feeding"}, "meter": "dcs", "kind": "state",
            "unit": "1", "modbus": Register(address=5, type="bool", bit=3),
        }
    ),
)  # fmt: skip


def _rows() -> list[list[object]]:
    columns = list(dict.fromkeys([*FULL, *COUNTER, *BIT]))
    return [list(columns), *([row.get(column) for column in columns] for row in (FULL, COUNTER, BIT))]


def _csv() -> str:
    return "".join(",".join("" if cell is None else str(cell) for cell in row) + "\r\n" for row in _rows())


@pytest.fixture
def plant(tmp_path: Path, minimal: str) -> Path:
    path = tmp_path / "plant.yaml"
    path.write_text(minimal + "point_table: points.csv\n", encoding="utf-8")
    return path


def _found(plant: Path, table: str | bytes, *, name: str = "points.csv") -> list[str]:
    (plant.parent / name).write_bytes(table if isinstance(table, bytes) else table.encode())
    with pytest.raises(PlantError) as caught:
        load(plant)
    return [str(finding).replace(str(plant.parent) + "/", "") for finding in caught.value.findings]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_a_csv_table_adds_its_points_in_any_encoding_excel_writes(plant: Path, encoding: str) -> None:
    (plant.parent / "points.csv").write_bytes(_csv().encode(encoding))
    loaded = load(plant)
    assert loaded.points[4:] == EXPECTED
    assert loaded.point_table is None


def test_an_xlsx_table_adds_its_points(plant: Path) -> None:
    plant.write_text(plant.read_text(encoding="utf-8").replace("points.csv", "点表.xlsx"), encoding="utf-8")
    workbook = openpyxl.Workbook()
    assert workbook.active is not None
    for row in _rows():
        workbook.active.append(row)
    workbook.save(plant.parent / "点表.xlsx")
    assert load(plant).points[4:] == EXPECTED


def test_all_points_may_be_in_the_table(tmp_path: Path, minimal: str) -> None:
    start, end = minimal.index("points:"), minimal.index("streams:")
    text = minimal[:start] + "point_table: points.csv\n" + minimal[end:]
    (tmp_path / "plant.yaml").write_text(text, encoding="utf-8")
    header = "id,name_zh,name_en,meter,kind,unit,table,address,type,scale,rollover\n"
    rows = (
        "kiln1.running,窑运行,Kiln running,dcs,state,1,coil,0,bool,,\n"
        "kiln1.coal.mass_flow,喂煤量,Coal feed,coal_scale,rate,t/h,,0,float32,,\n"
        "kiln1.clinker.mass,熟料累计,Clinker total,clinker_scale,counter,t,,0,uint32,0.1,4294967296\n"
        "grid.energy,购入电量,Purchased electricity,grid_meter,counter,kWh,,0,uint32,,100000000\n"
    )
    (tmp_path / "points.csv").write_text(header + rows, encoding="utf-8")
    assert len(load(tmp_path / "plant.yaml").points) == 4


def test_empty_rows_and_rows_for_people_are_passed_over_and_still_counted(plant: Path) -> None:
    header, *rows = _csv().splitlines()
    assert _found(plant, "\n".join([header, "# 编号,名称", "", ",,,", *rows, rows[0].replace("degC", "C")])) == [
        "points.csv:8: points[kiln1.coal.temperature] id: expected an id that no other point has, "
        'got "kiln1.coal.temperature", already at points.csv:5',
        "points.csv:8: points[kiln1.coal.temperature] unit: expected a unit Tanji knows, like t/h, kWh, % or degC "
        '(did you mean °C?), got "C"',
        "points.csv:8: points[kiln1.coal.temperature] address: expected registers of its own on gateway unit 2, "
        "got input 10, which kiln1.coal.temperature also reads (points.csv:5)",
    ]


def test_a_row_is_counted_as_excel_counts_it_also_after_a_cell_of_two_lines(plant: Path) -> None:
    header, first, *_ = _csv().splitlines()
    rows = [header, first.replace("Coal temperature", '"Coal\ntemperature"'), first.replace("int16", "int17")]
    assert any(
        finding.startswith("points.csv:3:") and " type: " in finding for finding in _found(plant, "\n".join(rows))
    )


def test_a_missing_cell_is_told_with_its_column(plant: Path) -> None:
    header, first, *_ = _csv().splitlines()
    (finding,) = _found(plant, f"{header}\n{first.replace('Coal temperature', '')}\n")
    assert finding == "points.csv:2: points[kiln1.coal.temperature] name_en: expected text, got nothing"


def test_a_row_without_address_lacks_its_register(plant: Path) -> None:
    header, first, *_ = _csv().splitlines()
    (finding,) = _found(plant, f"{header}\n{first.replace(',10,', ',,', 1)}\n")
    assert finding.startswith("points.csv:2: points[kiln1.coal.temperature] address: expected a whole number from 0")


def test_missing_and_repeated_columns_are_told_once_for_the_table(plant: Path) -> None:
    assert _found(plant, "id,id,name_zh,meter,kind,unit\na,a,b,c,d,e\n") == [
        "points.csv:1: column id: expected each column once, got it again",
        "points.csv:1: column name_en: expected this column in the first row, got nothing",
    ]


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("points.csv", b"", "the names of the columns in its first row"),
        ("points.csv", b"\xff\xff\xff", "UTF-8 or GBK"),
        ("points.csv", b'id,"name\n', "a .csv table"),
        ("points.xlsx", b"no zip", "a .xlsx table"),
        ("points.xls", b"", "ends in .csv or .xlsx"),
    ],
)
def test_what_is_no_table_is_told_where_the_plant_file_names_it(
    plant: Path, minimal: str, name: str, body: bytes, words: str
) -> None:
    plant.write_text(minimal + f"point_table: {name}\n", encoding="utf-8")
    (finding,) = _found(plant, body, name=name)
    assert finding.startswith(f"plant.yaml:{minimal.count(chr(10)) + 1}: point_table: ")
    assert words in finding
