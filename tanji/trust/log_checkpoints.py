"""Every cosigned checkpoint of a log, one file each: the times of the witnesses are the only third-party clock.

A file is named by size and the latest time of a cosignature, `<size>-<seconds>.note`. Verified before it comes here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tanji.trust import durable

NAME = re.compile(r"(\d{12,})-(\d+)\.note")


@dataclass(frozen=True, slots=True)
class Kept:
    """A cosigned checkpoint: size of its tree, latest time of a witness [s], and where it is."""

    size: int
    time_s: int
    path: Path

    def note(self) -> bytes:
        """The checkpoint with its signatures."""
        return self.path.read_bytes()


class CosignedCheckpoints:
    """The folder `checkpoints` of one log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> tuple[Kept, ...]:
        """Every one, by size and time."""
        names = (path.name for path in self.folder.glob("*.note")) if self.folder.is_dir() else ()
        found = ((match, self.folder / match[0]) for match in map(NAME.fullmatch, names) if match)
        return tuple(sorted((Kept(int(match[1]), int(match[2]), path) for match, path in found), key=_order))

    def add(self, note: bytes, *, size: int, time_s: int) -> None:
        """Keep one more; on disk when this returns. Lines of two witnesses in one second are kept together."""
        durable.make_folder(self.folder)
        path = self.folder / f"{size:012d}-{time_s}.note"
        if path.exists():
            known = path.read_bytes()
            lines = note.rpartition(b"\n\n")[2].split(b"\n")[:-1]
            note = known + b"".join(line + b"\n" for line in lines if line + b"\n" not in known)
        durable.replace(path, note)


def _order(kept: Kept) -> tuple[int, int]:
    return kept.size, kept.time_s
