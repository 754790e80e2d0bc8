"""Registrars: who may say which keys a plant has. One of them is the metrology institute's (R33).

They sign keyring notes and nothing else, so that plant and platform together cannot enrol a gateway of their own. A
plant that has no institute at hand yet begins with a registrar of the organisation `self-registered` in the institute's
place: everything works, and every report says that nobody outside has looked at the keys.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tanji.errors import TrustError
from tanji.trust.keys import ED25519, VerifierKey

INSTITUTE = "institute"
SELF_REGISTERED = "self-registered"

LEADING = (INSTITUTE, SELF_REGISTERED)
"""Organisations of which exactly one has a registrar; nothing is registered without its signature."""

FEWEST = 2

ORGANISATION = re.compile(r"[a-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Registrar:
    """An organisation and its key."""

    organisation: str
    key: VerifierKey


def parse_registrar(organisation: str, vkey: str, *, rule: str, where: str = "") -> Registrar:
    """A registrar of a line `registrar <organisation> <vkey>`."""
    if not ORGANISATION.fullmatch(organisation):
        expected = "an organisation in small letters, digits, _ and -"
        raise TrustError(rule, where=where, expected=expected, got=organisation)
    key = VerifierKey.parse(vkey)
    if key.kind != ED25519:
        raise TrustError(
            "key-form", where=key.name, expected="a key of type 1, that signs notes", got=f"type {key.kind}"
        )
    return Registrar(organisation, key)


def leading(registrars: Sequence[Registrar], *, rule: str, where: str = "") -> Registrar:
    """The registrar without whom nothing is registered; raises unless there is one, and another beside it."""
    found = [each for each in registrars if each.organisation in LEADING]
    if len(found) != 1:
        expected = f"exactly one registrar of {INSTITUTE} (or {SELF_REGISTERED} in its place)"
        raise TrustError(rule, where=where, expected=expected, got=str(len(found)))
    if len(registrars) < FEWEST:
        raise TrustError(rule, where=where, expected=f"at least {FEWEST} registrars", got=str(len(registrars)))
    return found[0]
