"""`tanji import`: files of loggers and of InfluxDB as late data of a plant, through the sealer (R9, R39).

What is wrong in a file is told row by row, and the rest goes in. Importing a file again changes nothing: the first
sealed value of a point and time stands. The hours the readings touch are computed anew by the jobs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tanji.acquisition.line_protocol import PRECISIONS
from tanji.acquisition.logger_csv import Tally
from tanji.cli.clock import now_ms
from tanji.cli.import_door import Door, door
from tanji.cli.import_files import read_file
from tanji.cli.import_layout import declared
from tanji.cli.progress import bar
from tanji.errors import Finding
from tanji.plant.load import load
from tanji.plant.model import ImportLayout, Plant

MOST_SHOWN: Final = 100
"""Findings told of one file; more of them are the same one."""

EPILOG = """examples:
  tanji import march.csv --plant plant.yaml --dry-run
  tanji import march.csv --plant plant.yaml --time 时间 --map 喂煤量=kiln1.coal.mass_flow --decimal ,
  tanji import backup.lp.gz --plant plant.yaml --map "modbus,slave=1 flow=kiln1.coal.mass_flow\""""


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "import",
        help="bring logger CSV and line-protocol files into a plant",
        description="Bring readings from CSV or InfluxDB line-protocol files (also .gz) into a plant, as late data.",
        epilog=EPILOG,
    )
    verb.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CSV (.csv, .txt) or line protocol (.lp)")
    verb.add_argument("--plant", type=Path, required=True, metavar="PLANT", help="the plant file")
    verb.add_argument("--dry-run", action="store_true", help="read and tell what is wrong; send nothing")
    verb.add_argument("--json", action="store_true", help="the result as one JSON object on standard output")
    verb.add_argument("--sealer", metavar="URL", help="the sealer's address (default: from the plant file)")
    verb.add_argument("--data", type=Path, metavar="DIR", help="data directory, where no sealer runs for the plant")
    verb.add_argument("--as", dest="layout", metavar="ID", help="a layout of the plant file's imports")
    verb.add_argument("--format", choices=("csv", "line"), help="what the files are, where their names do not say it")
    verb.add_argument(
        "--map", action="append", metavar="COLUMN=POINT", help="point of a column, name or series; repeat"
    )
    verb.add_argument("--time", metavar="COLUMN", help="column with the time (default: time)")
    verb.add_argument("--time-format", metavar="F", help="epoch_s, epoch_ms, or a pattern such as %%d.%%m.%%Y %%H:%%M")
    verb.add_argument("--zone", help="zone of times that name none (default: the plant's)")
    verb.add_argument(
        "--delimiter",
        choices=(",", ";", "tab"),
        metavar="SIGN",
        help=", ; or tab (default: what the first row has most of)",
    )
    verb.add_argument("--decimal", choices=(".", ","), metavar="SIGN", help=". or , (default: .)")
    verb.add_argument("--missing", action="append", metavar="WORD", help="stands for no value, like NaN; repeat")
    verb.add_argument("--point-column", dest="point", metavar="COLUMN", help="column with the point, one value a row")
    verb.add_argument("--value-column", dest="value", metavar="COLUMN", help="column with its value")
    verb.add_argument("--quality-column", dest="quality", metavar="COLUMN", help="column with its flag word")
    verb.add_argument("--precision", choices=PRECISIONS, default="ns", help="of times in line protocol (default: ns)")
    verb.set_defaults(func=run)


@dataclass(slots=True)
class FileResult:
    """What a file brought."""

    file: str
    tally: Tally
    findings: list[Finding] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Counts and the first findings."""
        shown = [
            {name: getattr(finding, name) for name in ("file", "line", "key", "expected", "got")}
            for finding in self.findings
        ]
        counts = {name: getattr(self.tally, name) for name in ("rows", "readings", "empty")}
        return {"file": self.file, **counts, "refused": self.tally.findings, "findings": shown}


def run(arguments: argparse.Namespace) -> int:
    """Import; 0 if all of it went in, 1 if something was refused."""
    plant = load(arguments.plant)
    layout = declared(plant, arguments)
    sizes = [path.stat().st_size for path in arguments.files]
    begun = time.monotonic()
    with ExitStack() as stack:
        out: Door | None = None
        if not arguments.dry_run:
            out = stack.enter_context(door(plant, url=arguments.sealer, data_dir=arguments.data))
        advance = stack.enter_context(bar("import", total=float(sum(sizes))))
        results: list[FileResult] = []
        before = {} if out is None else out.counters()
        for number, path in enumerate(arguments.files):
            done = sum(sizes[:number])
            results.append(
                _import(path, arguments, plant, layout, out=out, advance=lambda at, done=done: advance(done + at))
            )
        meanwhile: dict[str, int] = {}
        if out is not None:
            out.finish()
            out.settle()
            after = out.counters()
            meanwhile = {name: after[name] - count for name, count in before.items() if name in after}
    _tell(results, arguments, seconds=time.monotonic() - begun, meanwhile=meanwhile)
    return 1 if any(result.tally.findings for result in results) else 0


def _import(
    path: Path, arguments: argparse.Namespace, plant: Plant, layout: ImportLayout, *, out: Door | None, advance: Any
) -> FileResult:
    findings: list[Finding] = []

    def told(finding: Finding) -> None:
        """Keep the first ones."""
        if len(findings) < MOST_SHOWN:
            findings.append(finding)

    tally = read_file(
        path,
        plant=plant,
        layout=layout,
        file_format=arguments.format,
        precision=arguments.precision,
        now_ms=now_ms(),
        emit=(lambda _: None) if out is None else out.post,
        told=told,
        advance=advance,
    )
    return FileResult(path.name, tally, findings)


def _tell(
    results: list[FileResult], arguments: argparse.Namespace, *, seconds: float, meanwhile: dict[str, int]
) -> None:
    """meanwhile : how much the sealer parked, and found to differ from earlier values, while the files went in."""
    readings = sum(result.tally.readings for result in results)
    refused = sum(result.tally.findings for result in results)
    if arguments.json:
        totals = {"dry_run": arguments.dry_run, "readings": readings, "refused": refused, "seconds": round(seconds, 3)}
        totals |= {"parked": meanwhile.get("parked", 0), "conflicting": meanwhile.get("conflicting", 0)}
        print(json.dumps({**totals, "files": [result.as_json() for result in results]}, ensure_ascii=False))
        return
    for result in results:
        for finding in result.findings:
            print(finding, file=sys.stderr)
        if result.tally.findings > len(result.findings):
            print(f"{result.file}: {result.tally.findings - len(result.findings)} more like these", file=sys.stderr)
        counts = f"{result.tally.rows} rows, {result.tally.readings} readings, {result.tally.empty} empty"
        print(f"{result.file}: {counts}, {result.tally.findings} refused", file=sys.stderr)
    done = "would be imported" if arguments.dry_run else "imported"
    rate = readings / seconds if seconds > 0 else 0.0
    if meanwhile.get("conflicting"):
        print(f"{meanwhile['conflicting']} differ from an earlier value, which stands", file=sys.stderr)
    if meanwhile.get("parked"):
        print(f"{meanwhile['parked']} lines were parked by the sealer meanwhile: DATA/parked says why", file=sys.stderr)
    print(f"{readings} readings {done} in {seconds:.1f} s ({rate:,.0f} a second)", file=sys.stderr)
