"""A store that can be taken away, and that refuses what a test wants refused; behind it is a real one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from tanji.errors import StoreRefused, StoreUnavailable
from tanji.store.port import Store


class StoreDouble:
    """The port, with switches. `writes` lists bucket, measurement and rows of every write that succeeded."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.down = threading.Event()
        self.refuses: Callable[[dict[str, Any]], bool] = lambda row: False
        self.writes: list[tuple[str, str, pa.Table]] = []
        self.fail_after: str | None = None  # after a write of this measurement every further call fails

    def write(self, bucket: str, measurement: str, rows: pa.Table) -> None:
        self._check()
        if any(self.refuses(row) for row in rows.to_pylist()):
            raise StoreRefused("field type conflict")
        self.inner.write(bucket, measurement, rows)
        self.writes.append((bucket, measurement, rows))
        if measurement == self.fail_after:
            self.down.set()

    def read(
        self,
        bucket: str,
        measurement: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        where: Mapping[str, Sequence[str]] | None = None,
        fields: Sequence[str] | None = None,
    ) -> pa.Table:
        self._check()
        return self.inner.read(bucket, measurement, start_ms=start_ms, end_ms=end_ms, where=where, fields=fields)

    def latest(self, bucket: str, measurement: str, *, where: Mapping[str, Sequence[str]] | None = None) -> pa.Table:
        self._check()
        return self.inner.latest(bucket, measurement, where=where)

    def count(
        self,
        bucket: str,
        measurement: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        where: Mapping[str, Sequence[str]] | None = None,
    ) -> int:
        self._check()
        return self.inner.count(bucket, measurement, start_ms=start_ms, end_ms=end_ms, where=where)

    def windows(
        self,
        bucket: str,
        measurement: str,
        field: str,
        *,
        start_ms: int,
        end_ms: int,
        width_ms: int,
        where: Mapping[str, Sequence[str]] | None = None,
    ) -> pa.Table:
        self._check()
        return self.inner.windows(
            bucket, measurement, field, start_ms=start_ms, end_ms=end_ms, width_ms=width_ms, where=where
        )

    def delete(
        self,
        bucket: str,
        measurement: str,
        *,
        start_ms: int,
        end_ms: int,
        where: Mapping[str, Sequence[str]],
    ) -> None:
        self._check()
        self.inner.delete(bucket, measurement, start_ms=start_ms, end_ms=end_ms, where=where)

    def close(self) -> None:
        self.inner.close()

    def _check(self) -> None:
        if self.down.is_set():
            raise StoreUnavailable("connection refused")
