"""Which record of the factor library, and which edition of a rule set, is in force in each hour of a period (R4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from tanji.domain import rulesets
from tanji.domain.factors import Factor, FactorLibrary
from tanji.domain.items import RuleSetId
from tanji.domain.rulesets import RuleSet
from tanji.errors import DomainError
from tanji.report.grid import Mask
from tanji.report.model import HOUR_MS
from tanji.report.periods import local_days


class Editions:
    """The records of a library and the rule sets over a period of whole hours, by plant-local day."""

    def __init__(self, library: FactorLibrary, *, timezone: str, start_ms: int, hours: int) -> None:
        self._library = library
        self._zone = ZoneInfo(timezone)
        self._start_ms = start_ms
        self._hours = hours
        self.first_day = self._day(start_ms)

    def of(
        self, quantity: str, applies_to: str, *, ruleset: RuleSetId, variant: str | None
    ) -> Iterator[tuple[Mask, Factor]]:
        """Every record in force in some hours of the period, with those hours; hours without a record are in none."""
        last = self._day(self._start_ms + (self._hours - 1) * HOUR_MS)
        turns = {self.first_day}
        for factor in self._library.factors:
            if factor.quantity == quantity and factor.applies_to == applies_to:
                turns.add(factor.valid_from)
                if factor.valid_to is not None:
                    turns.add(factor.valid_to + timedelta(days=1))
        days = [day for day in sorted(turns) if self.first_day <= day <= last]
        edges = [0, *(self._hour_of(day) for day in days[1:]), self._hours]
        for position, day in enumerate(days):
            try:
                found = self._library.find(quantity, applies_to=applies_to, ruleset=ruleset, on=day, variant=variant)
            except DomainError:
                continue
            hours = np.zeros(self._hours, np.bool_)
            hours[edges[position] : edges[position + 1]] = True
            yield hours, found

    def of_rule_set(self, ruleset: RuleSetId) -> tuple[tuple[RuleSet, Mask], ...]:
        """Every edition of a rule set in force in some hours of the period, with those hours."""
        days = local_days(start_ms=self._start_ms, hours=self._hours, timezone=self._zone.key)
        return rulesets.by_day(ruleset, days=np.array([day.toordinal() for day in days], np.int64))

    def _day(self, time_ms: int) -> date:
        return datetime.fromtimestamp(time_ms / 1000, self._zone).date()

    def _hour_of(self, day: date) -> int:
        """The first hour of the period on a local day, or after."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        since = int(midnight.astimezone(UTC).timestamp() * 1000) - self._start_ms
        return min(max(0, -(-since // HOUR_MS)), self._hours)
