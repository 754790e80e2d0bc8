"""Relative standard uncertainty of what a figure is made of (standard.md section 13, R37).

A meter with an accuracy class: its permissible error as a rectangle, a/sqrt(3). A factor: what its record says. The
rest, laboratory values and meters without a class among them, takes the typical values of `factors.toml`; certificates
replace them with the ledger of devices.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from calc_jobs.sources import EntrySource, MeterSource, Source
from tanji.domain import uncertainty
from tanji.domain.factors import Factor, FactorLibrary
from tanji.errors import DomainError
from tanji.plant.model import Plant
from tanji.quality.rules import Floats

TYPICAL = "relative_uncertainty"
"""Quantity of the records that hold typical uncertainties; `applies_to` is the quantity, `variant` its origin."""
UNKNOWN = 1.0
"""Where nobody has said anything: the figure could be anything. [1]"""


class Uncertainties:
    """Looks up relative standard uncertainties [1] for a plant on a day."""

    def __init__(self, plant: Plant, library: FactorLibrary, *, on: datetime) -> None:
        self._plant = plant
        self._library = library
        self._on = on.date()
        self._known: dict[tuple[str, str], float] = {}

    def typical(self, quantity: str, origin: str) -> float:
        """Typical value for a quantity that comes from `laboratory`, `default`, `entry` or `meter`."""
        key = quantity, origin
        if key not in self._known:
            ruleset = self._plant.rulesets[0]
            try:
                found = self._library.find(TYPICAL, applies_to=quantity, ruleset=ruleset, on=self._on, variant=origin)
            except DomainError:
                self._known[key] = UNKNOWN
            else:
                self._known[key] = found.value
        return self._known[key]

    def of_factor(self, factor: Factor) -> float:
        """What the record says, else what is typical for a default of its quantity."""
        if factor.relative_uncertainty is not None:
            return factor.relative_uncertainty
        return self.typical(factor.quantity, "default")

    def of_point(self, point_id: str) -> float:
        """Of a reading, from its meter's accuracy class."""
        meter = self._plant.meters_by_id[self._plant.points_by_id[point_id].meter]
        if meter.permissible_error is None:
            return self.typical("amount", "meter")
        return float(uncertainty.from_permissible_error(meter.permissible_error))

    def of_sources(self, sources: Sequence[Source], amounts: Floats) -> Floats:
        """Of the sum of independent sources, hour by hour; amounts : sources x hours, without sign."""
        each = np.array([self._of_source(source) for source in sources])
        total = amounts.sum(axis=0)
        absolute = np.sqrt(((amounts * each[:, None]) ** 2).sum(axis=0))
        relative: Floats = np.divide(absolute, total, out=np.full(total.size, each.max()), where=total > 0)
        return relative

    def _of_source(self, source: Source) -> float:
        if isinstance(source, MeterSource):
            return self.of_point(source.point.id)
        if isinstance(source, EntrySource):
            return self.typical("amount", "entry")
        # Upper bound: temperature, pressure and moisture enter with weights below one (standard.md section 13, CEMS).
        points = [self.of_point(point) for point in source.points[:5]]
        return float(uncertainty.relative_of_product(*points, self.typical("stack_area", "entry")))
