"""The line between two totals of a period: what one counts and the other does not, in tonnes (R8, standard.md 2.1).

Rule sets are compared within each boundary, and the compliance boundary with the other one under its own rule set. The
rows add up to the difference exactly: they are the counted items themselves (`tanji.domain.boundary.reconcile`). An
item the plant has no stream for is 0; what is missing in an item is missing in its row, and the totals say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tanji.domain.boundary import Reconciliation, compare
from tanji.domain.items import Boundary, Item, RuleSetId
from tanji.plant.model import Plant
from tanji.report.counting import Counted
from tanji.report.model import Figure

Side = tuple[Boundary, RuleSetId]


@dataclass(frozen=True, slots=True)
class Bridge:
    """From total `b` to total `a`, item by item. [tCO2]"""

    a: Side
    b: Side
    reconciliation: Reconciliation


def bridges(items: Sequence[Figure], plant: Plant, counted: Counted) -> tuple[Bridge, ...]:
    """Every pair of totals worth comparing; the compliance figure is side `b` wherever it takes part."""
    return tuple(
        Bridge(
            a,
            b,
            compare(
                sums(items, a), sums(items, b), counted_a=counted[a], counted_b=counted[b], one_rule_set=a[1] is b[1]
            ),
        )
        for a, b in pairs(plant)
    )


def pairs(plant: Plant) -> Iterator[tuple[Side, Side]]:
    """Within each boundary the other rule sets against that of compliance; then the other boundary."""
    here, own = plant.compliance
    for boundary in (here, *(boundary for boundary in Boundary if boundary is not here)):
        yield from (((boundary, other), (boundary, own)) for other in plant.rulesets if other is not own)
    yield from (((boundary, own), (here, own)) for boundary in Boundary if boundary is not here)


def sums(items: Sequence[Figure], side: Side) -> dict[Item, float]:
    """Tonnes of every item as far as one side counts it, its methods together. [tCO2]"""
    found = dict.fromkeys(Item, 0.0)
    for figure in items:
        if figure.counted and (figure.boundary, figure.ruleset) == side:
            found[Item(figure.item)] += figure.co2_t
    return found
