"""How notes and what belongs to them travel to a log in one body: named parts, each with its length.

    note 612
    <612 bytes>payload 2013
    <2013 bytes>note 610
    ...

Nothing is encoded, since signed bytes must arrive as they are. Who signed what is checked by the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tanji.errors import TrustError

NAMES = ("note", "payload", "file")
HEAD = re.compile(rb"(note|payload|file) (0|[1-9][0-9]{0,9})\n")


@dataclass(frozen=True, slots=True)
class Part:
    """One of `NAMES` and its bytes."""

    name: str
    data: bytes


def join(parts: Iterable[Part]) -> bytes:
    """The body of a request."""
    return b"".join(b"%b %d\n%b" % (part.name.encode(), len(part.data), part.data) for part in parts)


def split(body: bytes) -> Iterator[Part]:
    """The parts of a body."""
    at = 0
    while at < len(body):
        head = HEAD.match(body, at)
        end = -1 if head is None else head.end() + int(head[2])
        if head is None or end > len(body):
            got = f"something else at byte {at} of {len(body)}"
            raise TrustError("note-form", where="request", expected=f"<{'|'.join(NAMES)}> <length> and bytes", got=got)
        yield Part(head[1].decode(), body[head.end() : end])
        at = end


def of_batches(batches: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Batches, each with its payload."""
    return join(part for note, payload in batches for part in (Part("note", note), Part("payload", payload)))


def batches_of(body: bytes) -> list[tuple[bytes, bytes]]:
    """The batches of a body."""
    parts = list(split(body))
    names = [part.name for part in parts]
    if not parts or names != ["note", "payload"] * (len(parts) // 2):
        got = ", ".join(names[:4]) or "nothing"
        raise TrustError("note-form", where="request", expected="a note, its payload, and so on", got=got)
    return [(note.data, payload.data) for note, payload in zip(parts[::2], parts[1::2], strict=True)]


def of_note(note: bytes, files: Iterable[bytes]) -> bytes:
    """A note and the files it names."""
    return join([Part("note", note), *(Part("file", data) for data in files)])


def note_of(body: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """The note of a body and its files."""
    parts = list(split(body))
    names = [part.name for part in parts]
    if not parts or names != ["note"] + ["file"] * (len(parts) - 1):
        got = ", ".join(names[:4]) or "nothing"
        raise TrustError("note-form", where="request", expected="a note, then its files", got=got)
    return parts[0].data, tuple(part.data for part in parts[1:])
