"""The measurements of Tanji with their tags and typed fields, as DESIGN section 3 lists them.

What a row or a question has to be like is `tanji.store.checks`; naming buckets is left to `tanji.plant.names`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from tanji.errors import StoreRefused

FieldType = Literal["float", "int", "text"]

TIME = "time"
TAG_TYPE = pa.dictionary(pa.int32(), pa.string())
FIELD_TYPES: dict[FieldType, pa.DataType] = {"float": pa.float64(), "int": pa.int64(), "text": pa.string()}

# InfluxDB keeps nanoseconds in 64 bits, so a time outside 1677-09-21..2262-04-11 cannot be stored there. [UTC ms]
EARLIEST_MS = -9_223_372_036_854
LATEST_MS = 9_223_372_036_854

OPEN_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Measurement:
    """Tags and typed fields of one measurement; an `open` one takes any further float field."""

    name: str
    tags: tuple[str, ...]
    fields: Mapping[str, FieldType]
    open: bool = False

    def field_type(self, field: str) -> FieldType | None:
        """Type of a field, None where the measurement has no such field."""
        if field in self.fields:
            return self.fields[field]
        free = self.open and OPEN_FIELD_NAME.match(field) and field != TIME and field not in self.tags
        return "float" if free else None

    def arrow_schema(self, fields: Sequence[str]) -> pa.Schema:
        """Columns of an answer with these fields."""
        tags = [pa.field(tag, TAG_TYPE) for tag in self.tags]
        typed = [pa.field(field, FIELD_TYPES[self.field_type(field) or "float"]) for field in fields]
        return pa.schema([pa.field(TIME, pa.int64()), *tags, *typed])


_EMISSION_TAGS = ("plant", "line", "stream", "boundary", "ruleset", "item", "method")
# What a figure rests on, beside it: rule of substitution, inputs outside a soft range, and three digests.
_PROVENANCE: dict[str, FieldType] = {
    "rule": "text",
    "warnings": "int",
    "method_digest": "text",
    "factors": "text",
    "inputs": "text",
}

MEASUREMENTS: dict[str, Measurement] = {
    entry.name: entry
    for entry in (
        Measurement("reading", ("plant", "point"), {"value": "float", "quality": "int"}),
        Measurement("arrival", ("plant",), {"hour_ms": "int", "count": "int"}),
        Measurement("flag", ("plant", "point"), {"quality": "int", "rule_set": "text"}),
        Measurement(
            "activity",
            ("plant", "line", "stream"),
            {
                "amount_t": "float",
                "electricity_mwh": "float",
                "heat_gj": "float",
                "co2_t": "float",
                "running_h": "float",
                "captured": "float",
                "substituted": "float",
                "rule": "text",
            },
        ),
        Measurement(
            "emission",
            _EMISSION_TAGS,
            {"co2_t": "float", "u_rel": "float", "substituted": "float", "revision": "int", **_PROVENANCE},
        ),
        Measurement(
            "emission_history",
            (*_EMISSION_TAGS, "revision"),
            {"co2_t": "float", "u_rel": "float", "substituted": "float", "reason": "text", **_PROVENANCE},
        ),
        # Both parts and no quotient: a day is a ratio of sums, and a quotient of hours could only be averaged wrongly.
        Measurement(
            "intensity",
            ("plant", "line", "name", "boundary", "ruleset"),
            {"numerator": "float", "denominator": "float", "running_h": "float"},
        ),
        Measurement("health", ("plant", "part"), {}, open=True),
    )
}


def find_measurement(name: str) -> Measurement:
    """The measurement of this name; refused where Tanji has none."""
    try:
        return MEASUREMENTS[name]
    except KeyError:
        raise StoreRefused(f"measurement: expected one of {', '.join(sorted(MEASUREMENTS))}, got {name!r}") from None
