"""Import of laboratory and manual values from a CSV or XLSX file, and what an import would change.

A good row enters, a bad one is reported with file, line, field, what was expected and what was got; nothing is skipped
silently, and a second import of the same file changes nothing. Rows are judged in `laboratory_rows`; here is what
needs more than one of them: two values for one sample, two periods of one sample that overlap, carbon and heat that do
not fit together, a withdrawal of something that is not there. Moving files about is the drop-folder job's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tanji.errors import Finding, LedgerError
from tanji.ledger.coal_analysis import CARBON, HEAT, fits_together
from tanji.ledger.entries import BURNT, Entry, parameters
from tanji.ledger.laboratory_rows import entry_of
from tanji.ledger.ledger import Ledger, Result
from tanji.ledger.sheets import Refused, read_rows
from tanji.plant.model import Plant

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
"""Columns a file must have."""
FURTHER = (
    "period", "place", "moisture_total", "moisture_air_dried", "moisture_at_scale", "hydrogen_air_dried",
    "moisture_unit", "withdrawn", "reason", "entered_by",
)  # fmt: skip
"""Columns it may have."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What a file brought: new values, values known already, values that corrected an older one, refused fields."""

    file: str
    rows: int
    added: int
    repeated: int
    superseded: int
    findings: tuple[Finding, ...]
    withdrawn: int = 0


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """What the import of a row would do: `enter`, `correct`, `withdraw`, or `keep` what is in force already.

    `before` is the value in force now, in the same unit; None where there is none.
    """

    line: int
    action: str
    sample_id: str
    stream: str
    parameter: str
    value: float | None
    unit: str
    before: float | None
    valid_from_ms: int
    valid_to_ms: int
    formula: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What the import of a file would change; nothing was written."""

    file: str
    rows: int
    planned: tuple[PlannedRow, ...]
    findings: tuple[Finding, ...]


def import_file(file: Path | str, *, ledger: Ledger, plant: Plant, now_ms: int) -> ImportResult:
    """Enter the good rows of a CSV or XLSX file in one transaction and report the others."""
    path = Path(file)
    entries, findings, rows = _judged(path, ledger=ledger, plant=plant)
    outcome = ledger.enter(entries, recorded_at_ms=now_ms)
    gone = sum(entry.withdrawn for entry in entries)
    return ImportResult(path.name, rows, outcome.added, outcome.repeated, outcome.superseded, tuple(findings), gone)


def preview_file(file: Path | str, *, ledger: Ledger, plant: Plant) -> Preview:
    """What `import_file` would do with the file, row by row."""
    path = Path(file)
    entries, findings, rows = _judged(path, ledger=ledger, plant=plant)
    planned = tuple(map(_planned, entries, ledger.replaced(entries)))
    return Preview(path.name, rows, planned, tuple(findings))


def read(body: bytes, *, file: str, plant: Plant) -> tuple[list[Entry], list[Finding], int]:
    """Entries of a file, everything wrong with it, and how many rows it has; nothing is written."""
    entries: list[Entry] = []
    findings: list[Finding] = []
    seen: dict[Result, list[tuple[Entry, int]]] = {}
    rows = 0
    try:
        for line, row in read_rows(body, file=file, columns=COLUMNS):
            rows += 1
            try:
                entry = entry_of(row, plant=plant, source=f"{file}:{line}")
                _once(entry, seen.setdefault(entry.identity[:3], []), row)
                seen[entry.identity[:3]].append((entry, line))
            except Refused as error:
                findings.append(Finding(file, line, error.field, error.expected, error.got))
            else:
                entries.append(entry)
    except LedgerError as error:
        findings.extend(error.findings)
    wrong = dict(_unfit(entries, entries, plant=plant))
    findings += wrong.values()
    return [entry for entry in entries if entry.source not in wrong], findings, rows


def _once(entry: Entry, seen: Iterable[tuple[Entry, int]], row: dict[str, str]) -> None:
    """A sample has one result of a parameter at a time; a withdrawal beside its correction is another matter."""
    for first, at in seen:
        if first.identity == entry.identity:
            if (first.value, first.withdrawn) != (entry.value, entry.withdrawn):
                raise Refused("value", f"the same as line {at}, or another sample_id", row["value"] or "nothing")
        elif not (first.withdrawn or entry.withdrawn) and (
            first.valid_from_ms < entry.valid_to_ms and entry.valid_from_ms < first.valid_to_ms
        ):
            expected = f"a period that does not overlap that of line {at}, or another sample_id"
            raise Refused("valid_from", expected, f"{row['valid_from']} to {row['valid_to'] or row.get('period', '')}")


def _judged(path: Path, *, ledger: Ledger, plant: Plant) -> tuple[list[Entry], list[Finding], int]:
    """What `read` gives, judged against what the ledger holds."""
    entries, findings, rows = read(path.read_bytes(), file=path.name, plant=plant)
    known = ledger.in_force(entries)
    given = {entry.identity for entry in entries}
    wrong = dict(_unfit(entries, (entry for entry in known.values() if entry.identity not in given), plant=plant))
    good = []
    for entry in entries:
        line = _line(entry)
        if entry.source in wrong:
            findings.append(wrong[entry.source])
        elif entry.withdrawn and entry.identity not in known:
            expected = "a result of this sample, stream, parameter and period that is in force"
            if not _withdrawn_before(ledger, entry):
                findings.append(Finding(path.name, line, "sample_id", expected, entry.sample_id))
        elif entry.withdrawn:
            old = known[entry.identity]
            good.append(replace(entry, value=old.value, unit=old.unit, basis=old.basis))
        else:
            good.append(entry)
    return good, findings, rows


def _withdrawn_before(ledger: Ledger, entry: Entry) -> bool:
    """Whether the same file was imported already."""
    found = ledger.entries(
        start_ms=entry.valid_from_ms, end_ms=entry.valid_to_ms, streams=(entry.stream,),
        parameter=entry.parameter, superseded=True,
    )  # fmt: skip
    return any(old.withdrawn and old.identity == entry.identity for old in found)


def _unfit(entries: Iterable[Entry], others: Iterable[Entry], *, plant: Plant) -> Iterator[tuple[str, Finding]]:
    """Rows whose carbon and heat do not fit together, under where they stand (standard.md 14.5)."""
    coal = parameters()[HEAT].coal_fuels
    streams = plant.streams_by_id
    pairs: dict[tuple[str, str, int, int], dict[str, float]] = {}
    entries, others = list(entries), list(others)
    for entry in (*others, *entries):
        stream = streams.get(entry.stream)
        burnt = stream is not None and stream.kind in BURNT and stream.fuel in coal
        if burnt and not entry.withdrawn and entry.parameter in (CARBON, HEAT):
            pairs.setdefault(_sample(entry), {})[entry.parameter] = entry.value
    for entry in entries:
        found = pairs.get(_sample(entry), {})
        if entry.parameter in (CARBON, HEAT) and len(found) == 2 and not fits_together(found[CARBON], found[HEAT]):
            got = f"{found[CARBON] / found[HEAT]:.4f}: {found[CARBON]:g} tC/t and {found[HEAT]:g} GJ/t"
            expected = "C_ar / NCV_ar of 0.0235 to 0.0300 tC/GJ (plausible range of Tanji)"
            yield entry.source, Finding(entry.source.rpartition(":")[0], _line(entry), "value", expected, got)


def _sample(entry: Entry) -> tuple[str, str, int, int]:
    return entry.sample_id, entry.stream, entry.valid_from_ms, entry.valid_to_ms


def _line(entry: Entry) -> int:
    return int(entry.source.rpartition(":")[2])


def _planned(entry: Entry, old: Entry | None) -> PlannedRow:
    if entry.withdrawn:
        action = "withdraw"
    elif old is None:
        action = "enter"
    else:
        same = (old.value, old.unit, old.basis, old.identity) == (entry.value, entry.unit, entry.basis, entry.identity)
        action = "keep" if same else "correct"
    return PlannedRow(
        line=_line(entry),
        action=action,
        sample_id=entry.sample_id,
        stream=entry.stream,
        parameter=entry.parameter,
        value=None if entry.withdrawn else entry.value,
        unit=entry.unit,
        before=None if old is None else old.value,
        valid_from_ms=entry.valid_from_ms,
        valid_to_ms=entry.valid_to_ms,
        formula=entry.formula,
    )
