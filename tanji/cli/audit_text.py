"""What an audit or a repair found, in lines for a person; times are the plant's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from calc_jobs.comparison import Kind

MOST_POINTS = 40
"""Points told one by one; `--json` has all of them."""


def audit_lines(facts: Mapping[str, Any], zone: ZoneInfo) -> Iterator[str]:
    """The result of an audit, as the audit trail has it."""
    period = f"{moment(facts['start_ms'], zone)} to {moment(facts['end_ms'], zone)}"
    if facts["end_ms"] <= facts["start_ms"]:
        yield f"nothing to compare: {facts['behind']} has sealed until {moment(facts['end_ms'], zone)}"
    else:
        yield (
            f"{facts['rows']:,} sealed readings, {period}, log of {facts['size']:,} entries:"
            f" {_counts(facts['counts']) if facts['differences'] else 'no difference'}"
        )
    if facts["unsealed"]:
        yield f"{facts['unsealed']:,} rows are older than sealing: there is nothing to compare them with"
    for tally in facts["tallies"][:MOST_POINTS]:
        span = f"{moment(tally['first_ms'], zone)} to {moment(tally['last_ms'], zone)}"
        yield f"{tally['kind']:<8} {tally['point']}: {tally['rows']:,} rows, {span}"
    if len(facts["tallies"]) > MOST_POINTS:
        yield f"... and {len(facts['tallies']) - MOST_POINTS} more lines of this kind (--json has all)"
    for row in facts["listed"]:
        sealed, stored = (row[side] or "no row" for side in ("sealed", "stored"))
        at = moment(row["time_ms"], zone)
        yield f"  {row['kind']:<8} {row['point']} {at}: sealed {sealed}, stored {stored}"
    if len(facts["listed"]) < facts["differences"]:
        yield f"  the first {len(facts['listed'])} of {facts['differences']:,} rows; all are counted above"
    yield f"not compared: {facts['not_compared']}"


def repair_lines(facts: Mapping[str, Any], zone: ZoneInfo) -> Iterator[str]:
    """The result of a repair."""
    found, left = facts["found"], facts["left"]
    if not found["differences"]:
        yield "nothing to repair"
    else:
        yield (
            f"{_counts(found['counts'])}; restored: {facts['written']:,} rows written, {facts['deleted']:,} deleted;"
            f" {facts['hours']} h computed again, rows changed: {facts['activity_rows']} activity,"
            f" {facts['emission_rows']} emission"
        )
    yield from audit_lines(left, zone)


def moment(time_ms: int, zone: ZoneInfo) -> str:
    """Plant-local time, to the millisecond where it has any."""
    local = datetime.fromtimestamp(time_ms / 1000, zone)
    return f"{local:%Y-%m-%d %H:%M:%S}" + (f".{time_ms % 1000:03d}" if time_ms % 1000 else "")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[kind]:,} {kind}" for kind in Kind if counts[kind])
