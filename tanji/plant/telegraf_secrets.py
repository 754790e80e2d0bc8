"""Secrets of a rendered telegraf.conf: never in it, always a file that Telegraf reads by its `docker` secret store.

A file that is not there makes `telegraf config check` fail with exit code 1, where an unset environment variable would
pass; so no variable is ever rendered.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tanji.errors import UsageError

_KEY = re.compile(r"\w+")
"""What Telegraf takes for the name of a secret."""


class Secrets:
    """The folders that hold secrets, each a store of its own."""

    def __init__(self) -> None:
        self.stores: dict[str, str] = {}

    def reference(self, file: str, *, key: str) -> str:
        """What stands in the configuration for the content of `file`; `key` names it in errors."""
        path = PurePosixPath(file)
        if not path.is_absolute() or ".." in path.parts:
            raise UsageError(f"{key}: expected an absolute path, since Telegraf runs elsewhere, got {file}")
        if not _KEY.fullmatch(path.name):
            raise UsageError(f"{key}: expected a file name of letters, digits and _ for Telegraf, got {path.name}")
        store = self.stores.setdefault(str(path.parent), f"files{len(self.stores) + 1}")
        return f"@{{{store}:{path.name}}}"
