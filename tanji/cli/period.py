"""The period a command speaks of: a plant-local day, a month, or hours from and to (DESIGN section 3)."""

from __future__ import annotations

import argparse
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tanji.domain.items import Boundary, RuleSetId
from tanji.errors import UsageError
from tanji.plant.model import Plant
from tanji.trust.statement import HOUR_MS, Period
from tanji.trust.utc import utc

SPAN = " – "
"""Between the two ends of a period that has no name of its own."""


def add_period(part: argparse.ArgumentParser, *, required: bool) -> None:
    """--day, --month, or --from and --to."""
    which = part.add_mutually_exclusive_group(required=required)
    which.add_argument("--day", metavar="YYYY-MM-DD", help="a day of the plant's calendar")
    which.add_argument("--month", metavar="YYYY-MM", help="a month of the plant's calendar")
    which.add_argument(
        "--from", dest="start", metavar="TIME", help="first moment, a full hour (plant-local, or with offset)"
    )
    part.add_argument("--to", dest="end", metavar="TIME", help="first moment after it; goes with --from")


def add_scope(part: argparse.ArgumentParser) -> None:
    """--boundary and --rule-set."""
    part.add_argument("--boundary", choices=[one.value for one in Boundary], help="default: that of compliance")
    part.add_argument("--rule-set", choices=[one.value for one in RuleSetId], help="default: that of compliance")


def period_of(arguments: argparse.Namespace, plant: Plant) -> Period:
    """The period that was asked for; UsageError says what was expected."""
    zone = ZoneInfo(plant.site.timezone)
    if (arguments.end is not None) != (arguments.start is not None):
        raise UsageError("expected --from and --to together")
    if arguments.day is not None:
        day = _day(arguments.day, "--day")
        return _period(_midnight(day, zone), _midnight(day + timedelta(days=1), zone), day.isoformat())
    if arguments.month is not None:
        first = _day(f"{arguments.month}-01", "--month")
        return _period(_midnight(first, zone), _midnight(_next_month(first), zone), arguments.month)
    start, end = (_moment(text, zone, name) for text, name in ((arguments.start, "--from"), (arguments.end, "--to")))
    return _period(start, end, f"{arguments.start}{SPAN}{arguments.end}")


def check_name(period: Period, timezone: str) -> None:
    """Raise UsageError unless a period is called what it is: a month that lacks its last day is no month."""
    zone, name = ZoneInfo(timezone), period.name
    start, dash, end = name.partition(SPAN)
    try:
        if dash:
            found = tuple(_moment(text, zone, "period.name") for text in (start, end))
        else:
            first = _day(name if len(name) == len("2026-09-20") else f"{name}-01", "period.name")
            following = first + timedelta(days=1) if first.isoformat() == name else _next_month(first)
            found = _midnight(first, zone), _midnight(following, zone)
    except UsageError as error:
        raise UsageError(f"{error}, in {name}") from error
    if found != (period.from_ms, period.to_ms):
        said, true = (" – ".join(map(utc, times)) for times in (found, (period.from_ms, period.to_ms)))
        raise UsageError(f"period.name: expected a name of {true}, got {name}, which is {said}")


def scope_of(arguments: argparse.Namespace, plant: Plant) -> tuple[Boundary, RuleSetId]:
    """Boundary and rule set: as asked for, else those of compliance."""
    boundary, rule_set = plant.compliance
    chosen = Boundary(arguments.boundary) if arguments.boundary else boundary
    rules = RuleSetId(arguments.rule_set) if arguments.rule_set else rule_set
    if rules not in plant.rulesets:
        known = ", ".join(plant.rulesets)
        raise UsageError(f"--rule-set: expected one of the plant's ({known}), got {rules}")
    return chosen, rules


def moment_ms(text: str, plant: Plant, name: str) -> int:
    """A time in UTC ms, plant-local where it has no offset of its own; a whole number is UTC ms already."""
    if text.isascii() and text.isdecimal():
        return int(text)
    return _moment(text, ZoneInfo(plant.site.timezone), name)


def _period(start_ms: int, end_ms: int, name: str) -> Period:
    if start_ms % HOUR_MS or end_ms % HOUR_MS or end_ms <= start_ms:
        raise UsageError(f"expected a period of full hours, got {name}")
    return Period(start_ms, end_ms, name)


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name}: expected a day like 2026-09-20 or a month like 2026-09, got {text}") from None


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def _moment(text: str, zone: ZoneInfo, name: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name}: expected a time like 2026-09-20T08:00, got {text}") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000)
