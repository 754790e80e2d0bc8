"""Keys and notes of these tests: made from fixed seeds, so that a failure can be repeated."""

from __future__ import annotations

from hashlib import sha256

from tanji.trust.keyring import NO_NOTE, seal
from tanji.trust.keyring_text import KeyLine, KeyringText
from tanji.trust.keys import COSIGNATURE, ED25519, VerifierKey
from tanji.trust.registrar import Registrar
from tanji.trust.signer import Ed25519Signer


def signer(name: str, kind: int = ED25519) -> Ed25519Signer:
    """A key of its own for every name."""
    return Ed25519Signer(name, sha256(name.encode()).digest(), kind)


def witness(name: str) -> Ed25519Signer:
    """A key that cosigns."""
    return signer(name, COSIGNATURE)


def key(of: Ed25519Signer) -> VerifierKey:
    """The public half."""
    return VerifierKey.parse(of.vkey())


INSTITUTE, PLANT, PLATFORM = (signer(f"{name}.example/registrar") for name in ("metrology", "plant", "platform"))
GATEWAY, LABORATORY, LOG = (signer(f"plant.example/{part}") for part in ("gw1", "lab", "log"))
PREPARER, APPROVER = (signer(f"plant.example/{part}") for part in ("prepare", "approve"))
WITNESS = witness("metrology.example/w1")

REGISTRARS = (
    Registrar("institute", key(INSTITUTE)),
    Registrar("plant", key(PLANT)),
    Registrar("platform", key(PLATFORM)),
)
LINES = (
    KeyLine("gateway", key(GATEWAY), 0, None, ("belt_1", "power_1")),
    KeyLine("laboratory", key(LABORATORY), 0),
    KeyLine("log", key(LOG), 0),
    KeyLine("preparer", key(PREPARER), 0),
    KeyLine("approver", key(APPROVER), 0),
    KeyLine("witness", key(WITNESS), 0),
)


def first_text(**changes: object) -> KeyringText:
    """The text of the first keyring."""
    fields: dict[str, object] = {"version": 1, "prev": NO_NOTE, "registrars": REGISTRARS, "lines": LINES}
    return KeyringText.make("demo", **(fields | changes))  # type: ignore[arg-type]


def first_note() -> bytes:
    """The first keyring, signed by institute and plant."""
    return seal(first_text(), INSTITUTE, PLANT)
