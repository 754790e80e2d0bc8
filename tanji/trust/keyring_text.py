"""The text of a keyring note: its grammar, and what one note has to fulfil by itself.

One public key has one holder and one role; two keys of one name follow each other and never overlap, which is how a
gateway goes on under a new key. Signatures and the step from one version to the next are `keyring`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tanji.errors import TrustError
from tanji.trust.canonical import HASH_BYTES, decode64, encode64, whole
from tanji.trust.keys import COSIGNATURE, ED25519, VerifierKey
from tanji.trust.note import lines_of
from tanji.trust.registrar import Registrar, leading, parse_registrar

TYPE = "tanji/keys/v1"

RULE = "header-field"

ROLES = ("gateway", "laboratory", "log", "preparer", "approver", "witness")

BY_SEQUENCE = ("gateway", "laboratory")
"""Roles whose keys are bounded by their own sequence numbers; the others are by log index."""

OPEN = "-"
EVERYTHING = "*"

PLANT = re.compile(r"[a-z0-9_]{1,24}", re.ASCII)
METER = re.compile(r"[a-z0-9_]{1,48}", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A key, what it may sign, from and until which number (inclusive; None: open), and for which meters."""

    role: str
    key: VerifierKey
    first: int
    until: int | None = None
    scope: tuple[str, ...] | None = None

    @property
    def text(self) -> str:
        """The line as it stands in the note."""
        until = OPEN if self.until is None else str(self.until)
        scope = EVERYTHING if self.scope is None else ",".join(self.scope)
        return f"key {self.role} {self.key.text} {self.first} {until} {scope}"

    def covers(self, number: int) -> bool:
        """Whether the key is in force for this number."""
        return self.first <= number and (self.until is None or number <= self.until)

    @classmethod
    def parse(cls, line: str) -> KeyLine:
        """The key of a line."""
        words = line.split(" ")
        if len(words) != 6 or words[0] != "key" or words[1] not in ROLES:
            expected = f"key <{'|'.join(ROLES)}> <vkey> <from> <until> <scope>"
            raise TrustError(RULE, where=TYPE, expected=expected, got=line)
        _, role, vkey, first, until, scope = words
        key = VerifierKey.parse(vkey)
        kind = COSIGNATURE if role == "witness" else ED25519
        if key.kind != kind:
            raise TrustError("key-form", where=key.name, expected=f"type {kind} for {role}", got=f"type {key.kind}")
        start = whole(first, rule=RULE, where=key.name)
        end = None if until == OPEN else whole(until, rule=RULE, where=key.name)
        if end is not None and end < start:
            raise TrustError(RULE, where=key.name, expected=f"an end from {start} on", got=until)
        return cls(role, key, start, end, _scope(scope, role=role, where=key.name))


@dataclass(frozen=True, slots=True)
class KeyringText:
    """What a keyring note says; `parse` and `make` are the ways to a sound one."""

    plant: str
    version: int
    prev: bytes
    registrars: tuple[Registrar, ...]
    lines: tuple[KeyLine, ...]

    @classmethod
    def make(
        cls, plant: str, *, version: int, prev: bytes, registrars: Sequence[Registrar], lines: Sequence[KeyLine]
    ) -> KeyringText:
        """A text with its key lines put in order; refused if a reader would refuse it."""
        ordered = tuple(sorted(lines, key=lambda line: line.text.encode()))
        return cls.parse(cls(plant, version, prev, tuple(registrars), ordered).body)

    @property
    def body(self) -> bytes:
        """The text that the registrars sign."""
        head = [TYPE, f"plant {self.plant}", f"version {self.version}", f"prev {encode64(self.prev)}"]
        registrars = [f"registrar {each.organisation} {each.key.text}" for each in self.registrars]
        return "".join(f"{line}\n" for line in (*head, *registrars, *(line.text for line in self.lines))).encode()

    @classmethod
    def parse(cls, body: bytes) -> KeyringText:
        """What a verified text says."""
        first, *lines = lines_of(body)
        if first != TYPE:
            raise TrustError("header-type", expected=TYPE, got=first)
        plant = _value(lines, "plant")
        if not PLANT.fullmatch(plant):
            raise TrustError(RULE, where=TYPE, expected="plant <id of the plant>", got=plant)
        version = whole(_value(lines, "version"), rule=RULE, where="version")
        prev = decode64(_value(lines, "prev"), rule=RULE, where="prev", length=HASH_BYTES)
        registrars = []
        while lines and lines[0].startswith("registrar "):
            words = lines.pop(0).split(" ")
            if len(words) != 3:
                raise TrustError(RULE, where=TYPE, expected="registrar <organisation> <vkey>", got=" ".join(words))
            registrars.append(parse_registrar(words[1], words[2], rule=RULE, where=TYPE))
        keys = tuple(KeyLine.parse(line) for line in lines)
        if any(left.encode() >= right.encode() for left, right in itertools.pairwise(lines)):
            raise TrustError(RULE, where=TYPE, expected="key lines in bytewise order, each once", got="another order")
        leading(registrars, rule=RULE, where=TYPE)
        _check_holders(registrars, keys)
        _check_turns(keys)
        return cls(plant, version, prev, tuple(registrars), keys)


def _value(lines: list[str], name: str) -> str:
    line = lines.pop(0) if lines else "the end"
    found, _, value = line.partition(" ")
    if found != name or not value:
        raise TrustError(RULE, where=TYPE, expected=f"{name} <value>", got=line)
    return value


def _scope(text: str, *, role: str, where: str) -> tuple[str, ...] | None:
    if text == EVERYTHING:
        return None
    meters = text.split(",")
    is_sound = all(METER.fullmatch(meter) for meter in meters) and meters == sorted(set(meters))
    if role != "gateway" or not is_sound:
        expected = f"{EVERYTHING}, or for a gateway meter ids in order, each once"
        raise TrustError(RULE, where=where, expected=expected, got=text)
    return tuple(meters)


def _check_holders(registrars: Sequence[Registrar], lines: Sequence[KeyLine]) -> None:
    """One public key has one name and one role, one name has one role; registrars sign nothing else."""
    holders: dict[bytes | str, tuple[str, str]] = {}
    for each in registrars:
        holder = ("registrar", each.key.name)
        if each.key.public in holders or each.key.name in holders:
            raise TrustError("key-twice", where=TYPE, expected="a registrar's key once", got=each.key.name)
        holders[each.key.public] = holders[each.key.name] = holder
    for line in lines:
        holder = (line.role, line.key.name)
        for shared in (line.key.public, line.key.name):
            other = holders.setdefault(shared, holder)
            if other != holder:
                raise TrustError("key-twice", where=TYPE, expected=" ".join(other), got=" ".join(holder))


def _check_turns(lines: Sequence[KeyLine]) -> None:
    """Keys of one name follow each other: for every number there is at most one."""
    by_name: dict[str, list[KeyLine]] = {}
    for line in lines:
        by_name.setdefault(line.key.name, []).append(line)
    for name, several in by_name.items():
        several.sort(key=lambda line: line.first)
        for earlier, later in itertools.pairwise(several):
            if earlier.until is None or earlier.until >= later.first:
                got = f"keys from {earlier.first} and from {later.first}"
                raise TrustError("key-twice", where=name, expected="one key in force for a number", got=got)
