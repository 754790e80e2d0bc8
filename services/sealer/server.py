"""Serving a WSGI application with waitress from a thread of its own, and stopping without cutting off an answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import waitress
from waitress import wasyncore

THREADS = 6
"""Bodies that wait for one fsync together; parsing itself shares the interpreter."""

IN_MEMORY = 8 << 20
"""Bodies up to this size [byte] stay in memory; waitress would put all above 512 KiB into a temporary file."""

RECEIVE = 1 << 18
"""Bytes taken from a socket at once; with the default of 8 KiB a body of 5,000 lines costs 40 turns of the loop."""

STOP_S = 5.0


class Server:
    """Waitress on one address. Listens once made; `stop` lets the requests in hand finish."""

    def __init__(self, app: Callable[..., Any], *, host: str, port: int, max_body: int) -> None:
        self._server = waitress.create_server(
            app,
            host=host,
            port=port,
            threads=THREADS,
            recv_bytes=RECEIVE,
            inbuf_overflow=IN_MEMORY,
            max_request_body_size=max_body + 1,  # waitress refuses the limit itself too
            channel_timeout=300,
            asyncore_use_poll=True,
            ident="tanji",
            clear_untrusted_proxy_headers=True,
        )
        self.address: tuple[str, int] = (self._server.effective_host, int(self._server.effective_port))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealer-http", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, answer what was received whole, close."""
        self._stopping.set()
        self._server.pull_trigger()
        self._thread.join()
        self._server.task_dispatcher.shutdown(timeout=STOP_S)
        self._server.trigger.close()  # not before: a number closed and given away again must not be written to
        wasyncore.close_all(self._server._map)

    def _run(self) -> None:
        connections = self._server._map
        while not self._stopping.is_set():
            wasyncore.loop(timeout=30, use_poll=True, map=connections, count=1)
        self._server.accepting = False
        end = time.monotonic() + STOP_S
        while self._busy(connections) and time.monotonic() < end:
            wasyncore.loop(timeout=0.02, use_poll=True, map=connections, count=1)

    @staticmethod
    def _busy(connections: dict[int, Any]) -> bool:
        """Whether a connection has a request being answered or an answer being sent."""
        channels = connections.values()
        return any(getattr(item, "requests", None) or getattr(item, "total_outbufs_len", 0) for item in channels)
