"""A keyring note on its way: one registrar after the other signs it, each on a machine of their own.

A draft is a keyring text, an empty line and the signature lines there are so far, none at first, in any order. When all
are there, `complete` puts them into the order of the note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tanji.errors import TrustError
from tanji.trust.keyring import required
from tanji.trust.keyring_text import KeyringText
from tanji.trust.keys import VerifierKey
from tanji.trust.note import signature_line, split, verify
from tanji.trust.registrar import Registrar, leading
from tanji.trust.signer import Signer


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be signed, who signs the keyring before it or the anchor, and the signatures so far."""

    text: KeyringText
    old: tuple[Registrar, ...]
    lines: tuple[tuple[VerifierKey, bytes], ...] = ()

    @classmethod
    def parse(cls, data: bytes, old: Sequence[Registrar]) -> Draft:
        """The draft in a file; a signature that is not a registrar's, or not good, is refused."""
        head, empty_line, block = data.partition(b"\n\n")
        if not empty_line:
            raise TrustError("note-form", expected="a keyring text and an empty line", got="something else")
        text = KeyringText.parse(head + b"\n")
        lines = []
        for signature, line in zip(split(data)[1], block.split(b"\n"), strict=False) if block else ():
            key = _registrar((*old, *text.registrars), signature.name, signature.key_id)
            verify(text.body, signature, key)
            lines.append((key, line + b"\n"))
        return cls(text, tuple(old), tuple(lines))

    def signed(self, signer: Signer) -> Draft:
        """The draft with the signature of one more registrar."""
        parsed = VerifierKey.parse(signer.vkey())
        key = _registrar((*self.old, *self.text.registrars), parsed.name, parsed.key_id)
        others = tuple((each, line) for each, line in self.lines if each != key)
        return Draft(self.text, self.old, (*others, (key, signature_line(self.text.body, signer))))

    @property
    def data(self) -> bytes:
        """The file."""
        return b"".join((self.text.body, b"\n", *(line for _, line in self.lines)))

    def waiting_for(self) -> tuple[str, ...]:
        """Who has to sign yet: key names, `one of a, b` where there is a choice; nothing when it is complete."""
        there = [key for key, _ in self.lines]
        found: dict[str, None] = {}
        for registrars in (self.old, self.text.registrars):
            institute = leading(registrars, rule="keyring-quorum")
            others = [each.key for each in registrars if each != institute]
            if institute.key not in there:
                found[institute.key.name] = None
            if not any(key in there for key in others):
                names = ", ".join(key.name for key in others)
                found[names if len(others) == 1 else f"one of {names}"] = None
        return tuple(found)

    def complete(self) -> bytes:
        """The keyring note."""
        if self.waiting_for():
            expected = f"signatures of {' and '.join(self.waiting_for())}"
            raise TrustError("keyring-quorum", expected=expected, got=f"{len(self.lines)} signatures")
        lines = dict(self.lines)
        wanted = required(self.old, self.text.registrars, tuple(lines))
        return b"".join((self.text.body, b"\n", *(lines[key] for key in wanted)))


def _registrar(registrars: Sequence[Registrar], name: str, key_id: bytes) -> VerifierKey:
    for each in registrars:
        if (each.key.name, each.key.key_id) == (name, key_id):
            return each.key
    expected = ", ".join(dict.fromkeys(each.key.name for each in registrars))
    raise TrustError("note-unknown-key", expected=f"a registrar: {expected}", got=f"{name}+{key_id.hex()}")
