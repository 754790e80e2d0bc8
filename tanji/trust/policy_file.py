"""Reading a policy file line by line (C2SP tlog-policy), with the lines of an anchor where they are wanted.

These are `registrar`, and at the end lines `keyring` (docs/trust-format.md 3).

Names are opaque bytes by the specification; they are kept as text that gives the same bytes again. What a policy is
good for is `policy`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tanji.errors import TrustError
from tanji.trust.canonical import whole
from tanji.trust.keys import COSIGNATURE, ED25519, VerifierKey
from tanji.trust.registrar import Registrar, parse_registrar

RULE = "policy-form"

NONE = "none"
"""Name of the quorum that asks for nobody."""

ALLOWED = bytes([0x09, 0x0A, *range(0x20, 0x7F), *range(0x80, 0x100)])

LARGEST_FILE = 1 << 18
"""Thousands of witnesses; bounds what a stranger can make us read [byte]."""


@dataclass(frozen=True, slots=True)
class Party:
    """A log or a witness: its key and, if anybody is to talk to it, its address."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """So many of the members have to have witnessed."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamedKeyring:
    """A keyring version that the anchor speaks of, and the log index at which it, or a later one, is there at last."""

    version: int
    index: int


@dataclass(slots=True)
class PolicyLines:
    """What the lines of a file have said so far."""

    of_anchor: bool = False
    logs: list[Party] = field(default_factory=list)
    witnesses: dict[str, Party] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    registrars: list[Registrar] = field(default_factory=list)
    quorum: str | None = None
    keyrings: list[NamedKeyring] = field(default_factory=list)
    _public_keys: set[bytes] = field(default_factory=set)
    _members: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, data: bytes, *, of_anchor: bool = False) -> PolicyLines:
        """Everything a file says; each line is checked against those above it."""
        found = cls(of_anchor)
        for number, words in split(data):
            found._take(words, where=f"line {number}")
        return found

    def _take(self, words: list[str], *, where: str) -> None:
        kind, *rest = words
        if self.keyrings and kind != "keyring":
            raise TrustError(RULE, where=where, expected="nothing after the lines keyring", got=" ".join(words))
        if kind == "log" and len(rest) in (1, 2):
            self.logs.append(self._party(rest[0], ED25519, where=where, url=rest[1:]))
        elif kind == "witness" and len(rest) in (2, 3):
            self._check_new(rest[0], where=where)
            self.witnesses[rest[0]] = self._party(rest[1], COSIGNATURE, where=where, url=rest[2:])
        elif kind == "group" and len(rest) >= 3:
            self._check_new(rest[0], where=where)
            self.groups[rest[0]] = self._group(rest[1], rest[2:], where=where)
        elif kind == "quorum" and len(rest) == 1 and self.quorum is None:
            if rest[0] != NONE:
                self._check_known(rest[0], where=where)
            self.quorum = rest[0]
        elif kind == "registrar" and len(rest) == 2 and self.of_anchor:
            registrar = parse_registrar(rest[0], rest[1], rule=RULE, where=where)
            self._check_key(registrar.key, where=where)
            self.registrars.append(registrar)
        elif kind == "keyring" and self.of_anchor:
            self.keyrings.append(_keyring(rest, self.keyrings, where=where))
        else:
            more = ", registrar <organisation> <vkey>" if self.of_anchor else ""
            forms = "log <vkey> [<url>], witness <name> <vkey> [<url>], group <name> <k> <name>..., one quorum <name>"
            raise TrustError(RULE, where=where, expected=forms + more, got=" ".join(words))

    def _party(self, vkey: str, kind: int, *, where: str, url: Sequence[str]) -> Party:
        key = VerifierKey.parse(vkey)
        if key.kind != kind:
            raise TrustError("key-form", where=where, expected=f"a key of type {kind}", got=f"type {key.kind}")
        self._check_key(key, where=where)
        return Party(key, next(iter(url), None))

    def _check_key(self, key: VerifierKey, *, where: str) -> None:
        if key.public in self._public_keys:  # under whatever name and type
            raise TrustError("key-twice", where=where, expected="every public key once", got=f"{key.name} again")
        self._public_keys.add(key.public)

    def _group(self, threshold: str, members: list[str], *, where: str) -> Group:
        for member in members:
            self._check_known(member, where=where)
            if member in self._members:  # or one witness could count twice
                raise TrustError(RULE, where=where, expected="every name in one group, once", got=f"{member} again")
            self._members.add(member)
        named = {"any": 1, "all": len(members)}
        count = named[threshold] if threshold in named else whole(threshold, rule=RULE, where=where)
        if not 1 <= count <= len(members):
            raise TrustError(RULE, where=where, expected=f"any, all or 1 to {len(members)}", got=threshold)
        return Group(count, tuple(members))

    def _check_new(self, name: str, *, where: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise TrustError(RULE, where=where, expected="a name that is not yet in use", got=name)

    def _check_known(self, name: str, *, where: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise TrustError(RULE, where=where, expected="a witness or group of a line above", got=name)


def _keyring(words: Sequence[str], before: Sequence[NamedKeyring], *, where: str) -> NamedKeyring:
    """The keyring of a line; of two lines the second asks for more."""
    if len(words) != 2 or words[0] == "0":
        expected = "keyring <version from 1 on> <log index>"
        raise TrustError(RULE, where=where, expected=expected, got=f"keyring {' '.join(words)}")
    named = NamedKeyring(*(whole(each, rule=RULE, where=where) for each in words))
    last = before[-1] if before else NamedKeyring(0, -1)
    if named.version <= last.version or named.index <= last.index:
        expected = f"a version above {last.version} and an index above {last.index}"
        raise TrustError(RULE, where=where, expected=expected, got=f"keyring {' '.join(words)}")
    return named


def split(data: bytes) -> Iterable[tuple[int, list[str]]]:
    """Numbers and words of the lines that say something."""
    if len(data) > LARGEST_FILE or data.translate(None, ALLOWED) or not data.endswith(b"\n"):
        expected = f"lines that end with a line feed, no control characters, at most {LARGEST_FILE} bytes"
        raise TrustError(RULE, expected=expected, got=f"{len(data)} bytes of something else")
    for number, line in enumerate(data.split(b"\n"), 1):
        words = [word.decode("utf-8", "surrogateescape") for word in line.replace(b"\t", b" ").split(b" ") if word]
        if words and not words[0].startswith("#"):
            yield number, words
