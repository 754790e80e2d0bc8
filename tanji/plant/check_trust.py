"""Checks of the section `trust` and of the meters' own parameters: what would be sealed must be possible to verify.

A witness stands outside the plant, so its key is copied by hand: name, number and key must belong together, and one
key counts once under whatever name (C2SP signed-note, tlog-policy). What keys may sign is the keyring's affair, and
whether private keys are there that of the process that needs them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from urllib.parse import urlsplit

from tanji.errors import Finding
from tanji.plant.document import KeyPath
from tanji.plant.model import Point
from tanji.plant.trust_model import RESERVED, TrustSettings, WitnessSettings
from tanji.plant.wiring import Wiring

COSIGNATURE = 4
"""Type of a witness's key (C2SP tlog-cosignature, Ed25519)."""

KEY_BYTES = 33
"""Type and Ed25519 public key."""


def check(wiring: Wiring) -> Iterator[Finding]:
    """Every fault of the section, and of points of kind parameter."""
    for position, point in wiring.points.items():
        if point.kind == "parameter":
            yield from _parameter(wiring, ("points", position), point)
    if wiring.plant is None or wiring.plant.trust is None:
        return
    trust = wiring.plant.trust
    if trust.gateway in RESERVED or trust.gateway.startswith("registrar"):
        expected = f"another name than those of the plant's other keys: {', '.join(RESERVED)}, registrar-..."
        yield wiring.finding(("trust", "gateway"), expected, f'"{trust.gateway}"')
    if trust.log_url is not None and not _web(trust.log_url):
        yield wiring.finding(("trust", "log_url"), "an address like http://127.0.0.1:8191", f'"{trust.log_url}"')
    yield from _witnesses(wiring, trust)
    most = len({witness.organisation for witness in trust.witnesses})
    if trust.quorum is not None and trust.quorum > most:
        expected = f"at most {most}, the organisations that have a witness here"
        yield wiring.finding(("trust", "quorum"), expected, str(trust.quorum))


def _witnesses(wiring: Wiring, trust: TrustSettings) -> Iterator[Finding]:
    keys: dict[bytes, int] = {}
    names: dict[str, int] = {}
    for position, witness in enumerate(trust.witnesses):
        path: KeyPath = ("trust", "witnesses", position)
        if not _web(witness.url):
            yield wiring.finding((*path, "url"), "an address like http://witness.example:8192", f'"{witness.url}"')
        if witness.name.startswith(f"{trust.origin}/"):
            expected = f"a key that is not the plant's own, which all begin with {trust.origin}/"
            yield wiring.finding((*path, "name"), expected, f'"{witness.name}"')
        first = names.setdefault(witness.name, position)
        if first != position:
            where = wiring.document.where(("trust", "witnesses", first, "name"))
            yield wiring.finding((*path, "name"), "each witness once", f'"{witness.name}", already at {where}')
        public, fault = _public(witness)
        if fault:
            yield wiring.finding((*path, "vkey"), *fault)
        elif (first := keys.setdefault(public, position)) != position:
            where = wiring.document.where(("trust", "witnesses", first, "vkey"))
            yield wiring.finding((*path, "vkey"), "a key of its own for every witness", f"the key at {where} again")


def _public(witness: WitnessSettings) -> tuple[bytes, tuple[str, str] | None]:
    """The key of a vkey, or what was expected and what was got."""
    name, _, rest = witness.vkey.partition("+")
    number, _, text = rest.partition("+")
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES or base64.b64encode(key).decode() != text:
        return b"", ("name+hash+base64, as `tanji keys new` prints it", f'"{witness.vkey[:60]}"')
    if name != witness.name:
        return b"", (f"the key of {witness.name}", f"that of {name}")
    if key[0] != COSIGNATURE:
        return b"", (f"a witness's key, of type {COSIGNATURE}", f"one of type {key[0]}")
    # C2SP signed-note: the first four bytes of SHA-256(name || 0x0A || type || public key).
    right = hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8]
    if number != right:
        return b"", (f"the number {right}, which belongs to this name and key", number or "nothing")
    return key[1:], None


def _parameter(wiring: Wiring, path: KeyPath, point: Point) -> Iterator[Finding]:
    """A setting of a meter is sealed as it is: no rule judges it, and no stream counts it."""
    limits = point.limits
    for key in ("low", "high", "rate_per_s", "stuck_s"):
        if getattr(limits, key) is not None:
            expected = "no limits, since a parameter is sealed and not judged"
            yield wiring.finding((*path, "limits", key), expected, f"{key} {getattr(limits, key):g}")
            break
    if point.deadband is not None:
        yield wiring.finding((*path, "deadband"), "no deadband, since every change of a parameter matters", "one")


def _web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
