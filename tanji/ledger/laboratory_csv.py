"""Import of laboratory and manual values from a CSV file (DESIGN section 3, columns below).

Files come from Excel: UTF-8 with or without a byte-order mark, or GBK; comma or semicolon. A good row enters, a bad
one is reported with file, line, field, what was expected and what was got; nothing is skipped silently, and a second
import of the same file changes nothing. Times without a zone are the plant's local ones; `valid_to` as a bare date
includes that day. Moving files about is the drop-folder job's business.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tanji.domain import units
from tanji.errors import DomainError, Finding, LedgerError
from tanji.ledger.entries import Entry, accepted_parameters, parameters
from tanji.ledger.ledger import Ledger
from tanji.plant.model import Plant, Stream

COLUMNS = (
    "sample_id",
    "stream",
    "parameter",
    "value",
    "unit",
    "basis",
    "valid_from",
    "valid_to",
    "laboratory",
    "method",
)
ENCODINGS = ("utf-8-sig", "gb18030")
"""Tried in this order; GB 18030 contains GBK and GB 2312."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What a file brought: new values, values known already, values that corrected an older one, refused fields."""

    file: str
    rows: int
    added: int
    repeated: int
    superseded: int
    findings: tuple[Finding, ...]


class _Refused(Exception):
    """A field of a row cannot be taken: field, expected, got."""

    def __init__(self, field: str, expected: str, got: str) -> None:
        super().__init__(field)
        self.field, self.expected, self.got = field, expected, got


def import_file(file: Path | str, *, ledger: Ledger, plant: Plant, now_ms: int) -> ImportResult:
    """Enter the good rows of a CSV file in one transaction and report the others."""
    path = Path(file)
    entries, findings, rows = read(path.read_bytes(), file=path.name, plant=plant)
    outcome = ledger.enter(entries, recorded_at_ms=now_ms)
    return ImportResult(path.name, rows, outcome.added, outcome.repeated, outcome.superseded, tuple(findings))


def read(body: bytes, *, file: str, plant: Plant) -> tuple[list[Entry], list[Finding], int]:
    """Entries of a file, everything wrong with it, and how many rows it has; nothing is written."""
    entries: list[Entry] = []
    findings: list[Finding] = []
    seen: dict[tuple[str, str, str, int, int], tuple[float, int]] = {}
    rows = 0
    try:
        for line, row in _rows(body, file=file):
            rows += 1
            try:
                entry = _entry(row, plant=plant, source=f"{file}:{line}")
                first = seen.setdefault(entry.identity, (entry.value, line))
                if first[0] != entry.value:
                    raise _Refused("value", f"the same as line {first[1]}, or another sample_id", row["value"])
            except _Refused as error:
                findings.append(Finding(file, line, error.field, error.expected, error.got))
            else:
                entries.append(entry)
    except LedgerError as error:
        findings.extend(error.findings)
    return entries, findings, rows


