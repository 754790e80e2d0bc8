"""The names other parts use, made from the plant model in one place (DESIGN section 3).

Buckets, series keys and tag values; nothing else in Tanji spells one out.
"""

from __future__ import annotations

SITE_LINE = "site"
"""Tag value `line` of what belongs to no production line."""


def raw_bucket(plant_id: str) -> str:
    """Bucket (InfluxDB 1.x: database) of the readings; written by the sealer alone."""
    return f"{plant_id}_raw"


def derived_bucket(plant_id: str) -> str:
    """Bucket of flags, activity and emissions; written by the job process alone."""
    return f"{plant_id}_derived"


def health_bucket(plant_id: str) -> str:
    """Bucket of unsealed host metrics and health series."""
    return f"{plant_id}_health"


def unknown_factor(mn: str, code: str, kind: str) -> str:
    """Name under which the sealer parks a value of an HJ 212 station that the plant file says nothing of."""
    return ".".join(["hj212", *("".join(c if c.isalnum() else "_" for c in part.lower()) for part in (mn, code, kind))])


def opcua_application_uri(plant_id: str) -> str:
    """What Tanji calls itself to OPC UA servers; its certificate says the same."""
    return f"urn:tanji:{plant_id}:opcua"


def reading_series(plant_id: str, point_id: str) -> str:
    """Line-protocol series key of a point's readings."""
    return f"reading,plant={plant_id},point={point_id}"
