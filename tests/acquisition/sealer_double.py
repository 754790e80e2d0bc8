"""A sealer over real HTTP that answers what a test tells it to, and keeps what it was sent and shown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sealer(ThreadingHTTPServer):
    """Answers each request with the next of `answers`, then 204 for ever; a body with `refuses` in it with 400."""

    daemon_threads = True

    def __init__(self, *answers: int, port: int = 0) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.authorizations: list[str | None] = []
        self.refuses: bytes | None = None
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Sealer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.paths.append(self.path)
        self.server.authorizations.append(self.headers["Authorization"])
        status = self.server.answers.pop(0) if self.server.answers else 204
        if self.server.refuses is not None and self.server.refuses in self.server.bodies[-1]:
            status = 400
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silence."""


@contextmanager
def sealer(*answers: int, port: int = 0) -> Iterator[Sealer]:
    """One that listens; with `port` it comes back at its old address."""
    server = Sealer(*answers, port=port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
