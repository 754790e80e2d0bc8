"""Signing keys: the port that a key file, a smart card or a vendor's module fills, and the key file.

A file holds one line `PRIVATE+KEY+<name>+<key id>+<base64(type, seed)>`, the form of Go's sumdb/note, so that other
tools of the transparency world can use it. No representation and no message shows the secret. Making notes is `note`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, Protocol

from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import durable
from tanji.trust.canonical import decode64, encode64
from tanji.trust.keys import VerifierKey

SEED_BYTES = 32
SIGNATURE_BYTES = 64

OWNER_ONLY = 0o600
"""Mode of a private key file."""

SHARED = stat.S_IRWXG | stat.S_IRWXO
"""Permissions that nobody but the owner may have on a private key file."""

LARGEST_FILE = 4096
"""Far above any key file; whatever is larger is none [byte]."""


class Signer(Protocol):
    """Whatever can sign: two methods, so that a hardware module fits in."""

    def vkey(self) -> str:
        """The verifier key that belongs to the signatures, in `vkey` form."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature over `message`, 64 bytes."""
        ...


class Ed25519Signer:
    """A signing key in memory."""

    __slots__ = ("_secret", "_vkey")

    def __init__(self, name: str, seed: bytes, kind: int) -> None:
        if len(seed) != SEED_BYTES:
            raise TrustError("key-form", where=name, expected=f"a seed of {SEED_BYTES} bytes", got=f"{len(seed)} bytes")
        public, self._secret = crypto_sign_seed_keypair(seed)
        self._vkey = VerifierKey.make(name, kind, public).text

    def vkey(self) -> str:
        """The verifier key in `vkey` form."""
        return self._vkey

    def sign(self, message: bytes) -> bytes:
        """The signature over `message`."""
        return crypto_sign(message, self._secret)[:SIGNATURE_BYTES]

    def __repr__(self) -> str:
        return f"<signer {self._vkey}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signing key is not pickled")


def generate(name: str, kind: int, *, random: Callable[[int], bytes]) -> Ed25519Signer:
    """A new key; `random` gives that many random bytes, `os.urandom` outside tests."""
    return Ed25519Signer(name, random(SEED_BYTES), kind)


def read_private(path: Path) -> bytes:
    """What a private key file holds; refused if group or others have any permission on it."""
    where = str(path)
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & SHARED:
                expected = "a file for its owner alone (chmod 600)"
                raise TrustError("key-file", where=where, expected=expected, got=f"mode {mode:04o}")
            return file.read(LARGEST_FILE)
    except FileNotFoundError:
        raise EvidenceMissing("key-file", where=where, expected="a private key", got="no file") from None
    except OSError as error:
        got = error.strerror or "an error"
        raise TrustError("key-file", where=where, expected="a file that can be read", got=got) from None


class SigningKeyFile:
    """A private key on disk, for its owner alone."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, signer: Ed25519Signer) -> None:
        """Put the key of `signer` into a new file, mode 0600; an existing file is never replaced."""
        key = VerifierKey.parse(signer.vkey())
        seed = signer._secret[:SEED_BYTES]  # libsodium's secret key is seed and public key
        line = f"PRIVATE+KEY+{key.name}+{key.key_id.hex()}+{encode64(bytes([key.kind]) + seed)}\n"
        try:
            durable.create(self.path, line.encode(), mode=OWNER_ONLY)
        except FileExistsError:
            raise TrustError("key-file", where=str(self.path), expected="no file yet", got="a file") from None
        except OSError as error:
            got = error.strerror or "an error"
            raise TrustError("key-file", where=str(self.path), expected="to write the key", got=got) from None

    def read(self) -> Ed25519Signer:
        """The signer behind the file; refused if group or others have any permission on it."""
        return self._parse(read_private(self.path))

    def _parse(self, data: bytes) -> Ed25519Signer:
        parts = data.decode("utf-8", "replace").removesuffix("\n").split("+", 4)  # other tools end no line
        if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"]:
            raise self._fault("one line PRIVATE+KEY+<name>+<key id>+<base64>", "something else")
        try:
            material = decode64(parts[4], rule="key-file")
        except TrustError:  # its message would repeat the secret
            raise self._fault("canonical base64 after the key id", "something else") from None
        if len(material) != 1 + SEED_BYTES:
            raise self._fault(f"a type and {SEED_BYTES} bytes", f"{len(material)} bytes")
        signer = Ed25519Signer(parts[2], material[1:], material[0])
        if VerifierKey.parse(signer.vkey()).key_id.hex() != parts[3]:
            raise self._fault("the key id of its key", "another one")
        return signer

    def _fault(self, expected: str, got: str) -> TrustError:
        return TrustError("key-file", where=str(self.path), expected=expected, got=got)
