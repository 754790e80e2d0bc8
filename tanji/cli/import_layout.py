"""What a file to import means: from the options, from a layout of the plant file, or from its own header."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from tanji.acquisition.line_format import series
from tanji.acquisition.logger_csv import DELIMITERS, CsvLayout, Target
from tanji.acquisition.logger_lines import Source, source
from tanji.errors import LineProtocolError, UsageError
from tanji.plant.model import ImportLayout, Plant
from tanji.plant.wording import one_of

LONG = ("point", "value")
"""Columns that say, without being told, that every row is one value."""


def declared(plant: Plant, arguments: argparse.Namespace) -> ImportLayout:
    """The layout of the plant file that was asked for, with the options laid over it."""
    layout = ImportLayout(id="options")
    if arguments.layout is not None:
        known = {each.id: each for each in plant.imports}
        if arguments.layout not in known:
            known_ones = one_of(arguments.layout, known) if known else "which has no imports"
            raise UsageError(f"--as: expected a layout of the plant file, {known_ones}, got {arguments.layout}")
        layout = known[arguments.layout]
    names = ("time", "time_format", "zone", "delimiter", "decimal", "point", "value", "quality")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    if arguments.missing:
        given["missing"] = tuple(arguments.missing)
    if arguments.map:
        given["columns"] = {**layout.columns, **dict(_pair(text) for text in arguments.map)}
    changed = layout.model_copy(update=given)
    if bool(changed.point) != bool(changed.value):
        raise UsageError("--point-column and --value-column: expected both, got one of them")
    return changed


def csv_layout(plant: Plant, layout: ImportLayout, *, header: str, file: str) -> CsvLayout:
    """A layout for one file. Without declared columns those whose names are points are taken."""
    delimiter = {"tab": "\t"}.get(layout.delimiter, layout.delimiter) or max(DELIMITERS, key=header.count)
    columns: Mapping[str, str] = layout.columns
    point, value = layout.point, layout.value
    if not columns:
        names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
        if not point and set(LONG) <= set(names):
            point, value = LONG
        columns = {name: name for name in (plant.points_by_id if point else names) if name in plant.points_by_id}
        if not columns:
            shown = ", ".join(names)[:200] or "nothing"
            raise UsageError(f"{file}:1: expected columns named as points, or --map COLUMN=POINT, got {shown}")
    elif point:
        columns = {**{id: id for id in plant.points_by_id}, **columns}
    return CsvLayout(
        columns={name: target(plant, id) for name, id in columns.items()},
        zone=_zone(layout.zone or plant.site.timezone),
        time=layout.time,
        time_format=layout.time_format,
        delimiter=delimiter,
        decimal=layout.decimal,
        missing=frozenset(layout.missing),
        point=point,
        value=value,
        quality=layout.quality,
    )


def line_mapping(plant: Plant, layout: ImportLayout) -> dict[Source, Target]:
    """Points by what stands for them in a file of line protocol."""
    try:
        return {source(name): target(plant, id) for name, id in layout.columns.items()}
    except LineProtocolError as error:
        raise UsageError(f"--map: {error}") from error


def target(plant: Plant, id: str) -> Target:
    """A point as the readers need it. UsageError if the plant file has none of that id."""
    point = plant.points_by_id.get(id)
    if point is None:
        raise UsageError(f"--map: expected a point of the plant file, {one_of(id, plant.points_by_id)}, got {id}")
    return Target(series(plant.site.id, id), counter=point.kind == "counter")


def _pair(text: str) -> tuple[str, str]:
    name, equals, point = text.rpartition("=")
    if not equals or not name.strip() or not point.strip():
        raise UsageError(f"--map: expected COLUMN=POINT, got {text}")
    return name.strip(), point.strip()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise UsageError(f"--zone: expected a time zone like Asia/Shanghai, got {name}") from error
