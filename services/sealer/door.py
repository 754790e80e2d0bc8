"""Who may write: a sender that shows the secret, in any of the ways InfluxDB has.

`Authorization: Token SECRET` (and Bearer), `Authorization: Basic` with the secret as `user:password` or, as InfluxDB 2
does for clients of 1.x, as the password of any user, and `u` and `p` in the address. Without a secret everybody may:
the sealer then listens on loopback. The file is read again when it changes, so that a secret can be exchanged.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from pathlib import Path

from tanji.errors import UsageError


class Door:
    """Asked for every write."""

    def __init__(self, token_file: Path | None) -> None:
        """UsageError if the file cannot be read or is empty."""
        self._path = token_file
        self._stamp = (-1, -1)
        self._secret = b""
        if token_file is not None:
            self._read()

    def admits(self, authorization: str | None, parameters: Mapping[str, Sequence[str]]) -> bool:
        """Whether the header or the parameters of a request show the secret."""
        if self._path is None:
            return True
        self._read()
        shown = _shown(authorization, parameters)
        return any([hmac.compare_digest(secret, self._secret) for secret in shown])

    def _read(self) -> None:
        assert self._path is not None
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp != self._stamp:
                secret = self._path.read_bytes().strip()
                if not secret:
                    raise UsageError(f"services.sealer.token_file {self._path}: expected a token, got an empty file")
                self._stamp, self._secret = stamp, secret
        except OSError as error:
            if not self._secret:
                raise UsageError(
                    f"services.sealer.token_file {self._path}: cannot be read: {error.strerror}"
                ) from error
        except UsageError:
            if not self._secret:  # while a new secret is being written the old one stands
                raise


def _shown(authorization: str | None, parameters: Mapping[str, Sequence[str]]) -> list[bytes]:
    """Every secret a request shows."""
    scheme, _, rest = (authorization or "").strip().partition(" ")
    if scheme.lower() in ("token", "bearer"):
        return [rest.strip().encode("latin-1", "replace")]
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest.strip(), validate=True)
        except (binascii.Error, ValueError):
            return []
        return [pair, pair.partition(b":")[2]]
    user, password = (next(iter(parameters.get(name, ())), "").encode() for name in ("u", "p"))
    return [user + b":" + password, password] if password else []
