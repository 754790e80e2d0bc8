"""What a log says of a period up to one size: the plant in force, chains, the readings that stand, how late they were.

Publishing looks at the plant's own log through this, and a recomputation at a bundle, so that both judge alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from calc_jobs.lateness import KeptCheckpoint, Lateness, lateness, open_samples
from calc_jobs.recomputation import Question, plant_of
from calc_jobs.sealed_chains import Chains
from calc_jobs.sealed_evidence import SealedEvidence
from calc_jobs.sealed_laboratory import SealedResults
from calc_jobs.sealed_log import SealedLog
from tanji.errors import EvidenceMissing, UsageError
from tanji.plant.model import Plant
from tanji.plant.trust_model import TrustSettings
from tanji.trust import note, plant_note
from tanji.trust.keyring import Keyring
from tanji.trust.payload import parse_laboratory
from tanji.trust.plant_note import PlantNote
from tanji.trust.policy import Policy
from tanji.trust.statement import FINAL, PROVISIONAL, PlantFileUsed

DAY_MS = 24 * 3_600_000


class PeriodLog(Protocol):
    """What is looked at: the plant's own log, its reader, or a bundle."""

    @property
    def size(self) -> int:
        """Number of entries."""
        ...

    def refresh(self) -> None:
        """Look whether there is more."""
        ...

    @property
    def keyring(self) -> Keyring | None:
        """The newest keyring."""
        ...

    def keyring_before(self, index: int) -> Keyring | None:
        """The keyring in force for the entry at an index."""
        ...

    def entry(self, index: int) -> bytes:
        """A note."""
        ...

    def entries(self, start: int, end: int) -> Iterable[bytes]:
        """The notes [start, end); empty in the place of one that a bundle does not hold."""
        ...

    def payload(self, index: int) -> bytes:
        """The lines of a batch."""
        ...

    def file(self, digest: str) -> bytes:
        """An attachment by its SHA-256 in hexadecimal."""
        ...

    def indexes(self, type_line: str) -> Sequence[int]:
        """Where the notes of a type are."""
        ...

    def checkpoints(self) -> Sequence[KeptCheckpoint]:
        """Every cosigned checkpoint."""
        ...


@dataclass(frozen=True, slots=True)
class SealedPeriod:
    """What the log says up to a size: the plant in force, its chains, its readings."""

    log: PeriodLog
    size: int
    question: Question
    keyring: Keyring
    plant: Plant
    files: PlantFileUsed
    chains: Chains
    evidence: SealedEvidence

    @classmethod
    def of(cls, log: PeriodLog, size: int, question: Question) -> SealedPeriod:
        """Read headers and plant file; EvidenceMissing where the period is not sealed to its end."""
        keyring = log.keyring_before(size)
        if keyring is None:
            raise EvidenceMissing("note-unknown-key", where="log", expected="a keyring note", got="none")
        files = plant_files(log, size=size)
        plant = plant_of(log.file(files.sha256))
        chains = Chains(log, size=size)
        chains.require_sealed(keyring, until_ms=question.period.to_ms)
        evidence = SealedEvidence(SealedLog(log), plant_id=plant.site.id, size=size, is_whole=chains.is_whole())
        return cls(log, size, question, keyring, plant, files, chains, evidence)

    @property
    def settings(self) -> TrustSettings:
        """Late window and limit of the plant file that two people signed."""
        if self.plant.trust is None:
            raise UsageError("trust: expected the section in the plant file that is in force, got none")
        return self.plant.trust

    @property
    def period(self) -> tuple[int, int]:
        """Beginning and end. [UTC ms]"""
        return self.question.period.from_ms, self.question.period.to_ms

    def lateness(self, policy: Policy) -> Lateness:
        """How late its readings were witnessed and sealed."""
        window_ms = round(self.settings.late_window_d * DAY_MS)
        return lateness(self.log, self.chains, policy=policy, period=self.period, late_window_ms=window_ms)

    def status(self) -> str:
        """Final once nothing that belongs to the period can come any more."""
        until_ms = self.question.period.to_ms + round(self.settings.late_window_d * DAY_MS)
        ends = self.chains.ends(self.keyring).values()
        sealed = all(end is not None and end >= until_ms for end in ends)
        waiting = open_samples(self.log, self.chains.laboratory(), period=self.period)
        return FINAL if sealed and not waiting else PROVISIONAL

    def laboratory(self, *, whole: bool) -> SealedResults | None:
        """What laboratories sealed; None where none has sealed anything. whole : from the beginning of their chains."""
        links = self.chains.laboratory()
        if not links:
            return None
        lines = tuple(line for link in links if link.points for line in parse_laboratory(self.log.payload(link.index)))
        return SealedResults(lines, None if whole else links[0].low)


def plant_files(log: PeriodLog, *, size: int) -> PlantFileUsed:
    """Plant file and point map of the newest plant note below `size`."""
    known = [index for index in log.indexes(plant_note.TYPE) if index < size]
    if not known:
        raise EvidenceMissing("statement-digest", where="log", expected="a plant note", got="none")
    said = PlantNote.parse(note.split(log.entry(known[-1]))[0])
    return PlantFileUsed(said.plant_file.hex(), said.point_map.hex())
