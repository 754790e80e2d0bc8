"""The folder of a plant's keys: private key files, keyring notes, drafts and the anchor, by their names.

`<part>.key` is the private key whose name ends in /<part>, `keyring-<n>.note` a keyring that is complete and waits for
the log, `keyring-<n>.draft` one that waits for signatures, `anchor` the trust anchor (R33).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import durable
from tanji.trust.keyring import FIRST_VERSION, Keyring
from tanji.trust.keyring_draft import Draft
from tanji.trust.keys import VerifierKey
from tanji.trust.policy import Anchor
from tanji.trust.signer import SigningKeyFile

FOLDER_MODE = 0o700
"""Names of keys are nobody's business, and a folder that others may write is one in which they may swap files."""


class KeyFolder:
    """Everything a plant's keys need on disk."""

    def __init__(self, folder: Path, *, anchor: str = "anchor") -> None:
        self.folder = folder
        self.anchor_file = folder / anchor

    def make(self) -> None:
        """Make the folder, for its owner alone."""
        if not self.folder.exists():
            durable.make_folder(self.folder)
            self.folder.chmod(FOLDER_MODE)

    def key_file(self, part: str) -> SigningKeyFile:
        """The private key file of a part of a name."""
        return SigningKeyFile(self.folder / f"{part}.key")

    def note_file(self, version: int) -> Path:
        """Where the keyring note of a version is."""
        return self.folder / f"keyring-{version}.note"

    def draft_file(self, version: int) -> Path:
        """Where the draft of a version is."""
        return self.folder / f"keyring-{version}.draft"

    def anchor(self) -> Anchor:
        """The trust anchor; `EvidenceMissing` if there is none yet."""
        try:
            return Anchor.parse(self.anchor_file.read_bytes())
        except FileNotFoundError:
            where = str(self.anchor_file)
            raise EvidenceMissing("policy-form", where=where, expected="a trust anchor", got="no file") from None

    def notes(self) -> Iterator[bytes]:
        """The keyring notes that are complete, from version 1 on."""
        version = FIRST_VERSION
        while self.note_file(version).exists():
            yield self.note_file(version).read_bytes()
            version += 1

    def keyring(self) -> Keyring | None:
        """The newest keyring, each version verified against the one before; None before the first."""
        found: Keyring | None = None
        for note in self.notes():
            found = Keyring.first(note, self.anchor().registrars) if found is None else found.next(note)
        return found

    def save(self, draft: Draft) -> Path:
        """Put a draft into its file, or, once everybody has signed, the note into its place; where that is."""
        version = draft.text.version
        if draft.waiting_for():
            durable.replace(self.draft_file(version), draft.data)
            return self.draft_file(version)
        note, current = draft.complete(), self.keyring()
        if current is None:
            Keyring.first(note, self.anchor().registrars)
        else:
            current.next(note)
        try:
            durable.create(self.note_file(version), note)
        except FileExistsError:
            where = str(self.note_file(version))
            raise TrustError("keyring-version", where=where, expected="no such version yet", got="a note") from None
        durable.remove(self.draft_file(version))
        return self.note_file(version)


def part_of(vkey: str) -> str:
    """Last part of a key's name, which is the name of its file."""
    return VerifierKey.parse(vkey).name.rpartition("/")[2]
