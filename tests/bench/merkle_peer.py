"""pymerkle as the peer of tree_append and tree_proof, where it is installed.

It is GPL-3.0: neither a dependency nor imported by anything but these benchmarks. `pip install pymerkle==7.0.0` into
the environment that runs them is enough; without it they measure our side, say so, and have no ratio.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 5
LEAST = 4.0
"""Times pymerkle (issue 6)."""

HOW = "pymerkle is not installed: pip install pymerkle==7.0.0 (GPL-3.0, for this comparison only)"


def peer_tree() -> Any | None:
    """An empty tree of pymerkle in memory; None where it is not installed."""
    try:
        pymerkle = importlib.import_module("pymerkle")
    except ModuleNotFoundError:
        return None
    return pymerkle.InmemoryTree(algorithm="sha256")


def seconds(work: Callable[[], object], *, rounds: int = ROUNDS) -> float:
    """CPU time of the best of several runs [s]."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def entries(count: int) -> list[bytes]:
    """Entries of the length of a batch note, all of them different."""
    return [number.to_bytes(8, "big") * 64 for number in range(count)]
