"""HTTP to a server of the InfluxDB family: one connection pool, and every failure as an error of Tanji's.

400, 413 and 422 mean the request will never be taken (`StoreRefused`, with the server's text). Everything else that is
no success may pass: overload and a restart by themselves (`StoreUnavailable`), a missing permission or database when
somebody has looked after it (`StoreDenied`; a missing permission looks like a missing bucket, platform.md 1.7 trap 9).
Nothing is retried here: whoever calls still holds the bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode

import urllib3

from tanji.errors import StoreDenied, StoreError, StoreRefused, StoreUnavailable

CONNECT_S = 3.0
ANSWER_S = 60.0  # between two pieces of an answer, not for all of it
BLOCK_BYTES = 8 * 2**20  # what is held of an answer at a time
PERMANENT = frozenset({400, 413, 422})
DENIED = frozenset({401, 403, 404})
SHOWN_CHARACTERS = 500


class Connection:
    """Requests to one server, from any thread."""

    def __init__(self, url: str, *, headers: Mapping[str, str]) -> None:
        self.url = url.rstrip("/")
        self._headers = dict(headers)
        timeout = urllib3.Timeout(connect=CONNECT_S, read=ANSWER_S)
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False, maxsize=8)

    def ping(self) -> dict[str, str]:
        """Headers of `/ping`, whatever its status: InfluxDB 3 asks for a token even there."""
        with self._request("GET", "/ping", None, {}) as answer:
            if answer.status >= 500 or answer.status == 429:
                raise failure(answer.status, _text(answer))
            return dict(answer.headers)

    def post(self, path: str, *, query: Mapping[str, str], body: bytes) -> None:
        """Send `body`; any answer but success raises."""
        with self._request("POST", f"{path}?{urlencode(query)}", body, {"Content-Type": "text/plain"}) as answer:
            if answer.status // 100 != 2:
                raise failure(answer.status, _text(answer))

    def ask(self, form: Mapping[str, str], *, accept: str) -> Iterator[bytes]:
        """The answer of `/query` in blocks of about `BLOCK_BYTES`."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": accept}
        with self._request("POST", "/query", urlencode(form).encode(), headers) as answer:
            if answer.status != 200:
                raise failure(answer.status, _text(answer))
            pieces, size = [], 0  # a chunked answer comes in pieces as small as the server likes
            for piece in answer.stream(BLOCK_BYTES):
                pieces.append(piece)
                size += len(piece)
                if size >= BLOCK_BYTES:
                    yield b"".join(pieces)
                    pieces, size = [], 0
            yield b"".join(pieces)

    def close(self) -> None:
        """Drop the connections."""
        self._pool.clear()

    @contextmanager
    def _request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        with unreachable(self.url):
            answer = self._pool.request(
                method, self.url + path, body=body, headers=self._headers | dict(headers), preload_content=False
            )
            try:
                yield answer
                answer.drain_conn()
            except BaseException:  # what is left of the answer must not meet the next request
                answer.close()
                raise
            answer.release_conn()


def authorization(token: str | None) -> dict[str, str]:
    """`user:password` goes as Basic, which every 1.x knows; anything else is a token of 2.x."""
    if not token:
        return {}
    if ":" in token:
        return {"Authorization": "Basic " + base64.b64encode(token.encode()).decode()}
    return {"Authorization": f"Token {token}"}


@contextmanager
def unreachable(url: str) -> Iterator[None]:
    """A connection that fails, also in the middle of an answer, as `StoreUnavailable`."""
    try:
        yield
    except urllib3.exceptions.HTTPError as err:
        raise StoreUnavailable(f"{url}: expected an answer, got {type(err).__name__}: {err}") from err


def failure(status: int, text: str) -> StoreError:
    """The error for an answer that is no success."""
    kind = StoreRefused if status in PERMANENT else StoreDenied if status in DENIED else StoreUnavailable
    return kind(f"expected success, got HTTP {status}: {text[:SHOWN_CHARACTERS]}")


def _text(answer: urllib3.BaseHTTPResponse) -> str:
    return answer.read(SHOWN_CHARACTERS * 4).decode("utf-8", "replace").strip()
