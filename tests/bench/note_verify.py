"""note_verify: verifying signed notes of batch headers, against PyNaCl's verification alone (R33; at least 0.9 of it).

Ours is the whole note in the strict form of a leaf: characters, lines, canonical base64, name and key id, signature.
Exits 1 where an altered note passes, or where the form costs more than the tenth it may.
"""

from __future__ import annotations

import sys

from measure import report
from nacl.signing import SigningKey
from note_pairs import LEAST, SEED, SIGNER, bodies, rates

from tanji.errors import TrustError
from tanji.trust.keys import VerifierKey
from tanji.trust.note import open_leaf, sign


def refused(note: bytes, keys: list[VerifierKey]) -> bool:
    """Whether verification fails."""
    try:
        open_leaf(note, keys)
    except TrustError:
        return True
    return False


def main() -> int:
    """Measure and report."""
    texts = bodies()
    notes, keys = [sign(text, SIGNER) for text in texts], [VerifierKey.parse(SIGNER.vkey())]
    signatures, peer = [SIGNER.sign(text) for text in texts], SigningKey(SEED).verify_key
    opened, alone = rates(
        lambda: [open_leaf(note, keys) for note in notes],
        lambda: [peer.verify(text, signature) for text, signature in zip(texts, signatures, strict=True)],
    )
    report("note_verify", value=opened, unit="notes/s", peer="PyNaCl alone", peer_value=alone, ratio=opened / alone)
    altered = [note.replace(b"points 3600", b"points 3599") for note in notes[:100]]
    return int(opened < LEAST * alone or not all(refused(note, keys) for note in altered))


if __name__ == "__main__":
    sys.exit(main())
