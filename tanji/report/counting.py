"""What a total counts, hour by hour: by the edition of the rule set that is in force on the hour's local day (R4, R8).

An edition may only show what the next one counts (standard.md section 2.2). Emission rows are therefore divided: a
series that is counted in some hours and only shown in others becomes two, each 0 in the hours of the other, so that
totals, figures and budgets add up the right hours without looking at the calendar again.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tanji.domain import rulesets
from tanji.domain.items import Boundary, Item, RuleSetId
from tanji.plant.model import Plant
from tanji.report.grid import Floats, Grid, Mask
from tanji.report.periods import local_days

COUNTED, SHOWN = "counted", "shown"
"""Values of the tag `counted` of a divided grid: of the total, or memo and information."""
TAGS = ("boundary", "ruleset", "item", "method", "counted", "line", "stream")
"""Tags of emission rows that are divided."""

CountedHours = Mapping[Item, Mask]
"""The items that a total counts in some hours of a period, and in which."""
Counted = Mapping[tuple[Boundary, RuleSetId], CountedHours]
"""The same for every boundary and rule set of a plant."""


def counted_hours(plant: Plant, *, start_ms: int, hours: int) -> Counted:
    """What each total counts in the hours from `start_ms` [UTC ms].

    Hours before a rule set's first edition lack what that edition counts: such a total has no figure in them.
    """
    local = local_days(start_ms=start_ms, hours=hours, timezone=plant.site.timezone)
    days = np.array([day.toordinal() for day in local], np.int64)
    result: dict[tuple[Boundary, RuleSetId], dict[Item, Mask]] = {}
    for identity in plant.rulesets:
        first = min(edition.valid_from for edition in rulesets.editions() if edition.id is identity)
        ruled = rulesets.by_day(identity, days=np.maximum(days, first.toordinal()))
        for boundary in Boundary:
            items = result.setdefault((boundary, identity), {})
            for edition, inside in ruled:
                for item in edition.counted(boundary):
                    items[item] = items.get(item, np.zeros(hours, np.bool_)) | inside
    return result


def divided(grid: Grid, counted: Counted) -> Grid:
    """Emission rows with the tag `counted`; what a total counts in some hours only is a series of each."""
    keys: list[tuple[str, ...]] = []
    sources: list[int] = []
    masks: list[Mask] = []
    never = np.zeros(grid.hours, np.bool_)
    for row, key in enumerate(grid.keys):
        tags = dict(zip(grid.tags, key, strict=True))
        total = counted.get((Boundary(tags["boundary"]), RuleSetId(tags["ruleset"])), {})
        inside = total.get(Item(tags["item"]), never)
        for word, mask in ((COUNTED, inside), (SHOWN, ~inside)):
            if mask.any():
                keys.append(tuple((tags | {"counted": word})[tag] for tag in TAGS))
                sources.append(row)
                masks.append(mask)
    fields = {name: _within(values[sources], masks) for name, values in grid.fields.items()}
    return Grid(tags=TAGS, keys=tuple(keys), fields=fields, hours=grid.hours)


def _within(values: Floats, masks: list[Mask]) -> Floats:
    return np.where(np.array(masks, np.bool_).reshape(values.shape), values, 0.0)
