"""A server that says it is InfluxDB 1.6.7, keeps what is written, and answers writes as a test wants.

It has nothing to say to a query: a sealer that starts on it finds an empty database.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tanji.acquisition.line_protocol import parse

Status = Callable[[bytes], int]


class InfluxDouble(ThreadingHTTPServer):
    """`status` decides the answer to a body; `rows` holds readings by (point, time); `rewritten` counts changes."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        self.status: Status = lambda body: 204
        self.delay_s = 0.0
        self.rows: dict[tuple[str, int], tuple[float | None, int]] = {}
        self.order: list[tuple[str, int]] = []
        self.changed = 0
        self.writes: list[int] = []
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, body: bytes) -> int:
        """Answer a write; what is answered with 204 is kept."""
        time.sleep(self.delay_s)
        status = self.status(body)
        with self._lock:
            self.writes.append(status)
            if status == 204 and body.startswith(b"reading,"):
                for row in parse(body, precision="ms", arrival_ms=0).readings.to_pylist():
                    key, value = (row["point"], row["time"]), (row["value"], row["quality"])
                    self.changed += self.rows.get(key, value) != value
                    if key not in self.rows:
                        self.order.append(key)
                    self.rows[key] = value
        return status


class _Handler(BaseHTTPRequestHandler):
    server: InfluxDouble
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, answer = 204, b""
        if self.path.startswith("/write"):
            status = self.server.take(body)
        elif self.path.startswith("/query"):
            is_json = "json" in self.headers.get("Accept", "")
            status, answer = 200, b'{"results":[{"statement_id":0}]}' if is_json else b""
        self.send_response(status)
        self.send_header("X-Influxdb-Version", "1.6.7")
        if status != 204:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@contextmanager
def influx_double(port: int = 0) -> Iterator[InfluxDouble]:
    """One that listens."""
    server = InfluxDouble(port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
