"""A Merkle tree and its entries as static files, in the layout of C2SP tlog-tiles.

Paths, entry bundles, and the writing of what a new size adds. Full tiles never change; a partial tile stays for every
published size until its full one is there, as the specification permits. When what is written, and what an entry says,
is the business of `log`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from struct import Struct

from tanji.errors import EvidenceMissing, LogError, TrustError
from tanji.trust import durable
from tanji.trust.tree import HASH_BYTES, Tree

WIDTH = 256
"""Hashes in a full tile, entries in a full bundle."""

HEIGHT = 8
"""Levels of the tree that one level of tiles spans."""

LARGEST_ENTRY = (1 << 16) - 1
"""An entry's length is written in two bytes."""

LENGTH = Struct(">H")

TILE_PATH = re.compile(
    r"tile/(?:\d|[1-5]\d|6[0-3]|entries)(?:/x\d{3})*/\d{3}(?:\.p/(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-5]))?"
)
"""What a path of a tile or an entry bundle may look like; to be used with `fullmatch`."""


def tile_path(level: int | None, number: int, width: int = WIDTH) -> str:
    """Where tile `number` of a level is, relative to the log. level : None for bundles of entries."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    *groups, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
    part = "" if width == WIDTH else f".p/{width}"
    return (
        "/".join(("tile", "entries" if level is None else str(level), *(f"x{group}" for group in groups), last)) + part
    )


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries, each with its length before it."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > LARGEST_ENTRY:
            expected = f"at most {LARGEST_ENTRY} bytes"
            raise TrustError("note-form", where="entry", expected=expected, got=f"{len(entry)} bytes")
        parts += LENGTH.pack(len(entry)), entry
    return b"".join(parts)


def unbundle(data: bytes) -> list[bytes]:
    """The entries of a bundle; the last one has to end with it."""
    entries, at, end = [], 0, len(data)
    while at < end:
        start = at + LENGTH.size
        stop = start + (LENGTH.unpack_from(data, at)[0] if start <= end else 1)
        if stop > end:
            raise TrustError("proof-form", expected="whole entries with their lengths", got="half an entry at the end")
        entries.append(data[start:stop])
        at = stop
    return entries


class Tiles:
    """The files `tile/...` of one log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def hashes(self, level: int, *, low: int, high: int) -> list[bytes]:
        """Hashes `low` to `high` of a level, `low` at the beginning of a tile; EvidenceMissing if a tile is gone."""
        found: list[bytes] = []
        for number in range(low // WIDTH, -(-high // WIDTH)):
            width = min(WIDTH, high - number * WIDTH)
            data = self._read(level, number, width)
            if len(data) % HASH_BYTES or len(data) < width * HASH_BYTES:
                got = f"{len(data)} bytes"
                raise TrustError("proof-form", where=tile_path(level, number), expected=f"{width} hashes", got=got)
            found += [data[at : at + HASH_BYTES] for at in range(0, width * HASH_BYTES, HASH_BYTES)]
        return found

    def entries(self, number: int, *, width: int) -> list[bytes]:
        """The first `width` entries of a bundle."""
        found = unbundle(self._read(None, number, width))
        if len(found) < width:
            where = tile_path(None, number)
            raise TrustError("proof-form", where=where, expected=f"{width} entries", got=f"{len(found)}")
        return found[:width]

    def write(self, tree: Tree, *, old: int, new: int, entries: Callable[[int, int], Sequence[bytes]]) -> None:
        """What the sizes from `old` to `new` add; on disk when this returns.

        entries : gives those of [low, high), the whole of the bundle in which `old` falls included.
        """
        files: dict[Path, bytes] = {}
        for level in range(-(-new.bit_length() // HEIGHT)):
            low, high = old >> HEIGHT * level, new >> HEIGHT * level
            row = tree.levels[HEIGHT * level] if high else []
            for number, width in _changed(low, high):
                start = number * WIDTH
                files[self.folder / tile_path(level, number, width)] = b"".join(row[start : start + width])
                if level == 0:
                    found = entries(start, start + width)
                    files[self.folder / tile_path(None, number, width)] = bundle(found)
        durable.replace_all(files)

    def tidy(self, *, old: int, new: int) -> None:
        """Take the partial tiles away whose full ones are there since `old` became `new`."""
        for level in range(-(-new.bit_length() // HEIGHT)):
            low, high = old >> HEIGHT * level, new >> HEIGHT * level
            for number, width in _changed(low, high):
                for kind in (level, None) if level == 0 else (level,):
                    if width == WIDTH:
                        shutil.rmtree(self.folder / f"{tile_path(kind, number)}.p", ignore_errors=True)

    def _read(self, level: int | None, number: int, width: int) -> bytes:
        """A tile of that width, or the full one that has taken its place."""
        for wide in (width, WIDTH):
            try:
                return (self.folder / tile_path(level, number, wide)).read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise LogError(f"{tile_path(level, number, wide)}: cannot be read: {error.strerror}") from error
        where = tile_path(level, number, width)
        raise EvidenceMissing("proof-form", where=where, expected="a tile of the published size", got="no file")


def _changed(low: int, high: int) -> list[tuple[int, int]]:
    """Number and new width of the tiles of a level that grew from `low` to `high` hashes."""
    if low == high:
        return []
    return [(number, min(WIDTH, high - number * WIDTH)) for number in range(low // WIDTH, -(-high // WIDTH))]
