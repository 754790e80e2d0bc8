"""The log's HTTP face: notes are taken, tiles and checkpoints given out.

`POST /add-batch` and `/add-note` take the parts of `tanji.trust.log_parts` and answer 200 with the indexes once the
entries cannot be lost; 422 with the rule that a note breaks, 409 with what is missing, 503 while the disk takes
nothing. Nobody has to log in: what counts is who signed. `GET /checkpoint` and `/tile/...` are the static files of C2SP
tlog-tiles, `GET /chain-end` is where a gateway goes on, `GET /notes?type=...` which keyrings and plant notes there are:
a gateway elsewhere asks whether its key and its point map still hold. Payloads and attachments are not given out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qs

from tanji.errors import EvidenceMissing, LogError, TrustError
from tanji.trust import keyring_text, log_parts, plant_note
from tanji.trust.log import Log
from tanji.trust.tiles import TILE_PATH

MAX_BODY: Final = 64 << 20
"""Largest body [byte]: a payload of 250,000 lines is 11 MB, and a backlog comes in several requests."""

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"
BYTES: Final = "application/octet-stream"
FOR_EVER: Final = ("Cache-Control", "public, max-age=31536000, immutable")
SOON_OLD: Final = ("Cache-Control", "no-cache")

TOLD: Final = (keyring_text.TYPE, plant_note.TYPE)
"""Types of which every note is told at once: a few in a year."""

Environ = dict[str, Any]
Report = Callable[[], dict[str, Any]]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Answer = tuple[str, str, bytes, tuple[str, str]]
"""Status, type, body, how long it may be kept."""


class LogApp:
    """A WSGI application; several threads may call it at once."""

    def __init__(self, log: Log, *, report: Report | None = None, metrics: Callable[[], bytes] | None = None) -> None:
        self._log, self._report, self._metrics = log, report, metrics
        self._routes: dict[str, tuple[str, Callable[[Environ], Answer]]] = {
            "/add-batch": ("POST", self._add_batch),
            "/add-note": ("POST", self._add_note),
            "/checkpoint": ("GET", self._checkpoint),
            "/chain-end": ("GET", self._chain_end),
            "/notes": ("GET", self._notes),
            "/healthz": ("GET", self._healthz),
        }
        if metrics is not None:
            self._routes["/metrics"] = "GET", self._numbers

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            status, kind, body, age = self._answer(environ)
        except EvidenceMissing as error:
            status, kind, body, age = _refusal("409 Conflict", error)
        except TrustError as error:
            status, kind, body, age = _refusal("422 Unprocessable Content", error)
        except LogError as error:
            status, kind, body, age = _message("503 Service Unavailable", str(error))
        headers = [("Content-Type", kind), ("Content-Length", str(len(body))), age]
        start_response(status, headers)
        return [body] if environ["REQUEST_METHOD"] != "HEAD" else []

    def _answer(self, environ: Environ) -> Answer:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        wanted, route = self._routes.get(path, ("GET", self._tile))
        if method != wanted and (wanted, method) != ("GET", "HEAD"):
            return _message("405 Method Not Allowed", f"expected {wanted}, got {method}")
        return route(environ)

    def _add_batch(self, environ: Environ) -> Answer:
        body = _body(environ)
        if body is None:
            return _too_large()
        return _json({"indexes": self._log.add_batches(log_parts.batches_of(body))})

    def _add_note(self, environ: Environ) -> Answer:
        body = _body(environ)
        if body is None:
            return _too_large()
        note, files = log_parts.note_of(body)
        named = {sha256(data).hexdigest(): data for data in files}
        return _json({"indexes": [self._log.add_note(note, files=named)]})

    def _chain_end(self, environ: Environ) -> Answer:
        asked = parse_qs(environ.get("QUERY_STRING", "")).get("gateway", [""])[-1]
        end = self._log.chain_end(asked)
        if end is None:
            return _json({"chain_end": None})
        leaf, note = (base64.b64encode(data).decode() for data in (end.leaf, end.note))
        return _json({"chain_end": {"seq": end.seq, "leaf": leaf, "to_ms": end.to_ms, "note": note}})

    def _notes(self, environ: Environ) -> Answer:
        asked = parse_qs(environ.get("QUERY_STRING", "")).get("type", [""])[-1]
        if asked not in TOLD:
            return _message("404 Not Found", f"expected ?type={' or '.join(TOLD)}, got {asked}")
        notes = [self._log.entry(index) for index in self._log.indexes(asked)]
        return _json({"notes": [base64.b64encode(note).decode() for note in notes]})

    def _checkpoint(self, environ: Environ) -> Answer:
        return "200 OK", TEXT, self._log.published_note(), SOON_OLD

    def _tile(self, environ: Environ) -> Answer:
        path = environ.get("PATH_INFO", "")[1:]
        if not TILE_PATH.fullmatch(path):
            expected = "/add-batch, /add-note, /checkpoint, /chain-end, /notes, /healthz or /tile/..."
            return _message("404 Not Found", f"expected {expected}, got /{path}")
        try:
            return "200 OK", BYTES, (self._log.folder / path).read_bytes(), FOR_EVER
        except FileNotFoundError:
            return _message("404 Not Found", f"{path} is not of a published size, or its full tile has replaced it")

    def _numbers(self, environ: Environ) -> Answer:
        return "200 OK", METRICS, b"" if self._metrics is None else self._metrics(), SOON_OLD

    def _healthz(self, environ: Environ) -> Answer:
        report = {"status": "ok"} if self._report is None else self._report()
        status, kind, body, age = _json(report | {"size": self._log.size, "published": self._log.published})
        return ("503 Service Unavailable" if report["status"] == "failed" else status), kind, body, age


def create_log_app(log: Log, *, report: Report | None = None, metrics: Callable[[], bytes] | None = None) -> LogApp:
    """The WSGI application of a log that this process owns.

    report : the answer of `/healthz`; its `status` is ok, degraded or failed. metrics : that of `/metrics`.
    """
    return LogApp(log, report=report, metrics=metrics)


def _body(environ: Environ) -> bytes | None:
    """The body of a request; None if it is too large."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > MAX_BODY:
        return None
    data: bytes = environ["wsgi.input"].read(length)
    return data


def _json(said: dict[str, Any], *, status: str = "200 OK") -> Answer:
    return status, JSON, json.dumps(said, ensure_ascii=False).encode(), SOON_OLD


def _message(status: str, message: str) -> Answer:
    return _json({"message": message}, status=status)


def _too_large() -> Answer:
    return _message("413 Content Too Large", f"expected at most {MAX_BODY} bytes; send fewer batches at once")


def _refusal(status: str, error: TrustError) -> Answer:
    said = {"rule": error.rule, "where": error.where, "expected": error.expected, "got": error.got}
    return _json({"message": str(error)} | said, status=status)
