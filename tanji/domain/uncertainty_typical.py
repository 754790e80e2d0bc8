"""Uncertainties that are data: what a factor's record says, else what is typical of its quantity and origin (R37).

The numbers are records of the factor library (`[typical_uncertainty]` of `factors.toml`, or a plant's own on top of
it), never code. A laboratory's number has two parts: `sampling_uncertainty` is new with every sample, the rest stays
with the analyser. Certificates of instruments are in `tanji.plant.instruments`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date

from tanji.domain.factors import Factor, FactorLibrary
from tanji.domain.items import RuleSetId
from tanji.errors import DomainError

TOTAL, SAMPLING = "relative_uncertainty", "sampling_uncertainty"
"""Quantities of the records; `applies_to` is the quantity that is uncertain, `variant` where its value comes from."""

UNKNOWN = 1.0
"""Where nobody has said anything: the figure could be anything. [1]"""


@dataclass(frozen=True, slots=True)
class Typical:
    """Relative standard uncertainties on a plant-local day under a rule set."""

    library: FactorLibrary
    ruleset: RuleSetId
    on: date
    _known: dict[tuple[str, str, str], float] = field(default_factory=dict)

    def total(self, quantity: str, *, origin: str) -> float:
        """Of a value that comes from `laboratory`, `default`, `entry` or `meter`. [1]"""
        return self._of(TOTAL, quantity, origin, UNKNOWN)

    def parts(self, quantity: str, *, origin: str) -> tuple[float, float]:
        """The same as systematic part and part that is new with every sample; their squares add up to its square. [1]

        By hand: 1 % in all, of it 0.6 % of sampling: the analyser keeps root(1 - 0.36) = 0.8 %.
        """
        whole = self.total(quantity, origin=origin)
        sampling = min(self._of(SAMPLING, quantity, origin, 0.0), whole)
        return math.sqrt(whole**2 - sampling**2), sampling

    def find(self, quantity: str, *, applies_to: str) -> Factor:
        """A record in force that day; DomainError where there is none."""
        return self.library.find(quantity, applies_to=applies_to, ruleset=self.ruleset, on=self.on)

    def of_factor(self, factor: Factor) -> float:
        """What the record says, else what is typical for a default of its quantity. [1]"""
        if factor.relative_uncertainty is not None:
            return factor.relative_uncertainty
        return self.total(factor.quantity, origin="default")

    def _of(self, what: str, quantity: str, origin: str, unknown: float) -> float:
        key = what, quantity, origin
        if key not in self._known:
            try:
                found = self.library.find(what, applies_to=quantity, ruleset=self.ruleset, on=self.on, variant=origin)
            except DomainError:
                self._known[key] = unknown
            else:
                self._known[key] = found.value
        return self._known[key]
