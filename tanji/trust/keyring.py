"""Keyring notes `tanji/keys/v1`: which key may sign what, from where to where (R33; trust.md 2.7).

A key is bounded by numbers and never by a clock: gateways and laboratories by their own sequence, others by log index.
Version n is signed by the institute's registrar and another one, of version n-1 and of n (the root rule of TUF). Lines
stay for ever; only an open end may be closed. How it is written is `keyring_text`, where notes are kept is `log`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tanji.errors import TrustError
from tanji.trust.canonical import encode64
from tanji.trust.keyring_text import TYPE, KeyLine, KeyringText
from tanji.trust.keys import VerifierKey
from tanji.trust.note import Signature, open_leaf, sign, split, verify
from tanji.trust.registrar import FEWEST, Registrar, leading
from tanji.trust.signer import Signer
from tanji.trust.tree import HASH_BYTES, leaf_hash

FIRST_VERSION = 1

NO_NOTE = bytes(HASH_BYTES)
"""What stands in the place of the previous note's hash where there is none."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """A verified keyring note: what it says, and the leaf hash by which the next one refers to it."""

    text: KeyringText
    leaf: bytes

    @classmethod
    def first(cls, note: bytes, registrars: Sequence[Registrar]) -> Keyring:
        """The keyring of version 1, signed by and naming the registrars of the anchor."""
        return _accept(note, registrars, version=FIRST_VERSION, prev=NO_NOTE, rule="keyring-anchor")

    def next(self, note: bytes) -> Keyring:
        """The keyring that follows this one."""
        following = _accept(note, self.registrars, version=self.version + 1, prev=self.leaf, rule="keyring-quorum")
        if following.plant != self.plant:
            raise TrustError("keyring-continuity", where=TYPE, expected=self.plant, got=following.plant)
        for line in self.lines:
            closable = [each for each in following.lines if line.until is None and replace(each, until=None) == line]
            if line not in following.lines and not closable:
                raise TrustError("keyring-continuity", where=TYPE, expected=line.text, got="no such line")
        return following

    @property
    def plant(self) -> str:
        """Whose keys they are."""
        return self.text.plant

    @property
    def version(self) -> int:
        """Number of the note, from 1."""
        return self.text.version

    @property
    def registrars(self) -> tuple[Registrar, ...]:
        """Who signs the next version."""
        return self.text.registrars

    @property
    def lines(self) -> tuple[KeyLine, ...]:
        """Every key line, in the order of the note."""
        return self.text.lines

    def key_for(self, role: str, name: str, number: int, *, rule: str = "batch-key") -> VerifierKey:
        """The key of this role and name that is in force for `number`: a sequence number or a log index."""
        named = [line for line in self.lines if (line.role, line.key.name) == (role, name)]
        for line in named:
            if line.covers(number):
                return line.key
        got = "no such key" if not named else ", ".join(f"{line.first} to {_end(line.until)}" for line in named)
        raise TrustError(rule, where=name, expected=f"a {role} key in force for {number}", got=got)

    def keys_for(self, role: str, number: int) -> tuple[VerifierKey, ...]:
        """Every key of this role that is in force for `number`."""
        return tuple(line.key for line in self.lines if line.role == role and line.covers(number))

    def ended(self, key: VerifierKey, number: int) -> int | None:
        """The number before `number` at which a key ended; None for one that is in force there."""
        lines = [line for line in self.lines if line.key == key]
        if any(line.covers(number) for line in lines):
            return None
        return max((line.until for line in lines if line.until is not None and line.until < number), default=None)

    def scope_of(self, role: str, name: str, number: int) -> tuple[str, ...] | None:
        """Meters that the key of a name may speak for at a number; None for every one."""
        lines = (line for line in self.lines if line.role == role and line.key.name == name and line.covers(number))
        return next((line.scope for line in lines), None)

    def names(self, role: str) -> tuple[str, ...]:
        """Names of the keys of this role, each once."""
        return tuple(dict.fromkeys(line.key.name for line in self.lines if line.role == role))

    def gateways(self) -> tuple[str, ...]:
        """Names of the gateways, each once: all of them have to be accounted for."""
        return self.names("gateway")

    def laboratories(self) -> tuple[str, ...]:
        """Names of the laboratories, each once."""
        return self.names("laboratory")


