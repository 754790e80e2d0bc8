"""Checks of the layouts of logger files: what they name exists, and each says which of the two forms its rows have."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import available_timezones

from tanji.errors import Finding
from tanji.plant.document import KeyPath
from tanji.plant.import_model import ImportLayout
from tanji.plant.wiring import Wiring


def check(wiring: Wiring) -> Iterator[Finding]:
    """Every fault of the layouts."""
    seen: dict[str, int] = {}
    for position, layout in enumerate(wiring.plant.imports if wiring.plant is not None else ()):
        path = ("imports", position)
        first = seen.setdefault(layout.id, position)
        if first != position:
            where = wiring.document.where(("imports", first, "id"))
            got = f'"{layout.id}", already at {where}'
            yield wiring.finding((*path, "id"), "an id that no other layout has", got)
        yield from _layout(wiring, path, layout)


def _layout(wiring: Wiring, path: KeyPath, layout: ImportLayout) -> Iterator[Finding]:
    if bool(layout.point) != bool(layout.value):
        key = "value" if layout.point else "point"
        yield wiring.finding((*path, key), "point and value together, where every row is one value", "one of them")
    if not layout.point and not layout.columns:
        expected = "the point of each column, or point and value where every row is one value"
        yield wiring.finding((*path, "columns"), expected, "nothing")
    if layout.quality and not layout.point:
        yield wiring.finding((*path, "quality"), "no quality, since a row holds several values", f'"{layout.quality}"')
    if layout.zone and layout.zone not in available_timezones():
        expected = "a time zone of the IANA list, like Asia/Shanghai"
        yield wiring.finding((*path, "zone"), expected, f'"{layout.zone}"')
    if layout.decimal == "," and layout.delimiter == ",":
        yield wiring.finding((*path, "delimiter"), "another delimiter than the decimal comma", '","')
    targets: dict[str, str] = {}
    for column, point in layout.columns.items():
        yield from wiring.unknown((*path, "columns", column), "points", point)
        first = targets.setdefault(point, column)
        if first != column:
            expected = f"a point of its own, since {first} is {point} already"
            yield wiring.finding((*path, "columns", column), expected, f'"{point}"')
