"""The start of a spool: its folder is locked, its end found, and what of it was forwarded.

Everything that is not forwarded yet is checked. A torn last frame is what a crash leaves of a body nobody was told of:
it is cut off and kept beside the parked lines. Damage before that, or an end before the place that was forwarded, is
a SpoolError that names segment and offset: acknowledged readings are missing, and a person must know.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from services.sealer import segments
from services.sealer.parked import Parked
from services.sealer.segments import Segment
from tanji.errors import SpoolError

FORWARDED = "forwarded.json"


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two frames: everything before `seq` is behind it. No segment: before the first one."""

    segment: str
    offset: int
    seq: int


@dataclass(frozen=True, slots=True)
class Torn:
    """A torn end that was cut off at the start."""

    segment: str
    offset: int
    length: int
    kept_as: Path


def beginning(found: Sequence[Segment], *, seq: int = 0) -> Position:
    """The place before the first of these segments; before record `seq` if there is none."""
    return Position(found[0].path.name, 0, found[0].first_seq) if found else Position("", 0, seq)


def load_forwarded(folder: Path, found: Sequence[Segment]) -> Position:
    """The place up to which the store has everything; the beginning of the spool if nothing is remembered."""
    path = folder / FORWARDED
    if not path.exists():
        return beginning(found)
    try:
        loaded = Position(**json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise SpoolError(f"{path}: expected segment, offset and seq, got {error}") from error
    if not found:  # all were let go of, and the numbering goes on
        return Position("", 0, loaded.seq)
    if loaded.segment not in [segment.path.name for segment in found]:
        raise SpoolError(f"{folder / loaded.segment}: the segment forwarded last is missing")
    return loaded


def find_end(found: Sequence[Segment], forwarded: Position, *, parked: Parked) -> tuple[Position, Torn | None]:
    """The place after the last sound frame, and what had to be cut off there."""
    position, torn = forwarded, None
    for segment in found[segments.place_of(position.segment, found) :]:
        if segment.path.name != position.segment:
            if segment.first_seq != position.seq:
                raise SpoolError(f"{segment.path}: expected seq {position.seq} first: a segment is missing")
            position = Position(segment.path.name, 0, position.seq)
        position, damage = _scan(segment, position)
        if damage is not None:
            data = segment.path.read_bytes()[position.offset :]
            if segment is not found[-1] or segments.acknowledged_after(data, seq=position.seq):
                raise damage
            torn = _cut(position, segment, data, parked)
    return position, torn


def _scan(segment: Segment, position: Position) -> tuple[Position, SpoolError | None]:
    """The place after the last sound frame of a segment, and what is wrong there."""
    size = segment.path.stat().st_size
    if position.offset > size:
        raise SpoolError(f"{segment.path}: damaged at offset {size}: {position.offset} bytes had been forwarded")
    try:
        for start, frame in segments.frames(segment, offset=position.offset, first_seq=position.seq):
            position = Position(position.segment, start + frame.size, frame.next_seq)
    except SpoolError as error:
        return position, error
    return position, None


def _cut(position: Position, segment: Segment, data: bytes, parked: Parked) -> Torn:
    kept = parked.keep_bytes(f"torn-{segment.path.name}-{position.offset}.bin", data)
    with segment.path.open("r+b") as file:
        file.truncate(position.offset)
        os.fsync(file.fileno())
    return Torn(segment.path.name, position.offset, len(data), kept)


def claim(folder: Path) -> int:
    """Lock a folder against other processes; the descriptor to close in the end. SpoolError: it is in use."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        with suppress(OSError):
            os.close(descriptor)
        raise SpoolError(f"{folder}: in use by another process") from error
    return descriptor
