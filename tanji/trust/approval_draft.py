"""A note between its two signatures: the preparer has signed, the approver has not yet (R33; reference/trust.md 2.1).

A draft is the text of a statement, correction or plant note, an empty line and one signature line, the preparer's. No
log takes it: a leaf needs both lines, in this order. The second is added where the approver's key is, by `approved`,
which verifies the first and refuses a key that is not an approver's, or is the preparer's own. What has to be looked at
before is the business of who asks the approver; where drafts lie meanwhile is `waiting_room`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import correction, plant_note, statement
from tanji.trust.keyring import Keyring
from tanji.trust.keys import VerifierKey
from tanji.trust.note import open_leaf, sign, signature_line, split
from tanji.trust.signer import Signer
from tanji.trust.verify_signers import APPROVER, PREPARER, open_among

STATEMENT: Final = "statement"
CORRECTION: Final = "correction"
PLANT: Final = "plant"
KINDS: Final = {
    statement.TYPE_LINE.decode().rstrip("\n"): STATEMENT,
    correction.TYPE_LINE: CORRECTION,
    plant_note.TYPE: PLANT,
}
"""First line of what two people sign, and its name for people."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that its preparer has signed; `open` and `prepare` are the ways to a sound one."""

    body: bytes
    data: bytes
    preparer: VerifierKey

    @classmethod
    def prepare(cls, body: bytes, signer: Signer) -> Draft:
        """The draft with the preparer's signature."""
        kind_of(body)
        return cls(body, sign(body, signer), VerifierKey.parse(signer.vkey()))

    @classmethod
    def open(cls, data: bytes, *, keyring: Keyring | None, index: int) -> Draft:
        """The draft behind bytes that exactly one preparer, whose key is in force at `index` of the log, has signed."""
        if keyring is None:
            raise EvidenceMissing("note-unknown-key", where="draft", expected="a keyring in force", got="none")
        body, (key,) = open_among(data, [keyring.keys_for(PREPARER, index)])
        kind_of(body)
        return cls(body, data, key)

    @classmethod
    def listed(cls, data: bytes, *, keyring: Keyring | None) -> Draft:
        """The draft for a list of what waits: by any preparer there ever was, whose key may have ended since."""
        name, key_id, _ = split(data)[1][0]
        lines = () if keyring is None else keyring.lines
        index = next((line.first for line in lines if (line.key.name, line.key.key_id) == (name, key_id)), 0)
        return cls.open(data, keyring=keyring, index=index)

    @property
    def kind(self) -> str:
        """What it is: statement, correction or plant."""
        return kind_of(self.body)

    def check_approver(self, key: VerifierKey, *, keyring: Keyring, index: int) -> None:
        """Raise unless this is an approver's key in force at `index`, and not the preparer's."""
        if key.public == self.preparer.public:
            expected = "another key than the preparer's, held by another person"
            raise TrustError("note-signers", where=APPROVER, expected=expected, got=_named(key))
        allowed = keyring.keys_for(APPROVER, index)
        if key not in allowed:
            names = " or ".join(_named(each) for each in allowed) or "none in force"
            expected = f"the approver's key of keyring {keyring.version}: {names}"
            raise TrustError("note-unknown-key", where=APPROVER, expected=expected, got=_named(key))

    def approved(self, signer: Signer, *, keyring: Keyring, index: int) -> bytes:
        """The note: the draft and the approver's line behind the preparer's."""
        key = VerifierKey.parse(signer.vkey())
        self.check_approver(key, keyring=keyring, index=index)
        note = self.data + signature_line(self.body, signer)
        open_leaf(note, (self.preparer, key))
        return note


def kind_of(body: bytes) -> str:
    """What a text is by its first line; TrustError for one that two people do not sign."""
    first = body.split(b"\n", 1)[0].decode("utf-8", "replace")
    if first not in KINDS:
        raise TrustError("header-type", where="draft", expected=" or ".join(KINDS), got=first)
    return KINDS[first]


def body_of(data: bytes) -> bytes:
    """The text of a draft, unverified: enough to find it in a log, whose own entries are verified."""
    return split(data)[0]


def _named(key: VerifierKey) -> str:
    return f"{key.name}+{key.key_id.hex()}"
