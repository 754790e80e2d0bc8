"""Asking a witness for its cosignature: the client's side of C2SP tlog-witness, add-checkpoint.

The witness says what it knows: with 409 it names the size it saw last, and is asked again with a proof from there. What
it signs is verified before it is believed. When to ask, and what to do about a refusal, is `keeper`.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from tanji.errors import TrustError
from tanji.trust.canonical import WHOLE, encode64
from tanji.trust.keys import VerifierKey
from tanji.trust.log import Log
from tanji.trust.note import open_note

TIMEOUT_S = 10.0
LARGEST_ANSWER = 1 << 16
SIZE_TYPE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: its key, and where it takes checkpoints."""

    key: VerifierKey
    url: str

    @property
    def name(self) -> str:
        """Of its key."""
        return self.key.name


class _Named(Protocol):
    @property
    def vkey(self) -> str: ...

    @property
    def url(self) -> str: ...


class WitnessAway(Exception):
    """The witness does not answer, or what answers is none."""


class WitnessRefuses(Exception):
    """The witness will not cosign this checkpoint: it knows another log, or does not know this one."""


def witnesses_of(settings: Iterable[_Named]) -> tuple[Witness, ...]:
    """The witnesses that a plant file names."""
    return tuple(Witness(VerifierKey.parse(each.vkey), each.url) for each in settings)


class WitnessContradicts(WitnessRefuses):
    """The witness has seen another or a longer history of this log than the one that is here."""


class WitnessClient:
    """Asks one witness about one log, and remembers what it saw last."""

    def __init__(self, witness: Witness, log: Log, *, timeout_s: float = TIMEOUT_S) -> None:
        self.witness = witness
        self._log, self._timeout_s = log, timeout_s
        self._known = 0

    def cosigned(self, head: bytes, *, size: int) -> bytes:
        """The witness's signature lines for the checkpoint `head` of that size, verified."""
        for _ in range(2):
            status, kind, body = self._post(head, size=size)
            if status == 200:
                lines = self._verified(head, body)
                self._known = size
                return lines
            if status != 409 or not kind.startswith(SIZE_TYPE):
                break
            self._known = self._size(body, ours=size)
        said = body[:200].decode("utf-8", "replace").strip()
        if status == 422:
            raise WitnessContradicts(f"answered 422: {said}")
        if status in (400, 403, 404):
            raise WitnessRefuses(f"answered {status}: {said}")
        raise WitnessAway(f"answered {status}: {said}")

    def _size(self, body: bytes, *, ours: int) -> int:
        text = body.decode("utf-8", "replace").removesuffix("\n")
        if len(text) > 19 or not WHOLE.fullmatch(text):
            raise WitnessAway(f"answered 409 with no size: {text[:40]}")
        if int(text) > ours:
            raise WitnessContradicts(f"it has seen {text} entries, this log has {ours}: entries are gone here")
        return int(text)

    def _verified(self, head: bytes, lines: bytes) -> bytes:
        """Exactly the lines that are the witness's, once they are known to be good."""
        try:
            opened = open_note(head + lines, (self._log.key, self.witness.key))
        except TrustError as error:
            raise WitnessAway(f"answered with something else than cosignatures: {error}") from error
        if self.witness.key not in [key for key, _ in opened.verified]:
            raise WitnessAway(f"answered without a cosignature by {self.witness.name}")
        key = self.witness.key
        own = f"— {key.name} ".encode()
        return b"".join(line + b"\n" for line in lines.split(b"\n")[:-1] if line.startswith(own))

    def _post(self, head: bytes, *, size: int) -> tuple[int, str, bytes]:
        proof = self._log.consistency(self._known, size) if 0 < self._known < size else []
        body = "".join((f"old {self._known}\n", *(f"{encode64(node)}\n" for node in proof), "\n")).encode() + head
        parts = urlsplit(self.witness.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self._timeout_s)
        try:
            connection.request("POST", parts.path.rstrip("/") + "/add-checkpoint", body)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Content-Type", ""), answer.read(LARGEST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise WitnessAway(str(error) or type(error).__name__) from error
        finally:
            connection.close()
