"""Who signed an entry of the log, by the keyring in force at its place (docs/trust-format.md 2, 5 and 7).

A note is opened with the keys that may sign there: a line by any other key is an unknown key, other lines than the
required ones are the wrong signers. Only then are signatures verified, and only then may anybody parse.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust.keyring import Keyring
from tanji.trust.keys import VerifierKey
from tanji.trust.note import open_leaf, split
from tanji.trust.policy_file import NamedKeyring

PREPARER, APPROVER = "preparer", "approver"
GATEWAY, LABORATORY = "gateway", "laboratory"


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """Every keyring of the evidence with its index in the log, in order."""

    notes: tuple[tuple[int, Keyring], ...]

    @property
    def newest(self) -> Keyring:
        """The last version."""
        return self.notes[-1][1]

    def in_force(self, index: int) -> Keyring | None:
        """The newest version logged before `index`; None if there is none."""
        at = bisect_left(self.notes, index, key=lambda each: each[0])
        return self.notes[at - 1][1] if at else None

    def require(self, keyrings: Sequence[NamedKeyring], *, size: int) -> None:
        """Raise unless a log of this size shows each keyring that the anchor names, where it is long enough for it.

        EvidenceMissing: without it nobody can say whose keys were in force.
        """
        for named in keyrings:
            found = self.in_force(named.index + 1)
            if size > named.index and (found is None or found.version < named.version):
                expected = f"keyring {named.version} or later up to log index {named.index}, as the anchor says"
                got = "none" if found is None else f"keyring {found.version} up to there"
                raise EvidenceMissing("complete-keyring", where="keyring/", expected=expected, got=got)


def open_among(note: bytes, allowed: Sequence[Sequence[VerifierKey]]) -> tuple[bytes, tuple[VerifierKey, ...]]:
    """Text and signers of a note with one line by one of each of `allowed`, in this order."""
    _, signatures = split(note)
    known = [{(key.name, key.key_id): key for key in keys} for keys in allowed]
    found = [(each.name, each.key_id) for each in signatures]
    for name, key_id in found:
        if not any((name, key_id) in keys for keys in known):
            names = sorted({key.name for keys in allowed for key in keys})
            expected = f"a key known here: {', '.join(names) or 'none'}"
            raise TrustError("note-unknown-key", expected=expected, got=f"{name}+{key_id.hex()}")
    if len(found) != len(known) or not all(each in keys for each, keys in zip(found, known, strict=True)):
        expected = ", then ".join(" or ".join(sorted({key.name for key in keys})) for keys in allowed)
        raise TrustError("note-signers", expected=expected, got=", ".join(name for name, _ in found))
    signers = tuple(keys[each] for each, keys in zip(found, known, strict=True))
    return open_leaf(note, signers), signers


def open_signed(note: bytes, keyring: Keyring | None, index: int) -> tuple[bytes, tuple[VerifierKey, ...]]:
    """Text of a note that preparer and approver in force at `index` have signed, and their keys."""
    roles = [() if keyring is None else keyring.keys_for(role, index) for role in (PREPARER, APPROVER)]
    return open_among(note, roles)


def open_approved(note: bytes, keyring: Keyring | None, index: int) -> bytes:
    """Text of a note that preparer and approver in force at `index` have signed."""
    return open_signed(note, keyring, index)[0]


def open_batch(note: bytes, keyring: Keyring | None) -> tuple[bytes, VerifierKey]:
    """Text and key of a note that one gateway or laboratory has signed; whether it is in force depends on the text."""
    lines = () if keyring is None else keyring.lines
    body, (key,) = open_among(note, [[line.key for line in lines if line.role in (GATEWAY, LABORATORY)]])
    return body, key


def open_list(note: bytes, keyring: Keyring) -> bytes:
    """Text of a bundle's list of members, signed by a preparer whose key has no end yet."""
    keys = [line.key for line in keyring.lines if line.role == PREPARER and line.until is None]
    return open_among(note, [keys])[0]
