"""`tanji ledger sample take | import | list`: numbers of samples when they are taken, and those without a result."""

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
from tanji.cli.stores import open_existing_ledger
from tanji.ledger.samples import Sample, import_samples, register, sample_of, samples, without_result
from tanji.ledger.sheets import Refused
from tanji.plant.load import load

Parts = argparse._SubParsersAction  # what argparse calls the thing that takes further verbs

DAY_MS = 86_400_000


def add_parts(parts: Parts[argparse.ArgumentParser], locate: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the part with its three; `locate` gives a parser --plant and --data."""
    sample = parts.add_parser(
        "sample",
        help="register samples when they are taken, list those without a result",
        description="Register samples when they are taken: the number is sealed before anybody knows the result.",
        epilog='example: tanji ledger sample take KC-20260301 --stream line1.kiln_coal --by "Li Na" --plant plant.yaml',
    )
    kinds = sample.add_subparsers(dest="kind", required=True, metavar="PART")
    take = kinds.add_parser(
        "take", help="register one sample", description="Register one sample.", epilog=sample.epilog
    )
    take.add_argument("sample", metavar="SAMPLE_ID", help="number of the sample")
    take.add_argument("--stream", required=True, metavar="ID", help="source stream of the plant file")
    take.add_argument("--by", required=True, metavar="NAME", help="who took it")
    take.add_argument("--at", metavar="TIME", help="when, e.g. 2026-03-01T08:00, local time (default: now)")
    take.set_defaults(func=run_take)
    bring = kinds.add_parser(
        "import",
        help="register the samples of a CSV or XLSX file",
        description="Register the samples of a file with the columns sample_id, stream, taken_at, taken_by.",
        epilog="example: tanji ledger sample import taken.csv --plant plant.yaml --data /var/lib/tanji",
    )
    bring.add_argument("file", type=Path, metavar="FILE", help="CSV or XLSX; docs/laboratory-csv.md")
    bring.set_defaults(func=run_import)
    listed = kinds.add_parser(
        "list",
        help="list samples, or those without a result",
        description="List registered samples; with --without-result those that lack one, and exit 1 if there are any.",
        epilog="example: tanji ledger sample list --without-result 7 --plant plant.yaml --data /var/lib/tanji",
    )
    listed.add_argument(
        "--without-result", type=float, metavar="DAYS", help="only samples older than DAYS that have no result in force"
    )
    listed.set_defaults(func=run_list)
    for part in (take, bring, listed):
        part.add_argument("--json", action="store_true", help="the same as one JSON line")
        locate(part)


def run_take(arguments: argparse.Namespace) -> int:
    """Register one sample; 1 if the number stands for another one."""
    plant = load(arguments.plant)
    now = now_ms()
    at = arguments.at or datetime.fromtimestamp(now / 1000, ZoneInfo(plant.site.timezone)).isoformat()
    row = {"sample_id": arguments.sample, "stream": arguments.stream, "taken_at": at, "taken_by": arguments.by.strip()}
    try:
        sample = sample_of(row, plant=plant, now_ms=now)
    except Refused as error:
        print(f"tanji: {error.field}: expected {error.expected}, got {error.got}", file=sys.stderr)
        return 2
    ledger = open_existing_ledger(arguments.data)  # nobody would seal what is registered elsewhere
    try:
        outcome = register(ledger, [sample], recorded_at_ms=now)
    finally:
        ledger.close()
    if outcome.taken:
        told = "got one that stands for another stream, time or person (`tanji ledger sample list`)"
        print(f"{arguments.sample}: expected a number that no other sample has, {told}", file=sys.stderr)
        return 1
    said = "registered" if outcome.added else "known already"
    shown = {"sample_id": sample.sample_id, "stream": sample.stream, "taken_ms": sample.taken_ms, "outcome": said}
    print(json.dumps(shown, ensure_ascii=False) if arguments.json else f"{sample.sample_id}: {said}")
    return 0


def run_import(arguments: argparse.Namespace) -> int:
    """Register the samples of a file; 1 if a row was refused."""
    plant = load(arguments.plant)
    ledger = open_existing_ledger(arguments.data)
    try:
        result = import_samples(arguments.file, ledger=ledger, plant=plant, now_ms=now_ms())
    finally:
        ledger.close()
    if arguments.json:
        print(json.dumps(asdict(result), ensure_ascii=False))
    else:
        counts = f"{result.added} registered, {result.repeated} known, {len(result.findings)} refused"
        print(f"{arguments.file}: {counts}")
    for finding in result.findings:
        print(finding, file=sys.stderr)
    return 1 if result.findings else 0


def run_list(arguments: argparse.Namespace) -> int:
    """List samples; 1 if there are some without a result and they were asked for."""
    plant = load(arguments.plant)
    days = arguments.without_result
    ledger = open_existing_ledger(arguments.data)
    try:
        before_ms = None if days is None else now_ms() - round(days * DAY_MS)
        found = samples(ledger) if days is None else without_result(ledger, taken_before_ms=before_ms)
    finally:
        ledger.close()
    if arguments.json:
        print(json.dumps([asdict(sample) for sample in found], ensure_ascii=False))
    else:
        for sample in found:
            print(_line(sample, plant.site.timezone))
        print(f"{len(found)} samples" + ("" if days is None else f" without a result, older than {days:g} d"))
    return 1 if days is not None and found else 0


def _line(sample: Sample, timezone: str) -> str:
    taken = datetime.fromtimestamp(sample.taken_ms / 1000, ZoneInfo(timezone))
    return f"{sample.sample_id}  {sample.stream}  {taken:%Y-%m-%d %H:%M}  {sample.taken_by}"
