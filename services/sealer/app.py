"""The sealer's HTTP face: InfluxDB's two write paths, so that Telegraf and any InfluxDB client need no change.

`POST /write` and `/api/v2/write` take line protocol, plain or gzip, in every precision, and answer 204 once the good
and the parked lines are on disk; 400 with line number and reason only if the body as a whole is no line protocol, and
then nothing of it is kept; 401 without the secret of the plant file; 413 too large; 503 with Retry-After if the disk
does not take it or the spool is full, so that the sender keeps it. `GET /ping`, `/healthz` and `/metrics` tell how the
sealer is, to anybody.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import threading
import zlib
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any
from urllib.parse import parse_qs

from services.sealer.admission import Admission
from services.sealer.counters import Counters
from services.sealer.device_clock import DeviceClocks
from services.sealer.door import Door
from services.sealer.health import Health
from services.sealer.parked import Parked
from services.sealer.spool import Spool
from tanji import __version__
from tanji.acquisition.line_protocol import PRECISIONS, parse
from tanji.errors import LineProtocolError, SpoolError

MAX_BODY = 32 << 20
"""Largest body, as sent and unpacked [byte]: 64 times what a client is told to send at once (5,000 lines)."""

LARGE_BODY = 4 << 20
"""Bodies above this are read one at a time [byte]: read line by line, 32 MiB of short lines take 0.8 GB for a while."""

WRITE_PATHS = ("/write", "/api/v2/write")
RETRY_AFTER_S = 5
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Refusal(Exception):
    """The request is answered with an error; nothing of it was kept."""

    def __init__(self, status: str, reason: str, *, code: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.body = {"code": code, "message": reason, "error": reason} | ({} if line is None else {"line": line})


class SealerApp:
    """A WSGI application; every method may run in several threads at once."""

    def __init__(
        self,
        admission: Admission,
        *,
        spool: Spool,
        parked: Parked,
        health: Health,
        counters: Counters,
        clock: Callable[[], int],
        report: Callable[[], dict[str, Any]],
        metrics: Callable[[], bytes],
        door: Door,
        device_clocks: DeviceClocks,
        max_body: int = MAX_BODY,
    ) -> None:
        self._admission = admission
        self._spool = spool
        self._parked = parked
        self._health = health
        self._counters = counters
        self._clock = clock
        self._report = report
        self._metrics = metrics
        self._door = door
        self._device_clocks = device_clocks
        self._max_body = max_body
        self._reading_large = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        headers = [("X-Tanji-Version", __version__)]
        try:
            status, answer = self._answer(environ)
        except Refusal as refusal:
            self._counters.add(refused_bodies=1)
            status, answer = refusal.status, refusal.body
            if status.startswith("503"):
                headers.append(("Retry-After", str(RETRY_AFTER_S)))
            if status.startswith("401"):
                headers.append(("WWW-Authenticate", 'Basic realm="Tanji"'))
        if answer is None:
            start_response(status, headers)
            return []
        kind, data = METRICS_TYPE, answer
        if not isinstance(answer, bytes):
            kind, data = "application/json", json.dumps(answer, ensure_ascii=False).encode()
        headers += [("Content-Type", kind), ("Content-Length", str(len(data)))]
        start_response(status, headers)
        return [data] if environ["REQUEST_METHOD"] != "HEAD" else []

    def _answer(self, environ: Environ) -> tuple[str, dict[str, Any] | bytes | None]:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if path in WRITE_PATHS:
            _expect(method, "POST")
            self._admit(environ)
            self._write(environ)
            return "204 No Content", None
        if path == "/ping":
            _expect(method, "GET", "HEAD")
            return "204 No Content", None
        if path == "/healthz":
            _expect(method, "GET", "HEAD")
            report = self._report()
            return ("503 Service Unavailable" if report["status"] == "failed" else "200 OK"), report
        if path == "/metrics":
            _expect(method, "GET", "HEAD")
            return "200 OK", self._metrics()
        if path == "/query":
            self._admit(environ)
            return "200 OK", self._query(environ)
        reason = f"expected /write, /api/v2/write, /ping, /healthz or /metrics, got {path}"
        raise Refusal("404 Not Found", reason, code="not found")

    def _admit(self, environ: Environ) -> None:
        if not self._door.admits(environ.get("HTTP_AUTHORIZATION"), _parameters(environ)):
            self._counters.add(unauthorised=1)
            raise Refusal("401 Unauthorized", "unauthorized access: expected the sealer's token", code="unauthorized")

    def _write(self, environ: Environ) -> None:
        """Parse, admit, park, spool; on return all of it is on disk."""
        arrival_ms = self._clock()
        precision = _parameters(environ).get("precision", ["ns"])[-1] or "ns"
        if precision not in PRECISIONS:
            expected = ", ".join(PRECISIONS)
            raise Refusal("400 Bad Request", f"expected a precision among {expected}, got {precision}", code="invalid")
        body = self._body(environ)
        try:
            with self._reading_large if len(body) > LARGE_BODY else nullcontext():
                parsed = parse(body, precision=precision, arrival_ms=arrival_ms, park_faults=True)
        except LineProtocolError as error:
            match = re.match(r"line (\d+):", str(error))
            line = int(match[1]) if match else None
            raise Refusal("400 Bad Request", f"unable to parse: {error}", code="invalid", line=line) from error
        admitted = self._admission.judge(parsed)
        arrival_ms = self._clock()  # reading a large body takes seconds, and segments go by the minute of acceptance
        try:
            self._parked.add(admitted.parked, arrival_ms=arrival_ms)
            if len(admitted.readings):
                self._spool.append(admitted.readings, arrival_ms=arrival_ms)
        except SpoolError as error:
            raise Refusal("503 Service Unavailable", str(error), code="unavailable") from error
        self._counters.add(acknowledged=len(admitted.readings), parked=len(admitted.parked), bodies=1)
        self._device_clocks.look(admitted.readings, arrival_ms=arrival_ms)
        self._health.offer(admitted.others)

    def _body(self, environ: Environ) -> bytes:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > self._max_body:
            raise self._too_large(f"{length} bytes")
        data: bytes = environ["wsgi.input"].read(length)
        if len(data) < length:
            raise Refusal("400 Bad Request", f"expected {length} bytes, got {len(data)}", code="invalid")
        encoding = environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
        if encoding in ("", "identity"):
            return data
        if encoding not in ("gzip", "x-gzip"):
            reason = f"expected Content-Encoding gzip or identity, got {encoding}"
            raise Refusal("415 Unsupported Media Type", reason, code="invalid")
        return self._unpacked(data)

    def _unpacked(self, data: bytes) -> bytes:
        """Gzip, one member or several; a small body that unpacks to a huge one is stopped at the limit."""
        try:
            unpacked = gzip.GzipFile(fileobj=io.BytesIO(data)).read(self._max_body + 1)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise Refusal("400 Bad Request", f"expected a gzip body, got {error}", code="invalid") from error
        if len(unpacked) > self._max_body:
            raise self._too_large("more when unpacked")
        return unpacked

    def _too_large(self, got: str) -> Refusal:
        reason = f"expected a body of at most {self._max_body} bytes, got {got}; send fewer lines at once"
        return Refusal("413 Request Entity Too Large", reason, code="request too large")

    def _query(self, environ: Environ) -> dict[str, Any]:
        """Telegraf's InfluxDB 1.x output asks for its database first; there is nothing to create."""
        asked = _parameters(environ).get("q") or parse_qs(self._body(environ).decode("latin-1")).get("q") or [""]
        if not asked[-1].strip().upper().startswith("CREATE DATABASE"):
            raise Refusal("400 Bad Request", "the sealer takes writes only; ask the store", code="invalid")
        return {"results": [{"statement_id": 0}]}


def _parameters(environ: Environ) -> dict[str, list[str]]:
    return parse_qs(environ.get("QUERY_STRING", ""))


def _expect(method: str, *allowed: str) -> None:
    if method not in allowed:
        reason = f"expected {' or '.join(allowed)}, got {method}"
        raise Refusal("405 Method Not Allowed", reason, code="method not allowed")
