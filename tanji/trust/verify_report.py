"""What a verification found: three verdicts apart, and the facts a reader of the evidence has to weigh himself.

Integrity says that nothing there was altered, completeness that nothing is left out, recomputation that the figures
follow from the inputs (reference/trust.md 2.6). Facts are no verdicts: a changed limit, a sample that is still in the
laboratory or a late share may be in order, and somebody has to look at them. Words are `tanji.cli.verify_text`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from tanji.errors import TrustError
from tanji.trust.policy_file import NamedKeyring
from tanji.trust.verify_told import Disputed, DisputedNote, Overlap, Revised, Setting, Silent, Unannounced

OK, FAILED, UNDECIDED = 0, 1, 3
"""Exit codes: everything asked holds, a rule failed, cannot decide. 2 is wrong use of the command."""


class State(Enum):
    """What came of one of the three questions."""

    OK = "ok"
    FAILED = "failed"
    UNDECIDED = "cannot decide"
    SKIPPED = "not checked"


@dataclass(frozen=True, slots=True)
class Failure:
    """The first rule that did not hold."""

    rule: str
    where: str
    expected: str
    got: str

    @classmethod
    def of(cls, error: TrustError) -> Failure:
        """What an error says."""
        return cls(error.rule, error.where, error.expected, error.got)

    def __str__(self) -> str:
        return f"{self.where}: {self.rule}: expected {self.expected}, got {self.got}".removeprefix(": ")


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer, and the rule behind it unless it is ok. `why` says why a question was not asked."""

    state: State
    failure: Failure | None = None
    why: str = ""

    @classmethod
    def ok(cls) -> Verdict:
        """Everything holds."""
        return cls(State.OK)

    @classmethod
    def failed(cls, error: TrustError) -> Verdict:
        """A rule does not hold."""
        return cls(State.FAILED, Failure.of(error))

    @classmethod
    def undecided(cls, error: TrustError) -> Verdict:
        """What would decide is not there."""
        return cls(State.UNDECIDED, Failure.of(error))

    @classmethod
    def unasked(cls, because: str) -> Verdict:
        """What comes before does not hold, so that an answer would mean nothing."""
        return cls(State.UNDECIDED, None, f"{because} does not hold")

    @classmethod
    def skipped(cls, why: str) -> Verdict:
        """The question was not asked."""
        return cls(State.SKIPPED, None, why)


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the point map or the plant file that an approved note changed; None where there was none."""

    index: int
    file: str
    key: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class WitnessTime:
    """A witness saw the log at this size at this time [s since the epoch]: the only clock outside the plant."""

    size: int
    witness: str
    time_s: int


@dataclass(frozen=True, slots=True)
class Corrected:
    """An approved correction: the line that was sealed, the one that counts, and why."""

    index: int
    line: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A regular batch over more than two minutes [UTC ms], and why: nothing was read, or sealing was behind."""

    gateway: str
    from_ms: int
    to_ms: int
    readings: int
    reason: str


@dataclass(frozen=True, slots=True)
class StatementFacts:
    """What the statement says, in its own words; `superseded` are the log indices of those it replaced.

    size : of the log it was computed from; later entries are not in the figure. expired : certificates that ran out.
    """

    index: int
    plant: str
    period: str
    from_ms: int
    to_ms: int
    boundary: str
    rule_set: str
    total_co2_t: str
    status: str
    reason: str
    superseded: tuple[int, ...]
    newest_index: int
    late_share: str
    captured: str | None
    substituted_hours: int
    missing_hours: int
    anomalies_open: int
    size: int
    expired: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read, and what a reader has to weigh.

    size : log size the evidence is judged at. keyring, plant_file : newest versions that are there; entries before the
        first one of the evidence cannot be seen, so that a reader compares them with what the institute knows.
    named_keyring : the one that the anchor speaks of; None where it names none.
    readings : lines of the payloads that were there.
    in_period : of them, those whose time is in the period of the statement.
    late : of these, those first witnessed more than two hours after their time; None where nothing is witnessed.
    early : those witnessed before their time, which nobody can have read then.
    unwitnessed_ms : longest part of the period in which no witness saw the log, of those times that are here.
    uncounted : readings of the period that were logged after the size the statement was computed at.
    pending_samples : sealed when taken, without result or withdrawal.
    unregistered_meters : of which no parameter register is sealed.
    sm2 : the SM2 signature beside the statement is good; None where nobody asked.
    unsealed_values, own_factors : of the ledger, which a laboratory did not seal in this evidence.
    """

    size: int = 0
    keyring: int | None = None
    named_keyring: NamedKeyring | None = None
    plant_file: int | None = None
    batches: int = 0
    readings: int = 0
    in_period: int = 0
    late: int | None = None
    early: int | None = None
    unwitnessed_ms: int | None = None
    uncounted: int = 0
    statement: StatementFacts | None = None
    changes: tuple[Change, ...] = ()
    corrections: tuple[Corrected, ...] = ()
    stops: tuple[Stop, ...] = ()
    settings: tuple[Setting, ...] = ()
    silent_settings: tuple[Silent, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    disputed: tuple[Disputed, ...] = ()
    disputed_notes: tuple[DisputedNote, ...] = ()
    revised_results: tuple[Revised, ...] = ()
    unannounced: tuple[Unannounced, ...] = ()
    unsealed_values: tuple[str, ...] = ()
    own_factors: tuple[str, ...] = ()
    witness_times: tuple[WitnessTime, ...] = ()
    pending_samples: tuple[str, ...] = ()
    unregistered_meters: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    sm2: bool | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The three verdicts about one piece of evidence.

    independent : whether the trust anchor came from the verifier; else the evidence vouches for itself.
    """

    subject: str
    independent: bool
    integrity: Verdict
    completeness: Verdict
    recomputation: Verdict
    facts: Facts = field(default_factory=Facts)

    @property
    def exit_code(self) -> int:
        """1 if any verdict failed, else 3 if any could not be decided, else 0."""
        states = {self.integrity.state, self.completeness.state, self.recomputation.state}
        if State.FAILED in states:
            return FAILED
        return UNDECIDED if State.UNDECIDED in states else OK
