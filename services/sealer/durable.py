"""Files that survive a power cut: atomic replacement, and append with fsync.

A rename or a new file is durable only once its folder has been synchronised too; a write that failed half-way is taken
back, or the next one would bury the damage. What is written is the business of the callers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

Sync = Callable[[int], None]
"""Makes the bytes behind a file descriptor durable; a parameter, so that tests can watch or break it."""

sync_data: Sync = getattr(os, "fdatasync", os.fsync)
"""Synchronises data and size; the times of a file are not worth a second write."""


def sync_folder(folder: Path) -> None:
    """Make new, renamed and removed names of a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of `path`: a crash leaves the old content or the new, never a mixture."""
    scratch = path.with_suffix(path.suffix + ".tmp")
    with scratch.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(scratch, path)
    sync_folder(path.parent)


def write_all(descriptor: int, parts: tuple[bytes, ...], *, at: int) -> None:
    """Write `parts` at the end of a file that is `at` bytes long; on failure the file is cut back to that length."""
    length = sum(map(len, parts))
    try:
        written = os.writev(descriptor, parts)
        if written != length:
            raise OSError(f"wrote {written} of {length} bytes: is the disk full?")
    except OSError:
        os.ftruncate(descriptor, at)
        raise


def append(path: Path, data: bytes, *, sync: Sync = sync_data) -> None:
    """Add `data` to the end of a file and return once it is on disk; the file is made if it is not there."""
    is_new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    try:
        write_all(descriptor, (data,), at=os.fstat(descriptor).st_size)
        sync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        sync_folder(path.parent)
