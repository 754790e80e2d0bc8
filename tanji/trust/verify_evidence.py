"""Evidence read from the head to the last payload: what bundles, unpacked ones and the folder of a log have in common.

Steps 4, 6 and 8 to 10 of docs/trust-format.md 11. Everything raises TrustError at the first rule that fails; what a
bundle has besides, its list and its statement, is `verify_bundle`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust.batch import LABORATORY, LONGEST_MS, REGULAR
from tanji.trust.keyring import Keyring
from tanji.trust.payload_line import LaboratoryLine
from tanji.trust.policy import Anchor
from tanji.trust.policy_file import NamedKeyring
from tanji.trust.statement import Period
from tanji.trust.verify_entries import Entries, EntryReader
from tanji.trust.verify_facts import Approved, Registers, read_registers
from tanji.trust.verify_log import FirstSeen, Head, LogPart, check_checkpoints, check_logged, first_seen
from tanji.trust.verify_payload import Checked, Task, Window, check_payloads
from tanji.trust.verify_plant import PlantHistory, read_plants
from tanji.trust.verify_report import Stop, WitnessTime
from tanji.trust.verify_signers import KeyHistory
from tanji.trust.verify_source import Opener, Source, indexed, located

LATE_MS = 2 * 3_600_000
"""A reading first witnessed later than this after its time is late (reference/trust.md 2.8) [ms]."""

EARLY_MS = 5 * 60_000
"""A reading whose time is more than this after it was witnessed had not been read: clocks differ by less [ms]."""

MOST_PROCESSES = 4
"""More processes than this wait for the disk."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a log says, verified. times : when witnesses saw it. payloads : of every batch that is there.

    named_keyring : what the anchor says of keyrings.
    """

    head: Head
    keys: KeyHistory
    log: LogPart
    plants: PlantHistory
    times: tuple[WitnessTime, ...]
    entries: Entries
    payloads: tuple[Checked, ...]
    paths: frozenset[str]
    registers: Registers
    named_keyring: NamedKeyring | None

    @property
    def laboratory(self) -> dict[int, Sequence[LaboratoryLine]]:
        """Lines of laboratories by log index."""
        there = {each.index for each in self.entries.batches if each.batch.kind == LABORATORY}
        return {each.index: each.laboratory for each in self.payloads if each.index in there}

    @property
    def seen(self) -> FirstSeen:
        """When a witness first saw an entry."""
        return first_seen(self.times)

    @property
    def versions(self) -> tuple[int, int | None]:
        """Newest versions of keyring and plant note."""
        newest = self.plants.newest(self.head.size)
        return self.keys.newest.version, None if newest is None else newest.version

    @property
    def approved(self) -> list[Approved]:
        """Every statement, correction and plant note that is there."""
        return [*self.entries.statements, *self.entries.corrections, *self.plants.versions]

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Regular batches that took longer than one may without a reason."""
        return tuple(
            Stop(batch.gateway, batch.from_ms, batch.to_ms, batch.points, batch.reason or "")
            for batch in (each.batch for each in self.entries.batches)
            if batch.kind == REGULAR and batch.to_ms - batch.from_ms > LONGEST_MS
        )


def processes_for(asked: int | None) -> int:
    """How many processes check payloads."""
    return min(os.cpu_count() or 1, MOST_PROCESSES) if asked is None else asked


def read_keys(source: Source, anchor: Anchor, head: Head, *, with_proofs: bool) -> KeyHistory:
    """Keyring notes that follow each other, the first one by the registrars of the anchor, up to those it names."""
    found: list[tuple[int, Keyring]] = []
    for index, path in indexed(source.paths, "keyring", ".note"):
        note = source.read(path)
        with located(path):
            found.append((index, found[-1][1].next(note) if found else Keyring.first(note, anchor.registrars)))
        if with_proofs:
            check_logged(source, path, index, head)
    if not found:
        raise EvidenceMissing("manifest-listed", where="keyring/", expected="at least one keyring note", got="none")
    keys = KeyHistory(tuple(found))
    keys.require(anchor.keyrings, size=head.size)
    return keys


def read_evidence(
    opener: Opener,
    source: Source,
    anchor: Anchor,
    *,
    head: Head,
    keys: KeyHistory,
    log: LogPart,
    statement: int | None,
    processes: int,
) -> Evidence:
    """Plant notes, checkpoints, entries and payloads. statement : log index of the one whose period counts late data.

    The log itself and the keyrings have been verified.
    """
    plants = read_plants(source, keys, head, with_proofs=statement is not None)
    times = (*head.times, *check_checkpoints(source, anchor.policy, log))
    entries = EntryReader(source, log, keys, plants).read()
    said = next((each.said for each in entries.statements if each.index == statement), None)
    there = frozenset(source.paths)
    tasks = _tasks(entries, first_seen(times), None if said is None else said.period, there)
    payloads = check_payloads(
        opener, tasks, plants.kinds({each.scope for each in entries.batches}), processes=processes
    )
    if entries.failure is not None:  # after the payloads: those before it come first in the log
        raise entries.failure
    known = {each.payload for each in entries.batches}
    for path in sorted(path for path in there if path.startswith("payload/") and path not in known):
        raise TrustError("payload-count", where=path, expected="a batch at this index", got="none")
    registers = read_registers(source, entries.batches, there)
    return Evidence(head, keys, log, plants, times, entries, tuple(payloads), there, registers, anchor.keyring)


def _tasks(entries: Entries, seen: FirstSeen, period: Period | None, there: frozenset[str]) -> list[Task]:
    window = None if period is None else (period.from_ms, period.to_ms)
    return [
        Task(
            each.index,
            each.payload,
            each.batch,
            window,
            _late(seen, each.index, window),
            each.payload in there,
            each.scope,
            _early(seen, each.index, window),
        )
        for each in entries.batches
        if each.payload in there or not each.batch.points
    ]


def _late(seen: FirstSeen, index: int, period: Window | None) -> Window | None:
    """Times [ms] of the period that were late when the entry was first witnessed; None where that cannot be said."""
    time_s = seen.time_s(index)
    if time_s is None or period is None:
        return None
    return period[0], min(period[1], time_s * 1000 - LATE_MS)


def _early(seen: FirstSeen, index: int, period: Window | None) -> Window | None:
    """Times [ms] of the period that had not come yet when the entry was first witnessed; None where nobody can say."""
    time_s = seen.time_s(index)
    if time_s is None or period is None:
        return None
    return max(period[0], time_s * 1000 + EARLY_MS), period[1]
