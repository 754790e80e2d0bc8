"""Lines that cannot be sealed or stored are parked: one JSON object a line, one file a day, on disk before any answer.

Each says when it arrived, where in its body it stood, why it is here, and the line itself, so that a person can repair
the cause and send it again. Bytes cut from a torn spool are put beside them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.sealer import durable
from tanji.errors import SpoolError


@dataclass(frozen=True, slots=True)
class ParkedLine:
    """A line and why it went no further; `number` is its place in its body from 1, or None if it had got past that."""

    line: str
    reason: str
    number: int | None = None


class Parked:
    """The folder `parked/`."""

    def __init__(self, folder: Path, *, sync: durable.Sync = durable.sync_data) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._sync = sync
        self._lock = threading.Lock()

    def add(self, lines: Sequence[ParkedLine], *, arrival_ms: int) -> None:
        """Park `lines`; on return they are on disk. SpoolError if the disk does not take them."""
        if not lines:
            return
        day = datetime.fromtimestamp(arrival_ms / 1000, UTC).strftime("%Y-%m-%d")
        text = "".join(_json(line, arrival_ms) for line in lines)
        with self._lock:
            try:
                durable.append(self.folder / f"{day}.jsonl", text.encode(), sync=self._sync)
            except OSError as error:
                raise SpoolError(f"{self.folder}: lines could not be parked: {error}") from error

    def keep_bytes(self, name: str, data: bytes) -> Path:
        """Keep bytes that are no lines, on disk on return."""
        path = self.folder / name
        durable.replace(path, data)
        return path


def _json(line: ParkedLine, arrival_ms: int) -> str:
    entry = {"arrival_ms": arrival_ms, "reason": line.reason, "line": line.line, "number": line.number}
    return json.dumps(entry, ensure_ascii=False) + "\n"
