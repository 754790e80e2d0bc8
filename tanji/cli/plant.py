"""`tanji plant`: check a plant file, print its schema, write a starter file, list its points, apply and approve it.

A file with faults is a configuration error: every finding on standard error, exit code 2 (DESIGN section 5).
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tanji.cli import plant_apply, plant_approve
from tanji.domain.items import Boundary
from tanji.errors import PlantError, UsageError
from tanji.plant.digest import digest
from tanji.plant.load import load
from tanji.plant.model import Device, Hj212Device, ModbusDevice, OpcuaDevice, Plant
from tanji.plant.point_table import COLUMNS
from tanji.plant.schema import FILE, schema_text, starter_text
from tanji.plant.telegraf import render

DONE, MISUSED = 0, 2


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb and its own verbs."""
    verb = verbs.add_parser(
        "plant",
        help="check a plant file, write a starter file",
        description="Work with plant files.",
        epilog="example: tanji plant init plant.yaml && tanji plant check plant.yaml",
    )
    own = verb.add_subparsers(dest="plant_verb", required=True, metavar="VERB")
    check = _add(own, "check", "check a plant file and summarise it", "tanji plant check plant.yaml", check_file)
    check.add_argument("file", type=Path, metavar="FILE", help="the plant file")
    check.add_argument("--json", action="store_true", help="the summary, or the findings, as JSON on standard output")
    _add(own, "schema", "print the JSON Schema of plant files", f"tanji plant schema > {FILE}", print_schema)
    init = _add(own, "init", "write a commented starter file", "tanji plant init plant.yaml", write_starter)
    help_text = f"file to write, with {FILE} beside it (plant.yaml); - prints it"
    init.add_argument("file", nargs="?", default="plant.yaml", metavar="FILE", help=help_text)
    points = _add(own, "points", "list the points as CSV", "tanji plant points plant.yaml > points.csv", list_points)
    points.add_argument("file", type=Path, metavar="FILE", help="the plant file")
    example = "tanji plant telegraf plant.yaml --sealer http://sealer:8186 > telegraf.conf"
    telegraf = _add(own, "telegraf", "print the telegraf.conf of the points it reads", example, print_telegraf)
    telegraf.add_argument("file", type=Path, metavar="FILE", help="the plant file")
    telegraf.add_argument("--sealer", help="the sealer's address (default: from the plant file)")
    plant_apply.register(own, _add)
    plant_approve.register(own, _add)


