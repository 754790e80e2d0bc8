"""Entries of the log one after the other, by the keyring in force at their place (step 10 of docs/trust-format.md 11).

What contradicts the evidence fails at once; what is not there, a gap in a sequence or a hole in time, is kept for the
question of completeness. Payloads are left to `verify_payload`, because they are many and independent of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tanji.errors import TrustError
from tanji.trust import batch as batches
from tanji.trust import correction as corrections
from tanji.trust import statement as statements
from tanji.trust.batch import GENESIS, LABORATORY, REGULAR, Batch
from tanji.trust.canonical import decode64, encode64
from tanji.trust.correction import Correction
from tanji.trust.keyring import Keyring
from tanji.trust.keyring_text import TYPE as KEYS
from tanji.trust.keys import VerifierKey
from tanji.trust.note import split
from tanji.trust.plant_note import TYPE as PLANT
from tanji.trust.statement import Statement
from tanji.trust.utc import utc
from tanji.trust.verify_log import LogPart
from tanji.trust.verify_plant import PlantHistory
from tanji.trust.verify_signers import GATEWAY, KeyHistory, open_batch, open_signed
from tanji.trust.verify_signers import LABORATORY as LABORATORY_ROLE
from tanji.trust.verify_source import Source, located

STATEMENT = statements.TYPE_LINE.decode("ascii").strip()


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """A batch and its place in the log. scope : meters the key may speak for; None for every one."""

    index: int
    batch: Batch
    scope: tuple[str, ...] | None = None

    @property
    def payload(self) -> str:
        """Where its lines are."""
        return f"payload/{self.index:012d}.lines"


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """A statement and its place in the log."""

    index: int
    leaf: bytes
    said: Statement
    signers: tuple[VerifierKey, ...] = ()


@dataclass(frozen=True, slots=True)
class CorrectionEntry:
    """A correction and its place in the log."""

    index: int
    said: Correction
    signers: tuple[VerifierKey, ...] = ()


@dataclass(slots=True)
class Entries:
    """What the log says, by kind, up to the first entry that breaks a rule: `failure`, if there is one.

    gaps, holes : sequence numbers and times that were left out, in the order of the log.
    """

    batches: list[BatchEntry] = field(default_factory=list)
    statements: list[StatementEntry] = field(default_factory=list)
    corrections: list[CorrectionEntry] = field(default_factory=list)
    gaps: list[TrustError] = field(default_factory=list)
    holes: list[TrustError] = field(default_factory=list)
    failure: TrustError | None = None


@dataclass(slots=True)
class _Chain:
    """Where the chain of one gateway stands. regular_to_ms : end of its last regular batch."""

    seq: int
    leaf: bytes
    to_ms: int
    regular_to_ms: int | None


class EntryReader:
    """Reads entries in order; one for each evidence."""

    def __init__(self, source: Source, log: LogPart, keys: KeyHistory, plants: PlantHistory) -> None:
        self._source, self._log, self._keys, self._plants = source, log, keys, plants
        self._plant = keys.newest.plant
        self._there = frozenset(source.paths)
        self._chains: dict[str, _Chain] = {}
        self._batches: dict[int, BatchEntry] = {}
        self._found = Entries()

    def read(self) -> Entries:
        """Every entry up to the first that breaks a rule."""
        for index, note in enumerate(self._log.notes, self._log.first):
            try:
                with located(f"notes/{index:012d}.note"):
                    self._take(index, note)
            except TrustError as error:
                self._found.failure = error
                break
        return self._found

    def _take(self, index: int, note: bytes) -> None:
        keyring = self._keys.in_force(index)
        body, _ = split(note)
        kind = body[: body.find(b"\n")].decode("utf-8")
        if kind == batches.TYPE:
            self._take_batch(index, note, keyring)
        elif kind == KEYS:
            self._same(note, f"keyring/{index:012d}.note", rule="keyring-version")
        elif kind == PLANT:
            self._same(note, f"plant/{index:012d}.note", rule="plant-version")
        elif kind == STATEMENT:
            self._take_statement(index, *open_signed(note, keyring, index))
        elif kind == corrections.TYPE_LINE:
            self._take_correction(index, *open_signed(note, keyring, index))
        else:
            raise TrustError("header-type", expected="a type of entry", got=kind)

    def _same(self, note: bytes, path: str, *, rule: str) -> None:
        if path not in self._there or self._source.read(path) != note:
            raise TrustError(rule, expected=f"the same note as {path}", got="another, or none")

    def _take_statement(self, index: int, body: bytes, signers: tuple[VerifierKey, ...]) -> None:
        said = statements.parse(body)
        if said.plant != self._plant:
            raise TrustError("statement-field", where="plant", expected=self._plant, got=said.plant)
        earlier = [each for each in self._found.statements if each.said.subject == said.subject]
        replaced = None if said.supersedes is None else decode64(said.supersedes, rule="statement-field")
        if earlier and replaced != earlier[-1].leaf:
            expected = f"supersedes {encode64(earlier[-1].leaf)}, entry {earlier[-1].index}"
            raise TrustError("statement-supersedes", expected=expected, got=said.supersedes or "null")
        if not earlier and replaced in self._log.leaves:
            expected = "a statement on the same period, boundary and rules"
            raise TrustError("statement-supersedes", expected=expected, got=said.supersedes or "null")
        self._found.statements.append(StatementEntry(index, self._log.leaf(index), said, signers))

    def _take_correction(self, index: int, body: bytes, signers: tuple[VerifierKey, ...]) -> None:
        said = corrections.parse(body)
        if said.plant != self._plant:
            raise TrustError("header-field", where="plant", expected=self._plant, got=said.plant)
        if said.index >= index:
            raise TrustError("correction-target", expected=f"an entry before {index}", got=str(said.index))
        if said.index >= self._log.first:
            target = self._batches.get(said.index)
            if target is None:
                raise TrustError("correction-target", expected="a batch", got=f"entry {said.index}")
            leaf = self._log.leaf(said.index)
            if leaf != said.batch:
                raise TrustError("correction-target", expected=encode64(said.batch), got=encode64(leaf))
            if target.payload in self._there:
                corrections.check_target(said, leaf=leaf, payload=self._source.read(target.payload))
        self._found.corrections.append(CorrectionEntry(index, said, signers))

    def _take_batch(self, index: int, note: bytes, keyring: Keyring | None) -> None:
        body, key = open_batch(note, keyring)
        batch = Batch.parse(body)
        assert keyring is not None  # it knew the key
        role = LABORATORY_ROLE if batch.kind == LABORATORY else GATEWAY
        if batch.gateway != key.name or keyring.key_for(role, batch.gateway, batch.seq) != key:
            expected = f"{key.name}, whose key this is, in force for {batch.seq}"
            raise TrustError("batch-key", expected=expected, got=batch.gateway)
        chain = self._chains.get(batch.gateway)
        self._check_chain(batch, chain)
        self._check_times(batch, chain)
        if not self._plants.is_approved(batch.pointmap, index=index, from_ms=batch.from_ms):
            expected = "the point map of an approved plant note logged before, in force then"
            raise TrustError("pointmap-approved", expected=expected, got=batch.pointmap.hex())
        regular = batch.to_ms if batch.kind == REGULAR else None if chain is None else chain.regular_to_ms
        self._chains[batch.gateway] = _Chain(batch.seq, self._log.leaf(index), batch.to_ms, regular)
        entry = self._batches[index] = BatchEntry(index, batch, keyring.scope_of(role, batch.gateway, batch.seq))
        self._found.batches.append(entry)

    def _check_chain(self, batch: Batch, chain: _Chain | None) -> None:
        if chain is None:
            if batch.seq == 0 and batch.prev != GENESIS:
                raise TrustError("batch-prev", expected=encode64(GENESIS), got=encode64(batch.prev))
            return
        if batch.seq <= chain.seq:
            raise TrustError("batch-sequence", expected=str(chain.seq + 1), got=str(batch.seq))
        if batch.seq > chain.seq + 1:
            expected = f"{batch.gateway} seq {chain.seq + 1}"
            self._found.gaps.append(
                TrustError("complete-sequence", where=batch.gateway, expected=expected, got=f"seq {batch.seq}")
            )
        elif batch.prev != chain.leaf:
            raise TrustError("batch-prev", expected=encode64(chain.leaf), got=encode64(batch.prev))

    def _check_times(self, batch: Batch, chain: _Chain | None) -> None:
        last_to = None if chain is None else chain.regular_to_ms
        if batch.kind == REGULAR and last_to is not None and batch.from_ms <= batch.to_ms:
            if batch.from_ms < last_to:
                raise TrustError("batch-time", where="from", expected=str(last_to), got=str(batch.from_ms))
            if batch.from_ms > last_to:
                expected, got = f"from {utc(last_to)}", f"from {utc(batch.from_ms)}"
                self._found.holes.append(TrustError("complete-time", where=batch.gateway, expected=expected, got=got))
        batch.check_times()
        if batch.kind != LABORATORY:
            return
        begins = batch.sealed_ms if batch.seq == 0 else None
        if chain is not None and batch.seq == chain.seq + 1:
            begins = chain.to_ms
        if begins is not None and batch.from_ms != begins:
            raise TrustError("batch-time", where="from", expected=str(begins), got=str(batch.from_ms))


def newest_on(entries: Sequence[StatementEntry], subject: StatementEntry) -> StatementEntry:
    """The last statement on the subject of one of them."""
    return [each for each in entries if each.said.subject == subject.said.subject][-1]