def seal(text: KeyringText, *signers: Signer) -> bytes:
    """The note over `text`; who has to sign, and in which order, is `required`."""
    return sign(text.body, *signers)


def required(
    old: Sequence[Registrar], new: Sequence[Registrar], others: Sequence[VerifierKey]
) -> tuple[VerifierKey, ...]:
    """Who signs a keyring, in this order: the institute and another of `old`, then what is still missing of `new`.

    others : the keys that are there to sign beside the institutes'.
    """
    where = TYPE
    first, second = (leading(each, rule="keyring-quorum", where=where) for each in (old, new))
    signers = [first.key, _another(old, first, others)]
    if second.key not in signers:
        signers.append(second.key)
    if not any(each.key in signers for each in new if each != second):
        signers.append(_another(new, second, others))
    return tuple(signers)


def _another(registrars: Sequence[Registrar], institute: Registrar, others: Sequence[VerifierKey]) -> VerifierKey:
    rest = [each.key for each in registrars if each != institute]
    for key in others:
        if key in rest:
            return key
    expected = f"another registrar beside {institute.key.name}: {', '.join(key.name for key in rest)}"
    raise TrustError("keyring-quorum", where=TYPE, expected=expected, got="none of them")


def _accept(note: bytes, old: Sequence[Registrar], *, version: int, prev: bytes, rule: str) -> Keyring:
    """The keyring in a note with every signature it needs; nothing is read before those of `old` are good.

    rule : what is broken when the first two signers are not two registrars of `old`.
    """
    body, signatures = split(note)
    _verify_first_two(body, signatures, old, rule=rule)
    text = KeyringText.parse(body)
    _check_step(text, version=version, prev=prev)
    if version == FIRST_VERSION and set(text.registrars) != set(old):
        expected, got = (", ".join(sorted(each.key.text for each in several)) for several in (old, text.registrars))
        raise TrustError("keyring-anchor", where=TYPE, expected=expected, got=got)
    known = [each.key for each in (*old, *text.registrars)]
    signing = [key for key in (_key(signature, known) for signature in signatures) if key is not None]
    wanted = required(old, text.registrars, signing)
    if [(key.name, key.key_id) for key in wanted] != [(each.name, each.key_id) for each in signatures]:
        expected, got = ", ".join(key.name for key in wanted), ", ".join(each.name for each in signatures)
        raise TrustError("keyring-quorum", where=TYPE, expected=expected, got=got)
    open_leaf(note, wanted)
    return Keyring(text, leaf_hash(note))


def _verify_first_two(
    body: bytes, signatures: Sequence[Signature], registrars: Sequence[Registrar], *, rule: str
) -> None:
    """Raise unless the institute's registrar and then another one have signed."""
    if len(signatures) < FEWEST:
        raise TrustError("note-signers", where=TYPE, expected=f"at least {FEWEST}", got=str(len(signatures)))
    institute = leading(registrars, rule=rule, where=TYPE)
    allowed = ([institute.key], [each.key for each in registrars if each != institute])
    keys = []
    for signature, several in zip(signatures, allowed, strict=False):
        key = _key(signature, several)
        if key is None:
            expected = " or ".join(f"{each.name}+{each.key_id.hex()}" for each in several)
            raise TrustError(rule, where=TYPE, expected=expected, got=_name(signature))
        keys.append(key)
    for signature, key in zip(signatures, keys, strict=False):
        verify(body, signature, key)


def _key(signature: Signature, keys: Iterable[VerifierKey]) -> VerifierKey | None:
    """The one of `keys` that a line claims to be by."""
    return next((key for key in keys if (key.name, key.key_id) == (signature.name, signature.key_id)), None)


def _check_step(text: KeyringText, *, version: int, prev: bytes) -> None:
    if text.version != version:
        raise TrustError("keyring-version", where=TYPE, expected=str(version), got=str(text.version))
    if text.prev != prev:
        raise TrustError("keyring-prev", where=TYPE, expected=encode64(prev), got=encode64(text.prev))


def _end(until: int | None) -> str:
    return "open" if until is None else str(until)


def _name(signature: Signature) -> str:
    return f"{signature.name}+{signature.key_id.hex()}"
