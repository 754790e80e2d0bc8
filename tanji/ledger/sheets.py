"""Rows of a CSV or XLSX sheet as people save it from Excel: by column name, with the line each stands on.

CSV in UTF-8 with or without a byte-order mark, or GBK; comma or semicolon. XLSX: the first sheet that is not empty;
a cell formatted as a percentage is read as it is shown, so that 61.5 % is not taken for 0.615 %. What the columns
mean is the caller's.
"""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from tanji.domain import units
from tanji.errors import Finding, LedgerError

ENCODINGS = ("utf-8-sig", "gb18030")
"""Tried in this order; GB 18030 contains GBK and GB 2312."""
ZIP = b"PK\x03\x04"
"""An XLSX file is a ZIP archive, whatever its name."""
MOST_BYTES = 64 * 1024 * 1024
"""Sheets of people are far smaller; a larger one is something else."""


class Refused(Exception):
    """A field of a row cannot be taken: field, expected, got."""

    def __init__(self, field: str, expected: str, got: str) -> None:
        super().__init__(field)
        self.field, self.expected, self.got = field, expected, got


def as_entered(value: float, unit: str, row: Mapping[str, str]) -> str:
    """A value inside the code, and what its row says where that is in another unit: `6.494, entered as 649.4 %`."""
    if row["unit"] == unit:
        return units.written(value, unit)
    number = f"{value:.{units.DIGITS}g}" if unit == units.DIMENSIONLESS else units.written(value, unit)
    return f"{number}, entered as {row['value'].rstrip('% ')} {row['unit']}"


def read_rows(body: bytes, *, file: str, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and fields of every row that is not blank; LedgerError if the file is no sheet with `columns`.

    A row that is too short or too long names itself under `_`.
    """
    if len(body) > MOST_BYTES:
        raise LedgerError((Finding(file, 1, "file", f"at most {MOST_BYTES} bytes", f"{len(body)}"),))
    names: list[str] | None = None
    for line, cells in _xlsx(body, file=file) if body.startswith(ZIP) else _csv(body, file=file):
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            continue
        if names is None:
            names = _checked_header(cells, columns, file=file, line=line)
        elif len(cells) != len(names):
            yield line, {"_": f"{len(cells)} fields, expected {len(names)} fields"}
        else:
            yield line, dict(zip(names, cells, strict=True))
    if names is None:
        raise LedgerError((Finding(file, 1, "header", ", ".join(columns), "an empty file"),))


def header_of(body: bytes, *, file: str) -> tuple[str, ...]:
    """Names in the first row that is not blank; none where the file is no sheet at all."""
    try:
        for _, cells in _xlsx(body, file=file) if body.startswith(ZIP) else _csv(body, file=file):
            names = tuple(cell.strip() for cell in cells)
            if any(names):
                return names
    except LedgerError:
        pass  # told by whoever reads the rows
    return ()


def _csv(body: bytes, *, file: str) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(body, file=file)
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",", strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise LedgerError((Finding(file, line, "row", "a CSV row", str(error)),)) from error
        if cells is None:
            return
        yield line, cells


def _decoded(body: bytes, *, file: str) -> str:
    for encoding in ENCODINGS:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise LedgerError((Finding(file, 1, "file", "text in UTF-8 or GBK, or an XLSX file", "bytes that are neither"),))


def _xlsx(body: bytes, *, file: str) -> Iterator[tuple[int, list[str]]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of print settings and the like that it leaves out
            workbook = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
            sheets = [list(sheet.iter_rows()) for sheet in workbook.worksheets]
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise LedgerError((Finding(file, 1, "file", "an XLSX file that can be read", str(error)),)) from error
    rows = next((rows for rows in sheets if any(cell.value is not None for row in rows for cell in row)), [])
    width = 0
    for position, row in enumerate(rows, 1):
        cells = [_shown(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()  # Excel keeps formatted cells beyond the table
        width = width or len(cells)
        yield position, cells + [""] * (width - len(cells)) if cells else cells


def _shown(cell: Any) -> str:
    """A cell as text, as a person reads it in the sheet."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float | int) and not isinstance(value, bool):
        if "%" in (cell.number_format or ""):
            return f"{value * 100:.12g} %"
        return f"{value:.15g}"
    return str(value)


def _checked_header(cells: list[str], columns: Sequence[str], *, file: str, line: int) -> list[str]:
    missing = [name for name in columns if name not in cells]
    repeated = sorted({name for name in cells if name and cells.count(name) > 1})
    if missing or repeated:
        got = f"no {', '.join(missing)}" if missing else f"{', '.join(repeated)} twice"
        raise LedgerError((Finding(file, line, "header", ", ".join(columns), got),))
    return cells
