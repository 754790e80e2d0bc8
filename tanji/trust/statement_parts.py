"""The parts of an emission statement, as frozen records (reference/trust.md 2.5).

Quantities are text with six decimals, so that nobody ever argues about how a float is printed; how they are spelled is
`tanji.trust.statement_grammar`, what holds between them `tanji.trust.statement`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Period:
    """[from_ms, to_ms), UTC ms; `name` is what people call it: 2026-09-20, 2026-09."""

    from_ms: int
    to_ms: int
    name: str


@dataclass(frozen=True, slots=True)
class Result:
    """One item of one stream by one method. Quantities are text with six decimals, None where there is none.

    co2_t : tonnes, the sum of the hours. [tCO2]
    factor : co2_t over activity: what the factors of the hours came to. Unit in `factor_unit`.
    u_rel : relative standard uncertainty [1]. substituted : share of the tonnes that rests on substituted data. [1]
    """

    line: str
    stream: str
    item: str
    method: str
    activity: str | None
    activity_unit: str
    factor: str | None
    factor_unit: str
    co2_t: str
    u_rel: str | None
    substituted: str


@dataclass(frozen=True, slots=True)
class GatewayRange:
    """The notes of one chain, gateway or laboratory, that were used; None and None for one that has no note yet."""

    gateway: str
    first_seq: int | None
    last_seq: int | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """How many lines were fed to the formulas, and the RFC 6962 root over them, sorted bytewise (`inputs.lines`)."""

    count: int
    root: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """The log up to `size`, and the window [from_ms, to_ms) of readings that the method looked at."""

    origin: str
    size: int
    root: str
    from_ms: int
    to_ms: int
    gateways: tuple[GatewayRange, ...]
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class MethodUsed:
    """The installed Tanji: version, commit if it is known, and the digest of what computes (`calc_jobs.approval`)."""

    name: str
    version: str
    commit: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RulesUsed:
    """The rule set, and the digest of `rulesets.toml`."""

    id: str
    sha256: str


@dataclass(frozen=True, slots=True)
class FactorsUsed:
    """The digest of `factors.toml`; a plant's own records are in the ledger export."""

    sha256: str


@dataclass(frozen=True, slots=True)
class PlantFileUsed:
    """Digests of the plant file (`plant.yaml`) and the point map in force at the end of the period."""

    sha256: str
    point_map: str


@dataclass(frozen=True, slots=True)
class CertificateUsed:
    """A meter's certificate and until when it is valid (a day, or empty)."""

    meter: str
    number: str
    due: str


@dataclass(frozen=True, slots=True)
class LedgerUsed:
    """The digest of the ledger export (`ledger.json`), and the certificates in it."""

    sha256: str
    certificates: tuple[CertificateUsed, ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """What the figure is worth. Shares are fractions; hours are hours of a stream.

    captured : mean capture of the streams that feed the total. late_share : readings of the period first witnessed
    more than two hours after their time. missing_hours : hours of a stream without any value; they are not in the sum.
    """

    captured: str | None
    substituted_hours: int
    missing_hours: int
    anomalies_open: int
    late_share: str
