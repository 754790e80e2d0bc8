"""The spool's segment files: their names and order, reading them frame by frame, and telling torn ends from damage.

A segment is named after its arrival minute (UTC) and its first sequence number, `20260301T0000Z-0000000000000000.seg`;
the number gives the order, so a clock that jumps back opens a new segment and mixes nothing up. Frames follow each
other without gaps in the numbering, inside a segment and from one to the next. Writing is `services.sealer.spool`.
"""

from __future__ import annotations

import heapq
import os
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.sealer import frame
from services.sealer.frame import Frame
from tanji.errors import SpoolError

SUFFIX = ".seg"
NAME = re.compile(r"(\d{8}T\d{4}Z)-(\d{16})\.seg")
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of the spool."""

    path: Path
    minute: str
    first_seq: int

    def open(self) -> int:
        """A descriptor to read from."""
        try:
            return os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise SpoolError(f"{self.path}: cannot be read: {error.strerror}") from error


def minute_name(arrival_ms: int) -> str:
    """Name of an arrival minute (UTC)."""
    return datetime.fromtimestamp(arrival_ms // MINUTE_MS * 60, UTC).strftime("%Y%m%dT%H%MZ")


def segment_of(folder: Path, *, minute: str, first_seq: int) -> Segment:
    """The segment of a minute that begins with `first_seq`."""
    return Segment(folder / f"{minute}-{first_seq:016d}{SUFFIX}", minute, first_seq)


def list_segments(folder: Path) -> list[Segment]:
    """Every segment, in order of sequence. Another file with the suffix is an error, not something to ignore."""
    found = []
    for path in folder.glob(f"*{SUFFIX}"):
        match = NAME.fullmatch(path.name)
        if match is None:
            raise SpoolError(f"{path}: expected a name like 20260301T0000Z-0000000000000000{SUFFIX}")
        found.append(Segment(path, match[1], int(match[2])))
    # A minute without a frame, because the disk was full or the process ended, shares its number with the next one.
    return sorted(found, key=lambda segment: (segment.first_seq, segment.path.stat().st_size > 0, segment.minute))


def oldest(folder: Path, *, before: str, most: int) -> list[Segment]:
    """At most `most` segments older than the one named `before`, the oldest first."""
    limit = NAME.fullmatch(before)
    if limit is None:
        return []
    matches = (match for name in os.listdir(folder) if (match := NAME.fullmatch(name)) and match[2] < limit[2])
    chosen = heapq.nsmallest(most, matches, key=lambda match: (match[2], match[1]))
    return [Segment(folder / match[0], match[1], int(match[2])) for match in chosen]


def place_of(name: str, found: Sequence[Segment]) -> int:
    """Where the segment of this name is among sorted ones; no name means before the first one."""
    if not name:
        return 0
    match = NAME.fullmatch(name)
    if match is not None:
        begin = bisect_left(found, int(match[2]), key=lambda segment: segment.first_seq)
        for place in range(begin, len(found)):  # those that share their number with an empty one stand together
            if found[place].path.name == name:
                return place
            if found[place].first_seq != int(match[2]):
                break
    raise SpoolError(f"expected a segment {name}, got none of that name")


def read_frame(descriptor: int, segment: Segment, *, offset: int, first_seq: int) -> Frame | None:
    """The frame at `offset`, None at the end of the file. SpoolError names segment and offset of a damaged one."""
    head = os.pread(descriptor, frame.HEADER.size, offset)
    if not head:
        return None
    length = frame.body_length(head)
    try:
        if length is None:
            raise SpoolError(f"expected a frame header, got {head[:8].hex()}")
        found = frame.decode(head, os.pread(descriptor, length, offset + len(head)))
        if found.first_seq != first_seq:
            raise SpoolError(f"expected seq {first_seq}, got {found.first_seq}")
    except SpoolError as error:
        raise SpoolError(f"{segment.path}: damaged at offset {offset}: {error}") from error
    return found


def arrival_at(segment: Segment, *, offset: int) -> int | None:
    """When the frame at `offset` was accepted [UTC ms]; None at the end of the file."""
    descriptor = segment.open()
    try:
        head = os.pread(descriptor, frame.HEADER.size, offset)
    finally:
        os.close(descriptor)
    return None if frame.body_length(head) is None else int(frame.HEADER.unpack(head)[-1])


def frames(segment: Segment, *, offset: int = 0, first_seq: int | None = None) -> Iterator[tuple[int, Frame]]:
    """Offset and content of every frame from `offset` on; SpoolError at the first that is damaged."""
    expected = segment.first_seq if first_seq is None else first_seq
    descriptor = segment.open()
    try:
        while (found := read_frame(descriptor, segment, offset=offset, first_seq=expected)) is not None:
            yield offset, found
            offset, expected = offset + found.size, found.next_seq
    finally:
        os.close(descriptor)


def acknowledged_after(data: bytes, *, seq: int) -> bool:
    """Whether damaged bytes hide acknowledged readings: a sound frame among them knows `seq` to have been on disk.

    `data` begins where a frame numbered `seq` should. A power cut may lose a page and keep a later one, but only
    among frames that nobody was told of; a frame written after a completed fsync says so in its durable seq.
    """
    start = data.find(frame.MAGIC)
    while start >= 0:
        head = data[start : start + frame.HEADER.size]
        length = frame.body_length(head)
        if length is not None:
            try:
                body = data[start + len(head) : start + len(head) + length]
                if frame.decode(head, body).durable_seq > seq:
                    return True
            except SpoolError:
                pass
        start = data.find(frame.MAGIC, start + 1)
    return False


def all_frames(folder: Path, *, durable_seq: int) -> Iterator[tuple[Segment, int, Frame]]:
    """Every frame that is on disk, from the first segment on, checked. SpoolError: a segment is missing."""
    expected: int | None = None
    for segment in list_segments(folder):
        if expected is not None and segment.first_seq != expected:
            raise SpoolError(f"{segment.path}: expected seq {expected}: a segment is missing")
        expected = segment.first_seq
        for offset, found in frames(segment):
            if found.next_seq > durable_seq:
                return
            expected = found.next_seq
            yield segment, offset, found
