"""A log behind HTTP, as those see it who send notes: the requests of services/log, with their answers as errors.

One connection is kept open and made anew when it broke; a request that may have arrived is simply sent again, since the
log answers the same bytes with their index. Needs the standard library alone. When to send is the sender's business.
"""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from tanji.errors import EvidenceMissing, LogUnavailable, TrustError
from tanji.trust import log_parts
from tanji.trust.batch import ChainEnd

TIMEOUT_S = 30.0
"""A log that takes a long backlog answers when all of it is on disk [s]."""


class LogClient:
    """The log at `url`; may be used by several threads, one request at a time."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise LogUnavailable(f"{url}: expected an address http://<host>[:<port>]")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=timeout_s)
        self._url, self._path = url.rstrip("/"), parts.path.rstrip("/")
        self._turn = threading.Lock()

    def add_batch(self, note: bytes, payload: bytes) -> int:
        """Hand a batch over; its index. TrustError: refused. EvidenceMissing, LogUnavailable: try again later."""
        return self.add_batches([(note, payload)])[0]

    def add_batches(self, batches: Sequence[tuple[bytes, bytes]]) -> list[int]:
        """Hand several over, in order, in one request; their indexes."""
        said = self._ask("POST", "/add-batch", log_parts.of_batches(batches))
        return [int(index) for index in said["indexes"]]

    def add_note(self, note: bytes, *, files: Mapping[str, bytes] | None = None) -> int:
        """Hand a keyring, plant note, statement or correction over with the files it names; its index."""
        said = self._ask("POST", "/add-note", log_parts.of_note(note, (files or {}).values()))
        return int(said["indexes"][0])

    def notes(self, type_line: str) -> list[bytes]:
        """Every note of a type, e.g. `tanji/keys/v1`, in the log's order. Who signed them is the caller's to verify."""
        said = self._ask("GET", f"/notes?type={quote(type_line, safe='')}")
        return [base64.b64decode(note, validate=True) for note in said["notes"]]

    def chain_end(self, gateway: str) -> ChainEnd | None:
        """The last batch of a gateway; None if there is none."""
        said = self._ask("GET", f"/chain-end?gateway={quote(gateway, safe='')}")
        if said["chain_end"] is None:
            return None
        end = said["chain_end"]
        leaf, note = (base64.b64decode(end[name], validate=True) for name in ("leaf", "note"))
        return ChainEnd(int(end["seq"]), leaf, int(end["to_ms"]), note)

    def close(self) -> None:
        """Let go of the connection."""
        with self._turn:
            self._connection.close()

    def _ask(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        with self._turn:
            status, data = self._answer(method, path, body)
        try:
            said = json.loads(data)
            if status == 200:
                return dict(said)
            if status in (409, 422):
                kind = EvidenceMissing if status == 409 else TrustError
                raise kind(said["rule"], where=said["where"], expected=said["expected"], got=said["got"])
            reason = str(said["message"])
        except (ValueError, KeyError, TypeError) as error:
            raise LogUnavailable(f"{self._url}: expected a log, got an answer that is none ({status})") from error
        raise LogUnavailable(f"{self._url}: answered {status}: {reason}")

    def _answer(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        """Status and body; a connection that the log had closed meanwhile is opened once more."""
        is_reused = self._connection.sock is not None
        try:
            return self._once(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            failure = error
        if is_reused:
            try:
                return self._once(method, path, body)
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                failure = error
        raise LogUnavailable(f"{self._url}: {failure or type(failure).__name__}") from failure

    def _once(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/octet-stream"} if body is not None else {}
        self._connection.request(method, self._path + path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()
