"""`/healthz` and `/metrics` of a process that serves nothing else, and the numbers on their way to the health series.

Health is told, never enforced: a port that is taken, or a sealer that does not answer, is logged and changes nothing in
what the process is there for.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from tanji.health.metrics import Metrics
from tanji.health.periodic import Periodic

REPORT_S: Final = 15.0
"""How often numbers become a row of the health series: often enough for an alert that waits a minute."""

STOP_S: Final = 5.0

TEXT = "text/plain; version=0.0.4; charset=utf-8"

log = logging.getLogger(__name__)


class _Handler(BaseHTTPRequestHandler):
    """Two addresses, read only."""

    server: _Server
    timeout = 10

    def do_GET(self) -> None:
        """Answer."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(200, TEXT, self.server.metrics.text())
        elif path == "/healthz":
            report = self.server.report()
            status = 503 if report["status"] == "failed" else 200
            self._answer(status, "application/json", json.dumps(report, ensure_ascii=False).encode())
        else:
            self._answer(404, "text/plain", b"expected /healthz or /metrics\n")

    do_HEAD = do_GET

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nobody needs a line for every look."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16

    def __init__(self, address: tuple[str, int], *, metrics: Metrics, report: Callable[[], dict[str, Any]]) -> None:
        self.metrics, self.report = metrics, report
        super().__init__(address, _Handler)


class HealthEndpoint:
    """Listens from `start` to `stop`."""

    def __init__(self, metrics: Metrics, *, report: Callable[[], dict[str, Any]]) -> None:
        """report : the answer of `/healthz`; its `status` is ok, degraded or failed."""
        self._metrics, self._report = metrics, report
        self._server: _Server | None = None

    def start(self, host: str, port: int) -> tuple[str, int] | None:
        """The address, port 0 takes a free one; None if it cannot be had."""
        try:
            self._server = _Server((host, port), metrics=self._metrics, report=self._report)
        except OSError as error:
            log.warning("health: %s:%d cannot be listened on, going on without: %s", host, port, error)
            return None
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        bound_host, bound_port = self._server.server_address[:2]
        return str(bound_host), int(bound_port)

    def stop(self) -> None:
        """Listen no longer."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class Reporter:
    """Hands the numbers of a process over every `period_s` seconds, from a thread of its own."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        hand_over: Callable[[bytes], object],
        clock: Callable[[], int],
        period_s: float = REPORT_S,
    ) -> None:
        """hand_over : takes line protocol with times in ms. clock : UTC now [ms]."""
        self._metrics, self._hand_over, self._clock = metrics, hand_over, clock
        self._reporting = Periodic(self._report, period_s=period_s, name="health-report", fault="no row of numbers")

    def start(self) -> None:
        """Begin."""
        self._reporting.start()

    def stop(self) -> None:
        """End; what was not handed over is the next process's past."""
        self._reporting.stop(within_s=STOP_S)

    def _report(self) -> None:
        try:
            self._hand_over(self._metrics.lines(time_ms=self._clock()))
        except Exception as error:  # a sealer that is away is told by others: a row of numbers less
            log.info("health: numbers were not handed over: %s", error)
