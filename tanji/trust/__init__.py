"""Evidence: signed notes, Merkle trees, keys and checks that a stranger can repeat.

Notes and logs follow the C2SP specifications (signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles, tlog-proof,
tlog-policy, tlog-witness), trees RFC 6962, keys RFC 8032; what Tanji adds is docs/trust-format.md (R33-R36, R47).
Needs PyNaCl and the standard library alone, so that it can be audited and shipped by itself: formulas, stores and
sockets are the business of others.
"""
