"""The JSON Schema of a plant file, from which editors complete and check while one types.

Made from the model alone; `provisioning/plants/plant.schema.json` is this text, and a test keeps it up to date. The
schema knows keys and values, not references between entries: those are `tanji plant check`.
"""

from __future__ import annotations

import json
from importlib.resources import files

from tanji.plant import wording

FILE = "plant.schema.json"
"""Name of the schema beside a plant file; the first line of the starter file refers to it."""


def schema_text() -> str:
    """The schema as JSON text."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Tanji plant file"}
    return json.dumps(head | {key: value for key, value in wording.schema().items() if key != "title"},
                      ensure_ascii=False, indent=2) + "\n"  # fmt: skip


def starter_text() -> str:
    """A commented plant file that passes the check unchanged."""
    return files("tanji.plant").joinpath("starter.yaml").read_text(encoding="utf-8")
