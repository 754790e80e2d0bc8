"""The binary form of one accepted body in the spool: a frame of columns, with length and CRC32C.

One frame holds the readings of one body; every reading is a record (seq, arrival, point, time, value, quality) that can
be read back alone, which is what sealing needs (R33, R36). Layout, little endian, every frame a multiple of 8 bytes:

    magic "TJF1" | body length u32 | CRC32C u32 | count u32 | first seq u64 | durable seq u64 | arrival ms i64
    body: length of names u32 | number of names u32
          time i64[n] | value f64[n] | quality u32[n] | point u16[n] | value present, one bit each | names "a\\nb"

The CRC covers the body, then the header without the CRC itself. `durable seq` is the first sequence number that was not
known to be on disk when the frame was written: a damaged frame below the durable seq of a later one had been
acknowledged, so the damage is no torn end. Files and their order are `services.sealer.spool`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import google_crc32c
import numpy as np

from tanji.errors import SpoolError

MAGIC = b"TJF1"
HEADER = struct.Struct("<4sIIIQQq")
COUNTS = struct.Struct("<II")
CRC_OFFSET, CRC_END = 8, 12
MAX_BODY = 1 << 28
"""A longer body is no frame: the sealer accepts far smaller ones, and a wild length must not exhaust memory."""

MAX_POINTS = 1 << 16
"""Points are numbered with 16 bits inside a frame."""


class Record(NamedTuple):
    """One reading as it was accepted; `value` is None for a failed read. Times in UTC [ms]."""

    seq: int
    arrival_ms: int
    point: str
    time_ms: int
    value: float | None
    quality: int


@dataclass(frozen=True, slots=True)
class Columns:
    """Readings of one body: `point` indexes `points`; `value` holds 0.0 where `present` is false."""

    points: tuple[str, ...]
    point: np.ndarray
    time: np.ndarray
    value: np.ndarray
    present: np.ndarray
    quality: np.ndarray

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame read back; its records are numbered from `first_seq`."""

    first_seq: int
    durable_seq: int
    arrival_ms: int
    columns: Columns
    size: int

    @property
    def next_seq(self) -> int:
        """Sequence number after the last record."""
        return self.first_seq + len(self.columns)

    def records(self) -> Iterator[Record]:
        """Every record, in order of acceptance."""
        columns = self.columns
        for row in range(len(columns)):
            value = float(columns.value[row]) if columns.present[row] else None
            point = columns.points[columns.point[row]]
            time_ms, quality = int(columns.time[row]), int(columns.quality[row])
            yield Record(self.first_seq + row, self.arrival_ms, point, time_ms, value, quality)


@dataclass(frozen=True, slots=True)
class Body:
    """An encoded body with its checksum, ready to be given a header."""

    data: bytes
    crc: int
    count: int


def encode_body(columns: Columns) -> Body:
    """Everything of a frame that does not depend on its place in the spool."""
    names = "\n".join(columns.points).encode("ascii")
    parts = (
        COUNTS.pack(len(names), len(columns.points)),
        columns.time.astype("<i8", copy=False).tobytes(),
        np.where(columns.present, columns.value, 0.0).astype("<f8", copy=False).tobytes(),
        columns.quality.astype("<u4", copy=False).tobytes(),
        columns.point.astype("<u2", copy=False).tobytes(),
        np.packbits(columns.present).tobytes(),
        names,
    )
    length = sum(map(len, parts))
    data = b"".join((*parts, bytes(-length % 8)))
    return Body(data, google_crc32c.value(data), len(columns))


def header(body: Body, *, first_seq: int, durable_seq: int, arrival_ms: int) -> bytes:
    """The header of a body at its place in the spool."""
    packed = HEADER.pack(MAGIC, len(body.data), 0, body.count, first_seq, durable_seq, arrival_ms)
    crc: int = google_crc32c.extend(body.crc, packed[:CRC_OFFSET] + packed[CRC_END:])
    return packed[:CRC_OFFSET] + crc.to_bytes(4, "little") + packed[CRC_END:]


def body_length(head: bytes) -> int | None:
    """Length of the body a header announces [byte]; None if these bytes are no header."""
    if len(head) < HEADER.size or head[:4] != MAGIC:
        return None
    length = int.from_bytes(head[4:8], "little")
    return length if length <= MAX_BODY else None


def decode(head: bytes, data: bytes) -> Frame:
    """The frame of a header and its body. SpoolError says what is wrong with it."""
    if body_length(head) != len(data):
        raise SpoolError(f"expected a frame of {body_length(head)} bytes after its header, got {len(data)}")
    _, _, crc, count, first_seq, durable_seq, arrival_ms = HEADER.unpack(head)
    found = google_crc32c.extend(google_crc32c.value(data), head[:CRC_OFFSET] + head[CRC_END:])
    if found != crc:
        raise SpoolError(f"expected CRC32C {crc:08x}, got {found:08x}")
    return Frame(first_seq, durable_seq, arrival_ms, _columns(data, count), HEADER.size + len(data))


def _columns(data: bytes, count: int) -> Columns:
    names_length, names_count = COUNTS.unpack_from(data)
    offset = COUNTS.size
    arrays = []
    for kind, length in (("<i8", count), ("<f8", count), ("<u4", count), ("<u2", count), ("u1", -(-count // 8))):
        array = np.frombuffer(data, kind, length, offset)
        offset += array.nbytes
        arrays.append(array)
    time, value, quality, point, bits = arrays
    names = data[offset : offset + names_length].decode("ascii").split("\n")
    if len(names) != names_count:
        raise SpoolError(f"expected {names_count} point names, got {len(names)}")
    present = np.unpackbits(bits, count=count).astype(bool)
    return Columns(tuple(names), point, time, value, present, quality)
