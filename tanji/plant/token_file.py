"""The secrets two services ask to be shown, from the files the plant file names: sealer and store.

The secrets themselves are never in the plant file, in an argument or in a message. Those of devices are theirs to read.
"""

from __future__ import annotations

from pathlib import Path

from tanji.errors import UsageError
from tanji.plant.model import InfluxSettings, SealerSettings


def sealer_token(settings: SealerSettings) -> str | None:
    """What senders show the sealer; None where the plant file names no file. UsageError: it cannot be read."""
    return _read(settings.token_file, key="services.sealer.token_file")


def store_token(settings: InfluxSettings) -> str | None:
    """What the database server is shown; None where the plant file names no file. UsageError: it cannot be read."""
    return _read(settings.token_file, key="services.store.token_file")


def _read(file: str | None, *, key: str) -> str | None:
    if file is None:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        got = error.strerror if isinstance(error, OSError) else "bytes that are not UTF-8"
        raise UsageError(f"{key} {file}: cannot be read: {got}") from error
