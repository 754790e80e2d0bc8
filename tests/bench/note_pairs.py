"""What note_sign and note_verify share: batch notes as a gateway seals them, and two rates measured in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from hashlib import sha256

from tanji.trust.canonical import encode64
from tanji.trust.keys import ED25519
from tanji.trust.signer import Ed25519Signer

NOTES = 2_000
ROUNDS = 9
LEAST = 0.9
"""Of PyNaCl alone (issue 6): the form of a note may cost a tenth of its signature."""

SEED = bytes(range(32))
SIGNER = Ed25519Signer("plant.example/gw1", SEED, ED25519)


def bodies() -> list[bytes]:
    """Headers of batch notes, all of them different."""
    made = []
    for seq in range(NOTES):
        digest = encode64(sha256(seq.to_bytes(4, "big")).digest())
        start = 1_772_323_200_000 + seq * 60_000
        made.append(
            (
                f"tanji/batch/v1\ngateway plant.example/gw1\nkind regular\nseq {seq}\nprev {digest}\nfrom {start}\n"
                f"to {start + 60_000}\nsealed {start + 61_204}\npoints 3600 {digest}\npointmap {digest}\n"
                "clock ntp 2ms\n"
            ).encode()
        )
    return made


def rates(ours: Callable[[], Sequence[object]], peer: Callable[[], Sequence[object]]) -> tuple[float, float]:
    """Notes per second of CPU time, the best of several turns each; in turns, so that both see the same machine."""
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for place, work in enumerate((ours, peer)):
            started = time.process_time()
            done = work()
            best[place] = min(best[place], time.process_time() - started)
            assert len(done) == NOTES
    return NOTES / best[0], NOTES / best[1]
