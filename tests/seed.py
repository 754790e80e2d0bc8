"""A month of derived rows whose sums are known by hand: every series swings round a mean with a period of 24 hours.

Over whole days a swing adds up to nothing, so a series' sum is its mean times the hours; the means are in `MEANS`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping

import pyarrow as pa

from tanji.plant.model import Plant, Stream

HOUR_MS = 3_600_000
CLINKER_T = 208.0
"""Mean clinker output [t/h], near 5,000 t/d."""

STACK_T = 197.0
"""Mean CO2 in the stack [t/h]: 1 % above the calculation of the same scope, 195.05."""

FUELS = [
    ("line1.kiln_coal", "fossil_fuel", "heat_content", 26.0),
    ("line1.calciner_coal", "fossil_fuel", "heat_content", 42.0),
    ("line1.ignition_diesel", "fossil_fuel", "heat_content", 0.05),
]
PROCESS = {
    "gbt32151_8": [
        ("line1.domestic_waste", "alternative_fuel", "non_biomass_energy", 6.0),
        ("line1.cloth_strips", "alternative_fuel", "non_biomass_carbon", 3.0),
        ("line1.clinker", "process_carbonate", "clinker_oxides", 112.0),
        ("line1.raw_meal", "process_organic_carbon", "organic_carbon", 1.5),
    ],
    "cets_ag_02_01": [("line1.clinker", "process_clinker", "clinker_factor", 111.0)],
}
SITE = [
    ("site.forklift_diesel", "fossil_fuel", "heat_content", 0.04),
    ("site.purchased_electricity", "net_electricity", "grid_factor", 7.0),
]
APART = [
    ("line1.domestic_waste", "biogenic", "non_biomass_energy", 4.5),
    ("line1.clinker_electricity", "clinker_electricity", "grid_factor", 4.0),
]
U_REL = 0.01
SUBSTITUTED_EVERY = 100
"""Every hundredth hour rests on substituted data."""


def tables(
    plant: Plant,
    *,
    start_ms: int,
    hours: int,
    missing: Mapping[str, Collection[int]] | None = None,
    stopped: Collection[int] = (),
) -> dict[str, pa.Table]:
    """Tables `emission`, `activity` and `flag`.

    missing : hours (counted from the start) without a row, per stream.
    stopped : hours in which the kiln stands and everything but the site is zero.
    """
    emission, activity, flag = [], [], []
    for hour in range(hours):
        time = start_ms + hour * HOUR_MS
        swing = 1 + 0.06 * math.sin(2 * math.pi * hour / 24)
        for boundary, ruleset, (stream, item, method, mean) in series(plant):
            if hour in (missing or {}).get(stream, ()):
                continue
            factor = 0.0 if hour in stopped and stream.startswith("line1") else swing
            emission.append(
                {"time": time, "plant": plant.site.id, "line": line_of(stream), "stream": stream, "boundary": boundary}
                | {"ruleset": ruleset, "item": item, "method": method, "co2_t": mean * factor, "u_rel": U_REL}
                | {"substituted": float(hour % SUBSTITUTED_EVERY == 0), "revision": 1}
            )
        for stream in plant.streams:
            if hour in (missing or {}).get(stream.id, ()):
                continue
            stands = hour in stopped and stream.id.startswith("line1")
            activity.append(
                {"time": time, "plant": plant.site.id, "line": stream.line or "site", "stream": stream.id}
                | dict.fromkeys(("amount_t", "electricity_mwh", "co2_t"))
                | {field_of(stream): 0.0 if stands else mean_of(stream) * swing}
                | {"running_h": 0.0 if stands else 1.0, "captured": 0.0 if stands else 0.99}
                | {"substituted": float(hour % SUBSTITUTED_EVERY == 0)}
            )
        flag.append(
            {"time": time, "plant": plant.site.id, "point": plant.points[hour % 9].id, "rule_set": "rules-1"}
            | {"quality": 8 if hour % 50 == 0 else 0}
        )
    rows = {"emission": emission, "activity": activity, "flag": flag}
    return {name: pa.Table.from_pylist(entries) for name, entries in rows.items()}


def series(plant: Plant) -> Iterator[tuple[str, str, tuple[str, str, str, float]]]:
    """Boundary, rule set and (stream, item, method, mean [tCO2/h]) of every emission series."""
    for ruleset in plant.rulesets:
        for entry in (*FUELS, *PROCESS[ruleset]):
            yield "clinker", ruleset, entry
            yield "enterprise", ruleset, entry
        yield from (("enterprise", ruleset, entry) for entry in SITE)
        yield from (("clinker", ruleset, entry) for entry in APART)
        if ruleset == "cets_ag_02_01":  # information: method B counts only fossil fuel
            yield from (("clinker", ruleset, entry) for entry in PROCESS["gbt32151_8"][:2])


def field_of(stream: Stream) -> str:
    """Field of `activity` a stream fills."""
    return "co2_t" if stream.kind == "flue_gas" else "electricity_mwh" if "electricity" in stream.kind else "amount_t"


def mean_of(stream: Stream) -> float:
    """Mean amount an hour."""
    return {"clinker": CLINKER_T, "flue_gas": STACK_T}.get(stream.kind, 20.0)


def line_of(stream: str) -> str:
    """Tag value `line`."""
    return "site" if stream.startswith("site") else "line1"