def _add(own: Any, name: str, text: str, example: str, func: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = own.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=f"example: {example}"
    )
    parser.set_defaults(func=func)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run the verb that was asked for."""
    code: int = arguments.func(arguments)
    return code


def check_file(arguments: argparse.Namespace) -> int:
    """Say what the plant is, or everything that is wrong with the file."""
    try:
        plant = load(arguments.file)
    except PlantError as error:
        if arguments.json:
            found = [asdict(finding) for finding in error.findings]
            print(json.dumps({"ok": False, "findings": found}, ensure_ascii=False))
        for finding in error.findings:
            print(finding, file=sys.stderr)
        count = len(error.findings)
        print(f"{arguments.file}: {count} finding{'s' if count > 1 else ''}", file=sys.stderr)
        return MISUSED
    if arguments.json:
        print(json.dumps({"ok": True, **summary(plant)}, ensure_ascii=False))
    else:
        print("\n".join(_summary_lines(plant, file=arguments.file)))
    return DONE


def summary(plant: Plant) -> dict[str, Any]:
    """What a plant file holds, in numbers."""
    per_device = Counter(plant.device_of(point).id for point in plant.points)
    return {
        "plant": plant.site.id,
        "digest": digest(plant),
        "lines": len(plant.lines),
        "nodes": len(plant.nodes),
        "devices": len(plant.devices),
        "meters": len(plant.meters),
        "points": len(plant.points),
        "streams": len(plant.streams),
        "points_per_device": {device.id: per_device[device.id] for device in plant.devices},
        "streams_per_boundary": {
            boundary.value: sum(boundary in stream.boundaries for stream in plant.streams) for boundary in Boundary
        },
        "rulesets": [ruleset.value for ruleset in plant.rulesets],
        "compliance": [part.value for part in plant.compliance],
    }


def _address(device: Device) -> str:
    """Where a device answers, or by what it is known when it calls."""
    if isinstance(device, Hj212Device):
        return f"station {device.mn}"
    if isinstance(device, OpcuaDevice):
        return device.endpoint
    return f"{device.host}:{device.port}" if isinstance(device, ModbusDevice) else device.serial_port


def _summary_lines(plant: Plant, *, file: Path) -> list[str]:
    counts = summary(plant)
    lines = [
        f"{file}: no fault found",
        f"site       {plant.site.id}  {plant.site.name.zh} / {plant.site.name.en}",
    ]
    for line in plant.lines:
        lines.append(f"line       {line.id}  {line.name.zh} / {line.name.en}, {line.capacity_t_per_day:,g} t/d")
    lines.append(f"meters     {len(plant.meters)}, on {len(plant.nodes)} nodes of the carbon flow")
    kinds = Counter(point.kind for point in plant.points)
    listed = ", ".join(f"{kinds[kind]} {kind}" for kind in sorted(kinds))
    lines.append(f"points     {len(plant.points)}" + (f": {listed}" if listed else ""))
    for device in plant.devices:
        address = _address(device)
        count = counts["points_per_device"][device.id]
        noun = "point" if count == 1 else "points"
        lines.append(f"  device   {device.id}  {address}: {count} {noun} every {device.period_s:g} s")
    lines.append(f"streams    {len(plant.streams)}")
    for boundary in Boundary:
        names = ", ".join(stream.id for stream in plant.streams if boundary in stream.boundaries)
        lines.append(f"  boundary {boundary.value}: {names or 'none'}")
    lines.append(f"compliance {plant.compliance[0].value} boundary by {plant.compliance[1].value}")
    lines.append(f"evidence   {_evidence(plant)}")
    lines.append(f"digest     {counts['digest']}")
    return lines


def _evidence(plant: Plant) -> str:
    trust = plant.trust
    if trust is None:
        return "not sealed 未封存 (no section trust)"
    seen = ", ".join(f"{each.name} ({each.organisation})" for each in trust.witnesses)
    return f"sealed by {trust.gateway_key}, witnessed by {seen or 'nobody 无见证方'}"


def print_schema(arguments: argparse.Namespace) -> int:
    """The JSON Schema on standard output."""
    print(schema_text(), end="")
    return DONE


def write_starter(arguments: argparse.Namespace) -> int:
    """The starter file and the schema it refers to; a plant file that is there already is left alone."""
    if arguments.file == "-":
        print(starter_text(), end="")
        return DONE
    path = Path(arguments.file)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as target:
            target.write(starter_text())
        (path.parent / FILE).write_text(schema_text(), encoding="utf-8", newline="\n")
    except FileExistsError as error:
        raise UsageError(f"{path}: expected a new file, got one that exists already") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    print(f"wrote {path}, and {path.parent / FILE} for editors; next: tanji plant check {path}")
    return DONE


def print_telegraf(arguments: argparse.Namespace) -> int:
    """The configuration on standard output."""
    print(render(load(arguments.file), sealer_url=arguments.sealer), end="")
    return DONE


def list_points(arguments: argparse.Namespace) -> int:
    """Every point as a row, with the columns of a point table, so that it can become one."""
    plant = load(arguments.file)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for point in plant.points:
        data = point.model_dump(mode="json", exclude_defaults=True)
        writer.writerow([_cell(data, path) for path, _ in COLUMNS.values()])
    return DONE


def _cell(data: Any, path: tuple[str | int, ...]) -> str:
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return "" if data is None else str(data)
