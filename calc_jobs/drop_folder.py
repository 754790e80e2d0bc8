"""The drop-folder job: CSV and XLSX files that people or a laboratory system put into a folder enter the ledger.

A sheet with a column `taken_at` and none for results registers samples as they are taken.
A file that is right as a whole moves to `imported`; one with a refused row moves to `rejected`, with a report beside
it that names line, field, what was expected and what was got. The good rows of a rejected file have entered: putting
the corrected file back repeats them without effect. Write under a name ending in `.part` and rename when complete.
"""

from __future__ import annotations

from pathlib import Path

from tanji.errors import Finding
from tanji.ledger import Ledger
from tanji.ledger.laboratory_csv import ImportResult, import_file
from tanji.ledger.samples import SamplesResult, import_samples, is_sheet_of_samples
from tanji.plant.model import Plant

IMPORTED, REJECTED = "imported", "rejected"
REPORT_SUFFIX = ".report.txt"
SUFFIXES = (".csv", ".xlsx")


def collect(folder: Path, *, ledger: Ledger, plant: Plant, now_ms: int) -> tuple[ImportResult | SamplesResult, ...]:
    """Import every CSV or XLSX file of the folder, oldest name first, and move it out of the way."""
    if not folder.is_dir():
        return ()
    return tuple(
        _take(path, ledger=ledger, plant=plant, now_ms=now_ms)
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith((".", "~"))
    )


def _take(path: Path, *, ledger: Ledger, plant: Plant, now_ms: int) -> ImportResult | SamplesResult:
    bring = import_samples if is_sheet_of_samples(path) else import_file
    result = bring(path, ledger=ledger, plant=plant, now_ms=now_ms)
    target = _free(path.parent / (REJECTED if result.findings else IMPORTED), path.name)
    if result.findings:
        # The report first: a file must never lie in `rejected` without one.
        target.with_name(target.name + REPORT_SUFFIX).write_text(_report(result), encoding="utf-8")
    path.replace(target)
    return result


def _report(result: ImportResult | SamplesResult) -> str:
    counts = f"{result.rows} rows: {result.added} entered, {result.repeated} known already"
    lines = [f"{result.file}: {counts}, {len(result.findings)} refused", *map(_line, result.findings)]
    return "\n".join(lines) + "\n"


def _line(finding: Finding) -> str:
    return str(finding)


def _free(folder: Path, name: str) -> Path:
    """A path in the folder that is not taken: an earlier file of the same name is evidence and stays."""
    folder.mkdir(parents=True, exist_ok=True)
    path, number = folder / name, 1
    while path.exists():
        number += 1
        path = folder / f"{Path(name).stem}.{number}{Path(name).suffix}"
    return path
