"""tree_proof: inclusion and consistency proofs, against pymerkle in memory (R35; at least 4 times it).

Half of the proofs are of each kind, at sizes all over the tree. Exits 1 where a proof does not verify, where the peer's
path is another one, or below the ratio.
"""

from __future__ import annotations

import random
import sys
from typing import Any

from measure import report
from merkle_peer import HOW, LEAST, entries, peer_tree, seconds

from tanji.trust.tree import Tree, verify_consistency, verify_inclusion

LEAVES, PROOFS, PEERS = 50_000, 4_000, 300


def questions(count: int) -> list[tuple[int, int]]:
    """Pairs of an index, or old size, and a size."""
    rng = random.Random(6962)
    sizes = [rng.randint(2, LEAVES) for _ in range(count)]
    return [(rng.randint(1, size - 1), size) for size in sizes]


def prove(tree: Tree, asked: list[tuple[int, int]]) -> None:
    """Both kinds of proof for every question."""
    for place, size in asked:
        tree.inclusion(place, size)
        tree.consistency(place, size)


def prove_peer(tree: Any, asked: list[tuple[int, int]]) -> None:
    """The same; pymerkle counts leaves from one."""
    for place, size in asked:
        tree.prove_inclusion(place + 1, size)
        tree.prove_consistency(place, size)


def holds(tree: Tree, asked: list[tuple[int, int]]) -> bool:
    """Every proof verifies, or an error is raised."""
    for place, size in asked:
        verify_inclusion(place, size, tree.levels[0][place], tree.inclusion(place, size), tree.root(size))
        verify_consistency(place, size, tree.consistency(place, size), tree.root(place), tree.root(size))
    return True


def main() -> int:
    """Measure and report."""
    data, tree = entries(LEAVES), Tree()
    for entry in data:
        tree.append(entry)
    asked = questions(PROOFS)
    rate = 2 * PROOFS / seconds(lambda: prove(tree, asked))
    sound = holds(tree, asked[:200])
    peer = peer_tree()
    if peer is None:
        report("tree_proof", value=rate, unit="proofs/s", without_peer=HOW)
        return int(not sound)
    for entry in data:
        peer.append_entry(entry)
    few = asked[:PEERS]
    alone = 2 * PEERS / seconds(lambda: prove_peer(peer, few), rounds=3)
    report("tree_proof", value=rate, unit="proofs/s", peer="pymerkle", peer_value=alone, ratio=rate / alone)
    same = all(
        peer.prove_inclusion(place + 1, size).path[1:] == tree.inclusion(place, size) for place, size in few[:50]
    )
    return int(rate < LEAST * alone or not sound or not same)


if __name__ == "__main__":
    sys.exit(main())
