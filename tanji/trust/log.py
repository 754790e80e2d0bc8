"""The append-only log of a plant: every note it accepted, in order, in the layout of C2SP tlog-tiles.

`Log.open` owns a folder; `add_batch` and `add_note` return once the entry can no longer be lost; `checkpoint`
publishes, `add_cosigned` keeps what witnesses say. A note that breaks a rule goes to quarantine and is never mended
(R35). What is acceptable is `log_accept` and `leaves`, how it reaches the disk `log_storage`, reading `log_reader`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import checkpoint as checkpoints
from tanji.trust import leaves
from tanji.trust.canonical import encode64
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.keys import VerifierKey
from tanji.trust.log_accept import accept_batch, check_point_map, open_batch
from tanji.trust.log_index import ChainState
from tanji.trust.log_quarantine import Quarantine, Refused
from tanji.trust.log_storage import StoredLog
from tanji.trust.note import open_note, sign, split
from tanji.trust.plant_note import TYPE as PLANT
from tanji.trust.plant_note import PlantNote
from tanji.trust.policy import Anchor
from tanji.trust.signer import Signer
from tanji.trust.tree import leaf_hash

LARGEST_NOTE = 60_000
"""C2SP tlog-tiles writes the length of an entry in two bytes; notes that come near are refused loudly [byte]."""

MOST_PENDING = 1 << 14
"""Entries after which a log publishes by itself: an outage's backlog must not grow the journal without end."""


