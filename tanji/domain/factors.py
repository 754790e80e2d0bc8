"""The library of default factors: versioned, sourced records read from `factors.toml` (R4, R30).

A default is found by quantity, what it applies to, rule set, variant (equipment, kind of grid factor) and day; the
newest record in force on the day wins, and a quantity nobody has a record for is an error, never a guess. Which value
a plant uses instead (measured, its own ledger) is decided elsewhere. No record has been compared with the official
text yet: `verified` is false unless the file says otherwise, and whoever shows a default shows that (未核实).
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from tanji.domain.items import RuleSetId
from tanji.errors import DomainError

DEFAULT_VARIANT: dict[str, str] = {
    "oxidation_fraction": "cement_kiln",
    "grid_factor": "average",
    "clinker_process_factor": "with_process_emissions",
    "raw_meal_organic_carbon": "no_gangue",
    "calcination_fraction": "dry_kiln",
}
"""Which variant `find` means where the caller names none: what an ordinary cement plant has."""

CONFIDENCE_MARKS = frozenset("TCMU")
"""T read in a document, C read in program code only, M engineering memory, U uncertain (standard.md section 0.1)."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One default value with everything needed to judge it. Fields as in standard.md section 0.2."""

    id: str
    quantity: str
    applies_to: str
    rulesets: tuple[RuleSetId, ...]
    value: float
    unit: str
    document: str
    edition: str
    clause: str
    valid_from: date
    valid_to: date | None
    confidence: str
    verified: bool = False
    verified_by: str = ""
    verified_on: date | None = None
    supersedes: str = ""
    variant: str = ""
    basis: str = ""
    method: str = ""
    data_year: int | None = None
    relative_uncertainty: float | None = None
    note: str = ""
    own: bool = False

    @property
    def source(self) -> str:
        """Document and edition, as shown beside a value."""
        return f"{self.document} ({self.edition})" if self.edition else self.document

    def in_force(self, on: date) -> bool:
        """Whether the record may be used on a plant-local day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True)
class FactorLibrary:
    """Every default record, in the order of their ids."""

    factors: tuple[Factor, ...]

    def find(
        self, quantity: str, *, applies_to: str, ruleset: RuleSetId, on: date, variant: str | None = None
    ) -> Factor:
        """The newest record in force on the plant-local day `on`; DomainError, listing what exists, if there is none.

        `variant` is the equipment of an oxidation fraction or the kind of a grid factor; None means the usual one of
        `DEFAULT_VARIANT`. A record without a variant serves every variant. A plant's own record goes before a default
        as long as it is in force, however new the default.
        """
        wanted = DEFAULT_VARIANT.get(quantity, "") if variant is None else variant
        candidates = [
            factor
            for factor in self.factors
            if factor.quantity == quantity
            and factor.applies_to == applies_to
            and ruleset in factor.rulesets
            and factor.variant in ("", wanted)
            and factor.in_force(on)
        ]
        if not candidates:
            got = " ".join(filter(None, (quantity, wanted, "of", applies_to, "under", ruleset, "on", on.isoformat())))
            raise DomainError(f"factor: expected {self._existing(quantity, applies_to)}; got {got}")
        return max(candidates, key=lambda factor: (factor.own, factor.valid_from, factor.variant))

    def digest(self) -> str:
        """SHA-256 of the records, independent of layout and comments of the file. [hex]"""
        records = [asdict(factor) for factor in self.factors]
        text = json.dumps(records, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=date.isoformat)
        return hashlib.sha256(text.encode()).hexdigest()

    def _existing(self, quantity: str, applies_to: str) -> str:
        same = [factor for factor in self.factors if factor.quantity == quantity]
        if not same:
            return f"one of the quantities {', '.join(sorted({factor.quantity for factor in self.factors}))}"
        near = [factor for factor in same if factor.applies_to == applies_to]
        if not near:
            return f"{quantity} of one of {', '.join(sorted({factor.applies_to for factor in same}))}"
        return "one of " + "; ".join(
            " ".join(filter(None, (quantity, factor.variant, "of", applies_to, "under", ", ".join(factor.rulesets))))
            + f" from {factor.valid_from}"
            + (f" to {factor.valid_to}" if factor.valid_to else "")
            for factor in near
        )


def relative_change(newer: Factor, *, older: Factor) -> float:
    """Change from one record to a newer one of the same kind, (new - old) / old. [1]"""
    for field in ("quantity", "applies_to", "variant", "unit"):
        expected, got = getattr(older, field), getattr(newer, field)
        if expected != got:
            raise DomainError(f"relative_change: expected two records of {field} {expected!r}, got {got!r}")
    return (newer.value - older.value) / older.value


@cache
def load() -> FactorLibrary:
    """The library of `factors.toml`, read once."""
    path = Path(__file__).with_name("factors.toml")
    return read(path.read_text(encoding="utf-8"))


def read(text: str) -> FactorLibrary:
    """A library from the text of a factors file; DomainError if a record is incomplete, unknown or ambiguous."""
    try:
        tables: Mapping[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise DomainError(f"factors.toml: expected TOML, got {err}") from err
    factors = tuple(sorted(_records(tables), key=lambda factor: factor.id))
    seen_ids: set[str] = set()
    seen_keys: dict[tuple[object, ...], str] = {}
    for factor in factors:
        if factor.id in seen_ids:
            raise DomainError(f"factors.toml: expected every id once, got {factor.id} twice")
        seen_ids.add(factor.id)
        for ruleset in factor.rulesets:
            key = (factor.quantity, factor.applies_to, factor.variant, ruleset, factor.valid_from)
            if key in seen_keys:
                both = f"{seen_keys[key]} and {factor.id}"
                raise DomainError(f"factors.toml: expected one record per kind and first day, got {both}")
            seen_keys[key] = factor.id
    return FactorLibrary(factors)


def _records(tables: Mapping[str, Any]) -> Iterator[Factor]:
    """Flatten the file: a record inherits what its source says, and a list in `applies_to` is one record each."""
    for source_id, source in tables.items():
        if not isinstance(source, dict) or not isinstance(source.get("records"), list):
            raise DomainError(f"factors.toml: {source_id}: expected a table with a list of records, got none")
        shared = {key: value for key, value in source.items() if key != "records"}
        for record in source["records"]:
            fields = {**shared, **record}
            names = fields.pop("applies_to", None)
            if names is None:
                raise DomainError(f"factors.toml: {source_id}: expected applies_to in every record, got {record}")
            for applies_to in [names] if isinstance(names, str) else names:
                yield _factor(source_id, applies_to, fields)


def _factor(source_id: str, applies_to: str, fields: Mapping[str, Any]) -> Factor:
    parts = (source_id, fields.get("quantity", ""), applies_to, fields.get("variant", ""), fields.get("data_year", ""))
    identity = ".".join(str(part) for part in parts if part)
    try:
        factor = Factor(
            **{
                **fields,
                "id": identity,
                "applies_to": applies_to,
                "value": float(fields["value"]),
                "rulesets": tuple(RuleSetId(name) for name in fields["rulesets"]),
                "valid_to": fields.get("valid_to"),
            }
        )
    except (KeyError, TypeError, ValueError) as err:
        raise DomainError(f"factors.toml: {identity}: expected the fields of a factor, got {err}") from err
    if factor.confidence not in CONFIDENCE_MARKS:
        raise DomainError(f"factors.toml: {identity}: expected a confidence of T, C, M or U, got {factor.confidence}")
    return factor
