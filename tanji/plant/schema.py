"""The JSON Schema of a plant file, from which editors complete and check while one types.

Made from the model alone; `provisioning/plants/plant.schema.json` is this text, and a test keeps it up to date. The
schema knows keys and values, not references between entries: those are `tanji plant check`.
"""

from __future__ import annotations

import copy
import json
from importlib.resources import files

from tanji.plant import templates, wording

FILE = "plant.schema.json"
"""Name of the schema beside a plant file; the first line of the starter file refers to it."""


def schema_text() -> str:
    """The schema as JSON text."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Tanji plant file"}
    body = copy.deepcopy({key: value for key, value in wording.schema().items() if key != "title"})
    point = body["$defs"]["Point"]
    # A quantity brings name, kind and unit with it (tanji.plant.templates).
    filled = [key for key in point["required"] if key in templates.FILLED]
    point["required"] = [key for key in point["required"] if key not in filled]
    point["anyOf"] = [{"required": ["quantity"]}, {"required": filled}]
    return json.dumps(head | body, ensure_ascii=False, indent=2) + "\n"


def starter_text() -> str:
    """A commented plant file that passes the check unchanged."""
    return files("tanji.plant").joinpath("starter.yaml").read_text(encoding="utf-8")
