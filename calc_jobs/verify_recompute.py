"""`tanji verify recompute`: the figures of a bundle computed again by the Tanji installed here (R34, R36, R47).

Never by code from the bundle: method, rule sets and factors have to be on the verifier's list of digests, and rule sets
and factors have to be those installed, else nothing can be decided. The readings that stand, corrections below the size
of the statement included, go through the same jobs as at publication; the lines fed to the formulas have to be the
same bytes, every figure the same digits. Integrity and completeness are verified before this (`tanji.trust`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import pyarrow as pa

from calc_jobs import ledger_export
from calc_jobs.approval import Approved, installed, read
from calc_jobs.bundle_log import INPUTS, BundleLog
from calc_jobs.recomputation import Evidence, Question, recompute
from calc_jobs.recomputed_figures import Recomputed
from calc_jobs.sealed_laboratory import check_ledger
from calc_jobs.sealed_period import SealedPeriod
from tanji.domain.items import Boundary, RuleSetId
from tanji.errors import EvidenceMissing, TanjiError, TrustError
from tanji.trust import bundle, note, statement
from tanji.trust.policy import Anchor, Policy
from tanji.trust.policy_file import NONE
from tanji.trust.statement import Statement, fixed
from tanji.trust.verify_source import Place, Source

APPROVED, RESULTS = "recompute-approved", "recompute-results"


def check(path: Path, *, approved: Path | None = None, policy: Policy | None = None) -> None:
    """Compute the figures of a bundle again; TrustError names the first that differs, EvidenceMissing what lacks.

    approved : file of the digests the verifier believes in (`calc_jobs.approval`); None takes what is installed.
    policy : of the verifier's anchor, by which lateness is judged; None takes the bundle's.
    """
    recomputed(path, approved=None if approved is None else read(approved), policy=policy)


def recomputed(path: Path, *, approved: Approved | None = None, policy: Policy | None = None) -> Recomputed:
    """The figures, where they are those of the bundle's statement."""
    with Place(path).open() as source:
        said = statement.parse(note.split(source.read(bundle.STATEMENT))[0])
        here = installed()
        (here if approved is None else approved).check(said)
        _check_installed(said, here)
        judged = policy or Anchor.parse(source.read(bundle.POLICY)).policy
        if not said.witnessed:  # it says so first: its lateness is by the gateways' own clocks, whoever witnesses later
            judged = replace(judged, quorum=NONE)
        try:
            return _compared(source, said, judged)
        except EvidenceMissing:
            raise
        except TrustError as error:
            if ("method", said.method.sha256) in here.digests:
                raise
            # Another edition of the method may well give other digits: that is no forgery.
            raise EvidenceMissing(APPROVED, where="method", expected=said.method.sha256, got=str(error)) from error
        except TanjiError as error:
            expected = "files this Tanji reads"
            raise EvidenceMissing(APPROVED, where="bundle", expected=expected, got=str(error)) from error


@dataclass(frozen=True, slots=True)
class StatedWindow:
    """Readings of a bundle; what lies outside the window its statement names must not be needed."""

    inner: Evidence
    window: tuple[int, int]

    @property
    def begin_ms(self) -> int:
        """Time of the first reading there may be. [UTC ms]"""
        return self.inner.begin_ms

    def readings(self, start_ms: int, end_ms: int) -> pa.Table:
        """Those of [start_ms, end_ms) [UTC ms]."""
        if start_ms < self.window[0] or end_ms > self.window[1]:
            expected, got = _span((start_ms, end_ms)), _span(self.window)
            raise TrustError(INPUTS, where="inputs.from_ms", expected=expected, got=got)
        return self.inner.readings(start_ms, end_ms)


def _compared(source: Source, said: Statement, policy: Policy) -> Recomputed:
    question = Question(said.period, Boundary(said.boundary), _rule_set(said))
    period = SealedPeriod.of(BundleLog(source, size=said.inputs.size), said.inputs.size, question)
    ledger = source.read(bundle.LEDGER)
    window = (said.inputs.from_ms, said.inputs.to_ms)
    sealed = period.laboratory(whole=False)
    if sealed is not None:
        check_ledger(ledger_export.entries(ledger), sealed, window=window)
    found = recompute(period.plant, StatedWindow(period.evidence, window), ledger, question=question)
    if found.window != window:
        raise TrustError(INPUTS, where="inputs.from_ms", expected=_span(found.window), got=_span(window))
    _check_lines(found.lines, source.read(bundle.INPUTS))
    _check_figures(found, said)
    _check_told(period, said, policy)
    return found


def _check_installed(said: Statement, here: Approved) -> None:
    """Rule sets and factors are data of the installed Tanji; there is no other edition to compute with."""
    for kind, digest in (("rules", said.rules.sha256), ("factors", said.factors.sha256)):
        if (kind, digest) not in here.digests:
            raise EvidenceMissing(APPROVED, where=kind, expected="the edition installed here", got=digest)


def _check_lines(lines: Sequence[bytes], published: bytes) -> None:
    for mine, theirs in zip_longest(lines, [line + b"\n" for line in published.split(b"\n")[:-1]], fillvalue=b""):
        if mine != theirs:
            expected, got = (each.decode("utf-8", "replace").strip() or "no line" for each in (mine, theirs))
            raise TrustError(INPUTS, where=bundle.INPUTS, expected=expected, got=got)


def _check_figures(found: Recomputed, said: Statement) -> None:
    for mine, theirs in zip_longest(found.results, said.results):
        if mine != theirs:
            one = mine or theirs
            where = f"{one.line}.{one.stream} {one.item}" if one is not None else "results"
            expected, got = ("no such result" if each is None else _result(each) for each in (mine, theirs))
            raise TrustError(RESULTS, where=where, expected=expected, got=got)
    quality = said.quality
    for where, computed, stated in (
        ("total_co2_t", found.total_co2_t, said.total_co2_t),
        ("total_u_rel", found.total_u_rel, said.total_u_rel),
        ("quality.captured", found.captured, quality.captured),
        ("quality.substituted_hours", found.substituted_hours, quality.substituted_hours),
        ("quality.missing_hours", found.missing_hours, quality.missing_hours),
        ("quality.anomalies_open", found.anomalies_open, quality.anomalies_open),
    ):
        _equal(where, computed, stated)


def _check_told(period: SealedPeriod, said: Statement, policy: Policy) -> None:
    """What a statement says about its own worth: late share, final or provisional, certificates."""
    _equal("quality.late_share", fixed(period.lateness(policy).share), said.quality.late_share)
    _equal("status", period.status(), said.status)
    held = [(one.meter, one.number, one.due) for one in said.ledger.certificates]
    _equal("ledger.certificates", ledger_export.certificates(period.plant), held)


def _equal(where: str, computed: object, stated: object) -> None:
    if computed != stated:
        raise TrustError(RESULTS, where=where, expected=str(computed), got=str(stated))


def _result(result: statement.Result) -> str:
    return f"{result.co2_t} t of {result.activity} {result.activity_unit} at {result.factor}, {result.method}"


def _rule_set(said: Statement) -> RuleSetId:
    try:
        return RuleSetId(said.rule_set)
    except ValueError as error:
        raise EvidenceMissing(
            APPROVED, where="rule_set", expected="a rule set known here", got=said.rule_set
        ) from error


def _span(window: tuple[int, int]) -> str:
    return f"{window[0]} to {window[1]}"
