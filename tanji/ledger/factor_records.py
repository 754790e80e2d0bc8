"""Factor records from a CSV or XLSX file: every field of standard.md section 0.2, checked before it may enter (R30).

Values may be written in any unit of the quantity's dimension and are kept both ways. What becomes of a record is
`tanji.ledger.factor_editions`.
"""

from __future__ import annotations

import math
import re
from datetime import date
from pathlib import Path

from tanji.domain import factors, units
from tanji.domain.factors import CONFIDENCE_MARKS, Factor
from tanji.domain.items import RuleSetId
from tanji.domain.limits import HARD_RANGES
from tanji.errors import DomainError, Finding, LedgerError
from tanji.ledger.sheets import Refused, as_entered, read_rows

COLUMNS = ("quantity", "applies_to", "value", "unit", "document", "valid_from", "confidence")
"""Columns a file must have."""
FURTHER = (
    "id", "rulesets", "variant", "basis", "method", "edition", "clause", "valid_to", "data_year",
    "relative_uncertainty", "supersedes", "note",
)  # fmt: skip
"""Columns it may have. Without `rulesets` a record is for both; without `id` it gets one."""
PUBLISHED = {"balance_value": "tCO2/t"}
"""Quantities without any default: the yearly balance value of the market is entered as it is published (R44)."""
OWN = "own"
"""First part of the id of a plant's own record."""
_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")


def read(body: bytes, *, file: str) -> tuple[list[Factor], list[Finding]]:
    """Records of a file and everything wrong with it; nothing is written."""
    found: list[Factor] = []
    findings: list[Finding] = []
    try:
        for line, row in read_rows(body, file=file, columns=COLUMNS):
            try:
                found.append(record(row))
            except Refused as error:
                findings.append(Finding(file, line, error.field, error.expected, error.got))
    except LedgerError as error:
        findings.extend(error.findings)
    return found, findings


def read_file(path: Path) -> tuple[list[Factor], list[Finding]]:
    """The same from a file on disk."""
    return read(path.read_bytes(), file=path.name)


def record(row: dict[str, str]) -> Factor:
    """One record; Refused with the field, what was expected and what was got, if it cannot be one."""
    if "_" in row:
        raise Refused("row", row["_"].partition(", expected ")[2], row["_"].partition(",")[0])
    known = {entry.quantity for entry in factors.load().factors}
    quantity = _one_of(row, "quantity", tuple(sorted(known | PUBLISHED.keys())))
    applies_to, variant = _name(row, "applies_to"), _name(row, "variant", empty=True)
    value, unit = _value(row, quantity)
    valid_from = _day(row, "valid_from")
    valid_to = _day(row, "valid_to") if row.get("valid_to") else None
    if valid_to is not None and valid_to < valid_from:
        raise Refused("valid_to", f"a day on or after {valid_from}", row["valid_to"])
    year = _number(row, "data_year", whole=True)
    parts = (OWN, quantity, applies_to, variant, valid_from.isoformat().replace("-", ""))
    return Factor(
        id=_name(row, "id", empty=True) or ".".join(part for part in parts if part),
        quantity=quantity,
        applies_to=applies_to,
        rulesets=_rulesets(row),
        value=value,
        unit=unit,
        document=_text(row, "document"),
        edition=row.get("edition", ""),
        clause=row.get("clause", ""),
        valid_from=valid_from,
        valid_to=valid_to,
        confidence=_one_of(row, "confidence", tuple(sorted(CONFIDENCE_MARKS))),
        supersedes=row.get("supersedes", ""),
        variant=variant,
        basis=row.get("basis", ""),
        method=row.get("method", ""),
        data_year=None if year is None else int(year),
        relative_uncertainty=_number(row, "relative_uncertainty"),
        note=row.get("note", ""),
        own=True,
    )


def _value(row: dict[str, str], quantity: str) -> tuple[float, str]:
    value = _number(row, "value")
    if value is None:
        raise Refused("value", "a number", "nothing")
    usual = sorted({entry.unit for entry in factors.load().factors if entry.quantity == quantity})
    usual = usual or [PUBLISHED[quantity]]
    try:
        conversion = units.conversion(row["unit"])
        fits = {units.conversion(unit).dimension for unit in usual}
    except DomainError:
        raise Refused("unit", f"a unit like {' or '.join(usual)}", row["unit"] or "nothing") from None
    if conversion.dimension not in fits:
        raise Refused("unit", f"a unit like {' or '.join(usual)}", row["unit"])
    inside = float(conversion.to_internal(value))
    bounds = HARD_RANGES.get(quantity)
    slack = 0.0 if bounds is None else 1e-9 * max(abs(bounds.low), abs(bounds.high))
    if bounds is not None and not bounds.low - slack <= inside <= bounds.high + slack:
        raise Refused("value", str(bounds), as_entered(inside, conversion.internal_unit, row))
    return inside, conversion.internal_unit


def _number(row: dict[str, str], field: str, *, whole: bool = False) -> float | None:
    text = row.get(field, "")
    if not text:
        return None
    try:
        value = float(text.replace("_", "?"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (whole and value != int(value)):
        raise Refused(field, "a whole number" if whole else "a finite number", text)
    return value


def _rulesets(row: dict[str, str]) -> tuple[RuleSetId, ...]:
    names = row.get("rulesets", "").replace(";", " ").replace(",", " ").split()
    try:
        return tuple(dict.fromkeys(RuleSetId(name) for name in names)) or tuple(RuleSetId)
    except ValueError:
        raise Refused("rulesets", f"of {', '.join(RuleSetId)}, or empty for both", row["rulesets"]) from None


def _day(row: dict[str, str], field: str) -> date:
    try:
        return date.fromisoformat(row[field].replace("/", "-"))
    except ValueError:
        raise Refused(field, "a day like 2026-01-01", row[field] or "nothing") from None


def _one_of(row: dict[str, str], field: str, names: tuple[str, ...]) -> str:
    if row[field] not in names:
        raise Refused(field, f"one of {', '.join(names)}", row[field] or "nothing")
    return row[field]


def _name(row: dict[str, str], field: str, *, empty: bool = False) -> str:
    text = row.get(field, "")
    if not (_NAME.fullmatch(text) or (empty and not text)):
        raise Refused(field, "a name of lower-case letters, digits and _", text or "nothing")
    return text


def _text(row: dict[str, str], field: str) -> str:
    if not row[field]:
        raise Refused(field, "where the value is printed or who measured it", "nothing")
    return row[field]
