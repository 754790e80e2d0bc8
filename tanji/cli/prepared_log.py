"""A log that gets keyring and plant notes before the batches that need them, however long it is away at the start.

A batch is only worth something after the notes that register its key and approve its point map, so as long as those
have not been taken it is told to come again. And a plant note ends the map before it: it goes in right before the first
batch of its own map, after everything that was read under the older one (`tanji.cli.older_batches`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from tanji.cli.plant_notes import KeptNote
from tanji.errors import LogUnavailable, TrustError
from tanji.trust import plant_note
from tanji.trust.batch import Batch, BatchLog, ChainEnd
from tanji.trust.note import split
from tanji.trust.plant_note import PlantNote, approves


class NoteLog(BatchLog, Protocol):
    """A log that takes notes beside batches: in this process, or behind HTTP."""

    def add_note(self, note: bytes, *, files: Mapping[str, bytes] | None = None) -> int:
        """Accept a note with the files it names; its index."""
        ...

    def notes(self, type_line: str) -> list[bytes]:
        """Every note of a type that it has, in its order. LogUnavailable: it does not answer."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


@dataclass(frozen=True, slots=True)
class FirstNotes:
    """What a log gets before batches; each is asked anew.

    keyrings : in their order. plant_notes : those of the folder of keys, from version 1 on. own_version : of the note
    for the files of this process, 0 without one, None where it takes none. older : what goes before a note whose `from`
    [UTC ms] this is, None if nothing does. point_map : SHA-256 of this process's. gateway : name of its chain.
    """

    keyrings: Callable[[], Iterable[bytes]]
    plant_notes: Callable[[], Iterable[KeptNote]]
    own_version: Callable[[], int | None]
    older: Callable[[int], str | None]
    point_map: bytes
    gateway: str


class PreparedLog:
    """A log with notes that have to go first."""

    def __init__(self, log: NoteLog, first: FirstNotes) -> None:
        self._log, self._first = log, first
        self._turn = threading.Lock()
        self._taken: set[bytes] = set()
        self._is_ready = False

    def prepare(self) -> None:
        """Hand over the notes that may go now and were not taken from here yet; the log knows them by their bytes.

        Errors are those of the log.
        """
        with self._turn:
            self._prepare(None)

    def logged_notes(self, type_line: str) -> list[bytes]:
        """Every note of a type that the log has, in its order. LogUnavailable: it does not answer."""
        return self._log.notes(type_line)

    def add_batch(self, note: bytes, payload: bytes) -> int:
        """Hand a batch over, after the notes that it needs; its index. LogUnavailable while those were not taken."""
        try:
            with self._turn:
                if not self._is_ready:
                    self._prepare(Batch.parse(split(note)[0]))
        except TrustError as error:  # it is the note that is at fault, not the batch
            raise LogUnavailable(f"keyring and plant notes were not taken: {error}") from error
        return self._log.add_batch(note, payload)

    def add_note(self, note: bytes, *, files: Mapping[str, bytes] | None = None) -> int:
        """Hand a note over; its index."""
        return self._log.add_note(note, files=files)

    def chain_end(self, gateway: str) -> ChainEnd | None:
        """The last batch of a gateway; None if there is none."""
        return self._log.chain_end(gateway)

    def close(self) -> None:
        """Let go of the log."""
        self._log.close()

    def _prepare(self, batch: Batch | None) -> None:
        """Hand over all notes; while older batches wait, only those that do not end their map, or `batch` needs."""
        self._is_ready = False
        for keyring in self._first.keyrings():
            self._hand(keyring, {})
        own = self._first.own_version()
        if own is None:
            self._is_ready = True
            return
        notes = [*self._first.plant_notes()]
        logged = [PlantNote.parse(split(note)[0]) for note in self._log.notes(plant_note.TYPE)]
        following = [kept.said for kept in notes if len(logged) < kept.said.version <= own]
        ends_ms = [said.from_ms for said in (*following[:1], *logged[-1:])]
        older = self._first.older(ends_ms[0] if ends_ms else 0)
        last = own if older is None else max(min(len(logged), own), self._needed(batch, notes, logged))
        for kept in notes:
            if kept.said.version <= last:
                self._hand(kept.note, kept.files)
        self._is_ready = older is None
        if older is not None and batch is not None and batch.pointmap == self._first.point_map:
            logged += [kept.said for kept in notes if len(logged) < kept.said.version <= last]
            if not approves(logged, batch.pointmap, from_ms=batch.from_ms):
                raise LogUnavailable(f"plant note {own} waits: {older}")

    def _needed(self, batch: Batch | None, notes: list[KeptNote], logged: list[PlantNote]) -> int:
        """The version that a batch of the gateway under an older map needs; the first one ends nothing."""
        least = 0 if logged else 1
        if batch is None or batch.gateway != self._first.gateway or batch.pointmap == self._first.point_map:
            return least
        if approves(logged, batch.pointmap, from_ms=batch.from_ms):
            return least
        fits = [kept.said.version for kept in notes if kept.said.point_map == batch.pointmap]
        return min((version for version in fits if version > len(logged)), default=least)

    def _hand(self, note: bytes, files: Mapping[str, bytes]) -> None:
        digest = sha256(note).digest()
        if digest not in self._taken:
            self._log.add_note(note, files=files)
            self._taken.add(digest)
