"""The folder of drafts that wait for their approver, between two commands and two people (R33).

`<data>/waiting/<name>/` holds `draft`, `prepared` (when, and how large the log was: a remark nobody signed) and what
goes to the log with the note. A draft appears whole or not at all; one that was decided gets a file `outcome` first and
is then moved below `approved` or `rejected`, where it stays. A process that dies between the two is made good by
`tidy`. Nothing here is evidence, and what a draft says is for `approval_draft` and for who signs it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tanji.errors import TrustError, UsageError
from tanji.trust import durable
from tanji.trust.approval_draft import body_of, kind_of

FOLDER = "waiting"
"""In the data directory."""
DRAFT, PREPARED, OUTCOME, PART = "draft", "prepared", "outcome", ".part"
APPROVED, REJECTED = "approved", "rejected"
OWN = (DRAFT, PREPARED, OUTCOME)
"""Files of a draft's folder that do not go to the log."""
DIGITS = 12
"""Of the SHA-256 of a draft in its name: enough to tell drafts apart; what is signed is compared as bytes."""
NAME = re.compile(rf"(statement|correction|plant)-[0-9a-f]{{{DIGITS}}}", re.ASCII)
REMARK = re.compile(r"(0|[1-9][0-9]{0,15}) (0|[1-9][0-9]{0,15})\n", re.ASCII)
LARGEST_FILE = 256 << 20
"""As of a member of a bundle [byte]."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A draft that waits. prepared_ms, size : when it was made [UTC ms] and how long the log was, as its maker says."""

    name: str
    folder: Path
    draft: bytes
    files: Mapping[str, bytes]
    prepared_ms: int
    size: int

    @property
    def kind(self) -> str:
        """What it is by its first line, which nobody has verified yet."""
        return kind_of(self.body)

    @property
    def body(self) -> bytes:
        """Its text, unverified."""
        return body_of(self.draft)

    def check_name(self) -> None:
        """Raise unless this is the draft that was given the name: another one may have been put in its place."""
        if self.name != _name(self.draft):
            raise TrustError("note-form", where=self.name, expected="the draft of this name", got=_name(self.draft))

    def file(self, name: str, *, rule: str) -> bytes:
        """What goes to the log with it; TrustError where it is not there."""
        if name not in self.files:
            raise TrustError(rule, where=str(self.folder / name), expected="a file beside the draft", got="no file")
        return self.files[name]


