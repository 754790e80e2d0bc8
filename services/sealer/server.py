"""Serving a WSGI application with waitress from a thread of its own, and stopping without cutting off an answer."""

from __future__ import annotations

import ssl
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import waitress
from waitress import wasyncore

from services.sealer.tls import channel_class

THREADS = 6
"""Bodies that wait for one fsync together; parsing itself shares the interpreter."""

IN_MEMORY = 2 << 20
"""Bodies up to this size [byte] stay in memory, twice what our clients send; larger ones go to a temporary file."""

CONNECTIONS = 400
"""A plant has a few dozen senders; what hangs on the rest must not keep them out, as waitress' 100 would."""

IDLE_S = 60
"""A connection without a byte for this long is closed; whoever sends a reading a second never meets it."""

REQUEST_S = 60.0
"""A request that is still coming after this long is dropped, however busily it trickles."""

RECEIVE = 1 << 18
"""Bytes taken from a socket at once; with the default of 8 KiB a body of 5,000 lines costs 40 turns of the loop."""

STOP_S = 5.0


class Server:
    """Waitress on one address. Listens once made; `stop` lets the requests in hand finish."""

    def __init__(
        self, app: Callable[..., Any], *, host: str, port: int, max_body: int, tls: ssl.SSLContext | None = None
    ) -> None:
        self._server = waitress.create_server(
            app,
            host=host,
            port=port,
            threads=THREADS,
            recv_bytes=RECEIVE,
            inbuf_overflow=IN_MEMORY,
            max_request_body_size=max_body + 1,  # waitress refuses the limit itself too
            connection_limit=CONNECTIONS,
            channel_timeout=IDLE_S,
            asyncore_use_poll=True,
            ident="tanji",
            clear_untrusted_proxy_headers=True,
        )
        if tls is not None:
            self._server.channel_class = channel_class(tls)
        self.address: tuple[str, int] = (self._server.effective_host, int(self._server.effective_port))
        self._begun: weakref.WeakKeyDictionary[Any, float] = weakref.WeakKeyDictionary()
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
            self._drop_slow()
        self._server.accepting = False
        end = time.monotonic() + STOP_S
        while self._busy(connections) and time.monotonic() < end:
            wasyncore.loop(timeout=0.02, use_poll=True, map=connections, count=1)

    def _drop_slow(self) -> None:
        """Close the connections whose request should have been whole by now."""
        now = time.monotonic()
        for channel in self._server.active_channels.values():
            if channel.request is not None and now - self._begun.setdefault(channel.request, now) > REQUEST_S:
                channel.will_close = True

    @staticmethod
    def _busy(connections: dict[int, Any]) -> bool:
        """Whether a connection has a request being answered or an answer being sent."""
        channels = connections.values()
        return any(getattr(item, "requests", None) or getattr(item, "total_outbufs_len", 0) for item in channels)
