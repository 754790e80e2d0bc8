"""Rows that go no further than the forwarder, written out again as lines to be parked with their reasons."""

from __future__ import annotations

import numpy as np

from services.sealer.admission import line_of
from services.sealer.first_value import Conflict
from services.sealer.parked import ParkedLine
from services.sealer.rows import PointTable, Rows


def conflict_lines(points: PointTable, conflict: Conflict) -> list[ParkedLine]:
    """Readings that came second, each with the one that stands."""
    standing = conflict.standing
    shown = np.where(standing.present, standing.value, np.nan).tolist()
    reasons = [
        f"DUPLICATE: first value {value!r} stands" if present else "DUPLICATE: first reading, without value, stands"
        for value, present in zip(shown, standing.present.tolist(), strict=True)
    ]
    return lines_of(points, conflict.refused, reasons)


def lines_of(points: PointTable, rows: Rows, reasons: list[str]) -> list[ParkedLine]:
    """Rows with a reason each, written out again."""
    lines = []
    for row, reason in enumerate(reasons):
        value = float(rows.value[row]) if rows.present[row] else None
        name, quality = points.names[rows.point[row]], int(rows.quality[row])
        lines.append(ParkedLine(line_of(points.plant_id, name, int(rows.time[row]), value, quality), reason))
    return lines
