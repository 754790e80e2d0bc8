"""What a row of a laboratory or manual sheet holds for: a batch, a day or a month, in UTC (DESIGN section 3, R9).

Times without a zone are the plant's local ones; `valid_to` as a bare date includes that day; with a `period` of day or
month it may be left out. The other fields of a row are `tanji.ledger.laboratory_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tanji.ledger.sheets import Refused

HOUR_MS = 3_600_000
PERIODS = ("batch", "day", "month")
"""What a result holds for: a batch from and to any time, a day, or a month's composite sample."""


def period_of(row: Mapping[str, str], timezone: str) -> tuple[int, int]:
    """Start and end [UTC ms], as the period says where it says something; Refused with the field that is wrong."""
    kind = row.get("period", "")
    if kind not in ("", *PERIODS):
        raise Refused("period", f"one of {', '.join(PERIODS)}", kind)
    start = _moment(row, "valid_from", end_of_day=False)
    end = None if not row["valid_to"] and kind in ("day", "month") else _moment(row, "valid_to", end_of_day=True)
    if kind in ("day", "month"):
        first, after = _calendar(start, kind)
        if start != first or end not in (None, after):
            expected = f"a whole {kind}: {first:%Y-%m-%d} to {after - timedelta(days=1):%Y-%m-%d}"
            raise Refused("period", expected, f"{row['valid_from']} to {row['valid_to']}")
        end = after
    assert end is not None
    low, high = _utc_ms(start, timezone), _utc_ms(end, timezone)
    if high <= low:
        raise Refused("valid_to", f"a time after {row['valid_from']}", row["valid_to"])
    return low, high


def check_full_hours(row: Mapping[str, str], start_ms: int, end_ms: int) -> None:
    """An amount belongs to the hours it is spread over or closes: in part of one it could not add up to the booking."""
    for field, time_ms in (("valid_from", start_ms), ("valid_to", end_ms)):
        if time_ms % HOUR_MS:
            raise Refused(field, "full hours, e.g. 2026-10-01 or 2026-10-01T08:00, for an amount", row[field])


def _calendar(start: datetime, kind: str) -> tuple[datetime, datetime]:
    """Beginning and end of the local day or month around a time."""
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if kind == "day":
        return first, first + timedelta(days=1)
    first = first.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


def _moment(row: Mapping[str, str], field: str, *, end_of_day: bool) -> datetime:
    """An ISO 8601 time; a bare date is its beginning, as an end the beginning of the next day."""
    text = row[field].replace("/", "-")  # Excel's habit
    try:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return datetime.fromisoformat(text)
        return datetime.combine(day + timedelta(days=1 if end_of_day else 0), time())
    except ValueError:
        expected = "an ISO 8601 time, e.g. 2026-10-01 or 2026-10-01T08:00"
        raise Refused(field, expected, row[field] or "nothing") from None


def _utc_ms(moment: datetime, timezone: str) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    return round(moment.timestamp() * 1000)
