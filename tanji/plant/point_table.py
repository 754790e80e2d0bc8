"""Points from a CSV or XLSX table beside the plant file, for admins who keep their lists in Excel.

One row is one point; the columns are the keys of a point, flattened (`COLUMNS`). Rows join the points of the YAML
file before anything is checked, so that a point means the same wherever it is written; the place of every cell is
noted, so that a message names the row and the column. Excel in Chinese saves CSV in GBK: both that and UTF-8 are read.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from tanji.errors import Finding
from tanji.plant.document import Document, KeyPath, Place
from tanji.plant.wording import one_of

COLUMNS: dict[str, tuple[KeyPath, type]] = {
    "id": (("id",), str),
    "name_zh": (("name", "zh"), str),
    "name_en": (("name", "en"), str),
    "meter": (("meter",), str),
    "kind": (("kind",), str),
    "unit": (("unit",), str),
    "via": (("via",), str),
    "quantity": (("quantity",), str),
    "address": (("modbus", "address"), int),
    "table": (("modbus", "table"), str),
    "type": (("modbus", "type"), str),
    "order": (("modbus", "order"), str),
    "bit": (("modbus", "bit"), int),
    "mask": (("modbus", "mask"), int),
    "invalid": (("modbus", "invalid"), int),
    "opcua": (("opcua",), str),
    "hj212_code": (("hj212", "code"), str),
    "hj212_kind": (("hj212", "kind"), str),
    "scale": (("scale",), float),
    "offset": (("offset",), float),
    "period_s": (("period_s",), float),
    "deadband": (("deadband",), float),
    "low": (("limits", "low"), float),
    "high": (("limits", "high"), float),
    "rate_per_s": (("limits", "rate_per_s"), float),
    "stuck_s": (("limits", "stuck_s"), float),
    "stuck_tolerance": (("limits", "stuck_tolerance"), float),
    "rollover": (("rollover",), int),
    "rated_per_h": (("rated_per_h",), float),
}
"""Every column, with the keys it stands for and what its cells hold."""

REQUIRED = ("id", "name_zh", "name_en", "meter", "kind", "unit")

_WHOLE = re.compile(r"[-+]?\d{1,30}(\.0*)?")
_NUMBER = re.compile(r"[-+]?(\d{1,300}(\.\d*)?|\.\d+)([eE][-+]?\d{1,4})?")

Row = tuple[int, list[Any]]


def merge(document: Document) -> None:
    """Append the points of the table that the document names, if it names one, and note where each cell is."""
    named = document.value(("point_table",))
    points = document.value(("points",))
    if not isinstance(named, str) or not isinstance(points, list | None):
        return
    if points is None:
        document.data["points"] = points = []
    del document.data["point_table"]
    rows = _read(document, Path(document.file).parent / named)
    if not rows:
        return
    file = str(Path(document.file).parent / named)
    header = _header(document, file, rows[0])
    if header is None:
        return
    for number, cells in rows[1:]:
        _append(document, points, header, Place(file, number), cells)


def _append(document: Document, points: list[Any], header: Sequence[str], row: Place, cells: list[Any]) -> None:
    start: KeyPath = ("points", len(points))
    point: dict[str, Any] = {}
    document.places[start] = row
    for column, (path, wanted) in COLUMNS.items():
        cell = cells[header.index(column)] if column in header and header.index(column) < len(cells) else None
        document.places[(*start, *path)] = Place(row.file, row.line, column=column)
        value = _value(cell, wanted)
        if value is None:
            continue
        block = point
        for step in path[:-1]:
            assert isinstance(step, str)
            block = block.setdefault(step, {})
        block[str(path[-1])] = value
    if "modbus" in point:
        # A row with a register type but no address lacks the address, not the whole block.
        document.places[(*start, "modbus")] = document.places[(*start, "modbus", "address")]
    points.append(point)


def _value(cell: Any, wanted: type) -> Any:
    """A cell as its column wants it, or as it is where it cannot be that: the model then says what is wrong."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, float) and cell.is_integer() and wanted is not float:
        cell = int(cell)  # Excel knows no whole numbers
    if wanted is str or not isinstance(cell, str | int | float) or isinstance(cell, bool):
        return str(cell).strip()
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if wanted is int and _WHOLE.fullmatch(text):
        return int(text.partition(".")[0])
    if wanted is int and re.fullmatch(r"0x[0-9a-fA-F]{1,16}", text):
        return int(text, 16)
    return float(text) if _NUMBER.fullmatch(text) else text


def _header(document: Document, file: str, row: Row) -> list[str] | None:
    """Names of the columns; None if rows under them would only repeat the fault."""
    number, cells = row
    names = ["" if cell is None else str(cell).strip() for cell in cells]
    faults: list[tuple[str, str, str]] = []
    if len([name for name in names if name]) == 1 and re.search(r"[;\t]", names[0]):
        faults.append((names[0][:20], "columns separated by commas", "semicolons or tabs (in Excel: Save as CSV)"))
    else:
        for name in names:
            if name and name not in COLUMNS:
                faults.append((name, one_of(name, COLUMNS), f'the unknown column "{name}"'))
            if name and names.count(name) > 1 and (name, "each column once", "it again") not in faults:
                faults.append((name, "each column once", "it again"))
        for name in ("id", "meter") if "quantity" in names else REQUIRED:
            if name not in names:
                faults.append((name, "this column in the first row", "nothing"))
    for name, expected, got in faults:
        document.findings.append(Finding(file, number, f"column {name}", expected, got))
    return None if faults else names


def _read(document: Document, path: Path) -> list[Row]:
    """Rows that hold something, with their numbers as Excel shows them; the first is the header."""
    readers = {".csv": _csv_rows, ".xlsx": _xlsx_rows}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        _refuse(document, "a file that ends in .csv or .xlsx", f'"{path.name}"')
        return []
    try:
        rows = [row for row in reader(path) if not _is_blank(row)]
    except OSError as error:
        _refuse(document, "a table beside the plant file", f"{path}: {(error.strerror or str(error)).lower()}")
        return []
    except UnicodeDecodeError:
        _refuse(document, "a CSV table in UTF-8 or GBK", f"{path}: some other encoding")
        return []
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, csv.Error) as error:
        _refuse(document, f"a {path.suffix.lower()} table", f"{path}: {str(error) or 'something else'}")
        return []
    if not rows:
        _refuse(document, "a table with the names of the columns in its first row", f"{path}: nothing")
    return rows


def _refuse(document: Document, expected: str, got: str) -> None:
    document.findings.append(document.finding(("point_table",), expected=expected, got=got))


def _is_blank(row: Row) -> bool:
    """Empty rows, and rows for people: those that begin with #."""
    cells = [str(cell).strip() for cell in row[1] if cell is not None and str(cell).strip()]
    return not cells or cells[0].startswith("#")


def _csv_rows(path: Path) -> Iterator[Row]:
    body = path.read_bytes()
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("gb18030")  # GBK and all of its extensions
    # The number of the row, not of the line: it is what Excel shows, also after a cell of two lines.
    yield from enumerate((list(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True)), start=1)


def _xlsx_rows(path: Path) -> Iterator[Row]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl tells of print settings and the like that it leaves out
        workbook = openpyxl.load_workbook(io.BytesIO(path.read_bytes()), read_only=True, data_only=True)
        try:
            sheet = workbook.worksheets[0]
            yield from enumerate((list(row) for row in sheet.iter_rows(values_only=True)), start=1)
        finally:
            workbook.close()
