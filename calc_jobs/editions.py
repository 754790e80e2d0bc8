"""Which edition of a rule set is in force in which hour, by the plant-local day (R4).

A period is computed by the edition of its days, however new the one of today; a day before a rule set's first edition
has none, and gets no figure of it: `without` counts such hours, so that a run can say so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np

from calc_jobs.activity import local_day
from tanji.domain import rulesets
from tanji.domain.items import RuleSetId
from tanji.domain.rulesets import RuleSet
from tanji.errors import DomainError
from tanji.plant.model import Plant
from tanji.quality.hours import Grid
from tanji.quality.rules import Mask


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition of a rule set and the hours of a grid it is in force in."""

    ruleset: RuleSet
    hours: Mask


def of(plant: Plant, identity: RuleSetId, *, grid: Grid) -> tuple[Edition, ...]:
    """Editions of a rule set that are in force in hours of a grid, oldest first."""
    days = np.array([local_day(plant, hour).date().toordinal() for hour in grid.hour_ms.tolist()], np.int64)
    return tuple(Edition(edition, hours) for edition, hours in rulesets.by_day(identity, days=days))


def without(plant: Plant, hours: Iterable[int]) -> tuple[tuple[str, int], ...]:
    """Rule sets of the plant without an edition in some of these hours [UTC ms], and in how many."""
    days: dict[int, int] = {}
    for hour in hours:
        day = local_day(plant, hour).date().toordinal()
        days[day] = days.get(day, 0) + 1
    result = []
    for identity in plant.rulesets:
        lacking = sum(count for day, count in days.items() if not _has_edition(identity, day))
        result += [(identity.value, lacking)] if lacking else []
    return tuple(result)


def _has_edition(identity: RuleSetId, day: int) -> bool:
    try:
        rulesets.in_force(identity, on=date.fromordinal(day))
    except DomainError:
        return False
    return True
