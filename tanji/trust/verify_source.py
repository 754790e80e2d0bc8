"""Where evidence lies: a bundle, a bundle somebody unpacked, or the folder of a log; members by path in all three.

Nothing is verified here beyond what reading takes. An `Opener` is what another process needs to read the same evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import bundle
from tanji.trust.bundle_reader import BundleReader
from tanji.trust.keyring_text import TYPE as KEYS
from tanji.trust.log_checkpoints import Kept
from tanji.trust.log_reader import LogReader
from tanji.trust.plant_note import TYPE as PLANT_NOTE

INDEX_DIGITS = 12
"""Digits of a log index in the name of a member."""


class Source(Protocol):
    """Members by path."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Every member."""
        ...

    def read(self, path: str) -> bytes:
        """A member's bytes; TrustError manifest-listed where there is none."""
        ...


class Opener(Protocol):
    """Opens a source, in this process or another."""

    def open(self) -> AbstractContextManager[Source]:
        """The source, for the time of a `with` block."""
        ...


class FolderReader:
    """An unpacked bundle, or a folder laid out like one; files with other names are not evidence and not looked at."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise EvidenceMissing("manifest-listed", where=str(folder), expected="a folder", got="none")
        self._folder = folder

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every member; a process that is told what to read does not look for them."""
        return tuple(sorted(_known(self._folder)))

    def read(self, path: str) -> bytes:
        """A member's bytes."""
        bundle.check_path(path)
        try:
            with (self._folder / path).open("rb") as stream:
                data = stream.read(bundle.LARGEST_MEMBER + 1)
        except OSError as error:
            got = error.strerror or "an error"
            raise TrustError("manifest-listed", where=path, expected="a file that can be read", got=got) from error
        if len(data) > bundle.LARGEST_MEMBER:
            expected = f"at most {bundle.LARGEST_MEMBER} bytes"
            raise TrustError("manifest-size", where=path, expected=expected, got="more")
        return data


class LogFolder:
    """The folder of a log up to `size`, as members of a bundle that begins with its first entry."""

    def __init__(self, reader: LogReader, *, size: int | None) -> None:
        self._reader = reader
        self._size = min(reader.size, reader.size if size is None else size)

    @cached_property
    def _kept(self) -> dict[str, Kept]:
        kept = (each for each in self._reader.checkpoints() if each.size <= self._size)
        return {f"checkpoints/{each.path.name}": each for each in kept}

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every member."""
        return tuple(self._paths())

    def _paths(self) -> Iterator[str]:
        yield bundle.PREFIX
        yield from (f"notes/{index:012d}.note" for index in range(self._size))
        for folder, type_line in (("keyring", KEYS), ("plant", PLANT_NOTE)):
            yield from (
                f"{folder}/{index:012d}.note" for index in self._reader.indexes(type_line) if index < self._size
            )
        for path in _known(self._reader.folder):
            folder, _, name = path.partition("/")
            if folder == "files" or (folder == "payload" and int(name[:INDEX_DIGITS]) < self._size):
                yield path
        yield from self._kept

    def read(self, path: str) -> bytes:
        """A member's bytes."""
        folder, _, name = path.partition("/")
        if path == bundle.PREFIX:
            return b"0\n"
        if folder in ("notes", "keyring", "plant"):
            return self._reader.entry(int(name[:INDEX_DIGITS]))
        if folder == "payload":
            return self._reader.payload(int(name[:INDEX_DIGITS]))
        return self._kept[path].note() if folder == "checkpoints" else self._reader.file(name)


@dataclass(frozen=True, slots=True)
class Place:
    """A bundle file, the folder of an unpacked one, or the folder of a log up to a size."""

    path: Path
    size: int | None = None

    @property
    def is_log(self) -> bool:
        """Whether it is the folder of a log."""
        return (self.path / "tile").is_dir()

    @contextmanager
    def open(self) -> Iterator[Source]:
        """The members of the file or folder."""
        if self.is_log:
            yield LogFolder(LogReader(self.path), size=self.size)
        elif self.path.is_dir():
            yield FolderReader(self.path)
        else:
            with BundleReader(self.path) as reader:
                yield reader


def _known(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*"):
        path = file.relative_to(folder).as_posix()
        try:
            bundle.check_path(path)
        except TrustError:
            continue
        if file.is_file():
            yield path


@contextmanager
def located(path: str) -> Iterator[None]:
    """A rule that fails in the block is told with the member it failed in."""
    try:
        yield
    except TrustError as error:
        where = f"{path} {error.where}".strip() if error.where != path else path
        raise type(error)(error.rule, where=where, expected=error.expected, got=error.got) from error


def indexed(paths: Iterable[str], folder: str, ending: str) -> list[tuple[int, str]]:
    """Members `<folder>/<index><ending>` with their index in the log, ascending."""
    found = [path for path in paths if path.startswith(f"{folder}/") and path.endswith(ending)]
    return sorted((int(path[len(folder) + 1 : -len(ending)]), path) for path in found)
