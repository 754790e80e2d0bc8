"""tree_append: adding entries to a Merkle tree, against pymerkle in memory (R35; at least 4 times it).

Both sides hash the entry and keep every node that proofs need. Exits 1 where the two roots differ, or below the ratio.
"""

from __future__ import annotations

import sys

from measure import report
from merkle_peer import HOW, LEAST, entries, peer_tree, seconds

from tanji.trust.tree import Tree

OURS, PEERS = 100_000, 20_000
"""The rate of neither side depends on the number of entries; the peer is given fewer, because it is slower."""


def grow(tree: object, data: list[bytes], name: str) -> None:
    """Add every entry."""
    add = getattr(tree, name)
    for entry in data:
        add(entry)


def main() -> int:
    """Measure and report."""
    data = entries(OURS)
    rate = OURS / seconds(lambda: grow(Tree(), data, "append"))
    peer = peer_tree()
    if peer is None:
        report("tree_append", value=rate, unit="entries/s", without_peer=HOW)
        return 0
    few = data[:PEERS]
    alone = PEERS / seconds(lambda: grow(peer_tree(), few, "append_entry"), rounds=3)
    report("tree_append", value=rate, unit="entries/s", peer="pymerkle", peer_value=alone, ratio=rate / alone)
    tree = Tree()
    grow(tree, few, "append")
    grow(peer, few, "append_entry")
    return int(rate < LEAST * alone or peer.get_root() != tree.root())


if __name__ == "__main__":
    sys.exit(main())
