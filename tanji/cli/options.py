"""What several verbs share: ports, addresses to listen on and to send to, and help whose examples can be copied."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tanji.errors import UsageError

HIGHEST_PORT = 65_535


class Help(argparse.HelpFormatter):
    """Fills paragraphs as usual and leaves examples as they are: a command broken over two lines cannot be copied."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith("example") else super()._fill_text(text, width, indent)


class Parser(argparse.ArgumentParser):
    """A parser whose own verbs have the same help."""

    def __init__(self, *args: object, **settings: object) -> None:
        settings.setdefault("formatter_class", Help)
        super().__init__(*args, **settings)  # type: ignore[arg-type]  # handed on as they came


def port(text: str) -> int:
    """A TCP port; 0 is a free one."""
    number = int(text) if text.isascii() and text.isdecimal() else -1
    if not 0 <= number <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"expected a port from 0 (a free one) to {HIGHEST_PORT}, got {text}")
    return number


def sealer_url(given: str | None, *, usual: str) -> str:
    """The sealer that readings go to: the one of `--sealer`, else the usual one. UsageError for what is no address."""
    url = given or usual
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise UsageError(f"--sealer: expected an address such as http://127.0.0.1:8186, got {url}")
    return url


@contextmanager
def listening(what: str, *, host: str, port: int) -> Iterator[None]:
    """The block listens there; an address that is taken or not this machine's is said with how to change it."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:  # a file that cannot be used is another matter
            raise
        raise UsageError(
            f"{what}: expected an address to listen on, got {host}:{port}: {(error.strerror or str(error)).lower()}"
            f" (choose another in the plant file or with --host and --port)"
        ) from error
