"""The answers of a witness (C2SP tlog-witness): `POST /add-checkpoint`, `GET /<origin hash>/checkpoint`.

A checkpoint is cosigned if the log's key has signed it and it extends the last one this witness cosigned; then the new
one is on disk before the answer goes out. Killed in between, it cosigns the same size again with an empty proof. It
knows nothing of what the entries say (R33, R35).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.witness.memory import Memory
from tanji.errors import LogError, TrustError
from tanji.trust import checkpoint as checkpoints
from tanji.trust.canonical import HASH_BYTES, decode64, whole
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.keys import VerifierKey
from tanji.trust.note import cosign, open_note, split
from tanji.trust.signer import Signer
from tanji.trust.tree import EMPTY_ROOT, verify_consistency

MOST_PROOF_LINES: Final = 63
LARGEST_BODY: Final = 1 << 17
"""63 hashes and a checkpoint with all the signatures a note may carry stay far below [byte]."""

TEXT: Final = "text/plain; charset=utf-8"
SIZE: Final = "text/x.tlog.size"
MONITORED: Final = re.compile(r"/([0-9a-f]{64})/checkpoint")

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Refusal(Exception):
    """The request is answered with this status, and nothing is remembered."""

    def __init__(self, status: str, text: str, *, kind: str = TEXT) -> None:
        super().__init__(text)
        self.status, self.body, self.kind = status, f"{text}\n".encode(), kind


@dataclass(frozen=True, slots=True)
class Request:
    """What a log asks for: from which size, with which proof, for which checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes


class Witness:
    """A WSGI application; several threads may call it at once."""

    def __init__(
        self, folder: Path, *, signer: Signer, logs: Mapping[str, VerifierKey], clock: Callable[[], int]
    ) -> None:
        self._signer, self._logs, self._clock = signer, logs, clock
        self._key = VerifierKey.parse(signer.vkey())
        self._memory = Memory(folder, key=self._key)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            status, kind, body = "200 OK", TEXT, self._answer(environ)
        except Refusal as refusal:
            status, kind, body = refusal.status, refusal.kind, refusal.body
        except (LogError, OSError) as error:
            status, kind, body = "500 Internal Server Error", TEXT, f"{error}\n".encode()
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body] if environ["REQUEST_METHOD"] != "HEAD" else []

    def add_checkpoint(self, body: bytes) -> bytes:
        """The cosignature lines for a request's body; `Refusal` with the answer the specification asks for."""
        request = _parsed(body)
        origin, text = self._signed(request.note)
        try:
            head = checkpoints.parse(text, extensions=True)
        except TrustError as error:
            if error.rule == "checkpoint-root":  # size 0 with another root than that of nothing
                raise Refusal("422 Unprocessable Entity", str(error)) from error
            raise Refusal("400 Bad Request", str(error)) from error
        if request.old > head.size:
            raise Refusal("400 Bad Request", f"old {request.old} is above the checkpoint's size {head.size}")
        line = b""

        def decide(last: Checkpoint | None) -> bytes:
            nonlocal line
            _check(request, head, last=last or Checkpoint(origin, 0, EMPTY_ROOT))
            line = cosign(text, self._signer, time_s=self._clock() // 1000)
            return text + b"\n" + self._log_lines(request.note, origin) + line

        self._memory.advance(origin, decide)
        return line

    def _answer(self, environ: Environ) -> bytes:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if path == "/add-checkpoint":
            if method != "POST":
                raise Refusal("405 Method Not Allowed", f"expected POST, got {method}")
            length = int(environ.get("CONTENT_LENGTH") or 0)
            if length > LARGEST_BODY:
                raise Refusal("413 Content Too Large", f"expected at most {LARGEST_BODY} bytes")
            return self.add_checkpoint(environ["wsgi.input"].read(length))
        if method not in ("GET", "HEAD"):
            raise Refusal("405 Method Not Allowed", f"expected GET, got {method}")
        monitored = MONITORED.fullmatch(path)
        note = self._memory.note(monitored[1]) if monitored else None
        if note is None:
            raise Refusal(
                "404 Not Found", "nothing was ever cosigned here; expected /<SHA-256 of the origin>/checkpoint"
            )
        return note

    def _signed(self, note: bytes) -> tuple[str, bytes]:
        """Origin and text of a checkpoint that the log of that origin has signed."""
        try:
            text, _ = split(note)
        except TrustError as error:
            raise Refusal("400 Bad Request", str(error)) from error
        origin = text.split(b"\n", 1)[0].decode("utf-8")
        key = self._logs.get(origin)
        if key is None:
            raise Refusal("404 Not Found", f"unknown origin {origin}")
        try:
            return origin, open_note(note, [key]).body
        except TrustError as error:
            raise Refusal("403 Forbidden", str(error)) from error

    def _log_lines(self, note: bytes, origin: str) -> bytes:
        """The signature lines of the log, which monitors need beside the cosignature."""
        own = f"— {self._logs[origin].name} ".encode()
        lines = note.rpartition(b"\n\n")[2].split(b"\n")[:-1]
        return b"".join(line + b"\n" for line in lines if line.startswith(own))


def create_witness(folder: Path, signer: Signer, logs: Mapping[str, str], *, clock: Callable[[], int]) -> Witness:
    """The WSGI application of a witness that remembers in `folder`.

    signer : its key of type 4. logs : by origin, the vkey of each log it is to watch. clock : UTC now [ms].
    """
    return Witness(
        folder, signer=signer, logs={name: VerifierKey.parse(text) for name, text in logs.items()}, clock=clock
    )


def _parsed(body: bytes) -> Request:
    head, empty, note = body.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    if not empty or not first.startswith(b"old ") or len(lines) > MOST_PROOF_LINES:
        raise Refusal("400 Bad Request", "expected old <size>, at most 63 lines of proof, an empty line, a checkpoint")
    try:
        old = whole(first[4:].decode("utf-8", "replace"), rule="proof-form")
        proof = tuple(decode64(line, rule="proof-form", length=HASH_BYTES) for line in lines)
    except TrustError as error:
        raise Refusal("400 Bad Request", str(error)) from error
    return Request(old, proof, note)


def _check(request: Request, head: Checkpoint, *, last: Checkpoint) -> None:
    """Refuse what does not extend the last cosigned checkpoint, in the order of the specification."""
    if request.old != last.size:
        raise Refusal("409 Conflict", str(last.size), kind=SIZE)
    if last.size == 0 and (request.proof or (head.size == 0 and head.root != last.root)):
        raise Refusal("422 Unprocessable Entity", "expected no proof from an empty log")
    if last.size > 0:
        try:
            verify_consistency(last.size, head.size, request.proof, last.root, head.root)
        except TrustError as error:
            raise Refusal("422 Unprocessable Entity", str(error)) from error
