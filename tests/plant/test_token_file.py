"""Tokens of sealer and store come from files, and a file that cannot be read is told in one way (R57)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tanji.errors import UsageError
from tanji.plant.model import InfluxSettings, SealerSettings
from tanji.plant.token_file import sealer_token, store_token

Read = Callable[[str | None], str | None]


def of_sealer(file: str | None) -> str | None:
    return sealer_token(SealerSettings(token_file=file))


def of_store(file: str | None) -> str | None:
    return store_token(InfluxSettings(kind="influx", url="http://127.0.0.1:9", token_file=file))


@pytest.mark.parametrize(("read", "key"), [(of_sealer, "services.sealer"), (of_store, "services.store")])
def test_the_secret_is_what_the_file_holds_and_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, read: Read, key: str
) -> None:
    file = tmp_path / "token"
    with pytest.raises(UsageError, match=rf"{key}\.token_file .*token: cannot be read: No such file"):
        read(str(file))
    file.write_text("s3cret\n", encoding="utf-8")
    assert read(str(file)) == "s3cret"
    assert read(None) is None
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"cannot be read: bytes that are not UTF-8") as told:
        read(str(file))
    assert "xff" not in str(told.value)  # nothing of a secret in a message
