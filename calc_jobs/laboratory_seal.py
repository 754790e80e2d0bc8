"""Sealing of what people bring: sample numbers when they are taken, results when they are known (R33, R35, R36).

A batch of kind `laboratory` seals what entered the ledger since the one before: `sample` lines, `result` lines and
withdrawals. Results carry the unit inside the code beside their basis, or tonnes could become litres afterwards. Two
results of one sample and quantity never share a batch: lines are sorted, so the order of batches says which came last.
An hour without anything is sealed as an empty batch, because silence is evidence. Files are `laboratory_chain`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from calc_jobs.laboratory_chain import LaboratoryChain
from tanji.errors import TanjiError, TrustError
from tanji.ledger import Ledger
from tanji.ledger.entries import CLOSING_FACTOR, Entry
from tanji.ledger.samples import Sample, last_sample, samples
from tanji.trust.batch import BatchLog
from tanji.trust.batch_signer import BatchSigner
from tanji.trust.canonical import format_value
from tanji.trust.payload_line import LaboratoryLine

SILENCE_MS = 3_600_000
"""After this long without a batch an empty one is sealed [ms]."""

MOST_LINES = 20_000
"""Lines of one batch: a sheet of several years is sealed in pieces."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SealedSamples:
    """What a run of sealing did. fault : why nothing was signed, or what the log said; None where all is well."""

    lines: int
    batches: int
    waiting: int
    fault: str | None


class LaboratorySeal:
    """Seals the ledger's samples and results with the laboratory's key. Thread-safe. `told` : what the last run did."""

    def __init__(
        self,
        folder: Path,
        *,
        keys: BatchSigner,
        ledger: Ledger,
        batch_log: BatchLog | None,
        pointmap: bytes,
        clock: Callable[[], int],
        clock_text: Callable[[], str],
    ) -> None:
        """batch_log : where batches go; None keeps them. pointmap : digest of the point map in force.

        keys : asked before each batch; while none may sign, entries wait in the ledger. clock : UTC now [ms].
        clock_text : source and offset, as batch notes have it.
        """
        self._chain = LaboratoryChain(folder, keys=keys)
        self._ledger, self._log, self._pointmap = ledger, batch_log, pointmap
        self._clock, self._clock_text = clock, clock_text
        self._lock = threading.Lock()
        self._agreed = batch_log is None
        self._forbidden: str | None = None
        self.told = SealedSamples(0, 0, 0, None)

    def seal(self, *, even_nothing: bool = False) -> SealedSamples:
        """Seal what is new and give the log what it has not got. even_nothing : cut a batch in any case."""
        with self._lock:
            lines = batches = 0
            try:
                fault = self._forbidden or self._agree()
                if fault is None:
                    fault = self._keyless()
                    for part, marks in self._new(even_nothing=even_nothing) if fault is None else ():
                        self._cut(part, marks)
                        lines, batches = lines + len(part), batches + 1
                    if self._log is not None:  # what was signed before goes there, whoever may sign now
                        self._chain.send(self._log)
            except (TanjiError, OSError) as error:  # the ledger goes on; the next run tries again
                fault = str(error)
                log.warning("laboratory samples were not sealed, to be tried again: %s", error)
            self.told = SealedSamples(lines, batches, self._chain.waiting, fault)
            return self.told

    def forbid(self, reason: str) -> None:
        """Sign nothing more until the next start."""
        self._forbidden = reason

    def _keyless(self) -> str | None:
        """Why no key may sign the next batch; None while one may."""
        try:
            self._chain.check_key()
        except TrustError as error:
            return str(error)
        return None

    def _agree(self) -> str | None:
        """Once per process: whether the own chain goes on where the log's ends."""
        if self._agreed or self._log is None:
            return None
        fault = self._chain.agree(self._log)
        self._agreed = fault is None
        return fault

    def _cut(self, lines: list[str], marks: tuple[int, int]) -> None:
        self._chain.cut(lines, sealed_ms=self._clock(), clock=self._clock_text(), pointmap=self._pointmap, marks=marks)

    def _new(self, *, even_nothing: bool) -> Iterator[tuple[list[str], tuple[int, int]]]:
        """Lines of the batches that are due, each with the last entry and sample it holds."""
        last = self._chain.last
        entries, taken = (0, 0) if last is None else (last.entries_to, last.samples_to)
        until, samples_to = self._ledger.last_change(), last_sample(self._ledger)
        lines = [line for sample in samples(self._ledger, after=taken, until=samples_to) for line in of_sample(sample)]
        seen: set[tuple[str, str]] = set()
        any_yet = False
        for entry in self._ledger.recorded(after_id=entries, until_id=until):
            key = (entry.sample_id, f"{entry.stream}.{entry.parameter}")
            line = of_entry(entry)
            if line and (key in seen or len(lines) >= MOST_LINES):
                yield lines, (entries, samples_to)
                lines, any_yet = [], True
                seen.clear()
            if line:
                seen.add(key)
            lines += line
            entries = entry.id
        silent = last is None or self._clock() - last.to_ms >= SILENCE_MS
        if lines or (not any_yet and (silent or even_nothing)):
            yield lines, (until, samples_to)


def of_sample(sample: Sample) -> list[str]:
    """The line of a sample."""
    return _text(LaboratoryLine("sample", sample.sample_id, sample.taken_ms))


def of_entry(entry: Entry) -> list[str]:
    """The line of a result or withdrawal; none for what jobs entered themselves, which follows from the rest."""
    if entry.parameter == CLOSING_FACTOR:
        return []
    quantity = f"{entry.stream}.{entry.parameter}"
    if entry.withdrawn:
        return _text(LaboratoryLine("withdrawn", entry.sample_id, entry.recorded_at_ms, quantity))
    return _text(
        LaboratoryLine(
            "result",
            entry.sample_id,
            entry.valid_from_ms,
            quantity,
            entry.valid_to_ms,
            format_value(entry.value, is_counter=False),
            sealed_basis(entry),
        )
    )


def sealed_basis(entry: Entry) -> str:
    """Unit and basis of a result as its sealed line has them: `GJ/t as_received`, or the unit alone."""
    return f"{entry.unit} {entry.basis}".rstrip()


def _text(line: LaboratoryLine) -> list[str]:
    """The line, or nothing where a number cannot be sealed: it must not keep everything after it from being sealed."""
    try:
        text = line.text()
        if LaboratoryLine.parse(text) != line:
            raise TrustError("payload-form", where=line.sample, expected="a line that reads back", got=repr(text))
    except TrustError as error:
        log.error("sample %s cannot be sealed: %s", line.sample, error)
        return []
    return [text.decode("ascii")]
