"""The DuckDB file of the embedded store: opening it as its only owner, transactions, and its errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from tanji.errors import InstanceLocked, StoreUnavailable

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "1GB",  # of the 4 GiB a plant's box has; DuckDB would take four fifths
    "checkpoint_threshold": "64MB",  # a checkpoint per 16 MB of log, the default, costs a tenth of an import
    "autoinstall_known_extensions": "false",  # closed networks: never reach for a server
    "autoload_known_extensions": "false",
}


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Open the file, or make it. InstanceLocked: another process has it; StoreUnavailable: it is no such file."""
    try:
        return duckdb.connect(str(path), config=SETTINGS)
    except duckdb.IOException as err:
        if "lock" in str(err).lower():
            raise InstanceLocked(f"{path} is in use by another process, expected to be its only owner: {err}") from err
        raise StoreUnavailable(f"{path}: expected a DuckDB file that can be opened, got {err}") from err
    except duckdb.Error as err:
        raise StoreUnavailable(f"{path}: expected a DuckDB file, got {err}") from err


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Errors of DuckDB as StoreUnavailable, with what could not be done."""
    try:
        yield
    except duckdb.Error as err:  # names and types were checked before: what is left is the disk, or a closed store
        raise StoreUnavailable(f"embedded store: cannot {action}: {err}") from err


@contextmanager
def transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Everything of the block, or nothing of it; committed, and on disk, when the block ends."""
    cursor.begin()
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):
            cursor.rollback()
        raise
    cursor.commit()
