"""An emission statement as it is signed: `tanji/statement/v1` and one line of canonical JSON (reference/trust.md 2.5).

A statement says what a period emitted within one boundary under one rule set, and pins everything the figure rests on:
size and root of the log, the lines fed to the formulas, method, rules, factors, plant file, point map and ledger. It is
signed by preparer and approver, verified as bytes and parsed afterwards. Computing one is `calc_jobs.publish`, whether
the rest of the evidence agrees is the verifier's.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

from tanji.errors import TrustError
from tanji.trust import canonical
from tanji.trust.statement_grammar import (
    DECIMALS,
    FIELD,
    boolean,
    check,
    digest,
    dotted,
    integer,
    name,
    number,
    one_of,
    optional,
    positive,
    share,
    text,
    tree_hash,
    word,
)
from tanji.trust.statement_parts import CertificateUsed as CertificateUsed
from tanji.trust.statement_parts import FactorsUsed as FactorsUsed
from tanji.trust.statement_parts import GatewayRange as GatewayRange
from tanji.trust.statement_parts import Inputs as Inputs
from tanji.trust.statement_parts import LedgerUsed as LedgerUsed
from tanji.trust.statement_parts import Manifest as Manifest
from tanji.trust.statement_parts import MethodUsed as MethodUsed
from tanji.trust.statement_parts import Period as Period
from tanji.trust.statement_parts import PlantFileUsed as PlantFileUsed
from tanji.trust.statement_parts import Quality as Quality
from tanji.trust.statement_parts import Result as Result
from tanji.trust.statement_parts import RulesUsed as RulesUsed

TYPE_LINE = b"tanji/statement/v1\n"
PROVISIONAL, FINAL = "provisional", "final"
HOUR_MS = 3_600_000
"""Periods are whole hours."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything a statement says. `supersedes` is the leaf hash of the note it replaces, base64, or None."""

    plant: str
    period: Period
    boundary: str
    rule_set: str
    results: tuple[Result, ...]
    total_co2_t: str
    total_u_rel: str | None
    inputs: Inputs
    method: MethodUsed
    rules: RulesUsed
    factors: FactorsUsed
    plant_file: PlantFileUsed
    ledger: LedgerUsed
    quality: Quality
    status: str
    supersedes: str | None
    reason: str
    witnessed: bool

    @property
    def subject(self) -> tuple[int, int, str, str]:
        """What there may be one statement about at a time: period, boundary, rule set."""
        return self.period.from_ms, self.period.to_ms, self.boundary, self.rule_set


SHAPE: dict[str, Any] = {
    "plant": word,
    "period": {"from_ms": integer, "to_ms": integer, "name": text},
    "boundary": one_of("clinker", "enterprise"),
    "rule_set": word,
    "results": [
        {
            **dict.fromkeys(("line", "item", "method"), word),
            "stream": dotted,
            "activity": optional(number),
            "activity_unit": name,
            "factor": optional(number),
            "factor_unit": name,
            "co2_t": number,
            "u_rel": optional(positive),
            "substituted": share,
        }
    ],
    "total_co2_t": number,
    "total_u_rel": optional(positive),
    "inputs": {
        "origin": name,
        "size": integer,
        "root": tree_hash,
        "from_ms": integer,
        "to_ms": integer,
        "gateways": [{"gateway": name, "first_seq": optional(integer), "last_seq": optional(integer)}],
        "manifest": {"count": integer, "root": tree_hash},
    },
    "method": {"name": name, "version": name, "commit": name, "sha256": digest},
    "rules": {"id": word, "sha256": digest},
    "factors": {"sha256": digest},
    "plant_file": {"sha256": digest, "point_map": digest},
    "ledger": {"sha256": digest, "certificates": [{"meter": word, "number": text, "due": text}]},
    "quality": {
        "captured": optional(share),
        "substituted_hours": integer,
        "missing_hours": integer,
        "anomalies_open": integer,
        "late_share": share,
    },
    "status": one_of(PROVISIONAL, FINAL),
    "supersedes": optional(tree_hash),
    "reason": text,
    "witnessed": boolean,
}


