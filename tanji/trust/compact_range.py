"""The right edge of a Merkle tree: what is enough to go on from a prefix without its leaves (RFC 6962).

A bundle that begins in the middle of a log carries this edge of all that came before, so that whoever has the entries
from there on can compute every later root. Trees with all their leaves are `tree`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tanji.errors import TrustError
from tanji.trust.tree import EMPTY_ROOT, HASH_BYTES, Tree, node_hash


class CompactRange:
    """The right edge of a tree: what is enough to add leaves and to know the root, without the leaves before."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if size < 0 or len(hashes) != size.bit_count() or any(len(each) != HASH_BYTES for each in hashes):
            expected = f"{max(size, 0).bit_count()} hashes of {HASH_BYTES} bytes for {size} leaves"
            raise TrustError("proof-length", expected=expected, got=f"{len(hashes)} hashes")
        self.size = size
        self._hashes = list(hashes)

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """Roots of the perfect subtrees, the largest first."""
        return tuple(self._hashes)

    def append_hash(self, digest: bytes) -> None:
        """Add the hash of a leaf."""
        count = self.size
        while count & 1:
            digest = node_hash(self._hashes.pop(), digest)
            count >>= 1
        self._hashes.append(digest)
        self.size += 1

    def root(self) -> bytes:
        """Root over everything so far."""
        if not self._hashes:
            return EMPTY_ROOT
        *others, digest = self._hashes
        for left in reversed(others):
            digest = node_hash(left, digest)
        return digest


def prefix_hashes(tree: Tree, size: int) -> tuple[bytes, ...]:
    """Roots of the perfect subtrees of the first `size` leaves of `tree`, the largest first."""
    if not 0 <= size <= tree.size:
        raise TrustError("proof-form", expected=f"a size from 0 to {tree.size}", got=str(size))
    found, low = [], 0
    for height in range(size.bit_length() - 1, -1, -1):
        if size >> height & 1:
            found.append(tree.levels[height][low >> height])
            low += 1 << height
    return tuple(found)
