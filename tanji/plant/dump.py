"""A plant back to YAML, for files that a program makes: `load(dump(plant))` is the same plant.

Values that are the model's defaults are left out, so the file stays short enough to be reviewed.
"""

from __future__ import annotations

import yaml

from tanji.plant import yaml_lines
from tanji.plant.model import Plant


@yaml_lines.add_core_schema
class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1 or the core schema of 1.2 would take for something else."""


def dump(plant: Plant) -> str:
    """The plant file of a plant, points of a table included."""
    data = plant.model_dump(mode="json", exclude_defaults=True, exclude={"point_table"})
    # `kind: embedded` is a default, but it is what tells the two stores apart.
    if (store := data.get("services", {}).get("store")) is not None:
        store["kind"] = plant.services.store.kind
    return yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)
