"""`tanji ledger import | withdraw`: laboratory and manual values in, what an import would change, and values out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tanji.cli.clock import now_ms
from tanji.cli.stores import ledger_file, open_existing_ledger, open_ledger
from tanji.domain.units import written
from tanji.ledger import Ledger
from tanji.ledger.laboratory_csv import PlannedRow, Preview, import_file, preview_file
from tanji.plant.load import load

Parts = argparse._SubParsersAction  # what argparse calls the thing that takes further verbs


def register(parts: Parts[argparse.ArgumentParser], locate: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the two parts; `locate` gives a parser --plant and --data."""
    values = parts.add_parser(
        "import",
        help="import laboratory and manual values from a CSV or XLSX file",
        description="Import laboratory and manual values; good rows enter, refused rows are named with their line.",
        epilog="example: tanji ledger import results.csv --plant plant.yaml --data /var/lib/tanji",
    )
    values.add_argument("file", type=Path, metavar="FILE", help="CSV or XLSX, columns of docs/laboratory-csv.md")
    values.add_argument("--dry-run", action="store_true", help="write nothing; say of every row what would change")
    values.add_argument("--json", action="store_true", help="the result and every finding as one JSON line")
    values.set_defaults(func=run_import)
    gone = parts.add_parser(
        "withdraw",
        help="take back the results of a sample",
        description="Take back the results of a sample; the hours they held for are computed again.",
        epilog='example: tanji ledger withdraw KC-20260301 --by "Li Na" --reason "wrong container" --plant plant.yaml',
    )
    gone.add_argument("sample", metavar="SAMPLE_ID", help="number of the sample or voucher")
    gone.add_argument("--parameter", metavar="NAME", help="only this parameter (default: all of the sample)")
    gone.add_argument("--by", type=stated, required=True, metavar="NAME", help="who takes it back")
    gone.add_argument("--reason", type=stated, required=True, metavar="TEXT", help="why")
    gone.add_argument("--json", action="store_true", help="what was taken back, as one JSON line")
    gone.set_defaults(func=run_withdraw)
    for part in (values, gone):
        locate(part)


def stated(text: str) -> str:
    """A name or reason that is not blank: an audit trail with nobody in it is none."""
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a text, got nothing")
    return text.strip()


def run_import(arguments: argparse.Namespace) -> int:
    """Import one file; 1 if a row was refused. The ledger is named: a wrong --data would make a new, empty one."""
    plant = load(arguments.plant)
    arguments.file.open("rb").close()  # before a ledger is made for nothing
    where = ledger_file(arguments.data)
    if arguments.dry_run:
        ledger = open_ledger(arguments.data) if where.exists() else Ledger("sqlite://")
        try:
            preview = preview_file(arguments.file, ledger=ledger, plant=plant)
        finally:
            ledger.close()
        _show(preview, json_wanted=arguments.json, timezone=plant.site.timezone)
        return _told(preview.findings)
    ledger = open_ledger(arguments.data)
    try:
        result = import_file(arguments.file, ledger=ledger, plant=plant, now_ms=now_ms())
    finally:
        ledger.close()
    if arguments.json:
        print(json.dumps({**asdict(result), "ledger": str(where)}, ensure_ascii=False))
    else:
        gone = f" {result.withdrawn} withdrawn," if result.withdrawn else ""
        print(
            f"{arguments.file} -> {where}: {result.added} new, {result.repeated} known, {result.superseded} corrected,"
            f"{gone} {len(result.findings)} refused"
        )
    return _told(result.findings)


def run_withdraw(arguments: argparse.Namespace) -> int:
    """Take back what a sample says; 1 if nothing of it is in force."""
    plant = load(arguments.plant)
    ledger = open_existing_ledger(arguments.data)
    try:
        gone = ledger.withdraw(
            arguments.sample,
            by=arguments.by,
            reason=arguments.reason,
            recorded_at_ms=now_ms(),
            parameter=arguments.parameter,
        )
    finally:
        ledger.close()
    if arguments.json:
        print(json.dumps({"sample_id": arguments.sample, "withdrawn": [asdict(entry) for entry in gone]}))
    for entry in () if arguments.json else gone:
        held = _held(entry.valid_from_ms, entry.valid_to_ms, plant.site.timezone)
        print(f"withdrawn: {entry.stream} {entry.parameter} {written(entry.value, entry.unit)}, {held}")
    if not gone:
        print(f"{arguments.sample}: expected a sample with results in force, got none", file=sys.stderr)
    return 0 if gone else 1


def _told(findings: tuple[object, ...]) -> int:
    for finding in findings:
        print(finding, file=sys.stderr)
    return 1 if findings else 0


def _show(preview: Preview, *, json_wanted: bool, timezone: str) -> None:
    if json_wanted:
        print(json.dumps({**asdict(preview), "dry_run": True}, ensure_ascii=False))
        return
    for row in preview.planned:
        print(f"{preview.file}:{row.line}: {_said(row)}, {_held(row.valid_from_ms, row.valid_to_ms, timezone)}")
    counts = {action: sum(row.action == action for row in preview.planned)
              for action in ("enter", "correct", "withdraw", "keep")}  # fmt: skip
    listed = ", ".join(f"{count} to {action}" for action, count in counts.items() if count) or "nothing to do"
    print(f"{preview.file}: {preview.rows} rows: {listed}, {len(preview.findings)} refused; nothing was written")


def _said(row: PlannedRow) -> str:
    value = "" if row.value is None else f" {written(row.value, row.unit)}"
    before = "" if row.before is None or row.action == "keep" else f" (was {written(row.before, row.unit)})"
    formula = f" by {row.formula}" if row.formula else ""
    return f"{row.action} {row.sample_id} {row.stream} {row.parameter}{value}{before}{formula}"


def _held(start_ms: int, end_ms: int, timezone: str) -> str:
    start, end = (datetime.fromtimestamp(ms / 1000, ZoneInfo(timezone)) for ms in (start_ms, end_ms))
    return f"holds {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
