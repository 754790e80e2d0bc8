"""A plant file as far as it is right by itself, for the checks that look across entries.

A typing mistake in one meter must not hide a missing register in another (every fault is reported at once), and must
not make every point of that meter look wrong: entries that pydantic accepts are here as objects, and the ids of the
others still count as declared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tanji.errors import Finding
from tanji.plant.document import Document, KeyPath
from tanji.plant.model import CarbonNode, Device, Line, Meter, Plant, Point, Stream
from tanji.plant.wording import close_to, one_of

ADAPTERS: Mapping[str, TypeAdapter[Any]] = {
    "lines": TypeAdapter(Line),
    "nodes": TypeAdapter(CarbonNode),
    "devices": TypeAdapter(Device),
    "meters": TypeAdapter(Meter),
    "points": TypeAdapter(Point),
    "streams": TypeAdapter(Stream),
}


@dataclass(frozen=True, slots=True)
class Wiring:
    """Entries by their position in the file, and the position of every declared id."""

    document: Document
    plant: Plant | None
    lines: Mapping[int, Line]
    devices: Mapping[int, Device]
    meters: Mapping[int, Meter]
    points: Mapping[int, Point]
    streams: Mapping[int, Stream]
    ids: Mapping[str, Mapping[str, int]]

    def point(self, id: str) -> Point | None:
        """The point of that id, if it is declared and right by itself."""
        return self.points.get(self.ids["points"].get(id, -1))

    def meter(self, id: str) -> Meter | None:
        """The meter of that id, if it is declared and right by itself."""
        return self.meters.get(self.ids["meters"].get(id, -1))

    def device_of(self, point: Point) -> Device | None:
        """The device a point is read from, if every step of the way is right."""
        meter = self.meter(point.meter)
        return None if meter is None else self.devices.get(self.ids["devices"].get(meter.device, -1))

    def finding(self, path: KeyPath, expected: str, got: str) -> Finding:
        """One fault at a path of the file."""
        return self.document.finding(path, expected=expected, got=got)

    def unknown(self, path: KeyPath, collection: str, id: str) -> Iterator[Finding]:
        """A finding if no entry of `collection` has this id."""
        known = self.ids[collection]
        if id not in known:
            noun = collection.rstrip("s")
            # A good guess says more than a list of all points.
            hint = close_to(id, known)
            expected = f"the id of a {noun} of this file{hint}" if hint else f"the id of a {noun}, {one_of(id, known)}"
            yield self.finding(path, expected, f'"{id}"')


Check = Callable[[Wiring], Iterator[Finding]]


def wire(document: Document, plant: Plant | None) -> Wiring:
    """The entries of a document; those of `plant` where the whole of it is right."""
    entries = {name: dict(_entries(document, plant, name)) for name in ADAPTERS}
    ids = {name: _ids(document, name) for name in ADAPTERS}
    return Wiring(
        document,
        plant,
        entries["lines"],
        entries["devices"],
        entries["meters"],
        entries["points"],
        entries["streams"],
        ids,
    )


def _raw(document: Document, collection: str) -> list[Any]:
    raw = document.value((collection,))
    return raw if isinstance(raw, list) else []


def _entries(document: Document, plant: Plant | None, collection: str) -> Iterator[tuple[int, Any]]:
    if plant is not None:
        yield from enumerate(getattr(plant, collection))
        return
    for position, entry in enumerate(_raw(document, collection)):
        try:
            yield position, ADAPTERS[collection].validate_json(json.dumps(entry), strict=True)
        except ValidationError:
            continue  # told by tanji.plant.wording


def _ids(document: Document, collection: str) -> dict[str, int]:
    ids: dict[str, int] = {}
    for position, entry in enumerate(_raw(document, collection)):
        if isinstance(entry, dict) and isinstance(entry.get("id"), str):
            ids.setdefault(entry["id"], position)
    return ids
