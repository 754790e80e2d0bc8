"""Checkpoints: origin, size and root of a log at one moment (C2SP tlog-checkpoint).

The text is signed as a note by the log and cosigned by witnesses. Extension lines are allowed by the specification and
advised against, because nobody can audit them: ours have none, and they are read only where that is asked for. Whose
signatures count is `policy`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tanji.errors import TrustError
from tanji.trust.canonical import HASH_BYTES, decode64, encode64, whole
from tanji.trust.note import lines_of
from tanji.trust.tree import EMPTY_ROOT

LINES = 3
"""Origin, size, root."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its name, the number of its leaves and their root."""

    origin: str
    size: int
    root: bytes


def format(checkpoint: Checkpoint) -> bytes:
    """The text that log and witnesses sign."""
    body = f"{checkpoint.origin}\n{checkpoint.size}\n{encode64(checkpoint.root)}\n".encode()
    if parse(body) != checkpoint:
        raise TrustError("checkpoint-form", expected="an origin of one line", got=checkpoint.origin)
    return body


def parse(body: bytes, *, extensions: bool = False) -> Checkpoint:
    """The checkpoint behind a verified text.

    extensions : take lines after the root, as a witness of foreign logs has to; they mean nothing here.
    """
    lines = lines_of(body)
    if len(lines) < LINES or not all(lines) or (len(lines) > LINES and not extensions):
        expected = "origin, size and root" + (" and extension lines, none of them empty" if extensions else "")
        raise TrustError("checkpoint-form", expected=expected, got=f"{len(lines)} lines: {' / '.join(lines[:4])}")
    origin, size_text, root_text = lines[:LINES]
    size = whole(size_text, rule="checkpoint-form", where=origin)
    root = decode64(root_text, rule="checkpoint-form", where=origin, length=HASH_BYTES)
    if size == 0 and root != EMPTY_ROOT:
        raise TrustError("checkpoint-root", where=origin, expected=encode64(EMPTY_ROOT), got=root_text)
    return Checkpoint(origin, size, root)
