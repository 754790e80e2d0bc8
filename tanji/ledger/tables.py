"""The ledger's tables, in SQLAlchemy 2 declarative form, for SQLite or PostgreSQL.

An entry is never changed or deleted: a correction is a new row, and the old one learns who superseded it. Values are
kept twice, as entered and in the unit used inside the code.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, String
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


class RunRow(Base):
    """How far a job has come: its watermark, and in which run it got there."""

    __tablename__ = "run_register"

    job: Mapped[str] = mapped_column(String(48), primary_key=True)
    watermark: Mapped[int] = mapped_column(BigInteger)
    run: Mapped[int] = mapped_column(BigInteger)
    advanced_at_ms: Mapped[int] = mapped_column(BigInteger)
