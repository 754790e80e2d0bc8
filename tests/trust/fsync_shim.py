"""What a power cut leaves: a shim around fsync that knows, at every moment, what is really on the disk.

SIGKILL keeps the page cache, a power cut does not (trust.md section 8, trap 14). Inside `with PowerCuts(root)` every
`os.fsync` and `os.fdatasync` of this process is watched: a file's content counts as written when the file was
synchronised, a name (new, renamed, removed) when its directory was. One `Cut` is kept just before each of these calls
and one at the end, with what had been acknowledged by then; `Cut.build` makes the tree that would have survived.

`build` is the strict disk: it forgets everything not synchronised. `build_lucky` is a real one, where any part of it
may have been written all the same: each name, and each file whole or up to some byte. Software has to bear both.
"""

from __future__ import annotations

import os
import random
import resource
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

Names = Mapping[str, int]
"""By name, the inode it stands for."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A tree by inodes: directories as names, files as contents. An inode with neither is an empty file."""

    names: Mapping[int, Names] = field(default_factory=dict)
    contents: Mapping[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cut:
    """The moment just before one synchronisation: what the disk held, what had been acknowledged.

    call : e.g. `fsync tile/0/000`; `end` for the last one. folders : inodes that are directories.
    """

    number: int
    call: str
    root: int
    disk: Disk
    memory: Disk | None
    folders: frozenset[int]
    acknowledged: tuple[Any, ...]

    def files(self) -> dict[str, bytes]:
        """By relative path, the content of every file that survives."""
        return dict(_files(self.disk, self.root, self.folders, ""))

    def build(self, target: Path) -> Path:
        """Make the tree that survived, without anything that was not synchronised; `target` is made."""
        return self._write(self.disk, target)

    def build_lucky(self, target: Path, rng: random.Random) -> Path:
        """The same, but of what was not synchronised any part may be there; needs `PowerCuts(lucky=True)`."""
        assert self.memory is not None, "expected PowerCuts(root, lucky=True)"
        names = {
            folder: _some_names(self.disk.names.get(folder, {}), self.memory.names.get(folder, {}), rng)
            for folder in sorted(self.disk.names.keys() | self.memory.names.keys())
        }
        contents = {
            file: _some_bytes(self.disk.contents.get(file, b""), self.memory.contents.get(file), rng)
            for file in sorted(self.disk.contents.keys() | self.memory.contents.keys())
        }
        return self._write(Disk(names, contents), target)

    def _write(self, disk: Disk, target: Path) -> Path:
        target.mkdir(parents=True)
        for path in _folders(disk, self.root, self.folders, ""):
            (target / path).mkdir(exist_ok=True)
        for path, content in _files(disk, self.root, self.folders, ""):
            (target / path).write_bytes(content)
        return target


class PowerCuts:
    """Watches what this process makes durable below `root`, which counts as durable as it is at the beginning.

    lucky : keep what only the page cache held too, for `Cut.build_lucky`; reads the whole tree at every call.
    """

    def __init__(self, root: Path, *, lucky: bool = False) -> None:
        self.root = root.resolve()
        self.cuts: list[Cut] = []
        self._lucky = lucky
        self._names: dict[int, Names] = {}
        self._contents: dict[int, bytes] = {}
        self._held: dict[int, int] = {}
        self._folders: set[int] = set()
        self._acknowledged: list[Any] = []
        self._lock = threading.RLock()
        self._real: dict[str, Any] = {}

    def acknowledge(self, what: Any) -> None:
        """From now on somebody relies on this; every later cut has it in `acknowledged`."""
        with self._lock:
            self._acknowledged.append(what)

    def __enter__(self) -> PowerCuts:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._limit = soft, hard
        for folder, _, names in os.walk(self.root):
            self._take_folder(Path(folder))
            for name in names:
                self._take_file(Path(folder) / name)
        self._real = {name: getattr(os, name) for name in ("fsync", "fdatasync") if hasattr(os, name)}
        for name in self._real:
            setattr(os, name, self._watched(name))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, real in self._real.items():
            setattr(os, name, real)
        self._cut("end")
        for descriptor in self._held.values():
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, self._limit)

    def _watched(self, name: str) -> Any:
        def watched(descriptor: Any) -> None:
            number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
            path = Path(os.readlink(f"/proc/self/fd/{number}").removesuffix(" (deleted)"))
            with self._lock:
                ours = path == self.root or self.root in path.parents
                if ours:
                    self._cut(f"{name} {path.relative_to(self.root)}")
                self._real[name](number)
                if ours:
                    self._take(Path(f"/proc/self/fd/{number}"))

        return watched

    def _take(self, path: Path) -> None:
        if stat.S_ISDIR(os.stat(path).st_mode):
            self._take_folder(path)
        else:
            self._take_file(path)

    def _take_folder(self, path: Path) -> None:
        """The names of a directory are on the disk now; a new file among them may still be empty there."""
        self._names[self._hold(path)] = self._listed(path)

    def _listed(self, path: Path) -> Names:
        found: dict[str, int] = {}
        for name in sorted(os.listdir(path)):
            with suppress(FileNotFoundError):  # another thread took it away meanwhile
                found[name] = self._hold(path / name)
        return found

    def _take_file(self, path: Path) -> None:
        self._contents[self._hold(path)] = path.read_bytes()

    def _hold(self, path: Path) -> int:
        """The inode of a path, kept open, so that its number is never given to another file meanwhile."""
        found = os.stat(path)
        if found.st_ino not in self._held:
            self._held[found.st_ino] = os.open(path, os.O_RDONLY)  # not dup: a lock must go with its own descriptor
            if stat.S_ISDIR(found.st_mode):
                self._folders.add(found.st_ino)
        return found.st_ino

    def _cut(self, call: str) -> None:
        memory = self._memory() if self._lucky else None
        root = os.stat(self.root).st_ino
        disk = Disk(dict(self._names), dict(self._contents))
        folders, acknowledged = frozenset(self._folders), tuple(self._acknowledged)
        self.cuts.append(Cut(len(self.cuts), call, root, disk, memory, folders, acknowledged))

    def _memory(self) -> Disk:
        """The tree as running processes see it."""
        names: dict[int, Names] = {}
        contents: dict[int, bytes] = {}
        for folder, _, files in os.walk(self.root):
            path = Path(folder)
            names[self._hold(path)] = self._listed(path)
            for name in files:
                with suppress(FileNotFoundError):
                    contents[self._hold(path / name)] = (path / name).read_bytes()
        return Disk(names, contents)


