"""Lines that cannot be sealed or stored are parked: one JSON object a line, one file a day, on disk before any answer.

Each says when it arrived, where in its body it stood, why it is here, and the line itself, so that a person can repair
the cause and send it again. Bytes cut from a torn spool are put beside them. The folder has a limit, since a sender
that was set up wrong may fill it at a reading a second: beyond it lines are counted by reason in `over-limit.json` and
no longer kept, so that they cost neither the disk nor the good readings beside them. None of them is a reading of the
plant file: those are in the spool.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tanji.errors import SpoolError
from tanji.trust import durable

OVER_LIMIT = "over-limit.json"
MOST_REASONS = 200
"""Distinct reasons counted by name; a reason quotes the line, so only what stands before the quotation counts."""


@dataclass(frozen=True, slots=True)
class ParkedLine:
    """A line and why it went no further; `number` is its place in its body from 1, or None if it had got past that."""

    line: str
    reason: str
    number: int | None = None


class Parked:
    """The folder `parked/`. most_bytes : what its files may take; None for no limit."""

    def __init__(self, folder: Path, *, most_bytes: int | None = None, sync: durable.Sync = durable.sync_data) -> None:
        durable.make_folder(folder)
        self.folder = folder
        self._most = most_bytes
        self._sync = sync
        self._lock = threading.Lock()
        self.used = self._on_disk()
        self._counted: dict[str, dict[str, Any]] = _load(folder / OVER_LIMIT)

    @property
    def counted(self) -> int:
        """Lines that were only counted."""
        with self._lock:
            return sum(entry["count"] for entry in self._counted.values())

    def add(self, lines: Sequence[ParkedLine], *, arrival_ms: int) -> None:
        """Park `lines`; on return they are on disk. SpoolError if the disk does not take them."""
        if not lines:
            return
        day = datetime.fromtimestamp(arrival_ms / 1000, UTC).strftime("%Y-%m-%d")
        text = "".join(_json(line, arrival_ms) for line in lines).encode()
        with self._lock:
            try:
                if self._fits(len(text)):
                    durable.append(self.folder / f"{day}.jsonl", text, sync=self._sync)
                    self.used += len(text)
                else:
                    self._count(lines, arrival_ms)
            except OSError as error:
                raise SpoolError(f"{self.folder}: lines could not be parked: {error}") from error

    def keep_bytes(self, name: str, data: bytes) -> Path:
        """Keep bytes that are no lines, on disk on return; they are evidence and heed no limit."""
        path = self.folder / name
        durable.replace(path, data)
        return path

    def _fits(self, size: int) -> bool:
        if self._most is None or self.used + size <= self._most:
            return True
        self.used = self._on_disk()  # a person may have taken files away
        return self.used + size <= self._most

    def _on_disk(self) -> int:
        return sum(path.stat().st_size for path in self.folder.glob("*.jsonl"))

    def _count(self, lines: Sequence[ParkedLine], arrival_ms: int) -> None:
        for line in lines:
            reason = re.split(r":|, got", line.reason, maxsplit=1)[0]
            if reason not in self._counted and len(self._counted) >= MOST_REASONS:
                reason = "other"
            entry = self._counted.setdefault(
                reason, {"count": 0, "first_ms": arrival_ms, "last_ms": arrival_ms, "example": line.line[:500]}
            )
            entry["count"] += 1
            entry["last_ms"] = arrival_ms
        durable.replace(self.folder / OVER_LIMIT, json.dumps(self._counted, ensure_ascii=False, indent=1).encode())


def _load(path: Path) -> dict[str, dict[str, Any]]:
    try:
        loaded: dict[str, dict[str, Any]] = json.loads(path.read_bytes())
    except (OSError, ValueError):  # not there; or edited by hand: what follows is counted from nothing
        return {}
    return loaded


def _json(line: ParkedLine, arrival_ms: int) -> str:
    entry = {"arrival_ms": arrival_ms, "reason": line.reason, "line": line.line, "number": line.number}
    return json.dumps(entry, ensure_ascii=False) + "\n"
