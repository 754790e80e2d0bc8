"""An SM2 signature beside a statement, when a verifier asks for it (docs/trust-format.md 9; GB/T 32918, GB/T 39786).

The public key is the verifier's: one that came with the evidence would vouch for itself. What decides is `sm2`, through
OpenSSL 3; whether it is asked at all is for the command.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import sm2
from tanji.trust.verify_report import Verdict


@dataclass(frozen=True, slots=True)
class Sm2Asked:
    """The verifier's own SM2 public key in PEM, and where the signature is to be."""

    public: bytes
    signature: Path

    def check(self, statement: bytes) -> None:
        """Raise unless the signature is one over the bytes of `statement.note`.

        TrustError sm2-signature where it is not; EvidenceMissing where it, or OpenSSL, is not there.
        """
        try:
            signature = self.signature.read_bytes()
        except FileNotFoundError:
            expected = "an SM2 signature, here or where --sm2-signature says"
            raise EvidenceMissing(sm2.RULE, where=str(self.signature), expected=expected, got="no file") from None
        try:
            sm2.verify(statement, signature, self.public)
        except TrustError as error:
            where = str(self.signature)
            raise type(error)(sm2.RULE, where=where, expected=error.expected, got=error.got) from error


def judged(asked: Sm2Asked | None, statement: bytes) -> Verdict:
    """What the signature makes of an integrity that holds."""
    try:
        if asked is not None:
            asked.check(statement)
    except EvidenceMissing as error:
        return Verdict.undecided(error)
    except TrustError as error:
        return Verdict.failed(error)
    return Verdict.ok()
