"""Files `.tlog-proof`: that an entry is in a witnessed log, to be checked offline (C2SP tlog-proof).

Such a file says nothing by itself: leaf, log keys and witnesses come from whoever verifies. The `extra` line that the
specification allows is refused: nothing authenticates it, and a second spelling of a proof is of no use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tanji.errors import TrustError
from tanji.trust.canonical import HASH_BYTES, decode64, encode64, whole
from tanji.trust.keys import VerifierKey
from tanji.trust.policy import Policy, Verified
from tanji.trust.tree import verify_inclusion

FIRST_LINE = "c2sp.org/tlog-proof@v1"

LONGEST_PATH = 63
"""A log has fewer than 2^63 leaves (C2SP tlog-witness names the same limit)."""

LARGEST_FILE = 1 << 20
"""Far above any checkpoint with cosignatures [byte]."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Index of an entry, its path to the root, and the signed checkpoint that holds this root."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes


def format(proof: TlogProof) -> bytes:
    """The file."""
    head = [FIRST_LINE, f"index {proof.index}", *map(encode64, proof.path)]
    return "\n".join([*head, "", ""]).encode() + proof.checkpoint


def parse(data: bytes) -> TlogProof:
    """The proof behind a file, nothing of it verified."""
    if len(data) > LARGEST_FILE:
        raise TrustError("proof-form", expected=f"at most {LARGEST_FILE} bytes", got=f"{len(data)} bytes")
    head, empty_line, checkpoint = data.partition(b"\n\n")
    first, *lines = head.decode("utf-8", "replace").split("\n")
    if first != FIRST_LINE or not empty_line:
        raise TrustError("proof-form", expected=f"{FIRST_LINE}, an index, hashes, an empty line", got=first)
    if not lines or not lines[0].startswith("index "):
        raise TrustError("proof-form", expected="index <number>", got=lines[0] if lines else "the end")
    index = whole(lines[0].removeprefix("index "), rule="proof-form")
    if len(lines) - 1 > LONGEST_PATH:
        raise TrustError("proof-form", expected=f"at most {LONGEST_PATH} hashes", got=str(len(lines) - 1))
    path = tuple(decode64(line, rule="proof-form", length=HASH_BYTES) for line in lines[1:])
    return TlogProof(index, path, checkpoint)


def verify(proof: TlogProof, leaf: bytes, policy: Policy, *, logs: Sequence[VerifierKey] = ()) -> Verified:
    """Raise unless the leaf hash `leaf` is at the index in a log that satisfies `policy`.

    logs : further log keys, of a keyring in force (see `Policy.check`).
    """
    verified = policy.check(proof.checkpoint, logs=logs)
    verify_inclusion(proof.index, verified.checkpoint.size, leaf, proof.path, verified.checkpoint.root)
    return verified