def _rows(body: bytes, *, file: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and fields of every row that is not blank."""
    text = _decoded(body, file=file)
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",", strict=True)
    names: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise LedgerError((Finding(file, line, "row", "a CSV row", str(error)),)) from error
        if cells is None:
            break
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            continue
        if names is None:
            names = _checked_header(cells, file=file, line=line)
        else:
            yield line, _named(cells, names)
    if names is None:
        raise LedgerError((Finding(file, 1, "header", ", ".join(COLUMNS), "an empty file"),))


def _decoded(body: bytes, *, file: str) -> str:
    for encoding in ENCODINGS:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise LedgerError((Finding(file, 1, "file", "text in UTF-8 or GBK", "bytes that are neither"),))


def _checked_header(cells: list[str], *, file: str, line: int) -> list[str]:
    missing = [name for name in COLUMNS if name not in cells]
    repeated = sorted({name for name in cells if cells.count(name) > 1})
    if missing or repeated:
        got = f"no {', '.join(missing)}" if missing else f"{', '.join(repeated)} twice"
        raise LedgerError((Finding(file, line, "header", ", ".join(COLUMNS), got),))
    return cells


def _named(cells: list[str], names: list[str]) -> dict[str, str]:
    """Fields by name; a row that is too short or too long names itself under `_` and is refused by `_entry`."""
    if len(cells) != len(names):
        return {"_": f"{len(cells)} fields, expected {len(names)}"}
    return dict(zip(names, cells, strict=True))


def _entry(row: dict[str, str], *, plant: Plant, source: str) -> Entry:
    if "_" in row:
        got, _, expected = row["_"].partition(", expected ")
        raise _Refused("row", f"{expected} fields", got)
    if not row["sample_id"]:
        raise _Refused("sample_id", "the sample's number", "nothing")
    stream = plant.streams_by_id.get(row["stream"])
    if stream is None:
        known = ", ".join(entry.id for entry in plant.streams if accepted_parameters(entry))
        raise _Refused("stream", f"a source stream of the plant: {known}", row["stream"] or "nothing")
    parameter = _parameter(row, stream)
    entered, value, unit = _value(row, stream)
    valid_from = _time(row, "valid_from", plant.site.timezone, end_of_day=False)
    valid_to = _time(row, "valid_to", plant.site.timezone, end_of_day=True)
    if valid_to <= valid_from:
        raise _Refused("valid_to", f"a time after {row['valid_from']}", row["valid_to"])
    return Entry(
        sample_id=row["sample_id"],
        stream=stream.id,
        parameter=parameter,
        value=value,
        unit=unit,
        valid_from_ms=valid_from,
        valid_to_ms=valid_to,
        basis=_basis(row),
        laboratory=row["laboratory"],
        method=row["method"],
        entered_value=entered,
        entered_unit=row["unit"],
        source=source,
    )


def _parameter(row: dict[str, str], stream: Stream) -> str:
    accepted = [name for name in accepted_parameters(stream) if name in parameters()]
    if row["parameter"] not in accepted:
        expected = f"one of {', '.join(accepted)}" if accepted else f"none: {stream.id} takes no entries"
        raise _Refused("parameter", expected, row["parameter"] or "nothing")
    return row["parameter"]


def _value(row: dict[str, str], stream: Stream) -> tuple[float, float, str]:
    """Value as entered, value and unit inside the code; refused outside its hard range (standard.md section 14.5)."""
    try:
        entered = float(row["value"].replace("_", "?"))  # float() would take 1_0 for ten
    except ValueError:
        raise _Refused("value", "a number", row["value"] or "nothing") from None
    if not math.isfinite(entered):
        raise _Refused("value", "a finite number", row["value"])
    parameter = parameters()[row["parameter"]]
    try:
        conversion = units.conversion(row["unit"])
    except DomainError:
        conversion = None
    if conversion is None or conversion.internal_unit not in parameter.units:
        fits = [unit for unit, known in units.CONVERSIONS.items() if known.internal_unit in parameter.units]
        raise _Refused("unit", f"one of {', '.join(fits)}", row["unit"] or "nothing")
    value = float(conversion.to_internal(entered))
    bounds = parameter.hard_range(stream)
    if bounds is None and value < 0:
        raise _Refused("value", "an amount of zero or more", row["value"])
    if bounds is not None and not bounds.low - _slack(bounds.low) <= value <= bounds.high + _slack(bounds.high):
        raise _Refused("value", str(bounds), f"{value:g} {conversion.internal_unit} ({row['value']} {row['unit']})")
    return entered, value, conversion.internal_unit


def _slack(limit: float) -> float:
    return abs(limit) * 1e-9  # 7 % arrives as 0.07000000000000001


def _basis(row: dict[str, str]) -> str:
    accepted = parameters()[row["parameter"]].bases
    if row["basis"] not in accepted:
        expected = f"one of {', '.join(basis or '(empty)' for basis in accepted)}"
        raise _Refused("basis", expected, row["basis"] or "nothing")
    return row["basis"]


def _time(row: dict[str, str], field: str, timezone: str, *, end_of_day: bool) -> int:
    """UTC ms of an ISO 8601 time; a bare date is its beginning, as an end the beginning of the next day."""
    text = row[field].replace("/", "-")  # Excel's habit
    try:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            moment = datetime.fromisoformat(text)
        else:
            moment = datetime.combine(day + timedelta(days=1 if end_of_day else 0), time())
    except ValueError:
        expected = "an ISO 8601 time, e.g. 2026-10-01 or 2026-10-01T08:00"
        raise _Refused(field, expected, row[field] or "nothing") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    return round(moment.timestamp() * 1000)
