"""The ledger's tables, in SQLAlchemy 2 declarative form, for SQLite or PostgreSQL.

An entry is never changed or deleted: a correction is a new row, and the old one learns who superseded it; so is a
withdrawal. Factor records and approvals likewise. Values are kept twice, as entered and in the unit used inside the
code. A ledger of an earlier version gets the columns it lacks when it is opened.
"""

from __future__ import annotations

from sqlalchemy import DDL, BigInteger, Engine, Float, ForeignKey, Index, Integer, String, Text, event, inspect, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Key = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only where the key is a plain INTEGER."""


class Base(DeclarativeBase):
    """Base of the tables."""


class EntryRow(Base):
    """One laboratory result or manual entry, holding for [valid_from_ms, valid_to_ms)."""

    __tablename__ = "entry"
    __table_args__ = (
        Index("entry_identity", "sample_id", "stream", "parameter", "valid_from_ms", "valid_to_ms"),
        Index("entry_period", "stream", "parameter", "valid_from_ms"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=True)
    sample_id: Mapped[str] = mapped_column(String(96))
    stream: Mapped[str] = mapped_column(String(96))
    parameter: Mapped[str] = mapped_column(String(64))
    value: Mapped[float] = mapped_column(Float(53))
    unit: Mapped[str] = mapped_column(String(16))
    basis: Mapped[str] = mapped_column(String(16))
    valid_from_ms: Mapped[int] = mapped_column(BigInteger)
    valid_to_ms: Mapped[int] = mapped_column(BigInteger)
    laboratory: Mapped[str] = mapped_column(String(200))
    method: Mapped[str] = mapped_column(String(200))
    recorded_at_ms: Mapped[int] = mapped_column(BigInteger)
    entered_value: Mapped[float] = mapped_column(Float(53))
    entered_unit: Mapped[str] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(String(300))
    superseded_by: Mapped[int | None] = mapped_column(ForeignKey("entry.id"), default=None)
    withdrawn: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    period: Mapped[str] = mapped_column(String(16), default="", server_default="")
    place: Mapped[str] = mapped_column(String(48), default="", server_default="")
    raw: Mapped[str] = mapped_column(String(1000), default="", server_default="")
    formula: Mapped[str] = mapped_column(String(200), default="", server_default="")
    entered_by: Mapped[str] = mapped_column(String(200), default="", server_default="")
    reason: Mapped[str] = mapped_column(String(1000), default="", server_default="")


class FactorRow(Base):
    """One edition of a factor of the plant's own, with every field of standard.md section 0.2; days are ISO dates."""

    __tablename__ = "factor"
    __table_args__ = (Index("factor_identity", "factor_id"),)

    number: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=True)
    factor_id: Mapped[str] = mapped_column(String(160))
    quantity: Mapped[str] = mapped_column(String(64))
    applies_to: Mapped[str] = mapped_column(String(64))
    rulesets: Mapped[str] = mapped_column(String(160))
    variant: Mapped[str] = mapped_column(String(64))
    value: Mapped[float] = mapped_column(Float(53))
    unit: Mapped[str] = mapped_column(String(16))
    basis: Mapped[str] = mapped_column(String(64))
    method: Mapped[str] = mapped_column(String(64))
    document: Mapped[str] = mapped_column(String(300))
    edition: Mapped[str] = mapped_column(String(64))
    clause: Mapped[str] = mapped_column(String(200))
    valid_from: Mapped[str] = mapped_column(String(10))
    valid_to: Mapped[str] = mapped_column(String(10))
    confidence: Mapped[str] = mapped_column(String(1))
    supersedes: Mapped[str] = mapped_column(String(160))
    data_year: Mapped[int | None] = mapped_column(Integer, default=None)
    relative_uncertainty: Mapped[float | None] = mapped_column(Float(53), default=None)
    note: Mapped[str] = mapped_column(String(1000))
    recorded_at_ms: Mapped[int] = mapped_column(BigInteger)
    recorded_by: Mapped[str] = mapped_column(String(200))
    superseded_by: Mapped[int | None] = mapped_column(ForeignKey("factor.number"), default=None)


class ApprovalRow(Base):
    """Who compared a factor record with its source, and when; `content` is the digest of what was compared."""

    __tablename__ = "factor_approval"

    number: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=True)
    factor_id: Mapped[str] = mapped_column(String(160))
    content: Mapped[str] = mapped_column(String(64))
    approved_by: Mapped[str] = mapped_column(String(200))
    approved_on: Mapped[str] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(String(1000))
    recorded_at_ms: Mapped[int] = mapped_column(BigInteger)


class TrailRow(Base):
    """One line of the audit trail: when, who or what, which kind of event, and its facts as JSON. Never changed."""

    __tablename__ = "audit_trail"
    __table_args__ = (Index("audit_trail_kind", "kind", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=True)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(48))
    facts: Mapped[str] = mapped_column(Text)


class SampleRow(Base):
    """A sample whose number was registered when it was taken; its results are entries. Never changed."""

    __tablename__ = "sample"
    __table_args__ = (Index("sample_number", "sample_id", unique=True),)

    number: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=True)
    sample_id: Mapped[str] = mapped_column(String(96))
    stream: Mapped[str] = mapped_column(String(96))
    taken_ms: Mapped[int] = mapped_column(BigInteger)
    taken_by: Mapped[str] = mapped_column(String(200))
    recorded_at_ms: Mapped[int] = mapped_column(BigInteger)


class RunRow(Base):
    """How far a job has come: its watermark, and in which run it got there."""

    __tablename__ = "run_register"

    job: Mapped[str] = mapped_column(String(48), primary_key=True)
    watermark: Mapped[int] = mapped_column(BigInteger)
    run: Mapped[int] = mapped_column(BigInteger)
    advanced_at_ms: Mapped[int] = mapped_column(BigInteger)


for _change in ("update", "delete"):
    _refusal = DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy has no type here
        f"create trigger if not exists audit_trail_no_{_change} before {_change} on audit_trail"
        " begin select raise(abort, 'the audit trail is only ever appended to'); end"
    )
    event.listen(TrailRow.__table__, "after_create", _refusal.execute_if(dialect="sqlite"))


def create(engine: Engine) -> None:
    """Make what is missing: tables, and columns that a later version added to the entries."""
    Base.metadata.create_all(engine)
    there = {column["name"] for column in inspect(engine).get_columns(EntryRow.__tablename__)}
    lacking = [column for column in EntryRow.__table__.columns if column.name not in there]
    with engine.begin() as connection:
        for column in lacking:
            kind = column.type.compile(engine.dialect)
            default = "0" if isinstance(column.type, Integer) else "''"
            connection.execute(text(f"alter table entry add column {column.name} {kind} not null default {default}"))
