"""Totals, reconciliation, intensity and sum checks of the two boundaries: standard.md section 7 (R8, R41).

Which item a total adds up is data of the rule set. Items a rule set counts must all be there: a plant that has no
stream for one says 0, because a missing figure is never zero. Standard texts have not been checked yet.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from tanji.domain.items import Boundary, Item
from tanji.domain.limits import Quantity
from tanji.domain.ratios import quotient
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


def _sum(figures: Mapping[Item, Quantity], wanted: Collection[Item], scope: str) -> Quantity:
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
    return quotient(emission, denominator=output)


def clinker_ratio(clinker_consumed: Quantity, *, cement_output: Quantity) -> Quantity:
    """Clinker in cement; not defined without cement. [1]

    clinker_consumed : clinker ground into cement. [t]
    cement_output : cement made. [t]
    """
    return intensity(clinker_consumed, output=cement_output)


Why = Literal["only_a", "only_b", "values_differ", "streams_differ", "same"]


@dataclass(frozen=True, slots=True)
class ReconciliationRow:
    """What one item brings to each of two totals [tCO2], and why they differ.

    `only_a` and `only_b`: only that side counts the item. `values_differ`: both count it, with other factors or rules.
    `streams_differ`: both count it by one rule set, but not the same streams. `same`: both count it alike.
    """

    item: Item
    counted_a: bool
    counted_b: bool
    emission_a: float
    emission_b: float
    one_rule_set: bool

    @property
    def difference(self) -> float:
        """What the item adds to total A less total B. [tCO2]"""
        return self.emission_a - self.emission_b

    @property
    def why(self) -> Why:
        """Which of the two counts it, or whether their values differ."""
        if self.counted_a != self.counted_b:
            return "only_a" if self.counted_a else "only_b"
        if self.emission_a == self.emission_b:
            return "same"
        return "streams_differ" if self.one_rule_set else "values_differ"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Two totals [tCO2] and the rows that lead from one to the other."""

    total_a: float
    total_b: float
    rows: tuple[ReconciliationRow, ...]

    @property
    def difference(self) -> float:
        """Total A less total B: the sum of the rows' differences, added without rounding in between. [tCO2]"""
        return math.fsum(part for row in self.rows for part in (row.emission_a, -row.emission_b))


def reconcile(
    figures_a: Mapping[Item, float],
    figures_b: Mapping[Item, float],
    *,
    boundary: Boundary,
    rule_set_a: RuleSet,
    rule_set_b: RuleSet,
    boundary_b: Boundary | None = None,
) -> Reconciliation:
    """What one rule set counts and the other does not, item by item, adding up to the difference of the totals. [tCO2]

    standard.md section 2.1: one plant has two totals, and more with two boundaries. Each side's figures are those of
    its own rule set; what a side does not count is 0 there whatever it shows for information. A counted item that is
    absent raises DomainError; one that is not-a-number makes total and difference so.

    figures_a, figures_b : emission of each item under either side. [tCO2]
    boundary : of both sides, or of side A where `boundary_b` is named.
    rule_set_a, rule_set_b : what each side counts.
    boundary_b : of side B, to reconcile clinker production with the enterprise.

    By hand, clinker boundary, A with fuel 100, waste 5, carbonate 200, organic 3 (308 t) and B with fuel 101, process
    210 (311 t): fuel -1 + waste 5 + carbonate 200 + organic 3 - process 210 = -3 t.
    """
    return compare(
        figures_a,
        figures_b,
        counted_a=rule_set_a.counted(boundary),
        counted_b=rule_set_b.counted(boundary_b or boundary),
        one_rule_set=rule_set_a.id == rule_set_b.id,
    )


def compare(
    figures_a: Mapping[Item, float],
    figures_b: Mapping[Item, float],
    *,
    counted_a: Collection[Item],
    counted_b: Collection[Item],
    one_rule_set: bool,
) -> Reconciliation:
    """The same where the items each side counts are known, as for a period of several editions. [tCO2]

    figures_a, figures_b : emission of each item as far as the side counts it. [tCO2]
    one_rule_set : whether both sides are of one.
    """
    total_a, total_b = float(_sum(figures_a, counted_a, "side A")), float(_sum(figures_b, counted_b, "side B"))
    rows = tuple(
        ReconciliationRow(
            item,
            counted_a=item in counted_a,
            counted_b=item in counted_b,
            emission_a=float(figures_a[item]) if item in counted_a else 0.0,
            emission_b=float(figures_b[item]) if item in counted_b else 0.0,
            one_rule_set=one_rule_set,
        )
        for item in Item
        if item in counted_a or item in counted_b
    )
    return Reconciliation(total_a, total_b, rows)


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
