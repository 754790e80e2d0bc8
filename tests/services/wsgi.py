"""A WSGI application asked without a socket, and one behind a real one."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.util import setup_testing_defaults

from services.sealer.server import Server

App = Callable[..., Any]


def ask(app: App, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request."""
    path, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    setup_testing_defaults(environ)
    answered: list[Any] = []
    data = b"".join(app(environ, lambda status, headers: answered.extend((status, headers))))
    return int(answered[0].split()[0]), dict(answered[1]), data


@contextmanager
def served(app: App) -> Iterator[str]:
    """The application on a free port; its address."""
    server = Server(app, host="127.0.0.1", port=0, max_body=1 << 27)
    server.start()
    try:
        yield f"http://127.0.0.1:{server.address[1]}"
    finally:
        server.stop()
