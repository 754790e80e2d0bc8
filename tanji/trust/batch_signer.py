"""Who signs the batches of a gateway or a laboratory: asked for every number, since a key ends and another goes on.

A gateway's key is bounded by its own sequence (trust.md 2.7), so the keyring in force says which one signs a number,
and the change from one key to the next needs nobody to be there. Where no private key may sign, the chain waits: a
batch under a key that is not in force would be refused by the log and by every verifier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust.keyring import Keyring
from tanji.trust.keys import VerifierKey
from tanji.trust.signer import Signer


class BatchSigner(Protocol):
    """The keys of one name."""

    @property
    def name(self) -> str:
        """Of the chain: every key of it has this name."""
        ...

    def signer_for(self, seq: int) -> Signer:
        """The key that signs this number; TrustError while there is none."""
        ...


class OneKey:
    """One key for every number, whatever a keyring says."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self.name = VerifierKey.parse(signer.vkey()).name

    def signer_for(self, seq: int) -> Signer:
        """The key."""
        return self._signer


class RegisteredKeys:
    """The private keys that are here, each for the numbers that the keyring in force gives it."""

    def __init__(
        self,
        role: str,
        name: str,
        *,
        keyring: Callable[[], Keyring | None],
        keys: Callable[[], Iterable[Signer]],
        permit: Callable[[], None] = lambda: None,
    ) -> None:
        """keyring, keys : those of the moment. permit : raises TrustError while nothing may be signed at all."""
        self.name = name
        self._role, self._keyring, self._keys, self._permit = role, keyring, keys, permit

    def signer_for(self, seq: int) -> Signer:
        """The key in force for a number. TrustError: there is none; EvidenceMissing: its private half is not here."""
        self._permit()
        keyring = self._keyring()
        if keyring is None:
            expected = f"a keyring with a {self._role} key in force for {seq}"
            raise EvidenceMissing("batch-key", where=self.name, expected=expected, got="no keyring")
        wanted = keyring.key_for(self._role, self.name, seq)
        for signer in self._keys():
            if signer.vkey() == wanted.text:
                return signer
        expected = f"the private key of {wanted.name}+{wanted.key_id.hex()}, which is in force for {seq}"
        raise EvidenceMissing("batch-key", where=self.name, expected=expected, got="no such key file")

    def may_sign(self, seq: int) -> bool:
        """Whether a number could be signed now."""
        try:
            self.signer_for(seq)
        except TrustError:
            return False
        return True
