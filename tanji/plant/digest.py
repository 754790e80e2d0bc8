"""The digest of a plant: one number that says whether two plant files describe the same plant.

It is taken over the model, not over the file: comments, the order of keys and entries, anchors, defaults written out
or left out, and which points stand in a table beside the file make no difference; every value does. It is what the
point map sealed with the readings refers to (reference/trust.md section 2).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tanji.plant.model import Plant


def canonical(plant: Plant) -> bytes:
    """The model as canonical JSON: UTF-8, keys sorted, no blanks, entries that have an id sorted by it."""
    data = plant.model_dump(mode="json", exclude={"point_table"})
    return json.dumps(
        _normal(data), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def digest(plant: Plant) -> str:
    """SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(plant)).hexdigest()


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _normal(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_normal(item) for item in value]
        return sorted(items, key=lambda item: item["id"]) if all(_has_id(item) for item in items) else items
    # -0.0 equals 0.0 and is the same plant, but is spelled differently.
    return value + 0.0 if isinstance(value, float) else value


def _has_id(value: Any) -> bool:
    return isinstance(value, dict) and "id" in value
