"""A folder in which one process hands notes to another that owns the log, and finds the answer.

A note lies in a folder of its own, named by its SHA-256, with the files it names; it is renamed into place once it is
whole, so that nobody reads half of one. The answer is a file beside it. Verifying is the log's business.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import durable

FOLDER = "inbox"
"""In the data directory."""
NOTE, ANSWER, PART = "note", "answer", ".part"
INDEX = "index "
LARGEST_FILE = 256 << 20
"""As of a member of a bundle [byte]."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A note that nobody has answered yet, and the files it came with."""

    name: str
    note: bytes
    files: Mapping[str, bytes]


class NoteInbox:
    """The folder, seen from both sides."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def submit(self, note: bytes, *, files: Mapping[str, bytes]) -> str:
        """Hand in a note; the name under which its answer will be."""
        name = sha256(note).hexdigest()
        target, part = self._folder / name, self._folder / f"{name}{PART}"
        for old in (target, part):  # of an earlier attempt
            shutil.rmtree(old, ignore_errors=True)
        durable.make_folder(part)
        contents = {sha256(data).hexdigest(): data for data in files.values()}
        for file, data in {NOTE: note, **contents}.items():
            durable.replace(part / file, data)
        part.rename(target)
        durable.sync_folder(self._folder)
        return name

    def result(self, name: str) -> int | None:
        """Index in the log, None while nobody has answered; TrustError: it was refused."""
        path = self._folder / name / ANSWER
        if not path.exists():
            return None
        said = path.read_text(encoding="utf-8").strip()
        shutil.rmtree(self._folder / name, ignore_errors=True)
        if said.startswith(INDEX):
            return int(said.removeprefix(INDEX))
        kind = EvidenceMissing if said.startswith("missing ") else TrustError
        raise kind("note-form", where="log", expected="a note that the log takes", got=said)

    def waiting(self) -> list[Waiting]:
        """Every note without an answer."""
        if not self._folder.is_dir():
            return []
        found = []
        for folder in sorted(self._folder.iterdir()):
            if folder.suffix == PART or not (folder / NOTE).is_file() or (folder / ANSWER).exists():
                continue
            files = {path.name: path.read_bytes() for path in folder.iterdir()
                     if path.is_file() and path.name != NOTE and path.stat().st_size <= LARGEST_FILE}  # fmt: skip
            found.append(Waiting(folder.name, (folder / NOTE).read_bytes(), files))
        return found

    def answer(self, waiting: Waiting, text: str) -> None:
        """Say what became of a note."""
        durable.replace(self._folder / waiting.name / ANSWER, f"{text}\n".encode())
