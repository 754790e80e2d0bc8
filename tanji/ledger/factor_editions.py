"""The factor library in force: built-in defaults, the plant's own records on top, and who approved which (R4, R30).

A record is never overwritten: entering one with the id of an older makes a new edition that supersedes it, and both
stay. A record is verified only while its content is what a named person compared with the source on a day. An own
record goes before a default as long as it is in force. Reading files is in `factor_records`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

from sqlalchemy import select

from tanji.domain import factors
from tanji.domain.factors import DEFAULT_VARIANT, Factor, FactorLibrary
from tanji.domain.items import RuleSetId
from tanji.errors import DomainError, UsageError
from tanji.ledger.ledger import Ledger
from tanji.ledger.tables import ApprovalRow, FactorRow

_TEXTS = ("quantity", "applies_to", "variant", "unit", "basis", "method", "document", "edition", "clause",
          "confidence", "supersedes", "note")  # fmt: skip
_NUMBERS = ("value", "data_year", "relative_uncertainty")


@dataclass(frozen=True, slots=True)
class Edition:
    """A record of the plant's own as it was entered; `superseded_by` is the number of the edition that replaced it."""

    number: int
    factor: Factor
    recorded_at_ms: int
    recorded_by: str
    superseded_by: int | None


@dataclass(frozen=True, slots=True)
class GridFactor:
    """A grid factor, the announcement it comes from, and what has to be said beside it (standard.md section 8.4)."""

    factor: Factor
    note: str


def library_in_force(ledger: Ledger | None) -> FactorLibrary:
    """Built-in records and the plant's own editions in force, each verified as far as somebody approved it."""
    built_in = factors.load()
    if ledger is None:
        return built_in
    own = [edition.factor for edition in editions(ledger) if edition.superseded_by is None]
    approved = _approvals(ledger)
    found = [_with_approval(factor, approved) for factor in (*built_in.factors, *own)]
    return FactorLibrary(tuple(sorted(found, key=lambda factor: factor.id)))


def add(ledger: Ledger, records: Sequence[Factor], *, by: str, recorded_at_ms: int) -> tuple[Factor, ...]:
    """Enter records of the plant's own in one transaction; returns those that are new or another edition.

    One that says what is in force already is left alone; another one under the same id, or of the same kind and first
    day, supersedes it. An id of a built-in record is refused: a default is not changed, it is overruled.
    """
    taken = {factor.id for factor in factors.load().factors}
    entered = []
    with ledger.session() as session, session.begin():
        current = session.scalars(select(FactorRow).where(FactorRow.superseded_by.is_(None))).all()
        rows = list(current)
        for factor in records:
            if factor.id in taken:
                raise UsageError(f"{factor.id}: expected an id of the plant's own, got that of a built-in record")
            old = [row for row in rows if row.factor_id == factor.id or _same_kind(_factor(row), factor)]
            for row in old:
                lost = set(_factor(row).rulesets) - set(factor.rulesets)
                if lost and row.factor_id != factor.id:  # superseding it would leave the other rule set without a value
                    both = f"{row.factor_id}, which is also for {', '.join(sorted(lost))}"
                    raise UsageError(f"{factor.id}: expected one record of a kind and first day, got {both}")
            if any(content_digest(_factor(row)) == content_digest(factor) for row in old):
                continue
            row = _row(factor, by=by, recorded_at_ms=recorded_at_ms)
            session.add(row)
            session.flush()  # the old ones must name their successor
            for before in old:
                before.superseded_by = row.number
                rows.remove(before)
            rows.append(row)
            entered.append(factor)
    return tuple(entered)


def approve(ledger: Ledger, factor_id: str, *, by: str, on: date, recorded_at_ms: int, note: str = "") -> Factor:
    """A named person states on a day that the record in force says what its source says; returns it, verified."""
    found = {factor.id: factor for factor in library_in_force(ledger).factors}
    if factor_id not in found:
        raise UsageError(f"factor: expected the id of a record (tanji ledger factors list), got {factor_id}")
    if not by.strip():
        raise UsageError("approval: expected the name of a person, got nothing")
    row = ApprovalRow(
        factor_id=factor_id,
        content=content_digest(found[factor_id]),
        approved_by=by,
        approved_on=on.isoformat(),
        note=note,
        recorded_at_ms=recorded_at_ms,
    )
    with ledger.session() as session, session.begin():
        session.add(row)
    return replace(found[factor_id], verified=True, verified_by=by, verified_on=on)


