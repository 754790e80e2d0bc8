"""The rule sets as data: which item counts in which boundary, by which method, read from `rulesets.toml` (R3, R4, R8).

What a standard leaves open is a switch of the file, not of the code, and a new edition is a new entry of the file: the
latest rules, an older one stays for its days (`in_force`). Formulas are in the modules beside this one, totals in
`tanji.domain.boundary`. No official text has been checked yet: every rule carries its mark as a note.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tanji.domain.items import Boundary, Item, Method, RuleSetId
from tanji.errors import DomainError


@dataclass(frozen=True, slots=True)
class BoundaryItems:
    """What one boundary adds up, and what it only shows."""

    counted: tuple[Item, ...]
    memo: tuple[Item, ...]
    information: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class RuleNote:
    """A remark on a rule, with its confidence mark (T, C, M, U; standard.md section 0.1)."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One method edition: items per boundary and the switches a calculation needs.

    `captive_power_item` and `other_facility_item` say which item the fuels of those facilities belong to;
    `missing_net_calorific_value` is the quantity of the factor library that stands in for an unmeasured NCV.
    """

    id: RuleSetId
    title: str
    document: str
    edition: str
    valid_from: date
    valid_to: date | None
    verified: bool
    process_method: Method
    deduct_non_fossil: bool
    grid_factor_kind: str
    oxidation_edition: str
    floors_process_month: bool
    flue_gas_scope: tuple[Item, ...]
    captive_power_item: Item
    other_facility_item: Item
    missing_net_calorific_value: str
    boundaries: tuple[tuple[Boundary, BoundaryItems], ...]
    notes: tuple[RuleNote, ...]

    def items(self, boundary: Boundary) -> BoundaryItems:
        """Counted, memo and information items of a boundary."""
        return dict(self.boundaries)[boundary]

    def counted(self, boundary: Boundary) -> tuple[Item, ...]:
        """Items that the total of a boundary adds up."""
        return self.items(boundary).counted

    def memo(self, boundary: Boundary) -> tuple[Item, ...]:
        """Items shown beside the total because they are biogenic."""
        return self.items(boundary).memo

    def information(self, boundary: Boundary) -> tuple[Item, ...]:
        """Items shown for information: measured or calculated, but not of this total."""
        return self.items(boundary).information

    def alternative_fuel_counted(self, boundary: Boundary) -> bool:
        """Whether the non-biomass carbon of alternative fuels is inside the total of a boundary."""
        return Item.ALTERNATIVE_FUEL in self.counted(boundary)

    def digest(self) -> str:
        """SHA-256 of the rule set, independent of layout and comments of the file. [hex]"""
        text = json.dumps(
            asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=date.isoformat
        )
        return hashlib.sha256(text.encode()).hexdigest()


@cache
def load() -> dict[RuleSetId, RuleSet]:
    """The latest edition of both rule sets of `rulesets.toml`, read once."""
    return _latest(editions())


@cache
def editions() -> tuple[RuleSet, ...]:
    """Every edition of `rulesets.toml`, read once."""
    return read_editions(Path(__file__).with_name("rulesets.toml").read_text(encoding="utf-8"))


def in_force(ruleset: RuleSetId, *, on: date) -> RuleSet:
    """The edition of a rule set in force on a plant-local day; DomainError, with what exists, if there is none (R4).

    A day before the first edition has none: an older period is never calculated by a rule that did not exist.
    """
    own = [edition for edition in editions() if edition.id is ruleset]
    valid = [one for one in own if one.valid_from <= on and (one.valid_to is None or on <= one.valid_to)]
    if not valid:
        known = ", ".join(f"{one.edition} from {one.valid_from}" for one in own)
        raise DomainError(f"rule set: expected {ruleset} in one of its editions, {known}; got {on}")
    return max(valid, key=lambda edition: edition.valid_from)


def by_day(ruleset: RuleSetId, *, days: NDArray[np.int64]) -> tuple[tuple[RuleSet, NDArray[np.bool_]], ...]:
    """Editions of a rule set that are in force on some of the days, oldest first, each with the days it rules.

    days : plant-local days as ordinals (`date.toordinal`), one an hour say. A day without an edition is in none.
    """
    found: list[tuple[RuleSet, NDArray[np.bool_]]] = []
    for edition in sorted(editions(), key=lambda edition: edition.valid_from):
        if edition.id is ruleset:
            ruled = days >= edition.valid_from.toordinal()
            if edition.valid_to is not None:
                ruled &= days <= edition.valid_to.toordinal()
            # The newest edition of a day wins, as in `in_force`.
            found = [(older, own & ~ruled) for older, own in found]
            found.append((edition, ruled))
    return tuple((edition, ruled) for edition, ruled in found if ruled.any())


def read(text: str) -> dict[RuleSetId, RuleSet]:
    """The latest edition of each rule set from the text of a rule-set file; DomainError as in `read_editions`."""
    return _latest(read_editions(text))


def _latest(found: tuple[RuleSet, ...]) -> dict[RuleSetId, RuleSet]:
    return {edition.id: edition for edition in sorted(found, key=lambda edition: edition.valid_from)}


def read_editions(text: str) -> tuple[RuleSet, ...]:
    """Every edition in the text of a rule-set file; DomainError if one is incomplete or names something unknown.

    A table is named after its rule set, an older edition with its year after a hyphen: `[gbt32151_8-2015]`.
    """
    found: list[RuleSet] = []
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise DomainError(f"rulesets.toml: expected TOML, got {err}") from err
    for name, table in tables.items():
        try:
            rule_set = _rule_set(RuleSetId(name.partition("-")[0]), table)
        except (KeyError, TypeError, ValueError) as err:
            raise DomainError(f"rulesets.toml: {name}: expected the fields of a rule set, got {err}") from err
        _require_each_item_once(rule_set)
        found.append(rule_set)
    if {edition.id for edition in found} != set(RuleSetId):
        raise DomainError(f"rulesets.toml: expected {', '.join(RuleSetId)}, got {', '.join(one.id for one in found)}")
    first_days = [(edition.id, edition.valid_from) for edition in found]
    if len(set(first_days)) < len(first_days):
        raise DomainError("rulesets.toml: expected one edition of a rule set per first day, got two")
    return tuple(found)


def _rule_set(identity: RuleSetId, table: Mapping[str, Any]) -> RuleSet:
    fields = {key: value for key, value in table.items() if key not in ("boundary", "notes")}
    return RuleSet(
        **{
            **fields,
            "id": identity,
            "valid_to": fields.get("valid_to"),
            "process_method": Method(fields["process_method"]),
            "flue_gas_scope": _items(fields["flue_gas_scope"]),
            "captive_power_item": Item(fields["captive_power_item"]),
            "other_facility_item": Item(fields["other_facility_item"]),
            "boundaries": tuple(
                (boundary, BoundaryItems(**{key: _items(names) for key, names in table["boundary"][boundary].items()}))
                for boundary in Boundary
            ),
            "notes": tuple(RuleNote(**note) for note in table["notes"]),
        }
    )


def _items(names: list[str]) -> tuple[Item, ...]:
    return tuple(Item(name) for name in names)


def _require_each_item_once(rule_set: RuleSet) -> None:
    for boundary, items in rule_set.boundaries:
        listed = (*items.counted, *items.memo, *items.information)
        twice = sorted({item for item in listed if listed.count(item) > 1})
        if twice:
            raise DomainError(f"rulesets.toml: {rule_set.id} {boundary}: expected each item once, got {twice} twice")
