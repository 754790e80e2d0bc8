"""Which keyring speaks for a statement or a reading that somebody holds by itself.

A keyring is found where it usually lies: in the folder `keyring` of an unpacked bundle beside the file, in a bundle, or
as `keyring-<n>.note` beside the anchor. It is believed only as far as the registrars of the anchor signed it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tanji.errors import EvidenceMissing
from tanji.trust.keyring import Keyring
from tanji.trust.policy import Anchor
from tanji.trust.verify_signers import KeyHistory
from tanji.trust.verify_source import Place, indexed, located

INDEXED = re.compile(r"([0-9]{12})\.note", re.ASCII)
NUMBERED = re.compile(r"keyring-([0-9]{1,9})\.note", re.ASCII)


def keyring_at(places: list[Path], anchor: Anchor, *, index: int) -> Keyring:
    """The keyring in force at a log index, from the first of the places that has any; EvidenceMissing if none has."""
    for place in places:
        found = list(_notes(place))
        if found:
            return _in_force(found, anchor, index=index)
    expected = "keyring notes (--keyring FOLDER or BUNDLE)"
    got = f"none in {', '.join(map(str, places))}"
    raise EvidenceMissing("note-unknown-key", where="keyring", expected=expected, got=got)


def _in_force(notes: list[tuple[int, str, bytes]], anchor: Anchor, *, index: int) -> Keyring:
    """Files named by version have no index: a line that ended is told from one in force by its own numbers then."""
    found: list[tuple[int, Keyring]] = []
    for at, name, note in notes:
        with located(name):
            found.append((at, found[-1][1].next(note) if found else Keyring.first(note, anchor.registrars)))
    keyring = KeyHistory(tuple(found)).in_force(index)
    if keyring is None:
        raise EvidenceMissing("note-unknown-key", where="keyring", expected=f"one logged before {index}", got="none")
    return keyring


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
        yield number if INDEXED.fullmatch(file.name) else 0, file.name, file.read_bytes()


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.note")) if folder.is_dir() else []
