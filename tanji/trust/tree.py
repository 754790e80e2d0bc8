"""Merkle trees of RFC 6962 section 2.1: append, root at any size, inclusion and consistency proofs.

The two verifications are the loops of RFC 9162 sections 2.1.3.2 and 2.1.4.2. Keeping a tree on disk is `tiles`; what a
leaf says is the business of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from tanji.errors import TrustError

HASH_BYTES = 32

EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf; the prefix keeps leaves and nodes apart."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of a node over its two children."""
    return sha256(b"\x01" + left + right).digest()


def split_point(width: int) -> int:
    """Largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)


class Tree:
    """An append-only tree in memory; `levels[h][i]` is the root of the i-th perfect subtree of height h."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self.levels: list[list[bytes]] = [[]]
        for digest in leaves:
            self.append_hash(digest)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self.levels[0])

    def append(self, entry: bytes) -> int:
        """Add an entry; its index."""
        return self.append_hash(sha256(b"\x00" + entry).digest())

    def append_hash(self, digest: bytes) -> int:
        """Add the hash of a leaf; its index."""
        levels = self.levels
        row = levels[0]
        row.append(digest)
        index = count = len(row)
        height = 0
        while not count & 1:
            digest = sha256(b"\x01" + row[count - 2] + digest).digest()
            height += 1
            if height == len(levels):
                levels.append([])
            row = levels[height]
            row.append(digest)
            count >>= 1
        return index - 1

    def root(self, size: int | None = None) -> bytes:
        """Root of the first `size` leaves. None: of all."""
        size = self._known(self.size if size is None else size)
        return self.range_root(0, size) if size else EMPTY_ROOT

    def range_root(self, low: int, high: int) -> bytes:
        """Root of the leaves [low, high), which begin where a subtree of the RFC begins."""
        width = high - low
        if width & (width - 1) == 0 and low % width == 0:
            height = width.bit_length() - 1
            return self.levels[height][low >> height]
        middle = low + split_point(width)
        return node_hash(self.range_root(low, middle), self.range_root(middle, high))

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Proof that leaf `index` is one of the first `size`, from the leaf's sibling upwards."""
        size = self._known(self.size if size is None else size)
        if not 0 <= index < size:
            raise TrustError("proof-form", expected=f"an index below {size}", got=str(index))
        low, high, path = 0, size, []
        while high - low > 1:
            middle = low + split_point(high - low)
            if index < middle:
                path.append((middle, high))
                high = middle
            else:
                path.append((low, middle))
                low = middle
        return [self.range_root(start, end) for start, end in reversed(path)]

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """Proof that the first `old` leaves are the beginning of the first `new`."""
        new = self._known(self.size if new is None else new)
        if not 0 < old <= new:
            raise TrustError("proof-form", expected=f"an old size from 1 to {new}", got=str(old))
        low, high, whole, path = 0, new, True, []
        while old != high:  # RFC 6962 section 2.1.2, from the root downwards
            middle = low + split_point(high - low)
            if old <= middle:
                path.append((middle, high))
                high = middle
            else:
                path.append((low, middle))
                low, whole = middle, False
        if not whole:
            path.append((low, high))
        return [self.range_root(start, end) for start, end in reversed(path)]

    def _known(self, size: int) -> int:
        if not 0 <= size <= self.size:
            raise TrustError("proof-form", expected=f"a size from 0 to {self.size}", got=str(size))
        return size


def root_of_lines(lines: Iterable[bytes]) -> bytes:
    """Root over entries at once, level by level; the line feed of a line is part of it."""
    begin, found = sha256(b"\x00").copy, []  # copies of a hash that knows the prefix spare joining bytes each time
    for line in lines:
        leaf = begin()
        leaf.update(line)
        found.append(leaf.digest())
    return root_of_hashes(found)


def root_of_hashes(level: Sequence[bytes]) -> bytes:
    """Root over leaf hashes at once: an odd last node moves up unchanged, which is the split of the RFC."""
    row = list(level)
    if not row:
        return EMPTY_ROOT
    while len(row) > 1:
        odd = [row.pop()] if len(row) & 1 else []
        row = _parents(row) + odd
    return row[0]


def _parents(row: Sequence[bytes]) -> list[bytes]:
    """The nodes over an even number of nodes, by copies of a hash that knows the prefix."""
    begin, found = sha256(b"\x01").copy, []
    nodes = iter(row)
    for left, right in zip(nodes, nodes, strict=True):
        node = begin()
        node.update(left)
        node.update(right)
        found.append(node.digest())
    return found


def root_from_inclusion(index: int, size: int, digest: bytes, proof: Sequence[bytes]) -> bytes:
    """The root to which `proof` leads from the leaf hash `digest` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise TrustError("proof-length", expected=f"an index below the size {size}", got=str(index))
    _check_hashes([digest, *proof])
    first, last = index, size - 1
    for node in proof:
        if last == 0:
            raise TrustError("proof-length", expected="a proof up to the root", got="a longer one")
        if first & 1 or first == last:
            digest = node_hash(node, digest)
            while first and not first & 1:
                first >>= 1
                last >>= 1
        else:
            digest = node_hash(digest, node)
        first >>= 1
        last >>= 1
    if last:
        raise TrustError("proof-length", expected="a proof up to the root", got="a shorter one")
    return digest


def verify_inclusion(index: int, size: int, digest: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise unless the leaf hash `digest` is at `index` of the tree of `size` leaves with this root."""
    _check_root(root_from_inclusion(index, size, digest, proof), root, which="the root")


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raise unless the tree of `old` leaves is the beginning of that of `new` (RFC 9162 section 2.1.4.2).

    Size 0 is refused: nothing can be proved from it.
    """
    if not 0 < old <= new:
        raise TrustError("proof-form", expected=f"an old size from 1 to {new}", got=str(old))
    if old == new:
        if proof:
            raise TrustError("proof-length", expected="no hashes between equal sizes", got=f"{len(proof)}")
        _check_root(new_root, old_root, which="the root of the same size")
        return
    _check_hashes([old_root, new_root, *proof])
    nodes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not proof:
        raise TrustError("proof-length", expected="a proof", got="an empty one")
    first, last = old - 1, new - 1
    while first & 1:
        first >>= 1
        last >>= 1
    seen_old = seen_new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            raise TrustError("proof-length", expected="a proof up to the root", got="a longer one")
        if first & 1 or first == last:
            seen_old, seen_new = node_hash(node, seen_old), node_hash(node, seen_new)
            while first and not first & 1:
                first >>= 1
                last >>= 1
        else:
            seen_new = node_hash(seen_new, node)
        first >>= 1
        last >>= 1
    if last:
        raise TrustError("proof-length", expected="a proof up to the root", got="a shorter one")
    _check_root(seen_old, old_root, which="the old root")
    _check_root(seen_new, new_root, which="the new root")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    for each in hashes:
        if len(each) != HASH_BYTES:
            raise TrustError("proof-form", expected=f"hashes of {HASH_BYTES} bytes", got=f"{len(each)} bytes")


def _check_root(got: bytes, expected: bytes, *, which: str) -> None:
    if got != expected:
        raise TrustError("proof-root", where=which, expected=expected.hex(), got=got.hex())
