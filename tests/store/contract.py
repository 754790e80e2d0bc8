"""Readings for the storage contract, which the `test_contract_*` files hold every adapter to (R1, R58).

The rules are listed in `tanji.store.port`; the stores themselves are in `conftest`.
"""

from __future__ import annotations

import pyarrow as pa

HOUR_MS = 3_600_000
START_MS = 1_772_323_200_000  # 2026-03-01T00:00:00Z


def readings(rows: list[tuple[str, int, float | None, int | None]], *, plant: str = "hx01") -> pa.Table:
    point, time, value, quality = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pa.table(
        {
            "plant": pa.array([plant] * len(rows), pa.string()),
            "point": pa.array(point, pa.string()),
            "time": pa.array([START_MS + offset for offset in time], pa.int64()),
            "value": pa.array(value, pa.float64()),
            "quality": pa.array(quality, pa.int64()),
        }
    )


def plain(table: pa.Table) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in row if name != "plant") for row in table.to_pylist()]
