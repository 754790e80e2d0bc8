"""Whether anything was left out: gateways, batches, time, payloads, samples, newer statements.

The section "Completeness" of docs/trust-format.md 11, to be asked only of evidence that does not contradict itself. A
plant manager who wants to lose tonnes would rather leave out than alter (reference/trust.md 2.9).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tanji.errors import TrustError
from tanji.trust.batch import CONFIG, LABORATORY, LATE, REGULAR, Batch
from tanji.trust.batch_payload import MARGIN_MS
from tanji.trust.keyring import Keyring
from tanji.trust.payload_line import LaboratoryLine
from tanji.trust.statement import FINAL, GatewayRange, Statement
from tanji.trust.utc import utc
from tanji.trust.verify_entries import BatchEntry, CorrectionEntry, Entries, StatementEntry, newest_on
from tanji.trust.verify_signers import GATEWAY
from tanji.trust.verify_signers import LABORATORY as LABORATORY_ROLE


def check_complete(
    entries: Entries,
    entry: StatementEntry,
    keyring: Keyring | None,
    *,
    there: frozenset[str],
    laboratory: Mapping[int, Sequence[LaboratoryLine]],
) -> None:
    """Raise at the first thing that was left out.

    keyring : in force at the size the statement saw. there : every member. laboratory : its lines, by log index.
    """
    said = entry.said
    chains: dict[str, list[Batch]] = defaultdict(list)
    before = [each for each in entries.batches if each.index < said.inputs.size]
    for each in before:
        chains[each.batch.gateway].append(each.batch)
    _check_scope(said, keyring, chains)
    for gap in entries.gaps:
        raise gap
    for named in said.inputs.gateways:
        _check_range(named, chains.get(named.gateway, []))
    for hole in entries.holes:
        raise hole
    gateways = () if keyring is None else keyring.gateways()
    for named in said.inputs.gateways:
        if named.gateway in gateways and named.gateway in chains and keyring is not None:
            _check_cover(said, keyring, named.gateway, chains[named.gateway])
    _check_payloads(said, before, there)
    _check_corrected(said, entries.corrections, there)
    if said.status == FINAL:
        _check_samples(said, [laboratory[each.index] for each in before if each.index in laboratory])
    newest = newest_on(entries.statements, entry)
    if newest is not entry:
        expected = f"the newest statement of its period, entry {newest.index}"
        raise TrustError("complete-newest", where="statement.note", expected=expected, got=f"entry {entry.index}")


def pending(laboratory: Mapping[int, Sequence[LaboratoryLine]]) -> dict[str, int]:
    """Samples that were taken and have neither result nor withdrawal, with the time they were taken [ms]."""
    taken: dict[str, int] = {}
    answered = set()
    for lines in laboratory.values():
        for line in lines:
            if line.form == "sample":
                taken.setdefault(line.sample, line.at_ms)
            else:
                answered.add(line.sample)
    return {sample: at_ms for sample, at_ms in taken.items() if sample not in answered}


def _check_scope(said: Statement, keyring: Keyring | None, chains: Mapping[str, Sequence[Batch]]) -> None:
    lines = () if keyring is None else keyring.lines
    roles = {line.key.name: line.role for line in lines if line.role in (GATEWAY, LABORATORY_ROLE)}
    is_open = {line.key.name for line in lines if line.until is None}
    named = {each.gateway for each in said.inputs.gateways}
    for name in sorted(roles, key=str.encode):
        if name not in is_open and name not in chains:
            continue
        if name not in named:
            raise TrustError("complete-gateway", where=name, expected="to be in inputs.gateways", got="not there")
        if name not in chains:
            raise TrustError("complete-gateway", where=name, expected=f"batches of this {roles[name]}", got="none")


def _check_range(named: GatewayRange, chain: Sequence[Batch]) -> None:
    if not chain:
        return
    low, high = min(batch.seq for batch in chain), max(batch.seq for batch in chain)
    if named.first_seq is None or not low <= named.first_seq or named.last_seq != high:
        got = f"{named.first_seq} to {named.last_seq}"
        raise TrustError("complete-sequence", where=named.gateway, expected=f"from {low} on, up to {high}", got=got)


def _check_cover(said: Statement, keyring: Keyring, name: str, chain: Sequence[Batch]) -> None:
    """The regular batches of a gateway cover the period, but for a gateway that began or ended in it."""
    period = said.period
    regular = [batch for batch in chain if batch.kind == REGULAR]
    began = bool(regular) and regular[0].from_ms <= period.from_ms
    if not began and chain[0].seq != 0:
        got = f"from {utc(regular[0].from_ms)}" if regular else "no regular batch"
        raise TrustError("complete-time", where=name, expected=f"from {utc(period.from_ms)} at the latest", got=got)
    lasted = bool(regular) and regular[-1].to_ms >= period.to_ms
    ends = [line.until for line in keyring.lines if line.role == GATEWAY and line.key.name == name]
    ended = None not in ends and chain[-1].seq == max(until for until in ends if until is not None)
    if not lasted and not ended:
        got = f"to {utc(regular[-1].to_ms)}" if regular else "no regular batch"
        raise TrustError("complete-time", where=name, expected=f"to {utc(period.to_ms)} at least", got=got)


def _check_payloads(said: Statement, before: Sequence[BatchEntry], there: frozenset[str]) -> None:
    for each in before:
        if each.batch.points and each.payload not in there and _matters(each.batch, said):
            expected = f"{each.batch.points} lines of {each.batch.gateway} seq {each.batch.seq}"
            raise TrustError("payload-missing", where=each.payload, expected=expected, got="none")


def _check_corrected(said: Statement, corrections: Sequence[CorrectionEntry], there: frozenset[str]) -> None:
    """The line that a correction replaces can be looked up: what it says of the old value would be its own word."""
    for each in corrections:
        time, path = int(each.said.line.split(" ")[1]), f"payload/{each.said.index:012d}.lines"
        if each.index < said.inputs.size and said.inputs.from_ms <= time < said.inputs.to_ms and path not in there:
            expected = f"the line that correction {each.index} replaces"
            raise TrustError("payload-missing", where=path, expected=expected, got="none")


def _matters(batch: Batch, said: Statement) -> bool:
    """Whether lines of a batch can lie in the time the method looked at."""
    if batch.kind == LABORATORY:
        return True
    margin = 0 if batch.kind in (LATE, CONFIG) else MARGIN_MS
    return batch.from_ms - margin < said.inputs.to_ms and batch.to_ms + margin > said.inputs.from_ms


def _check_samples(said: Statement, laboratory: Sequence[Sequence[LaboratoryLine]]) -> None:
    for sample, at_ms in pending(dict(enumerate(laboratory))).items():
        if said.period.from_ms <= at_ms < said.period.to_ms:
            got = f"none, taken at {at_ms}"
            raise TrustError("complete-sample", where=sample, expected="a result or a withdrawal", got=got)
