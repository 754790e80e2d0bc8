"""Files that survive a power cut: atomic replacement, and append with fsync.

A rename or a new file is durable only once its folder has been synchronised too; a write that failed half-way is taken
back, or the next one would bury the damage. The one home of fsync. What is written is the business of the callers.
"""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable, Mapping
from pathlib import Path

Sync = Callable[[int], None]
"""Makes the bytes behind a file descriptor durable; a parameter, so that tests can watch or break it."""


WITHOUT_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
"""What file systems of memory sticks and shared folders answer, which have no hard links."""


def sync_data(descriptor: int) -> None:
    """Synchronise data and size; the times of a file are not worth a second write."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make new, renamed and removed names of a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make `folder` and those above it; the names of new ones are on disk when this returns."""
    missing = list(itertools.takewhile(lambda each: not each.exists(), (folder, *folder.parents)))
    folder.mkdir(parents=True, exist_ok=True)
    for each in reversed(missing):
        sync_folder(each.parent)


def replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of `path`: a crash leaves the old content or the new, never a mixture."""
    _write(scratch := _scratch(path), data)
    os.replace(scratch, path)
    sync_folder(path.parent)


def publish(part: Path, path: Path) -> None:
    """Give a file that is complete its final name, in the place of what had it before."""
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(part, path)
    sync_folder(path.parent)


def replace_all(files: Mapping[Path, bytes]) -> None:
    """Put each content in the place of its path, one after the other; all of it is on disk when this returns.

    Folders are made. Cheaper than `replace` for several files of one folder, which is synchronised once at the end.
    """
    folders = {path.parent: None for path in files}
    for folder in folders:
        make_folder(folder)
    for path, data in files.items():
        _write(scratch := _scratch(path), data)
        os.replace(scratch, path)
    for folder in folders:
        sync_folder(folder)


def create(path: Path, data: bytes, *, mode: int = 0o640) -> None:
    """Put `data` into a new file, whole or not at all; `FileExistsError` if there is one of this name."""
    scratch = _scratch(path)
    scratch.unlink(missing_ok=True)  # of a crash
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        write_all(descriptor, (data,), at=0)
        os.fsync(descriptor)
        _name_new(scratch, path)
    finally:
        os.close(descriptor)
        scratch.unlink(missing_ok=True)
    sync_folder(path.parent)


def _name_new(scratch: Path, path: Path) -> None:
    """Give a file a name that is not in use; a link refuses to replace, unlike a rename."""
    try:
        os.link(scratch, path)
    except OSError as error:
        if error.errno not in WITHOUT_LINKS:
            raise
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        os.rename(scratch, path)


def remove(path: Path) -> None:
    """Take `path` away, and return once its name is gone from the disk; nothing if it is not there."""
    path.unlink(missing_ok=True)
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


def _scratch(path: Path) -> Path:
    """Where a file is written before it takes its name; what a crash leaves there is written over."""
    return path.with_suffix(path.suffix + ".tmp")


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
