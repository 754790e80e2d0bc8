"""A plant whose institute ended the preparer's key at once, and what the plant makes of it.

The log begins with two keyrings; the second one names another preparer from index 2 on. `obeys` says whether the plant
goes on with the new key, or signs everything after it with the old one and hands over what does not show it.
"""

from __future__ import annotations

from dataclasses import replace

from tanji.trust.keyring_text import KeyLine
from tanji.trust.keys import VerifierKey

from .world import HOUR, MINUTE, T0, World, readings
from .world_keys import Keys, key_lines, signer

REVOKING = 1
"""Log index of the keyring that ends the preparer's key."""


def ended(lines: list[KeyLine], keys: Keys, part: str, until: int) -> list[KeyLine]:
    """The lines with the key of a part ended, and another one under its name from there on."""
    (line,) = (each for each in lines if each.key.name == f"demo.example/{part}" and each.until is None)
    after = VerifierKey.parse(signer(line.key.name, world=f"{keys.world} next").vkey())
    others = [each for each in lines if each != line]
    return [*others, replace(line, until=until), replace(line, key=after, first=until + 1)]


def revoked(*, obeys: bool) -> World:
    """An hour of two gateways and a laboratory, and a final statement, all of it after the second keyring."""
    made = World()
    made.keyring(key_lines(made.keys, rotated=False))
    made.keyring(ended(key_lines(made.keys, rotated=False), made.keys, "prepare", REVOKING))
    made.preparer = "prepare_next" if obeys else "prepare"
    made.plant(from_ms=T0 - HOUR)
    made.batch("lab", "laboratory", [], from_ms=T0, to_ms=T0)
    for gateway, lines in (("gw1", readings(1)), ("gw2", [])):
        made.batch(gateway, "regular", lines, from_ms=T0, to_ms=T0 + 2 * MINUTE)
        made.batch(gateway, "regular", [], from_ms=T0 + 2 * MINUTE, to_ms=T0 + HOUR, reason="sealing was behind")
    made.statement(1, status="final", supersedes=None, reason="")
    return made


def handed_over(made: World, *, hides: bool) -> dict[str, bytes]:
    """The members of its bundle, which begins after the plant note. hides : without the keyring that ended the key."""
    members = made.members(statement="statement1")
    hidden = f"keyring/{REVOKING:012d}" if hides else "nothing"
    return made.listed({path: data for path, data in members.items() if not path.startswith(hidden)})
