"""The keys of the small world: every one from a fixed seed, so that whatever is signed is the same every time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

from tanji.trust.keyring_text import KeyLine
from tanji.trust.keys import COSIGNATURE, ED25519, VerifierKey
from tanji.trust.signer import Ed25519Signer


def signer(name: str, kind: int = ED25519, *, world: str = "one") -> Ed25519Signer:
    """A key from a fixed seed; another `world` has other keys under the same names."""
    return Ed25519Signer(name, sha256(f"{world} {name}".encode()).digest(), kind)


@dataclass(frozen=True)
class Keys:
    """Every key of one plant and of those who watch it."""

    world: str = "one"

    def __getattr__(self, part: str) -> Ed25519Signer:
        if part.startswith("_"):
            raise AttributeError(part)
        if part == "witness":
            return signer("metrology.example/w1", COSIGNATURE, world=self.world)
        if part == "institute":
            return signer("metrology.example/registrar", world=self.world)
        return signer(f"demo.example/{part}", world=self.world)

    def key(self, part: str) -> VerifierKey:
        """The verifier key of one of them."""
        return VerifierKey.parse(getattr(self, part).vkey())


def key_lines(keys: Keys, *, rotated: bool) -> list[KeyLine]:
    """The keys in force; later the second gateway goes on with another key."""
    roles = {"gw1": "gateway", "gw2": "gateway", "lab": "laboratory"}
    roles |= {"log": "log", "prepare": "preparer", "approve": "approver", "witness": "witness"}
    lines = [KeyLine(role, keys.key(part), 0) for part, role in roles.items()]
    if rotated:
        lines[1] = replace(lines[1], until=3)
        after = signer("demo.example/gw2", world=f"{keys.world} next")
        lines.append(KeyLine("gateway", VerifierKey.parse(after.vkey()), 4))
    return lines
