"""HTTPS for the sealer's door: waitress on connections that are encrypted.

Waitress reads and writes sockets that never wait. Here each of its channels talks through the ssl module instead, and
an operation that must wait for the other side is simply tried again when the socket is ready.
"""

from __future__ import annotations

import ssl
import threading
import time
from pathlib import Path
from typing import Any

from waitress.channel import HTTPChannel

from tanji.errors import UsageError
from tanji.plant.sealer_model import SealerSettings

RECORDS_AT_ONCE = 64
"""TLS records of at most 16 KiB taken in one turn, so that one fast sender does not hold up the others."""


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or later. UsageError if the files are not a certificate and its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"services.sealer.tls_certificate {certificate}, tls_key {key}: {error}") from error
    return context


def channel_class(context: ssl.SSLContext) -> type[HTTPChannel]:
    """The channel of a server that speaks TLS with this context."""

    class TlsChannel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
        """A connection whose bytes are decrypted and encrypted on the way."""

        def __init__(self, server: Any, sock: Any, addr: Any, adj: Any, map: Any = None) -> None:
            sock.setblocking(False)
            wrapped = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            self._turn = threading.Lock()  # a session of OpenSSL serves one thread at a time
            super().__init__(server, wrapped, addr, adj, map=map)

        def handle_read(self) -> None:
            """Take what has come; the handshake happens here too."""
            parts: list[bytes] = []
            ended = False
            try:
                with self._turn:
                    while len(parts) < RECORDS_AT_ONCE and not ended:
                        parts.append(self.socket.recv(1 << 14))
                        ended = not parts[-1]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            except (OSError, ValueError):
                ended = True
            if data := b"".join(parts):
                self.last_activity = time.time()
                self.received(data)
            if ended:
                self.handle_close()

        def send(self, data: bytes, do_close: bool = True) -> int:
            """As much as the socket takes now."""
            try:
                with self._turn:
                    return int(self.socket.send(data))
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return 0
            except (OSError, ValueError):
                if do_close:
                    self.handle_close()
                return 0

    return TlsChannel


def context_of(settings: SealerSettings) -> ssl.SSLContext | None:
    """What the plant file says of TLS; None for plain HTTP."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    return server_context(Path(settings.tls_certificate), Path(settings.tls_key))
