"""`tanji ledger factors list | add | approve`: the factor library in force, own records, approvals (R30)."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tanji.cli.clock import now_ms
from tanji.cli.ledger_entries import Parts, stated
from tanji.cli.stores import open_ledger
from tanji.domain.factors import Factor
from tanji.domain.units import written
from tanji.errors import DomainError, Finding, UsageError
from tanji.ledger import factor_editions, factor_records
from tanji.plant.load import load
from tanji.plant.model import Plant


def register(parts: Parts[argparse.ArgumentParser], locate: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the part and its three verbs; `locate` gives a parser --plant and --data."""
    part = parts.add_parser(
        "factors",
        help="list, add or approve factor records",
        description="The factor library in force: defaults, the plant's own records on top, who approved which.",
        epilog="example: tanji ledger factors list --unverified --plant plant.yaml --data /var/lib/tanji",
    )
    verbs = part.add_subparsers(dest="factors", required=True, metavar="VERB")
    listed = _list_verb(verbs)
    added = verbs.add_parser(
        "add",
        help="enter records of the plant's own from a CSV or XLSX file",
        description="Enter records; one that says something else than an older of its kind and day supersedes it.",
        epilog='example: tanji ledger factors add own.csv --by "Li Na" --plant plant.yaml',
    )
    added.add_argument("file", type=Path, metavar="FILE", help="CSV or XLSX with the columns of docs/laboratory-csv.md")
    added.add_argument("--by", default="", metavar="NAME", help="who enters them")
    added.set_defaults(func=run_add)
    approved = verbs.add_parser(
        "approve",
        help="state that a record says what its source says",
        description="State with name and day that a record was compared with its source; it is verified from then on.",
        epilog='example: tanji ledger factors approve ID --by "Chen Wei" --note "printed text" --plant plant.yaml',
    )
    approved.add_argument("id", metavar="ID", help="id of the record, as listed")
    approved.add_argument("--by", type=stated, required=True, metavar="NAME", help="who compared it")
    approved.add_argument("--on", type=_day, metavar="DAY", help="when (default: today at the plant)")
    approved.add_argument("--note", default="", metavar="TEXT", help="what it was compared with")
    approved.set_defaults(func=run_approve)
    for verb in (listed, added, approved):
        verb.add_argument("--json", action="store_true", help="the answer as one JSON line")
        locate(verb)


def _list_verb(verbs: Parts[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    listed = verbs.add_parser(
        "list",
        help="records in force on a day",
        description="Records in force on a day, own ones before defaults; * marks what nobody has verified (未核实).",
        epilog="example: tanji ledger factors list --quantity grid_factor --plant plant.yaml",
    )
    listed.add_argument("--quantity", metavar="NAME", help="only this quantity")
    listed.add_argument("--on", type=_day, metavar="DAY", help="day (default: today at the plant)")
    listed.add_argument("--all", action="store_true", help="every record, in force or not, superseded editions too")
    listed.add_argument("--unverified", action="store_true", help="only what nobody has verified")
    listed.set_defaults(func=run_list)
    return listed


def run_list(arguments: argparse.Namespace) -> int:
    """Print the records, one a line."""
    plant = load(arguments.plant)
    on = arguments.on or _today(plant)
    ledger = open_ledger(arguments.data)
    try:
        library = factor_editions.library_in_force(ledger)
        old = [edition.factor for edition in factor_editions.editions(ledger) if edition.superseded_by is not None]
    finally:
        ledger.close()
    known = sorted({factor.quantity for factor in (*library.factors, *old)})
    if arguments.quantity not in (None, *known):
        raise UsageError(f"--quantity: expected one of {', '.join(known)}, got {arguments.quantity}")
    found = [factor for factor in library.factors if arguments.all or factor.in_force(on)]
    shown = [
        factor
        for factor in (*found, *(old if arguments.all else ()))
        if arguments.quantity in (None, factor.quantity) and not (arguments.unverified and factor.verified)
    ]
    notes = _grid_notes(plant, library, on=on) if arguments.quantity in (None, "grid_factor") else []
    if arguments.json:
        records = [{**_record(factor), "superseded": factor in old} for factor in shown]
        print(json.dumps({"on": on.isoformat(), "factors": records, "notes": notes}, ensure_ascii=False))
        return 0
    for factor in shown:
        print(_line(factor, superseded=factor in old))
    for note in notes:
        print(note)
    unverified = sum(not factor.verified for factor in shown)
    print(f"{len(shown)} records, {unverified} unverified (*), on {on.isoformat()}", file=sys.stderr)
    return 0


def run_add(arguments: argparse.Namespace) -> int:
    """Enter the good rows; 1 if a row was refused."""
    plant = load(arguments.plant)
    records, findings = factor_records.read_file(arguments.file)
    ledger = open_ledger(arguments.data)
    try:
        known = {edition.factor.id for edition in factor_editions.editions(ledger)}
        entered = factor_editions.add(ledger, records, by=arguments.by, recorded_at_ms=now_ms())
    finally:
        ledger.close()
    if arguments.json:
        said = {"plant": plant.site.id, "rows": len(records) + len(findings)}
        listed = [_record(factor) for factor in entered]
        wrong = [asdict(finding) for finding in findings]
        print(json.dumps({**said, "entered": listed, "findings": wrong}, ensure_ascii=False))
    else:
        for factor in entered:
            print(f"{'new edition' if factor.id in known else 'entered'}: {_line(factor)}")
        print(f"{arguments.file}: {len(entered)} entered, {len(records) - len(entered)} known, {len(findings)} refused")
    return _told(findings)


def run_approve(arguments: argparse.Namespace) -> int:
    """Write one approval."""
    plant = load(arguments.plant)
    on = arguments.on or _today(plant)
    ledger = open_ledger(arguments.data)
    try:
        factor = factor_editions.approve(
            ledger, arguments.id, by=arguments.by, on=on, note=arguments.note, recorded_at_ms=now_ms()
        )
    finally:
        ledger.close()
    print(json.dumps(_record(factor), ensure_ascii=False) if arguments.json else f"verified: {_line(factor)}")
    return 0


def _told(findings: list[Finding]) -> int:
    for finding in findings:
        print(finding, file=sys.stderr)
    return 1 if findings else 0


def _record(factor: Factor) -> dict[str, Any]:
    data = asdict(factor)
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in data.items()}


def _line(factor: Factor, *, superseded: bool = False) -> str:
    """One record: mark, id, value, days, source, confidence, who verified it."""
    mark = " " if factor.verified else "*"
    days = f"from {factor.valid_from}" + (f" to {factor.valid_to}" if factor.valid_to else "")
    who = f", verified by {factor.verified_by} on {factor.verified_on}" if factor.verified else ""
    old = ", superseded" if superseded else ""
    value = written(factor.value, factor.unit)
    return f"{mark} {factor.id}  {value}  {days}  [{factor.confidence}] {factor.source}{who}{old}"


def _grid_notes(plant: Plant, library: Any, *, on: date) -> list[str]:
    """What has to be said beside the plant's grid factor."""
    notes = []
    for ruleset in plant.rulesets:
        try:
            found = factor_editions.grid_factor(library, plant.site.region, ruleset=ruleset, on=on)
        except DomainError:
            notes.append(f"{ruleset}: no grid factor for {plant.site.region} on {on.isoformat()}")
        else:
            notes += [f"{ruleset}: {found.note}"] if found.note else []
    return notes


def _today(plant: Plant) -> date:
    return datetime.fromtimestamp(now_ms() / 1000, ZoneInfo(plant.site.timezone)).date()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day like 2026-12-31, got {text}") from None
