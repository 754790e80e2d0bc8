"""Totals, intensities and sum checks of the two boundaries: standard.md section 7 (R8, R41).

Which item a total adds up is data of the rule set. Items a rule set counts must all be there: a plant that has no
stream for one says 0, because a missing figure is never zero. Standard texts have not been checked yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tanji.domain.items import Boundary, Item
from tanji.domain.limits import Quantity
from tanji.domain.rulesets import RuleSet
from tanji.errors import DomainError


def total(figures: Mapping[Item, Quantity], *, boundary: Boundary, rule_set: RuleSet) -> Quantity:
    """Emission of a boundary under a rule set: the sum of its counted items. [tCO2]

    F1 (method A) and the sums of method B in standard.md section 7. Memo and information items are left out; a
    counted item that is absent raises DomainError, one that is not-a-number makes the total so.

    figures : emission of each item in this boundary. [tCO2]

    By hand, clinker boundary, method B: fuel 1300 + process 2675 = 3975 t, whatever the alternative fuels emit.
    """
    return _sum(figures, rule_set.counted(boundary), f"{boundary} boundary under {rule_set.id}")


def flue_gas_equivalent(figures: Mapping[Item, Quantity], *, rule_set: RuleSet) -> Quantity:
    """What the calculation says leaves the stack, to compare the flue-gas measurement with. [tCO2]

    All fuels of the kiln, fossil and biogenic, and calcination; standard.md section 11.1. It is not the total: 15 %
    of alternative fuel alone would look like 5 %.

    figures : emission of each item in the clinker boundary. [tCO2]
    """
    return _sum(figures, rule_set.flue_gas_scope, f"flue gas under {rule_set.id}")


def _sum(figures: Mapping[Item, Quantity], wanted: tuple[Item, ...], scope: str) -> Quantity:
    absent = [item for item in wanted if item not in figures]
    if absent:
        raise DomainError(
            f"{scope}: expected figures for {', '.join(wanted)} (0 where the plant has none), "
            f"got none for {', '.join(absent)}"
        )
    result: Quantity = 0.0
    for item in wanted:
        result = result + figures[item]
    return result


def intensity(emission: Quantity, *, output: Quantity) -> Quantity:
    """Emission per unit of product, F8. [tCO2/t, or tCO2 per 10^4 CNY]

    Not defined (not-a-number) without output: neither zero nor infinite. standard.md section 7. Numerator and
    denominator must be of the same period and boundary.

    emission : of the period. [tCO2]
    output : clinker or cement [t], or output value [10^4 CNY], of the same period.

    >>> intensity(4025.0, output=5000.0), intensity(12.0, output=0.0)
    (0.805, nan)
    """
    made = np.asarray(output, dtype=np.float64)
    ratio = np.asarray(emission / np.where(made > 0, made, np.nan))
    return float(ratio) if ratio.ndim == 0 else ratio


def clinker_ratio(clinker_consumed: Quantity, *, cement_output: Quantity) -> Quantity:
    """Clinker in cement; not defined without cement. [1]

    clinker_consumed : clinker ground into cement. [t]
    cement_output : cement made. [t]
    """
    return intensity(clinker_consumed, output=cement_output)


@dataclass(frozen=True, slots=True)
class SumCheck:
    """A stated total beside the sum of its parts."""

    computed: float
    stated: float
    tolerance: float

    @property
    def difference(self) -> float:
        """Stated less computed."""
        return self.stated - self.computed

    @property
    def consistent(self) -> bool:
        """Whether the two agree within the tolerance; a missing number never does."""
        return abs(self.difference) <= self.tolerance


def check_sum(parts: Iterable[float], *, stated: float, tolerance: float) -> SumCheck:
    """Compare a stated total with its parts; belongs in every import, disclosed totals hold misprints.

    parts, stated, tolerance : all in one unit, which is also the result's. [any]

    >>> check_sum((44372400, 1013800), stated=453862000, tolerance=1).consistent
    False
    """
    return SumCheck(computed=math.fsum(parts), stated=float(stated), tolerance=tolerance)
