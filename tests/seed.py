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
    ("site.exported_electricity", "net_electricity", "grid_factor", 0.0),
]
APART = [
    ("line1.domestic_waste", "biogenic", "non_biomass_energy", 4.5),
    ("line1.clinker_electricity", "clinker_electricity", "grid_factor", 4.0),
    ("line1.flue_gas", "flue_gas", "flue_gas_direct", STACK_T),
]
U_REL = 0.01
SUBSTITUTED_EVERY = 100
"""Every hundredth hour rests on substituted data."""
RULE = "amount: mean_of_valid of 24 h"
WARNED_EVERY = 90
INTENSITY = [
    # line, name, boundary, mean numerator and denominator an hour; tCO2/t clinker is made of the rows above
    ("line1", "process_per_clinker", "clinker", 111.0, CLINKER_T),
    ("line1", "heat_per_clinker", "clinker", 3.2 * CLINKER_T, CLINKER_T),
    ("line1", "coal_per_clinker", "clinker", 104.0 * CLINKER_T, CLINKER_T),
    ("line1", "electricity_per_clinker", "clinker", 56.0 * CLINKER_T, CLINKER_T),
    ("line1", "thermal_substitution", "clinker", 80.0, 640.0),
    ("line1", "meal_clinker_ratio", "clinker", 1.56 * CLINKER_T, CLINKER_T),
    ("site", "net_coal_per_clinker", "clinker", 92.0 * CLINKER_T, CLINKER_T),
    ("site", "clinker_ratio", "clinker", CLINKER_T, 277.0),
    ("site", "cement_grinding_electricity", "clinker", 30.0 * 277.0, 277.0),
    ("site", "emission_per_cement", "enterprise", 186.09, 277.0),
    ("site", "emission_per_clinker", "enterprise", 186.09, CLINKER_T),
]
"""Under method B; method A has its tCO2 per tonne of clinker beside them."""
SCHEMAS = {
    "intensity": pa.schema(
        [("time", pa.int64())]
        + [(tag, pa.string()) for tag in ("plant", "line", "name", "boundary", "ruleset")]
        + [(field, pa.float64()) for field in ("numerator", "denominator", "running_h")]
    )
}
"""Of a table that may have no row."""


def tables(
    plant: Plant,
    *,
    start_ms: int,
    hours: int,
    missing: Mapping[str, Collection[int]] | None = None,
    stopped: Collection[int] = (),
) -> dict[str, pa.Table]:
    """Tables `emission`, `activity`, `flag` and `intensity`.

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
                | {"rule": RULE if hour % SUBSTITUTED_EVERY == 0 else "none", "warnings": int(hour % WARNED_EVERY == 0)}
            )
        for stream in plant.streams:
            if hour in (missing or {}).get(stream.id, ()):
                continue
            stands = hour in stopped and stream.id.startswith("line1")
            activity.append(
                {"time": time, "plant": plant.site.id, "line": stream.line or "site", "stream": stream.id}
                | dict.fromkeys(("amount_t", "electricity_mwh", "heat_gj", "co2_t"))
                | {field_of(stream): 0.0 if stands else mean_of(stream) * swing}
                | {"running_h": 0.0 if stands else 1.0, "captured": 0.0 if stands else 0.99}
                | {"substituted": float(hour % SUBSTITUTED_EVERY == 0)}
            )
        flag.append(
            {"time": time, "plant": plant.site.id, "point": plant.points[hour % 9].id, "rule_set": "rules-1"}
            | {"quality": 8 if hour % 50 == 0 else 0}
        )
    intensity = list(indicators(plant, start_ms=start_ms, hours=hours, missing=missing or {}, stopped=stopped))
    rows = {"emission": emission, "activity": activity, "flag": flag, "intensity": intensity}
    return {name: pa.Table.from_pylist(entries, schema=SCHEMAS.get(name)) for name, entries in rows.items()}


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


def indicators(
    plant: Plant,
    *,
    start_ms: int,
    hours: int,
    missing: Mapping[str, Collection[int]],
    stopped: Collection[int],
) -> Iterator[dict[str, object]]:
    """Rows of `intensity`, as the job makes them of the rows above and of the means in `INTENSITY`."""
    fossil = sum(mean for *_, mean in FUELS)
    per_clinker = {name: fossil + sum(mean for *_, mean in rows) for name, rows in PROCESS.items()}
    lacking = {hour for hours_of in missing.values() for hour in hours_of}
    for hour in range(hours):
        if hour in lacking or hour in stopped:
            continue
        swing = 1 + 0.06 * math.sin(2 * math.pi * hour / 24)
        of_b = [(*entry[:3], "cets_ag_02_01", *entry[3:]) for entry in INTENSITY]
        of_both = [
            ("line1", "emission_per_clinker", "clinker", name, total, CLINKER_T) for name, total in per_clinker.items()
        ]
        cement = ("site", "emission_per_cement", "enterprise", "gbt32151_8", per_clinker["gbt32151_8"] + 7.04, 277.0)
        replaced = float(hour % SUBSTITUTED_EVERY == 0)
        shares = [
            ("line1", "substituted_share", "clinker", name, replaced * total, total)
            for name, total in per_clinker.items()
        ]
        for line, name, boundary, ruleset, above, below in (*of_b, *of_both, cement, *shares):
            yield (
                {"time": start_ms + hour * HOUR_MS, "plant": plant.site.id, "line": line, "name": name}
                | {"boundary": boundary, "ruleset": ruleset}
                | {"numerator": above * swing, "denominator": below * swing, "running_h": 1.0}
            )


def field_of(stream: Stream) -> str:
    """Field of `activity` a stream fills."""
    return "co2_t" if stream.kind == "flue_gas" else "electricity_mwh" if "electricity" in stream.kind else "amount_t"


def mean_of(stream: Stream) -> float:
    """Mean amount an hour."""
    return {"clinker": CLINKER_T, "flue_gas": STACK_T}.get(stream.kind, 20.0)


def line_of(stream: str) -> str:
    """Tag value `line`."""
    return "site" if stream.startswith("site") else "line1"
