"""The owned folder of a log: in which order things reach the disk, and what is made of them after a crash.

Appending: attachments, then the journal, then the acknowledgement. Publishing: tiles, then the checkpoint, then the
journal is cleared. So a reader never sees a checkpoint whose tiles could vanish, and whatever was acknowledged is in
the tiles or in the journal (reference/trust.md 2.4; R35). What may be appended is `log`'s business.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tanji.errors import InstanceLocked, LogError, LogUnavailable, TrustError
from tanji.trust import durable
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.log_journal import Frame, Journal
from tanji.trust.log_reader import LogView, read_head
from tanji.trust.registrar import Registrar
from tanji.trust.tiles import WIDTH
from tanji.trust.tree import leaf_hash


class StoredLog(LogView):
    """A log whose folder this process owns, until `close`."""

    def __init__(self, folder: Path, *, origin: str, registrars: Sequence[Registrar] | None) -> None:
        """origin : name of the log in its checkpoints. InstanceLocked; LogError if the files contradict each other."""
        super().__init__(folder, registrars=registrars)
        self.origin = origin
        self._tail: list[bytes] = []
        self._tail_from = 0
        self._head = b""
        for part in ("payload", "files"):
            durable.make_folder(folder / part)
        self._lock = _locked(folder / "lock")
        try:
            self._journal = Journal(folder / "journal")
            self._recover(self._journal.recover())
        except BaseException:
            os.close(self._lock)
            raise

    def entry(self, index: int) -> bytes:
        """The exact bytes of a note, published or not."""
        with self._turn:
            if self._tail_from <= index < self.size:
                return self._tail[index - self._tail_from]
            return super().entry(index)

    def close(self) -> None:
        """Publish nothing more and let another process have the folder."""
        with self._turn:
            self._journal.close()
            os.close(self._lock)

    def _attach(self, files: Mapping[Path, bytes]) -> None:
        """Put attachments on disk, before anything refers to them."""
        try:
            durable.replace_all(files)
        except OSError as error:
            raise LogUnavailable(f"{self.folder}: attachments cannot be written: {error.strerror or error}") from error

    def _append(self, entries: Sequence[bytes]) -> None:
        """Add entries; they cannot be lost any more when this returns."""
        if entries:
            self._journal.append(self.size, entries)
            self._hold(entries)

    def _hold(self, entries: Sequence[bytes]) -> None:
        for entry in entries:
            leaf = leaf_hash(entry)
            index = self._tree.append_hash(leaf)
            self._tail.append(entry)
            self._take_in(index, entry, leaf)

    def _publish(self, head: bytes) -> None:
        """Publish all entries under the checkpoint `head`; a crash leaves entries in two places, never in none."""
        old, new = self._published, self.size
        try:
            self._tiles.write(self._tree, old=old, new=new, entries=self._tail_entries)
            durable.replace(self.folder / "checkpoint", head)
        except OSError as error:
            raise LogUnavailable(f"{self.folder}: cannot publish: {error.strerror or error}") from error
        self._head, self._published = head, new
        self._tiles.tidy(old=old, new=new)
        self._journal.clear()
        self._bundle.cache_clear()
        start = new // WIDTH * WIDTH
        del self._tail[: start - self._tail_from]
        self._tail_from = start

    def _tail_entries(self, low: int, high: int) -> Sequence[bytes]:
        return self._tail[low - self._tail_from : high - self._tail_from]

    def _recover(self, frames: Sequence[Frame]) -> None:
        """Read tiles and journal; refuse to go on unless they, the checkpoint and the witnessed ones agree."""
        path = self.folder / "checkpoint"
        try:
            if path.exists():
                self._head = path.read_bytes()
                self._recover_tiles(read_head(self._head))
            for frame in frames:
                self._recover_frame(frame)
            if frames and frames[0].first < self._published:  # stopped after publishing, perhaps before tidying
                self._tiles.tidy(old=frames[0].first, new=self._published)
            for kept in self._cosigned.all()[-1:]:  # the largest fixes every entry the earlier ones did
                head = read_head(kept.note())
                self._expect(head.size <= self.size, f"a witness saw {head.size} entries, {self.size} are here")
                self._expect(head.root == self.root(head.size), f"a witness saw another log at {head.size} entries")
        except TrustError as error:
            raise LogError(f"{self.folder}: {error}") from error

    def _recover_tiles(self, head: Checkpoint) -> None:
        self._expect(head.origin == self.origin, f"the folder belongs to {head.origin}, not {self.origin}")
        for digest in self._tiles.hashes(0, low=0, high=head.size):
            self._tree.append_hash(digest)
        self._published = head.size
        self._expect(self.root() == head.root, "the tiles have not the root of the checkpoint")
        self._tail_from = head.size // WIDTH * WIDTH
        width = head.size - self._tail_from
        self._tail = self._tiles.entries(self._tail_from // WIDTH, width=width) if width else []
        for index, entry in enumerate(self._tail, self._tail_from):
            self._expect(leaf_hash(entry) == self.leaf_hash(index), f"entry {index} is not the one of its leaf")
        self._scan()

    def _recover_frame(self, frame: Frame) -> None:
        """Entries of the journal: those that were published meanwhile are the same, the others follow."""
        for index, entry in enumerate(frame.entries, frame.first):
            if index < self.size:
                self._expect(self.leaf_hash(index) == leaf_hash(entry), f"entry {index} differs in the journal")
            else:
                self._expect(index == self.size, f"the journal goes on with {index} after {self.size} entries")
                self._hold([entry])

    def _expect(self, holds: bool, fault: str) -> None:
        if not holds:
            raise LogError(f"{self.folder}: {fault}")


def _locked(path: Path) -> int:
    """The lock of the folder, held until the descriptor is closed or the process ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise InstanceLocked(f"{path.parent}: another process owns this log") from error
    return descriptor
