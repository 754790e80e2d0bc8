"""Serve the pages with waitress in a thread of their own, and stop them cleanly."""

from __future__ import annotations

import threading
from typing import Any

import waitress
from flask import Flask

THREADS = 4
"""A page takes a few tenths of a second of one core; more threads would only queue elsewhere."""

JOIN_TIMEOUT_S = 10.0


class PagesServer:
    """A running server; `port` is the real one where 0 was asked for."""

    def __init__(self, app: Flask, *, host: str, port: int) -> None:
        self._connections: dict[int, Any] = {}
        self._server = waitress.create_server(
            app,
            host=host,
            port=port,
            threads=THREADS,
            map=self._connections,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        self.host: str = host
        self.port: int = int(self._server.effective_port)
        self._thread = threading.Thread(target=self._server.run, name="pages", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop accepting, let running requests end, close every connection."""
        self._server.task_dispatcher.shutdown()
        for connection in list(self._connections.values()):
            if connection is not self._server:
                connection.close()
        self._server.close()
        self._thread.join(JOIN_TIMEOUT_S)


def serve(app: Flask, *, host: str = "127.0.0.1", port: int = 8080) -> PagesServer:
    """Start serving on host and port; loopback unless told otherwise, since there is no login yet."""
    return PagesServer(app, host=host, port=port)
