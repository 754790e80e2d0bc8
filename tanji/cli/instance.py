"""One process per data directory: a lock that the system releases even when the process is killed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tanji.errors import InstanceLocked, UsageError


def prepared(data_dir: Path) -> Path:
    """The data directory, made if it is not there; UsageError where it cannot be used."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise UsageError(f"{data_dir}: expected a data directory, got a file") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{data_dir}: expected a data directory that can be made, got {reason}") from error
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise UsageError(f"{data_dir}: expected a data directory this user may write to, got permission denied")
    return data_dir


@contextmanager
def claim(data_dir: Path) -> Iterator[None]:
    """Hold `data_dir` for this process; InstanceLocked, naming the holder, if another one has it."""
    path = prepared(data_dir) / "lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise InstanceLocked(
                f"{data_dir} is in use by another tanji process (pid {holder}); stop it first"
            ) from None
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield
