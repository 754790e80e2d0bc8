"""The plant notes of a plant on disk, made where both keys are, taken to the log by the box.

`<keys>/plant-<n>.note` lies beside the keyring notes, with the files it names (`.pointmap`, `.plantfile`), so that
preparer and approver may sign on another machine and carry the three over. What a note says is
`tanji.trust.plant_note`; whether it counts is decided by the log, which verifies it with the keyring in force.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tanji.errors import TrustError
from tanji.plant.point_map import Described
from tanji.trust import durable, note
from tanji.trust.batch import leaf
from tanji.trust.plant_note import NO_NOTE, PlantNote, plant_note
from tanji.trust.signer import Signer

KINDS = ("pointmap", "plantfile")
"""What lies beside a note."""


@dataclass(frozen=True, slots=True)
class KeptNote:
    """A plant note of the folder: its bytes, what it says, and those of its files that are there."""

    note: bytes
    said: PlantNote
    files: Mapping[str, bytes]

    def describes(self, files: Described) -> bool:
        """Whether it approves these files."""
        digests = (files.point_map_digest, files.plant_file_digest)
        return (self.said.point_map, self.said.plant_file) == digests


class PlantNotes:
    """The plant notes in a folder of keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, version: int) -> Path:
        """Where the note of a version is."""
        return self._folder / f"plant-{version}.note"

    def all(self) -> Iterator[KeptNote]:
        """Every note from version 1 on, as far as they follow each other."""
        version = 1
        while (path := self.file(version)).exists():
            data = path.read_bytes()
            files = {kind: beside.read_bytes() for kind in KINDS if (beside := path.with_suffix(f".{kind}")).exists()}
            yield KeptNote(data, PlantNote.parse(note.split(data)[0]), files)
            version += 1

    def newest(self) -> KeptNote | None:
        """The note of the highest version; None if there is none."""
        return max(self.all(), key=lambda kept: kept.said.version, default=None)

    def keep(self, data: bytes, *, point_map: bytes, plant_file: bytes) -> KeptNote:
        """Put a note and its files into the folder; what is there stays."""
        files = {"pointmap": point_map, "plantfile": plant_file}
        kept = KeptNote(data, PlantNote.parse(note.split(data)[0]), files)
        kept.said.check_files(point_map, plant_file)
        path = self.file(kept.said.version)
        for kind in KINDS:
            _create(path.with_suffix(f".{kind}"), files[kind])
        _create(path, data)  # last: a note is never there without its files
        return kept

    def approve(self, plant_id: str, files: Described, *, preparer: Signer, approver: Signer, from_ms: int) -> KeptNote:
        """Sign the next version for these files; the newest one if it approves them already."""
        before = self.newest()
        if before is not None and before.describes(files):
            return before
        signed = note.sign(self.next(plant_id, files, from_ms=from_ms).body(), preparer, approver)
        return self.keep(signed, point_map=files.point_map, plant_file=files.plant_file)

    def next(self, plant_id: str, files: Described, *, from_ms: int) -> PlantNote:
        """What the version after the newest one says of these files."""
        before = self.newest()
        return plant_note(
            plant_id,
            point_map=files.point_map,
            plant_file=files.plant_file,
            from_ms=from_ms,
            before=None if before is None else before.said,
            leaf=NO_NOTE if before is None else leaf(before.note),
        )


def _create(path: Path, data: bytes) -> None:
    try:
        durable.create(path, data)
    except FileExistsError:
        if path.read_bytes() != data:
            raise TrustError("plant-version", where=str(path), expected="what is there", got="another") from None
