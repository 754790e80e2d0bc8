"""Which keyring speaks for a statement or a reading that somebody holds by itself.

A keyring is found where it usually lies: in the folder `keyring` of an unpacked bundle beside the file, in a bundle, or
as `keyring-<n>.note` beside the anchor. It is believed only as far as the registrars of the anchor signed it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust.keyring import Keyring
from tanji.trust.policy import Anchor
from tanji.trust.verify_signers import KeyHistory
from tanji.trust.verify_source import Place, indexed, located

INDEXED = re.compile(r"([0-9]{12})\.note", re.ASCII)
NUMBERED = re.compile(r"keyring-([0-9]{1,9})\.note", re.ASCII)

NO_INDEX = 0
"""Of a file that is named by its version. In a log the first keyring alone can have it."""

UNKNOWN = ("note-unknown-key", "batch-key")
"""How a key fails that is not, or no longer, in force."""

Found = TypeVar("Found")


def keys_at(places: list[Path], anchor: Anchor, *, size: int) -> KeyHistory:
    """The keyrings of the first of the places that has any, up to those that the anchor names.

    size : of the log that the evidence leads to. EvidenceMissing if there is none, or that one is not among them.
    """
    for place in places:
        found = list(_notes(place))
        if found:
            keys = _history(found, anchor)
            keys.require(anchor.keyrings, size=size)
            return keys
    expected = "keyring notes (--keyring FOLDER or BUNDLE)"
    got = f"none in {', '.join(dict.fromkeys(map(str, places)))}"
    raise EvidenceMissing("note-unknown-key", where="keyring", expected=expected, got=got)


def by_keyring(keys: KeyHistory, check: Callable[[Keyring], Found], *, index: int) -> Found:
    """What `check` finds by the keyring in force at a log index; TrustError is its own.

    Files named by version have no index, so that the newest counts. EvidenceMissing where an older one would do:
    whether the key was ended before this entry or behind it, nobody can say then.
    """
    keyring = keys.in_force(index)
    if keyring is None:
        raise EvidenceMissing("note-unknown-key", where="keyring", expected=f"one logged before {index}", got="none")
    try:
        return check(keyring)
    except TrustError as error:
        if error.rule not in UNKNOWN or keys.notes[-1][0] != NO_INDEX:
            raise
        older = [each.version for _, each in keys.notes[:-1] if _holds(check, each)]
        if not older:
            raise
        expected = f"keyrings with their place in the log (a bundle), as one after {older[-1]} ends the key"
        raise EvidenceMissing(error.rule, where="keyring", expected=expected, got="files named by version") from error


def _holds(check: Callable[[Keyring], object], keyring: Keyring) -> bool:
    try:
        check(keyring)
    except TrustError:
        return False
    return True


def _history(notes: list[tuple[int, str, bytes]], anchor: Anchor) -> KeyHistory:
    """The keyrings, each accepted after the one before it."""
    found: list[tuple[int, Keyring]] = []
    for at, name, note in notes:
        with located(name):
            found.append((at, found[-1][1].next(note) if found else Keyring.first(note, anchor.registrars)))
    return KeyHistory(tuple(found))


def _notes(place: Path) -> Iterator[tuple[int, str, bytes]]:
    """Index, name and bytes of every keyring note, oldest first."""
    if place.is_file() or (place / "keyring").is_dir() or Place(place).is_log:
        with Place(place).open() as source:
            for index, path in indexed(source.paths, "keyring", ".note"):
                yield index, path, source.read(path)
        return
    named = [(pattern.fullmatch(file.name), file) for pattern in (INDEXED, NUMBERED) for file in _files(place)]
    matched = sorted((int(match[1]), file) for match, file in named if match)
    for number, file in matched:
        yield number if INDEXED.fullmatch(file.name) else NO_INDEX, file.name, file.read_bytes()


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.note")) if folder.is_dir() else []