def parse(body: bytes) -> Statement:
    """The statement of a body whose signatures have been verified; TrustError otherwise."""
    line = body.removeprefix(TYPE_LINE)
    if len(line) == len(body) or not line.endswith(b"\n") or line.count(b"\n") != 1:
        raise TrustError("statement-form", expected="tanji/statement/v1 and one line", got=repr(body[:60]))
    said = canonical.read_json_line(line[:-1])
    if not isinstance(said, dict):
        raise TrustError("statement-form", expected="a JSON object", got=type(said).__name__)
    check(said, SHAPE, where="")
    statement = _record(said)
    consistent(statement)
    return statement


def format_statement(statement: Statement) -> bytes:
    """The body of a statement; TrustError if it says something a reader would refuse."""
    said = _plain(statement)
    check(said, SHAPE, where="")
    consistent(statement)
    return TYPE_LINE + canonical.json_line(said) + b"\n"


def fixed(value: float | Decimal, *, decimals: int = DECIMALS) -> str:
    """A finite quantity with fixed decimals, half to even; zero has no sign."""
    with localcontext() as context:
        context.prec = 60
        rounded = Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
    return f"{abs(rounded) if rounded.is_zero() else rounded:f}"


def total(results: tuple[Result, ...]) -> str:
    """The exact sum of the printed tonnes: who adds them up by hand gets the same. [tCO2]"""
    with localcontext() as context:
        context.prec = 60
        return fixed(sum((Decimal(result.co2_t) for result in results), Decimal(0)))


def consistent(statement: Statement) -> None:
    """What a statement must say of itself; TrustError statement-field names what it does not."""
    period, inputs = statement.period, statement.inputs
    _expect(period.from_ms < period.to_ms, "period", "from before to", f"{period.from_ms} to {period.to_ms}")
    whole = period.from_ms % HOUR_MS == 0 and period.to_ms % HOUR_MS == 0
    _expect(whole, "period", "whole hours", f"{period.from_ms} to {period.to_ms}")
    window = inputs.from_ms <= period.from_ms and period.to_ms <= inputs.to_ms
    _expect(window, "inputs.from_ms", "a window around the period", f"{inputs.from_ms} to {inputs.to_ms}")
    _expect(statement.rules.id == statement.rule_set, "rules.id", statement.rule_set, statement.rules.id)
    keys = [(one.line, one.stream, one.item, one.method) for one in statement.results]
    _expect(keys == sorted(set(keys)), "results", "every line, stream, item and method once, sorted", str(keys))
    added = total(statement.results)
    _expect(added == statement.total_co2_t, "total_co2_t", added, statement.total_co2_t)
    chains = [one.gateway for one in inputs.gateways]
    _expect(chains == sorted(set(chains)), "inputs.gateways", "every chain once, sorted", ", ".join(chains))
    for one in inputs.gateways:
        known = one.first_seq is not None and one.last_seq is not None and one.first_seq <= one.last_seq
        none = one.first_seq is None and one.last_seq is None
        _expect(known or none, "inputs.gateways", "first_seq to last_seq, or neither", f"{one.gateway}")
    why = statement.supersedes is not None or statement.quality.missing_hours > 0
    _expect(bool(statement.reason) or not why, "reason", "a reason for superseding or missing hours", "nothing")


def _expect(holds: bool, where: str, expected: str, got: str) -> None:
    if not holds:
        raise TrustError(FIELD, where=where, expected=expected, got=got)


def _plain(record: Any) -> Any:
    """A record as what JSON knows."""
    if isinstance(record, tuple):
        return [_plain(item) for item in record]
    if hasattr(record, "__dataclass_fields__"):
        return {field.name: _plain(getattr(record, field.name)) for field in fields(record)}
    return record


def _record(said: dict[str, Any]) -> Statement:
    inputs, ledger = said["inputs"], said["ledger"]
    return Statement(
        **{
            **said,
            "period": Period(**said["period"]),
            "results": tuple(Result(**one) for one in said["results"]),
            "inputs": Inputs(
                **{
                    **inputs,
                    "gateways": tuple(GatewayRange(**one) for one in inputs["gateways"]),
                    "manifest": Manifest(**inputs["manifest"]),
                }
            ),
            "method": MethodUsed(**said["method"]),
            "rules": RulesUsed(**said["rules"]),
            "factors": FactorsUsed(**said["factors"]),
            "plant_file": PlantFileUsed(**said["plant_file"]),
            "ledger": LedgerUsed(ledger["sha256"], tuple(CertificateUsed(**one) for one in ledger["certificates"])),
            "quality": Quality(**said["quality"]),
        }
    )
