"""Where in a log the newest keyring is, so that an anchor can name it (docs/trust-format.md 3; R33).

Whoever writes the line has to know the index from a log that witnesses saw, and not from the plant's word for it. What
a verifier makes of the line is `verify_signers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tanji.errors import TrustError
from tanji.trust.keyring import Keyring
from tanji.trust.log_reader import LogReader
from tanji.trust.policy import Anchor
from tanji.trust.policy_file import NamedKeyring
from tanji.trust.proof import TlogProof
from tanji.trust.verify_batches import head_of
from tanji.trust.verify_evidence import read_keys
from tanji.trust.verify_log import check_included
from tanji.trust.verify_source import Place


@dataclass(frozen=True, slots=True)
class Logged:
    """The newest keyring of some evidence, its index, and the size of the log up to which nobody hides another."""

    keyring: Keyring
    index: int
    size: int

    @property
    def named(self) -> NamedKeyring:
        """What an anchor says of it."""
        return NamedKeyring(self.keyring.version, self.index)


def newest_logged(path: Path, anchor: Anchor) -> Logged:
    """The newest keyring of a bundle, an unpacked one or the folder of a log, each shown to be in the log.

    TrustError where it is not signed by the registrars in turn, or not in the log of a checkpoint that the policy of
    the anchor accepts; or where one that the anchor names so far is not there as early: it would be forgiven unsaid.
    """
    place = Place(path)
    head = head_of(place, anchor)
    with Place(path, head.size).open() as source:
        keys = read_keys(source, anchor, head, with_proofs=not place.is_log)
        index, keyring = keys.notes[-1]
        if place.is_log:  # one entry and its path, instead of every entry of years
            note, log = source.read(f"keyring/{index:012d}.note"), LogReader(path)
            check_included(TlogProof(index, tuple(log.inclusion(index, head.size)), head.note), note, head.checkpoint)
    return Logged(keyring, index, head.size)


def require_signed(found: Logged, signed: Keyring | None) -> None:
    """Raise unless the evidence shows the newest keyring that its registrars know to have signed. signed : that one."""
    if signed is None or found.keyring.version > signed.version:
        return
    if found.keyring.version < signed.version:
        expected = f"keyring {signed.version}, which is signed"
        got = f"keyring {found.keyring.version} as the newest up to log size {found.size}"
        raise TrustError("complete-keyring", where="log", expected=expected, got=got)
    if found.keyring.leaf != signed.leaf:
        expected = f"keyring {signed.version} as it is in the folder of keys"
        raise TrustError("keyring-version", where="log", expected=expected, got="another one of this version")
