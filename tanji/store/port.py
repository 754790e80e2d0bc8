"""The storage port: what every other part of Tanji may ask of a store, whatever engine is behind it.

Two adapters serve it, `tanji.store.embedded` (DuckDB, one process) and `tanji.store.influx` (InfluxDB 1.x, 2.x,
openGemini); `tests/store/test_contract_*.py` hold both to the same answers, down to the bits of a float (R1, R58).
What a measurement looks like is in `tanji.store.schema`. Which adapter runs is decided in `tanji.cli` alone.

The rules both adapters keep:

* Times are UTC integer milliseconds; a range is half open, [start_ms, end_ms).
* A null field is absent, never zero. A row without any field is no row. An empty text is absent.
* A row with the tags and time of an older one replaces it field by field; a null erases nothing. So a caller that
  rewrites a row writes every field, and takes a value back by `delete` and a new row. openGemini refuses `delete`.
* A value that is not a number, an unknown measurement, tag or field, and a wrong type are refused (`StoreRefused`)
  on the way in and on the way out; the engine would stay silent or store half of them.
* Answers hold `time`, then the tags as dictionary columns, then the fields; sorted by tags, then time; one row per
  tags and time; a table without rows has the same columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import pyarrow as pa


class Store(Protocol):
    """A time-series store. Every method may be called from any thread."""

    def write(self, bucket: str, measurement: str, rows: pa.Table) -> None:
        """Store `rows`: columns time [UTC ms], the tags and fields of the schema. Durable on return."""
        ...

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
        """Rows in [start_ms, end_ms) [UTC ms] whose tags are among `where` and that have any of `fields`."""
        ...

    def latest(self, bucket: str, measurement: str, *, where: Mapping[str, Sequence[str]] | None = None) -> pa.Table:
        """The newest row of every series."""
        ...

    def count(
        self,
        bucket: str,
        measurement: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        where: Mapping[str, Sequence[str]] | None = None,
    ) -> int:
        """How many rows `read` would return."""
        ...

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
        """Columns tags, time (start of the window, a multiple of `width_ms`), mean, min, max, count of a number field.

        Only rows of [start_ms, end_ms) that have the field count; a window without any is not there.
        """
        ...

    def delete(
        self,
        bucket: str,
        measurement: str,
        *,
        start_ms: int,
        end_ms: int,
        where: Mapping[str, Sequence[str]],
    ) -> None:
        """Remove the rows of [start_ms, end_ms) [UTC ms] whose tags are among `where`, for good on return.

        For a repair of the copy from the evidence alone: every tag is named, so that no other series is ever meant.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections; the store cannot be used afterwards."""
        ...
