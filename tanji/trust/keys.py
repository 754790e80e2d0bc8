"""Verifier keys: a name, a signature type and an Ed25519 point, in the `vkey` text of C2SP signed-note.

Types: 1 signs notes, 4 signs checkpoints with a time (C2SP tlog-cosignature). Refused are points that are not the
canonical encoding of an element of the prime-order group: for those a signature can be valid for several messages, and
verifiers disagree about them (RFC 8032 section 8.9). Who may use which key for what is `keyring`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from nacl.bindings import crypto_core_ed25519_is_valid_point

from tanji.errors import TrustError
from tanji.trust.canonical import decode64, encode64

ED25519, COSIGNATURE = 1, 4
"""Signature types of C2SP signed-note. Others, ML-DSA-44 (6) among them, are not understood and refused as keys."""

KINDS = (ED25519, COSIGNATURE)

PUBLIC_BYTES = 32

LONGEST_NAME = 200
"""Longest key name; it stands in every signature line [characters]."""

KEY_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A key that signatures are checked with; `parse` and `make` are the ways to a sound one."""

    name: str
    key_id: bytes
    kind: int
    public: bytes

    @property
    def text(self) -> str:
        """The `vkey` form."""
        return f"{self.name}+{self.key_id.hex()}+{encode64(bytes([self.kind]) + self.public)}"

    @classmethod
    def make(cls, name: str, kind: int, public: bytes, *, named: str | None = None) -> VerifierKey:
        """A key from its parts, each of them checked.

        named : the key id that a `vkey` gives, in hexadecimal digits.
        """
        if not is_name(name):
            expected = f"a key name of 1 to {LONGEST_NAME} characters without blanks and +"
            raise TrustError("key-form", expected=expected, got=name)
        if kind not in KINDS or len(public) != PUBLIC_BYTES:
            got = f"type {kind} with {len(public)} bytes"
            raise TrustError("key-form", where=name, expected="type 1 or 4 with 32 bytes", got=got)
        key = cls(name, key_id(name, kind, public), kind, public)
        if named is not None and key.key_id.hex() != named:
            raise TrustError("key-form", where=name, expected=f"key id {key.key_id.hex()}", got=named)
        if not crypto_core_ed25519_is_valid_point(public):
            expected = "the canonical encoding of a point of the prime-order group"
            raise TrustError("key-weak", where=name, expected=expected, got=encode64(public))
        return key

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key behind a `vkey`."""
        return _parse(text)


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """First four bytes of SHA-256 over name, line feed, type and public key (C2SP signed-note)."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def is_name(text: str) -> bool:
    """Whether a signature line and a `vkey` can hold this name: no blanks of any script, no +."""
    return 0 < len(text) <= LONGEST_NAME and "+" not in text and text.isprintable() and text.split() == [text]


@lru_cache(maxsize=1024)  # signers name their key at every signature, and checking the point costs as much as signing
def _parse(text: str) -> VerifierKey:
    name, *rest = text.split("+", 2)
    if len(rest) != 2 or not KEY_ID.fullmatch(rest[0]):
        raise TrustError("key-form", expected="<name>+<8 hexadecimal digits>+<base64>", got=text)
    material = decode64(rest[1], rule="key-form", where=name)
    if not material:
        raise TrustError("key-form", where=name, expected="a type and a public key", got="nothing")
    return VerifierKey.make(name, material[0], material[1:], named=rest[0])
