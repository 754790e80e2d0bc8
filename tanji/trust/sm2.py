"""SM2 signatures beside a statement, for a plant that has to use national cryptography (GB/T 32918, GB/T 39786).

Ed25519 stays what everything is built on; an SM2 signature over the same bytes stands in a file beside them,
`statement.sm2`: DER, digest SM3, distinguishing id `1234567812345678`. It is randomised, so it is never part of a leaf.
OpenSSL 3 does it in a process of its own: the pure-Python package that most tutorials use gives its private key away.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import durable
from tanji.trust.signer import OWNER_ONLY, read_private

RULE = "sm2-signature"
"""Of a bundle only where the verifier asks, with a public key of its own (`verify_sm2`)."""

PROGRAM = "openssl"
DISTINGUISHING_ID = "1234567812345678"
"""The default of GB/T 35276, which other implementations use too."""

SUFFIX = ".sm2"
CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
BLOCK = b"-----BEGIN "
"""Of anything in PEM."""
CURVE = b"ASN1 OID: SM2"
"""How OpenSSL shows that a public key is one."""

TIMEOUT_S = 30.0
METHOD = ("-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{DISTINGUISHING_ID}")


def make_key(private: Path, public: Path) -> None:
    """Make a key pair in PEM; the private file is for its owner alone, and none is replaced."""
    for path in (private, public):
        if path.exists():
            raise TrustError("key-file", where=str(path), expected="no file yet", got="a file")
    curve = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2")
    data = _run("genpkey", *curve, what="a new key", where=str(private))  # through a pipe: never in a file of others
    durable.create(private, data, mode=OWNER_ONLY)
    durable.create(public, _run("pkey", "-in", str(private), "-pubout", what="the public key", where=str(private)))


def sign(message: bytes, private: Path) -> bytes:
    """An SM2 signature over `message`, in DER; another one every time."""
    read_private(private)
    with tempfile.TemporaryDirectory(prefix="tanji-sm2-") as folder:
        file = _written(folder, "message", message)
        words = ("pkeyutl", "-sign", *METHOD, "-inkey", str(private), "-in", file)
        return _run(*words, what="an SM2 signature", where=str(private))


def verify(message: bytes, signature: bytes, public: bytes) -> None:
    """Raise unless `signature` is one over `message` by the public key in PEM."""
    with tempfile.TemporaryDirectory(prefix="tanji-sm2-") as folder:
        files = {name: _written(folder, name, data) for name, data in (("m", message), ("s", signature), ("p", public))}
        given = ("-pubin", "-inkey", files["p"], "-sigfile", files["s"], "-in", files["m"])
        _run("pkey", "-pubin", "-noout", "-in", files["p"], what="a public key in PEM", where="public key")
        _run("pkeyutl", "-verify", *METHOD, *given, what="a valid SM2 signature", where="")


def public_key(data: bytes) -> bytes:
    """The SM2 public key in PEM out of one, or out of a certificate in PEM; TrustError if it is another kind of key.

    Of a certificate nothing but the key is looked at: who accepted it has judged issuer and dates.
    """
    if data.count(BLOCK) > 1:  # of several OpenSSL takes one, and nobody sees which
        got = f"{data.count(BLOCK)} in one file"
        raise TrustError(RULE, where="public key", expected="one public key or one certificate", got=got)
    with tempfile.TemporaryDirectory(prefix="tanji-sm2-") as folder:
        if CERTIFICATE in data:
            file = _written(folder, "certificate", data)
            data = _run("x509", "-noout", "-pubkey", "-in", file, what="a certificate in PEM", where="public key")
        file = _written(folder, "public", data)
        shown = _run("pkey", "-pubin", "-noout", "-text", "-in", file, what="a public key in PEM", where="public key")
    if CURVE not in shown:
        got = shown.partition(b"\n")[0].decode("ascii", "replace")
        raise TrustError(RULE, where="public key", expected="a key on the curve SM2", got=got)
    return data


def sign_beside(statement: Path, private: Path) -> Path:
    """Put the signature over a file beside it; where that is."""
    beside = statement.with_suffix(SUFFIX)
    durable.replace(beside, sign(statement.read_bytes(), private))
    return beside


def verify_beside(statement: Path, public: bytes) -> None:
    """Raise unless the signature beside a file is one over it."""
    beside = statement.with_suffix(SUFFIX)
    if not beside.exists():
        raise EvidenceMissing(RULE, where=str(beside), expected="an SM2 signature", got="no file")
    verify(statement.read_bytes(), beside.read_bytes(), public)


def _written(folder: str, name: str, data: bytes) -> str:
    path = Path(folder) / name
    path.write_bytes(data)
    return str(path)


def _run(*words: str, what: str, where: str) -> bytes:
    """What OpenSSL answers; a key is never on its command line, and it never asks for a password."""
    try:
        done = subprocess.run(
            [PROGRAM, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            check=False,
        )
    except FileNotFoundError:
        expected = "OpenSSL 3 on this machine"
        raise EvidenceMissing(RULE, where=where, expected=expected, got="no such program") from None
    except subprocess.TimeoutExpired:
        expected = f"an answer of OpenSSL within {TIMEOUT_S:g} s"
        raise EvidenceMissing(RULE, where=where, expected=expected, got="none") from None
    if done.returncode != 0:
        told = done.stderr.decode("utf-8", "replace").strip() or done.stdout.decode("utf-8", "replace").strip()
        raise TrustError(RULE, where=where, expected=what, got=told.partition("\n")[0] or "a refusal")
    return done.stdout