class WaitingRoom:
    """The drafts of a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / FOLDER

    def put(self, draft: bytes, files: Mapping[str, bytes], *, now_ms: int, size: int) -> Waiting:
        """Keep a draft with the files of its note, durably; the same draft once more stays as it is.

        now_ms : UTC [ms]. size : of the log that it was prepared from, 0 where there is none yet.
        """
        self.tidy()
        name = _name(draft)
        target, part = self.folder / name, self.folder / f"{name}{PART}"
        if not (target / DRAFT).exists():
            shutil.rmtree(part, ignore_errors=True)  # of a crash
            durable.make_folder(part)
            contents = {**files, PREPARED: f"{now_ms} {size}\n".encode(), DRAFT: draft}
            for file, data in contents.items():
                durable.replace(part / file, data)
            os.rename(part, target)
            durable.sync_folder(self.folder)
        return self._read(target)

    def names(self) -> tuple[str, ...]:
        """Names of the drafts that wait; whether one can be read says `find`."""
        return tuple(folder.name for folder in self._folders())

    def readable(self) -> Iterator[Waiting]:
        """The drafts that can be read and are of a kind, the oldest first."""
        found = []
        for name in self.names():
            with suppress(TrustError):
                one = self.find(name)
                found.append((one.prepared_ms, one.kind, one))
        yield from (one for _, _, one in sorted(found, key=lambda each: each[:2]))

    def find(self, text: str) -> Waiting:
        """The draft of a name, as of `folder_of`; TrustError where it cannot be read."""
        return self._read(self.folder_of(text))

    def folder_of(self, text: str) -> Path:
        """Folder of a name, of the only beginning of one, or of a path; UsageError says which there are."""
        wanted = Path(text).name
        found = [folder for folder in self._folders() if folder.name.startswith(wanted)] if wanted else []
        exact = [folder for folder in found if folder.name == wanted]
        if len(exact or found) == 1:
            return (exact or found)[0]
        told = self.outcome(wanted)
        if told is not None:
            raise UsageError(f"{wanted}: expected a draft that waits, got one that was decided: {told}")
        names = ", ".join(self.names()) or "nothing waits"
        raise UsageError(f"DRAFT: expected the name of a draft ({names}), got {text}")

    def outcome(self, text: str) -> str | None:
        """What became of a draft, `approved <index>` or `rejected <UTC ms> <reason>`; None while it waits."""
        name = Path(text).name
        for state in (APPROVED, REJECTED) if NAME.fullmatch(name) and name not in self.names() else ():
            file = self.folder / state / name / OUTCOME
            if file.is_file():
                told = file.read_text(encoding="utf-8", errors="replace").strip()
                return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in told)
        return None

    def approve(self, waiting: Waiting, *, index: int) -> Path:
        """Put a draft away whose note is in the log, or, a plant's, of version `index` in the folder of keys."""
        try:
            return self._decide(waiting.folder, f"{APPROVED} {index}")
        except FileNotFoundError:
            if self.outcome(waiting.name) is None:
                raise
            return self.folder / APPROVED / waiting.name  # by another process at the same time

    def reject(self, folder: Path, *, reason: str, now_ms: int) -> Path:
        """Put a draft away that nobody will sign, readable or not, with the reason."""
        return self._decide(folder, f"{REJECTED} {now_ms} {' '.join(reason.split())}")

    def tidy(self) -> None:
        """Move away what was decided by a process that died before it could."""
        for folder in self._folders(decided=True):
            with suppress(FileNotFoundError):  # another process is at it
                self._move(folder)

    def _decide(self, folder: Path, outcome: str) -> Path:
        durable.replace(folder / OUTCOME, f"{outcome}\n".encode())
        return self._move(folder)

    def _move(self, folder: Path) -> Path:
        state = (folder / OUTCOME).read_text(encoding="utf-8", errors="replace").split(" ", 1)[0]
        home = self.folder / (APPROVED if state == APPROVED else REJECTED)
        durable.make_folder(home)
        target, number = home / folder.name, 1
        while target.exists():  # the same bytes were rejected before, and prepared again
            number += 1
            target = home / f"{folder.name}.{number}"
        os.rename(folder, target)
        durable.sync_folder(home)
        durable.sync_folder(self.folder)
        return target

    def _folders(self, *, decided: bool = False) -> list[Path]:
        """Folders of drafts that wait, or of those that were decided and not moved yet."""
        if not self.folder.is_dir():
            return []
        known = sorted(path for path in self.folder.iterdir() if NAME.fullmatch(path.name) and path.is_dir())
        return [path for path in known if (path / OUTCOME).exists() == decided]

    def _read(self, folder: Path) -> Waiting:
        contents = {path.name: _content(path) for path in sorted(folder.iterdir()) if path.is_file()}
        for name in (DRAFT, PREPARED):
            if name not in contents:
                raise TrustError("note-form", where=str(folder / name), expected="a file of the draft", got="no file")
        remark = REMARK.fullmatch(contents[PREPARED].decode("utf-8", "replace"))
        if remark is None:
            expected, got = "two whole numbers: UTC ms and size of the log", repr(contents[PREPARED][:40])
            raise TrustError("note-form", where=str(folder / PREPARED), expected=expected, got=got)
        files = {name: data for name, data in contents.items() if name not in OWN and not name.endswith(".tmp")}
        return Waiting(folder.name, folder, contents[DRAFT], files, int(remark[1]), int(remark[2]))


def _name(draft: bytes) -> str:
    return f"{kind_of(body_of(draft))}-{sha256(draft).hexdigest()[:DIGITS]}"


def _content(path: Path) -> bytes:
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise TrustError("note-form", where=str(path), expected=f"at most {LARGEST_FILE} bytes", got=f"{size} bytes")
    return path.read_bytes()
