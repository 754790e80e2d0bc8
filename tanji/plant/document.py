"""A plant file as plain data that remembers where every value was written.

`tanji.plant.yaml_lines` and `tanji.plant.point_table` fill a `Document`; `tanji.plant.wording` and
`tanji.plant.check` ask it for the line and the readable name of a value when something is wrong with it. It knows
nothing about plants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tanji.errors import Finding

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the top of the file: `("points", 3, "modbus", "address")`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written, and its own spelling where the file is YAML."""

    file: str
    line: int
    text: str | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """The data of a plant file and of its point table, the place of each value, and what was wrong in reading it."""

    file: str
    data: Any = None
    places: dict[KeyPath, Place] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def place(self, path: KeyPath) -> Place:
        """The place of a value, or of the nearest block around it when the value itself is not in the file."""
        for length in range(len(path), -1, -1):
            if (place := self.places.get(path[:length])) is not None:
                return place
        return Place(self.file, 1)

    def value(self, path: KeyPath) -> Any:
        """The value at a path; None where there is none."""
        value = self.data
        for step in path:
            if isinstance(step, int):
                value = value[step] if isinstance(value, list) and step < len(value) else None
            else:
                value = value.get(step) if isinstance(value, Mapping) else None
        return value

    def name(self, path: KeyPath) -> str:
        """A path as a person says it: `points[kiln1.feed].modbus.address`, `lines[#2].name`."""
        name = ""
        for depth, step in enumerate(path):
            if isinstance(step, str):
                name += f".{step}" if name else step
            else:
                item = self.value((*path[:depth], step, "id"))
                name += f"[{item}]" if isinstance(item, str) else f"[#{step + 1}]"
        return name or "the whole file"

    def finding(self, path: KeyPath, *, expected: str, got: str) -> Finding:
        """One fault at a path. In a table its key is the column, and the row is the line."""
        place = self.place(path)
        key = self.name(path) if place.column is None else f"{self.name(path[:2])} {place.column}"
        return Finding(place.file, place.line, key, expected, got)

    def where(self, path: KeyPath) -> str:
        """The place of a value as `file:line`, for messages about two values."""
        place = self.place(path)
        return f"{place.file}:{place.line}"
