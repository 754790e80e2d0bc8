"""What a witness has cosigned last, of each log: one file, which is also what it shows to monitors.

Checking against it and replacing it are one step under one lock, and the new one is on disk before anybody is answered
(C2SP tlog-witness); else a second request could roll the first one back. A file that cannot be read back stops the
witness for that log: forgetting what it saw would let the log go back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from tanji.errors import LogError, TrustError
from tanji.trust import checkpoint as checkpoints
from tanji.trust import durable
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.keys import VerifierKey
from tanji.trust.note import open_note


class Memory:
    """The checkpoints of one folder, each with the cosignature of `key`."""

    def __init__(self, folder: Path, *, key: VerifierKey) -> None:
        self._folder, self._key = folder, key
        self._turn = threading.Lock()
        durable.make_folder(folder)

    def note(self, origin_hash: str) -> bytes | None:
        """The newest cosigned checkpoint of a log by the SHA-256 of its origin; None if there is none."""
        path = self._folder / f"{origin_hash}.checkpoint"
        return path.read_bytes() if path.exists() else None

    def last(self, origin: str) -> Checkpoint | None:
        """The newest checkpoint of a log; None if none was ever cosigned."""
        note = self.note(hash_of(origin))
        if note is None:
            return None
        try:
            head = checkpoints.parse(open_note(note, [self._key]).body, extensions=True)
        except TrustError as error:
            raise LogError(f"{origin}: what was cosigned last cannot be read back: {error}") from error
        if head.origin != origin:
            raise LogError(f"{origin}: what was cosigned last is of {head.origin}")
        return head

    def advance(self, origin: str, decide: Callable[[Checkpoint | None], bytes]) -> bytes:
        """Replace the newest checkpoint by what `decide` makes of it, or let it raise; on disk when this returns."""
        with self._turn:
            note = decide(self.last(origin))
            durable.replace(self._folder / f"{hash_of(origin)}.checkpoint", note)
            return note


def hash_of(origin: str) -> str:
    """How a log is named in files and addresses."""
    return sha256(origin.encode()).hexdigest()
