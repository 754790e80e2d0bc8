"""note_sign: making signed notes of batch headers, against PyNaCl's signature alone (R33; at least 0.9 of it).

Ours is the whole note: the text checked, the signature line with its key id and base64. Exits 1 where a note does not
verify, or where the form costs more than the tenth it may.
"""

from __future__ import annotations

import sys

from measure import report
from nacl.signing import SigningKey
from note_pairs import LEAST, SEED, SIGNER, bodies, rates

from tanji.trust.keys import VerifierKey
from tanji.trust.note import open_leaf, sign


def main() -> int:
    """Measure and report."""
    texts, peer = bodies(), SigningKey(SEED)
    made, alone = rates(
        lambda: [sign(text, SIGNER) for text in texts], lambda: [peer.sign(text).signature for text in texts]
    )
    keys = [VerifierKey.parse(SIGNER.vkey())]
    assert all(open_leaf(sign(text, SIGNER), keys) == text for text in texts[:100])
    report("note_sign", value=made, unit="notes/s", peer="PyNaCl alone", peer_value=alone, ratio=made / alone)
    return int(made < LEAST * alone)


if __name__ == "__main__":
    sys.exit(main())
