"""What can be asked of a log: entries, hashes, proofs, attachments, chains, the keyring, cosigned checkpoints.

`LogReader` opens the folder of a log read-only, next to the process that writes it, and sees exactly what the newest
checkpoint covers. Proofs and roots come from the tree over the leaf tiles, and an entry is given out only if it hashes
to its leaf. Whether signatures and quorum hold is for verifiers; appending is `log`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import checkpoint as checkpoints
from tanji.trust import keyring_text
from tanji.trust.batch import ChainEnd
from tanji.trust.canonical import encode64
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.compact_range import prefix_hashes
from tanji.trust.keyring import Keyring
from tanji.trust.leaves import next_keyring
from tanji.trust.log_checkpoints import CosignedCheckpoints, Kept
from tanji.trust.log_index import LogIndex
from tanji.trust.note import split
from tanji.trust.registrar import Registrar
from tanji.trust.tiles import WIDTH, Tiles
from tanji.trust.tree import Tree, leaf_hash

NO_LINES = b"\npoints 0 "
KEYRING = f"{keyring_text.TYPE}\n".encode()
CACHED_BUNDLES = 16
"""Bundles of entries kept after reading, 40 MB at the very most: readers go through a log in order."""


class LogView:
    """A log as it can be read; `LogReader` and `Log` are its two kinds."""

    def __init__(self, folder: Path, *, registrars: Sequence[Registrar] | None = None) -> None:
        """registrars : of the anchor, whom the first keyring has to name; None: whom it names itself."""
        self.folder = folder
        self.registrars = registrars
        self._turn = threading.RLock()
        self._tiles = Tiles(folder)
        self._cosigned = CosignedCheckpoints(folder / "checkpoints")
        self._tree = Tree()
        self._published = 0
        self._scanned = 0
        self._index = LogIndex()
        self._keyrings: list[tuple[int, Keyring]] = []
        self._bundle = lru_cache(maxsize=CACHED_BUNDLES)(self._read_bundle)

    @property
    def size(self) -> int:
        """Number of entries."""
        return self._tree.size

    @property
    def published(self) -> int:
        """Size of the newest checkpoint."""
        return self._published

    def refresh(self) -> None:
        """Look whether there is more; whoever owns the log knows it all."""

    def root(self, size: int | None = None) -> bytes:
        """Root of the first `size` entries. None: of all."""
        with self._turn:
            return self._tree.root(size)

    def leaf_hash(self, index: int) -> bytes:
        """Hash of an entry."""
        self._check(index)
        return self._tree.levels[0][index]

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Proof that an entry is among the first `size`."""
        with self._turn:
            return self._tree.inclusion(index, size)

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """Proof that the first `old` entries are the beginning of the first `new`."""
        with self._turn:
            return self._tree.consistency(old, new)

    def prefix_hashes(self, size: int) -> tuple[bytes, ...]:
        """The right edge of the first `size` entries, the largest subtree first."""
        with self._turn:
            return prefix_hashes(self._tree, size)

    def entry(self, index: int) -> bytes:
        """The exact bytes of a note."""
        with self._turn:
            self._check(index)
            entry = self._bundle(index // WIDTH)[index % WIDTH]
        if leaf_hash(entry) != self._tree.levels[0][index]:
            where, got = f"entry {index}", encode64(leaf_hash(entry))
            raise TrustError("checkpoint-root", where=where, expected=encode64(self.leaf_hash(index)), got=got)
        return entry

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """The notes [start, end)."""
        return (self.entry(index) for index in range(start, end))

    def payload(self, index: int) -> bytes:
        """The lines of a batch; whether they have the signed root is checked by who relies on them.

        EvidenceMissing: no file, unless the note says that there are none.
        """
        path = self._payload_path(index)
        if not path.exists() and NO_LINES in self.entry(index):
            return b""
        return self._attachment(path, rule="payload-missing")

    def file(self, digest: str) -> bytes:
        """An attachment by its SHA-256 in hexadecimal."""
        data = self._attachment(self.folder / "files" / digest, rule="statement-digest")
        if sha256(data).hexdigest() != digest:
            raise TrustError("statement-digest", where=digest, expected=digest, got=sha256(data).hexdigest())
        return data

    def has_file(self, digest: str) -> bool:
        """Whether an attachment is there."""
        return (self.folder / "files" / digest).is_file()

    def indexes(self, type_line: str) -> Sequence[int]:
        """Where the notes of a type are, in order, e.g. `tanji/statement/v1`."""
        return tuple(self._scan().indexes(type_line))

    def chain_end(self, gateway: str) -> ChainEnd | None:
        """The last batch of a gateway or laboratory; None if there is none."""
        chain = self._scan().chains.get(gateway)
        if chain is None:
            return None
        end = chain.end
        return ChainEnd(end.seq, end.leaf, end.to_ms, self.entry(end.index))

    @property
    def keyring(self) -> Keyring | None:
        """The newest keyring; None if none was logged."""
        self._scan()
        return self._keyrings[-1][1] if self._keyrings else None

    def keyring_before(self, index: int) -> Keyring | None:
        """The keyring in force for the entry at an index: the newest one logged before it."""
        self._scan()
        return next((keyring for at, keyring in reversed(self._keyrings) if at < index), None)

    def checkpoints(self) -> tuple[Kept, ...]:
        """Every cosigned checkpoint that the log reaches to, by size and time."""
        return tuple(kept for kept in self._cosigned.all() if kept.size <= self.size)

    def latest_cosigned(self) -> bytes | None:
        """The newest cosigned checkpoint; None if no witness has seen the log yet."""
        known = self.checkpoints()
        return known[-1].note() if known else None

    def _scan(self) -> LogIndex:
        """Bring the index up to the size of the log."""
        with self._turn:
            while self._scanned < self.size:
                index = self._scanned
                self._take_in(index, self.entry(index), self._tree.levels[0][index])
            return self._index

    def _take_in(self, index: int, entry: bytes, leaf: bytes) -> None:
        self._index.add(index, entry, leaf)
        if entry.startswith(KEYRING):
            known = self._keyrings[-1][1] if self._keyrings else None
            self._keyrings.append((index, next_keyring(entry, known, registrars=self.registrars)))
        self._scanned = index + 1

    def _payload_path(self, index: int) -> Path:
        return self.folder / "payload" / f"{index:012d}.lines"

    def _read_bundle(self, number: int) -> list[bytes]:
        return self._tiles.entries(number, width=min(WIDTH, self._published - number * WIDTH))

    def _attachment(self, path: Path, *, rule: str) -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            where = str(path.relative_to(self.folder))
            raise EvidenceMissing(rule, where=where, expected="a file beside the log", got="no file") from None

    def _check(self, index: int) -> None:
        if not 0 <= index < self.size:
            raise EvidenceMissing("proof-form", expected=f"an index below {self.size}", got=str(index))


class LogReader(LogView):
    """The published state of a log in `folder`; `refresh` looks again."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.refresh()

    def refresh(self) -> None:
        """Take in what was published since; a log that has published nothing is empty."""
        with self._turn:
            if (self.folder / "checkpoint").exists():
                self._grow(read_head(self.checkpoint()))

    def checkpoint(self) -> bytes:
        """The newest checkpoint, signed by the log."""
        return self._attachment(self.folder / "checkpoint", rule="checkpoint-form")

    def _grow(self, head: Checkpoint) -> None:
        if head.size < self.size:
            expected = f"at least {self.size}, which were published before"
            raise TrustError("checkpoint-size", where=head.origin, expected=expected, got=str(head.size))
        low = self.size // WIDTH * WIDTH
        hashes = self._tiles.hashes(0, low=low, high=head.size) if head.size > self.size else []
        for digest in hashes[self.size - low :]:
            self._tree.append_hash(digest)
        self._published = head.size
        self._bundle.cache_clear()
        if self._tree.root(head.size) != head.root:
            got = encode64(self._tree.root(head.size))
            raise TrustError("checkpoint-root", where=head.origin, expected=encode64(head.root), got=got)


def read_head(note: bytes) -> Checkpoint:
    """The checkpoint of a note from the log's own folder; its signatures are for those who rely on it."""
    body, _ = split(note)
    return checkpoints.parse(body)
