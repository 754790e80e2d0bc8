"""What a log verifies of a note that is no batch before it becomes a leaf: one row for each type line.

A row says who has to have signed and how the note goes on from those before it, and names the files that may or must
come with it. A new type of note is a new row here; batches are `log_accept`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import correction, keyring_text, plant_note, statement
from tanji.trust.batch import TYPE as BATCH
from tanji.trust.canonical import encode64
from tanji.trust.correction import Correction
from tanji.trust.keyring import Keyring
from tanji.trust.note import split
from tanji.trust.plant_note import PlantNote
from tanji.trust.registrar import Registrar
from tanji.trust.verify_signers import open_approved

STATEMENT: Final = statement.TYPE_LINE.decode().rstrip("\n")


class Before(Protocol):
    """What a new note is judged by: the log before it."""

    @property
    def size(self) -> int:
        """Index the note will have."""
        ...

    @property
    def keyring(self) -> Keyring | None:
        """In force for it."""
        ...

    @property
    def registrars(self) -> Sequence[Registrar] | None:
        """Of the anchor; None where the log has none."""
        ...

    def root(self, size: int | None = None) -> bytes:
        """Of the first so many entries."""
        ...

    def entry(self, index: int) -> bytes:
        """An earlier note."""
        ...

    def leaf_hash(self, index: int) -> bytes:
        """Its hash."""
        ...

    def payload(self, index: int) -> bytes:
        """The lines of an earlier batch."""
        ...

    def has_file(self, digest: str) -> bool:
        """Whether an attachment is there already."""
        ...

    def indexes(self, type_line: str) -> Sequence[int]:
        """Where the notes of a type are."""
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """Files a note names, by SHA-256 in hexadecimal: those that have to be there, and those that may come with it."""

    required: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()


Files = Mapping[str, bytes]
Check = Callable[[bytes, Files, Before], Named]
"""Raises TrustError unless the note is acceptable. The files come under their digests."""


def check_note(note: bytes, files: Files, *, log: Before) -> None:
    """Raise unless this note, with these files, may be the next entry of `log`."""
    body, _ = split(note)
    type_line = body.split(b"\n", 1)[0].decode("utf-8")  # looked at to know which keys count, believed when verified
    check = LEAVES.get(type_line)
    if check is None:
        raise TrustError("header-type", where="note", expected=" or ".join(LEAVES), got=type_line)
    named = check(note, files, log)
    for digest in sorted(files.keys() - named.required - named.allowed):
        raise TrustError("statement-digest", where=type_line, expected="a file that the note names", got=digest)
    for digest in sorted(named.required - files.keys()):
        if not log.has_file(digest):
            raise EvidenceMissing("plant-file", where=type_line, expected=f"the file {digest}", got="no such file")


def next_keyring(note: bytes, before: Keyring | None, *, registrars: Sequence[Registrar] | None = None) -> Keyring:
    """The keyring after `before`. registrars : of the anchor; None takes those that the first one names itself."""
    if before is not None:
        return before.next(note)
    if registrars is None:
        registrars = keyring_text.KeyringText.parse(split(note)[0]).registrars
    return Keyring.first(note, registrars)


def _approved(note: bytes, log: Before) -> bytes:
    """The text of a note that a preparer and an approver have signed, whose keys are in force for it."""
    if log.keyring is None:
        raise EvidenceMissing("note-unknown-key", where="note", expected="a keyring in the log", got="none")
    return open_approved(note, log.keyring, log.size)


def _check_keyring(note: bytes, files: Files, log: Before) -> Named:
    next_keyring(note, log.keyring, registrars=log.registrars)
    return Named()


def _check_plant(note: bytes, files: Files, log: Before) -> Named:
    said = PlantNote.parse(_approved(note, log))
    _check_plant_name(said.plant, log)
    known = log.indexes(plant_note.TYPE)
    if known:
        before, _ = split(log.entry(known[-1]))
        said.follow(PlantNote.parse(before), leaf=log.leaf_hash(known[-1]))
    else:
        said.follow(None)
    digests = said.point_map.hex(), said.plant_file.hex()
    if all(digest in files for digest in digests):
        said.check_files(*(files[digest] for digest in digests))
        plant_note.read_point_map(files[digests[0]])
    return Named(required=frozenset(digests))


def _check_statement(note: bytes, files: Files, log: Before) -> Named:
    said = statement.parse(_approved(note, log))
    _check_plant_name(said.plant, log)
    if said.inputs.size > log.size:
        expected = f"a log of at most {log.size} entries"
        raise TrustError("statement-inputs", where="inputs.size", expected=expected, got=str(said.inputs.size))
    root = encode64(log.root(said.inputs.size))
    if said.inputs.root != root:
        raise TrustError("statement-root", where=f"size {said.inputs.size}", expected=root, got=said.inputs.root)
    same = [
        index for index in log.indexes(STATEMENT) if statement.parse(split(log.entry(index))[0]).subject == said.subject
    ]
    newest = encode64(log.leaf_hash(same[-1])) if same else None
    if said.supersedes != newest:
        expected = f"the newest statement of this period {newest}" if newest else "null for the first of its period"
        raise TrustError("statement-supersedes", expected=expected, got=str(said.supersedes))
    digests = (said.rules.sha256, said.factors.sha256, said.ledger.sha256, said.plant_file.sha256)
    return Named(allowed=frozenset((*digests, said.plant_file.point_map)))


def _check_correction(note: bytes, files: Files, log: Before) -> Named:
    said = correction.parse(_approved(note, log))
    _check_plant_name(said.plant, log)
    _check_target(said, log)
    return Named(allowed=frozenset([said.evidence.hex()]))


def _check_target(said: Correction, log: Before) -> None:
    where = f"entry {said.index}"
    if said.index >= log.size or not log.entry(said.index).startswith(f"{BATCH}\n".encode()):
        raise TrustError("correction-target", where=where, expected="a batch of this log", got="none")
    correction.check_target(said, leaf=log.leaf_hash(said.index), payload=log.payload(said.index))


def _check_plant_name(plant: str, log: Before) -> None:
    if log.keyring is not None and plant != log.keyring.plant:
        raise TrustError("header-field", where="plant", expected=log.keyring.plant, got=plant)


LEAVES: Final[Mapping[str, Check]] = {
    keyring_text.TYPE: _check_keyring,
    plant_note.TYPE: _check_plant,
    STATEMENT: _check_statement,
    correction.TYPE_LINE: _check_correction,
}
"""By first line, how a note is verified."""