def editions(ledger: Ledger) -> tuple[Edition, ...]:
    """Every edition of the plant's own records, oldest first, superseded ones too."""
    with ledger.session() as session:
        rows = session.scalars(select(FactorRow).order_by(FactorRow.number))
        return tuple(
            Edition(row.number, _factor(row), row.recorded_at_ms, row.recorded_by, row.superseded_by) for row in rows
        )


def grid_factor(
    library: FactorLibrary, region: str, *, ruleset: RuleSetId, on: date, variant: str | None = None
) -> GridFactor:
    """The grid factor of a region on a day; where its year is older than the newest of any region, that is said.

    Regions are never mixed: a region without a newer value keeps its own older one (standard.md section 8.4).
    """
    factor = library.find("grid_factor", applies_to=region, ruleset=ruleset, on=on, variant=variant)
    years = [
        other.data_year
        for other in library.factors
        if other.quantity == "grid_factor" and other.in_force(on) and ruleset in other.rulesets and other.data_year
    ]
    newest = max(years, default=None)
    if newest is None or factor.data_year is None or factor.data_year >= newest:
        return GridFactor(factor, "")
    said = f"no value of data year {newest} for {region}: newest earlier record, data year {factor.data_year}"
    return GridFactor(factor, f"{said}, {factor.source}")


def content_digest(factor: Factor) -> str:
    """SHA-256 of everything a record says; not of who verified it. [hex]"""
    said = asdict(replace(factor, verified=False, verified_by="", verified_on=None))
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=date.isoformat)
    return hashlib.sha256(text.encode()).hexdigest()


def _approvals(ledger: Ledger) -> dict[tuple[str, str], ApprovalRow]:
    """The newest approval of each record, by id and content."""
    with ledger.session() as session:
        rows = session.scalars(select(ApprovalRow).order_by(ApprovalRow.number)).all()
    return {(row.factor_id, row.content): row for row in rows}


def _with_approval(factor: Factor, approved: dict[tuple[str, str], ApprovalRow]) -> Factor:
    row = approved.get((factor.id, content_digest(factor))) if approved else None
    if row is None:
        return factor
    return replace(factor, verified=True, verified_by=row.approved_by, verified_on=date.fromisoformat(row.approved_on))


def _same_kind(one: Factor, other: Factor) -> bool:
    """Whether two records are for the same quantity, thing, variant and first day under a rule set."""
    usual = DEFAULT_VARIANT.get(one.quantity, "")
    kinds = [(entry.quantity, entry.applies_to, entry.variant or usual, entry.valid_from) for entry in (one, other)]
    return kinds[0] == kinds[1] and bool(set(one.rulesets) & set(other.rulesets))


def _row(factor: Factor, *, by: str, recorded_at_ms: int) -> FactorRow:
    return FactorRow(
        factor_id=factor.id,
        rulesets=" ".join(factor.rulesets),
        valid_from=factor.valid_from.isoformat(),
        valid_to="" if factor.valid_to is None else factor.valid_to.isoformat(),
        recorded_at_ms=recorded_at_ms,
        recorded_by=by,
        **{name: getattr(factor, name) for name in (*_TEXTS, *_NUMBERS)},
    )


def _factor(row: FactorRow) -> Factor:
    try:
        return Factor(
            id=row.factor_id,
            rulesets=tuple(RuleSetId(name) for name in row.rulesets.split()),
            valid_from=date.fromisoformat(row.valid_from),
            valid_to=date.fromisoformat(row.valid_to) if row.valid_to else None,
            own=True,
            **{name: getattr(row, name) for name in (*_TEXTS, *_NUMBERS)},
        )
    except ValueError as error:
        raise DomainError(f"factor {row.factor_id}: expected a record of this version, got {error}") from error