class Log(StoredLog):
    """A log that this process owns; every method may be called from several threads."""

    def __init__(self, folder: Path, *, signer: Signer, clock: Callable[[], int], anchor: Anchor | None) -> None:
        self.key = VerifierKey.parse(signer.vkey())
        self._signer, self._clock = signer, clock
        self._quarantine = Quarantine(folder / "quarantine")
        self._plants: tuple[PlantNote, ...] = ()
        super().__init__(folder, origin=self.key.name, registrars=None if anchor is None else anchor.registrars)

    @classmethod
    def open(cls, folder: Path, *, signer: Signer, clock: Callable[[], int], anchor: Anchor | None = None) -> Log:
        """The log in `folder`, made if it is new, consistent after any crash.

        signer : of checkpoints; its name is the log's origin. clock : UTC now [ms]. anchor : whose registrars the first
        keyring must name; None takes those it names. InstanceLocked: another process owns it. LogError: its files
        contradict each other.
        """
        return cls(folder, signer=signer, clock=clock, anchor=anchor)

    @property
    def refused(self) -> Refused:
        """What went to quarantine since the log was opened."""
        return self._quarantine.refused

    def add_batch(self, note: bytes, payload: bytes) -> int:
        """Accept a batch, or find it accepted; its index, once it is on disk.

        TrustError: refused, and in quarantine. EvidenceMissing: the keyring is not there yet. LogError: try again.
        """
        return self.add_batches([(note, payload)])[0]

    def add_batches(self, batches: Sequence[tuple[bytes, bytes]]) -> list[int]:
        """Accept several with one synchronisation of the journal; the first bad one ends it, those before it stay."""
        with self._turn:
            found: list[int] = []
            fresh: dict[int, tuple[bytes, bytes]] = {}
            ends = {name: chain.end for name, chain in self._scan().chains.items()}
            refusal: TrustError | None = None
            for note, payload in batches:
                try:
                    index = self._accept(note, payload, ends=ends, index=self.size + len(fresh))
                except TrustError as error:
                    self._refuse(note, (payload,), error)
                    refusal = error
                    break
                if index == self.size + len(fresh):
                    fresh[index] = note, payload
                found.append(index)
            self._append_batches(fresh)
            if refusal is not None:
                raise refusal
            return found

    def add_note(self, note: bytes, *, files: Mapping[str, bytes] | None = None) -> int:
        """Accept a keyring, plant note, statement or correction with the files it names; its index, once it is on disk.

        files : contents, under any name: they are kept under their digest, which the note has to name.
        """
        contents = {sha256(data).hexdigest(): data for data in (files or {}).values()}
        with self._turn:
            known = self._scan().find(leaf_hash(note))
            if known is not None:
                return known
            try:
                _check_length(note)
                leaves.check_note(note, contents, log=self)
            except TrustError as error:
                self._refuse(note, tuple(contents.values()), error)
                raise
            self._attach({self.folder / "files" / name: data for name, data in contents.items()})
            index = self.size
            self._append([note])
            return index

    def notes(self, type_line: str) -> list[bytes]:
        """Every note of a type, e.g. `tanji/keys/v1`, in order."""
        with self._turn:
            return [self.entry(index) for index in self.indexes(type_line)]

    def checkpoint(self) -> bytes:
        """Publish everything acknowledged; the newest checkpoint, signed by the log alone."""
        with self._turn:
            body = checkpoints.format(Checkpoint(self.origin, self.size, self.root()))
            note = sign(body, self._signer)
            if note != self._head:
                self._publish(note)
            return note

    def published_note(self) -> bytes:
        """The checkpoint that readers see now."""
        with self._turn:
            return self._head or self.checkpoint()

    def add_cosigned(self, note: bytes, *, witnesses: Iterable[VerifierKey]) -> None:
        """Keep a published checkpoint of this log that at least one of `witnesses` has cosigned."""
        opened = open_note(note, (self.key, *witnesses))
        times = [time_s for _, time_s in opened.verified if time_s is not None]
        if not times or self.key not in [key for key, _ in opened.verified]:
            got = ", ".join(key.name for key, _ in opened.verified)
            raise TrustError("note-signers", where="checkpoint", expected=f"{self.origin} and a witness", got=got)
        head = checkpoints.parse(opened.body)
        with self._turn:
            self._check_head(head)
            self._cosigned.add(note, size=head.size, time_s=max(times))

    def _accept(self, note: bytes, payload: bytes, *, ends: dict[str, ChainState], index: int) -> int:
        """Where a batch is, or `index` if it is new and acceptable, in which case `ends` goes on with it."""
        _check_length(note)
        batch = open_batch(note, keyring=self.keyring)
        leaf, end = leaf_hash(note), ends.get(batch.gateway)
        if end is None or batch.seq > end.seq:
            accept_batch(batch, payload, end=end)
            check_point_map(batch, self._plant_notes())
            ends[batch.gateway] = ChainState.after(end, note, index=index, leaf=leaf)
            return index
        if leaf == end.leaf:
            return end.index
        chain = self._index.chains.get(batch.gateway)
        known = None if chain is None else chain.index_of(batch.seq)
        if known is None or self.leaf_hash(known) != leaf:
            where, expected = f"{batch.gateway} {batch.seq}", "the bytes that were accepted under this number"
            raise TrustError("batch-sequence", where=where, expected=expected, got="other bytes")
        return known

    def _plant_notes(self) -> tuple[PlantNote, ...]:
        """Every plant note, read once: nearly every batch comes after the same ones."""
        indexes = self._scan().indexes(PLANT)
        new = [self.entry(index) for index in indexes[len(self._plants) :]]
        self._plants += tuple(PlantNote.parse(split(note)[0]) for note in new)
        return self._plants

    def _append_batches(self, fresh: Mapping[int, tuple[bytes, bytes]]) -> None:
        """Payloads first: an entry whose payload is not on disk must not be there."""
        payloads = {self._payload_path(index): payload for index, (_, payload) in fresh.items() if payload}
        self._attach(payloads)
        self._append([note for note, _ in fresh.values()])
        if self.size - self.published >= MOST_PENDING:
            self.checkpoint()

    def _check_head(self, head: Checkpoint) -> None:
        """Refuse a checkpoint that this log never published."""
        if head.origin != self.origin:
            raise TrustError("checkpoint-origin", expected=self.origin, got=head.origin)
        if head.size > self.published:
            raise TrustError("checkpoint-size", expected=f"at most {self.published}", got=str(head.size))
        if head.root != self.root(head.size):
            expected, got = encode64(self.root(head.size)), encode64(head.root)
            raise TrustError("checkpoint-root", where=f"size {head.size}", expected=expected, got=got)

    def _refuse(self, note: bytes, attachments: tuple[bytes, ...], error: TrustError) -> None:
        """Keep what breaks a rule; what only lacks something may come again."""
        if not isinstance(error, EvidenceMissing):
            self._quarantine.add(note, attachments, error, now_ms=self._clock())


def _check_length(note: bytes) -> None:
    if len(note) > LARGEST_NOTE:
        raise TrustError("note-form", where="log", expected=f"at most {LARGEST_NOTE} bytes", got=f"{len(note)} bytes")
