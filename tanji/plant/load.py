"""Read a plant file into the frozen objects of `tanji.plant.model`, or say everything that is wrong with it.

All faults are collected before anything is raised, each with file, line, key, what was expected and what was got
(R21): YAML, the points of the table beside the file, what templates of instruments say, then the model, then the cross
references, which are checked as far as the entries that are right by themselves allow.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from tanji.errors import Finding, PlantError
from tanji.plant import check, point_table, templates, wording, yaml_lines
from tanji.plant.document import Document
from tanji.plant.model import Plant
from tanji.plant.wiring import wire


def load(path: Path | str) -> Plant:
    """The plant of a plant file. Raises `PlantError` with every finding.

    The points of `point_table` are in `points` like those of the file itself, so `point_table` is None afterwards.
    """
    return _validated(yaml_lines.read(Path(path)))


def parse(text: str, *, file: str = "plant.yaml") -> Plant:
    """The same for a text in memory; `file` is the name that messages use and where a point table is looked for."""
    return _validated(yaml_lines.parse(text, file=file))


def _validated(document: Document) -> Plant:
    point_table.merge(document)
    lacking = templates.expand(document)
    found = list(document.findings)
    plant: Plant | None = None
    try:
        # JSON mode: strict about types, yet a list may become a tuple and a word an enum.
        plant = Plant.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        found += [finding for finding in wording.findings(document, error) if finding.key not in lacking]
    found += check.check(wire(document, plant))
    if found or plant is None:
        raise PlantError(tuple(sorted(dict.fromkeys(found), key=_reading_order(document))))
    return plant


def _reading_order(document: Document) -> Callable[[Finding], tuple[bool, str, int]]:
    """The plant file from top to bottom, then the table."""
    return lambda finding: (finding.file != document.file, finding.file, finding.line)
