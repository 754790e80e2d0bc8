"""The log as far as a bundle holds it, for what computes and judges periods from a log (R36).

Keyrings, plant notes, the batches of the period and what they name; nothing else of the log is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tanji.errors import EvidenceMissing
from tanji.trust import bundle, keyring_text, plant_note
from tanji.trust.keyring import Keyring
from tanji.trust.leaves import next_keyring
from tanji.trust.verify_source import Source

INPUTS = "recompute-inputs"
"""The rule that fails where an entry is asked for that the bundle does not hold."""


FOLDERS = {keyring_text.TYPE: "keyring/", plant_note.TYPE: "plant/"}


@dataclass(frozen=True, slots=True)
class KeptNote:
    """A cosigned checkpoint of a bundle."""

    data: bytes

    def note(self) -> bytes:
        """Its bytes."""
        return self.data


class BundleLog:
    """The log as far as a bundle holds it, up to the size the statement was computed at."""

    def __init__(self, source: Source, *, size: int) -> None:
        self._source = source
        self._paths = frozenset(source.paths)
        self.size = size
        self._keyrings = [(index, self.entry(index)) for index in self.indexes(keyring_text.TYPE)]
        self._files = {self._digest(path): path for path in (bundle.PLANT, bundle.POINT_MAP)}

    def refresh(self) -> None:
        """A bundle does not grow."""

    @property
    def keyring(self) -> Keyring | None:
        """The newest keyring below the size."""
        return self.keyring_before(self.size)

    def keyring_before(self, index: int) -> Keyring | None:
        """The keyring in force for the entry at an index."""
        found: Keyring | None = None
        for at, signed in self._keyrings:
            if at < index:
                found = next_keyring(signed, found)
        return found

    def entry(self, index: int) -> bytes:
        """A note, wherever the bundle has it."""
        for folder in ("notes/", *FOLDERS.values()):
            path = f"{folder}{index:012d}.note"
            if path in self._paths:
                return self._source.read(path)
        raise EvidenceMissing(INPUTS, where=f"entry {index}", expected="a note in the bundle", got="none")

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """The notes [start, end), nothing in the place of those before the first one used."""
        for index in range(start, end):
            path = f"notes/{index:012d}.note"
            yield self._source.read(path) if path in self._paths else b""

    def payload(self, index: int) -> bytes:
        """The lines of a batch."""
        path = f"payload/{index:012d}.lines"
        if path in self._paths:
            return self._source.read(path)
        if b"\npoints 0 " in self.entry(index):
            return b""
        raise EvidenceMissing("payload-missing", where=path, expected="the payload of a batch", got="none")

    def file(self, digest: str) -> bytes:
        """A file by its SHA-256."""
        path = self._files.get(digest, f"files/{digest}")
        if path not in self._paths:
            raise EvidenceMissing("plant-file", where=path, expected="a file in the bundle", got="none")
        return self._source.read(path)

    def indexes(self, type_line: str) -> Sequence[int]:
        """Where keyring and plant notes are."""
        folder = FOLDERS[type_line]
        found = (path for path in self._paths if path.startswith(folder) and path.endswith(".note"))
        return sorted(index for path in found if (index := int(path[len(folder) : -len(".note")])) < self.size)

    def checkpoints(self) -> Sequence[KeptNote]:
        """Every cosigned checkpoint."""
        found = sorted(path for path in self._paths if path.startswith("checkpoints/"))
        return [KeptNote(self._source.read(path)) for path in found]

    def _digest(self, path: str) -> str:
        return hashlib.sha256(self._source.read(path)).hexdigest()
