"""What a log holds by type of note, and where the chain of every gateway stands.

Rebuilt from the entries whenever a log is opened, so that it cannot disagree with them. Only entries that were accepted
come here: their form is relied on. What is acceptable is decided in `leaves` and `log_accept`.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from tanji.errors import LogError

BATCH = "tanji/batch/v1"
CHAINED = (b"kind regular", b"kind laboratory")
"""Batches without a hole in time between them; late and config ones lie anywhere."""

BATCH_LINES = 8
"""Lines of a batch note up to its `to`."""


@dataclass(frozen=True, slots=True)
class ChainState:
    """The end of a chain: number, index and leaf hash of its last batch, and the `to` where it goes on [UTC ms]."""

    seq: int
    index: int
    leaf: bytes
    to_ms: int

    @classmethod
    def after(cls, last: ChainState | None, entry: bytes, *, index: int, leaf: bytes) -> ChainState:
        """The end of the chain when `entry` has been added to it."""
        _, _, kind, seq, _, _, to = entry.split(b"\n", BATCH_LINES - 1)[: BATCH_LINES - 1]
        to_ms = int(to[3:]) if last is None or kind in CHAINED else last.to_ms
        return cls(int(seq[4:]), index, leaf, to_ms)


@dataclass(slots=True)
class Chain:
    """All batches of one gateway, numbered without a gap from the first one this log was given."""

    first_seq: int
    end: ChainState
    indexes: array[int] = field(default_factory=lambda: array("Q"))

    def index_of(self, seq: int) -> int | None:
        """Where the batch of that number is."""
        at = seq - self.first_seq
        return self.indexes[at] if 0 <= at < len(self.indexes) else None


class LogIndex:
    """Indexes of all entries by their first line, and the chains of the batches among them."""

    def __init__(self) -> None:
        self._kinds: dict[bytes, array[int]] = {}
        self._leaves: dict[bytes, int] = {}
        self.chains: dict[str, Chain] = {}

    def add(self, index: int, entry: bytes, leaf: bytes) -> None:
        """Take in the next entry."""
        kind = entry[: entry.find(b"\n")]
        self._kinds.setdefault(kind, array("Q")).append(index)
        if kind != BATCH.encode():
            self._leaves[leaf] = index
            return
        gateway = entry.split(b"\n", 2)[1][8:].decode()
        chain = self.chains.get(gateway)
        end = ChainState.after(None if chain is None else chain.end, entry, index=index, leaf=leaf)
        if chain is None:
            chain = self.chains[gateway] = Chain(end.seq, end)
        elif end.seq != chain.end.seq + 1:
            raise LogError(f"entry {index}: {gateway} continues with {end.seq} after {chain.end.seq}")
        chain.end = end
        chain.indexes.append(index)

    def indexes(self, type_line: str) -> Sequence[int]:
        """Where the notes with this first line are."""
        return self._kinds.get(type_line.encode(), array("Q"))

    def find(self, leaf: bytes) -> int | None:
        """Where a note that is no batch is, by its leaf hash."""
        return self._leaves.get(leaf)
