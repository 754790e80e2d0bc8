"""The `.tlog-proof` of an entry under a checkpoint: what makes a statement checkable offline (C2SP tlog-proof)."""

from __future__ import annotations

from typing import Protocol

from tanji.trust import checkpoint as checkpoints
from tanji.trust import note, proof
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.proof import TlogProof


class Provable(Protocol):
    """A log that proves its entries."""

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Proof that an entry is among the first `size`."""
        ...


def head_of(checkpoint: bytes) -> Checkpoint:
    """Origin, size and root of a checkpoint note of our own log."""
    return checkpoints.parse(note.split(checkpoint)[0])


def proof_of(log: Provable, index: int, checkpoint: bytes) -> bytes:
    """The proof that an entry is in the log a checkpoint signs."""
    path = log.inclusion(index, head_of(checkpoint).size)
    return proof.format(TlogProof(index, tuple(path), checkpoint))
