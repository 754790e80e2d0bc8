"""What a log refused: note, attachment and reason, kept for a person to look at and never mended.

The same bytes are kept once, however often they come. There is an end to it, or whoever can reach the log could fill
its disk; beyond it refusals are only counted.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tanji.errors import TrustError
from tanji.trust import durable

MOST_NOTES = 1000
"""Refused notes that are kept; a gateway that is set up wrong is understood from the first of them."""

MOST_BYTES = 256 << 20
"""Together with their attachments [byte]."""


@dataclass(frozen=True, slots=True)
class Refused:
    """How many were refused since the log was opened, and the last reason."""

    count: int = 0
    reason: str = ""


class Quarantine:
    """The folder `quarantine` of one log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.refused = Refused()

    def add(self, note: bytes, attachments: tuple[bytes, ...], error: TrustError, *, now_ms: int) -> None:
        """Keep a refused note, its attachments and why, unless it is here already or there is no more room."""
        self.refused = Refused(self.refused.count + 1, str(error))
        stem = sha256(b"\0".join((note, *attachments))).hexdigest()[:32]
        if (self.folder / f"{stem}.json").exists() or not self._has_room(len(note) + sum(map(len, attachments))):
            return
        reason = {"time_ms": now_ms, "rule": error.rule, "where": error.where, "expected": error.expected}
        text = json.dumps(reason | {"got": error.got}, ensure_ascii=False, indent=1) + "\n"
        named = {self.folder / f"{stem}.{number}": data for number, data in enumerate(attachments)}
        files = {self.folder / f"{stem}.note": note} | named | {self.folder / f"{stem}.json": text.encode()}
        with suppress(OSError):  # no room: it was refused all the same, and the reason goes to who sent it
            durable.replace_all(files)

    def _has_room(self, more: int) -> bool:
        if not self.folder.is_dir():
            return True
        sizes = [path.stat().st_size for path in self.folder.iterdir()]
        return len(list(self.folder.glob("*.json"))) < MOST_NOTES and sum(sizes) + more <= MOST_BYTES
