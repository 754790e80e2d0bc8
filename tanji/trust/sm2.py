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
"""Never a rule of a bundle: it changes no verdict."""

PROGRAM = "openssl"
DISTINGUISHING_ID = "1234567812345678"
"""The default of GB/T 35276, which other implementations use too."""

SUFFIX = ".sm2"
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