def _files(disk: Disk, folder: int, folders: frozenset[int], prefix: str) -> Iterator[tuple[str, bytes]]:
    for name, inode in disk.names.get(folder, {}).items():
        if inode in folders:
            yield from _files(disk, inode, folders, f"{prefix}{name}/")
        else:
            yield prefix + name, disk.contents.get(inode, b"")


def _folders(disk: Disk, folder: int, folders: frozenset[int], prefix: str) -> Iterator[str]:
    for name, inode in disk.names.get(folder, {}).items():
        if inode in folders:
            yield prefix + name
            yield from _folders(disk, inode, folders, f"{prefix}{name}/")


def _some_names(disk: Names, memory: Names, rng: random.Random) -> Names:
    """Each change of a directory for itself: written, or not."""
    chosen = ((name, rng.choice((disk, memory)).get(name)) for name in sorted(disk.keys() | memory.keys()))
    return {name: inode for name, inode in chosen if inode is not None}


def _some_bytes(disk: bytes, memory: bytes | None, rng: random.Random) -> bytes:
    """What the disk held, what memory holds, or an append up to some byte of it."""
    if memory is None or memory == disk:
        return disk
    if memory.startswith(disk):
        return memory[: rng.choice((len(disk), len(memory), rng.randint(len(disk), len(memory))))]
    return rng.choice((disk, memory))
