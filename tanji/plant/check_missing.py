"""Checks of the plan for missing data: rules that can be carried out, a table whose rows can be reached (R21, R52).

A rule that has nothing to take its value from would show only when data are missing, as an hour without a figure.
What the rules do is `tanji.quality.substitution` and `calc_jobs.missing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tanji.domain.items import MissingRule, StreamKind
from tanji.errors import Finding
from tanji.plant import check_factors
from tanji.plant.document import KeyPath
from tanji.plant.model import Stream
from tanji.plant.wiring import Wiring
from tanji.plant.wording import one_of

AMOUNT = "amount"
FOR_AMOUNT = (MissingRule.MEAN_OF_VALID, MissingRule.MEAN_PLUS_2_SIGMA, MissingRule.HJ75_TABLE)
FOR_PARAMETER = (
    MissingRule.REFERENCE_VALUE,
    MissingRule.CONSERVATIVE_DEFAULT,
    MissingRule.MEAN_OF_VALID,
    MissingRule.MEAN_PLUS_2_SIGMA,
)
"""Rules for an amount rest on other hours; a laboratory parameter may take a value of the library as well."""

MEASURED_ONLY = {
    "waste_carbon_fraction", "fossil_carbon_fraction", "burnout_fraction", "water_temperature", "steam_enthalpy",
}  # fmt: skip
"""Parameters a formula cannot do without and the library has no value of: a missing one takes that of other hours."""

BY_STOCK = (StreamKind.FOSSIL_FUEL, StreamKind.CAPTIVE_POWER, StreamKind.OTHER_FACILITY, StreamKind.ALTERNATIVE_FUEL,
            StreamKind.RAW_MEAL, StreamKind.CLINKER, StreamKind.SUBSTITUTE_MATERIAL)  # fmt: skip
"""Kinds of which there are stocks."""


def check(wiring: Wiring, path: KeyPath, stream: Stream) -> Iterator[Finding]:
    """Rules and stocktake of a stream."""
    for quantity, rule in stream.missing.items():
        here = (*path, "missing", quantity)
        known = (AMOUNT, *stream.laboratory)
        if quantity not in known:
            expected = f"amount or a parameter of its laboratory, {one_of(quantity, known)}"
            yield wiring.finding(here, expected, f'"{quantity}"')
            continue
        possible = FOR_AMOUNT if quantity == AMOUNT else FOR_PARAMETER
        if rule not in possible:
            yield wiring.finding(here, f"a rule for {quantity}, {one_of(rule, possible)}", rule)
        elif rule is MissingRule.CONSERVATIVE_DEFAULT and not _conservative(stream, quantity):
            of = stream.fuel or stream.kind
            expected = f"another rule, since the library has no conservative value of {quantity} for {of}"
            yield wiring.finding(here, expected, rule)
    for number, quantity in enumerate(stream.laboratory):
        if quantity in MEASURED_ONLY and stream.missing_rule(quantity) is MissingRule.REFERENCE_VALUE:
            rules = f"missing: {{{quantity}: {MissingRule.MEAN_OF_VALID}}} or {MissingRule.MEAN_PLUS_2_SIGMA}"
            expected = f"{rules}, since the library has no value of {quantity}"
            yield wiring.finding((*path, "laboratory", number), expected, "no rule that looks back")
    if stream.stock and stream.kind not in BY_STOCK:
        yield wiring.finding((*path, "stock"), f"no stocktake, since {stream.kind} is not kept in stock", "true")
    gas = any("Nm3" in unit for unit in check_factors.units_of("net_calorific_value", stream.fuel or ""))
    if stream.stock and gas:
        yield wiring.finding((*path, "stock"), f"no stocktake, since {stream.fuel} is not kept in stock", "true")


def _conservative(stream: Stream, quantity: str) -> bool:
    """Whether the library has a record that never understates: of the fuel itself, or of coal of any kind."""
    known = check_factors.names_with(f"{quantity}_conservative")
    coal = check_factors.names_with("oxidation_fraction", variant="cement_kiln")
    return stream.fuel in known or ("coal" in known and stream.fuel in coal)


def table(wiring: Wiring) -> Iterator[Finding]:
    """Rows of `quality.substitution` go from more to less strict, so that each can be the first that matches."""
    rows = () if wiring.plant is None else wiring.plant.quality.substitution
    for number, (before, row) in enumerate(pairwise(rows), 1):
        here: KeyPath = ("quality", "substitution", number)
        if row.capture_min > before.capture_min:
            expected = f"at most {before.capture_min:g}, that of the row before: the first row that matches wins"
            yield wiring.finding((*here, "capture_min"), expected, f"{row.capture_min:g}")
        elif row.capture_min == before.capture_min and (
            before.hours_max is None or (row.hours_max is not None and row.hours_max <= before.hours_max)
        ):
            expected = "a longer run of hours than the row before, which matches first"
            yield wiring.finding((*here, "hours_max"), expected, f"{row.hours_max or 'none'}")
