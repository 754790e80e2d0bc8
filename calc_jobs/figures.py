"""Hours of one emission item of one stream, and what a formula needs to make them (standard.md sections 3 to 6, 11).

Every figure is linear in its stream's amount, so each stream has figures of its own: dust beside clinker, exports
beside purchases with their sign. Which of them count is the emission job's; which formula makes them is
`calc_jobs.formulas`; what they rest on besides the amount comes from `calc_jobs.parameters`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from calc_jobs.activity import StreamHours, rules_of
from calc_jobs.missing import Texts
from calc_jobs.parameters import Parameter, Parameters
from tanji.domain import process, uncertainty_weights
from tanji.domain.items import Item, Method, StreamKind
from tanji.domain.limits import Quantity
from tanji.domain.rulesets import RuleSet
from tanji.plant.model import Plant, Stream
from tanji.quality.rules import Floats


@dataclass(frozen=True, slots=True)
class Figure:
    """Hours of one item of one stream: tonnes [tCO2], relative standard uncertainty [1], substituted share [1].

    rule : by which rules of the plan what it rests on was substituted, empty where nothing was.
    """

    item: Item
    method: Method
    co2_t: Floats
    u_rel: Floats
    substituted: Floats
    rule: Texts


@dataclass(frozen=True, slots=True)
class Context:
    """Where a formula finds what it needs besides the stream's hours."""

    plant: Plant
    ruleset: RuleSet
    parameters: Parameters
    items: frozenset[Item]

    def of(
        self,
        stream: Stream,
        quantity: str,
        *,
        applies_to: str | None = None,
        absent: float | None = None,
        variant: str | None = None,
    ) -> Parameter:
        """A stream's quantity under the rule set, as `Parameters.of`."""
        how = {"applies_to": applies_to, "variant": variant}
        return self.parameters.of(stream, quantity, ruleset=self.ruleset.id, absent=absent, **how)

    def clinker_of(self, stream: Stream) -> Stream | None:
        """The clinker stream of a stream's line."""
        streams = self.plant.streams
        return next((one for one in streams if one.kind is StreamKind.CLINKER and one.line == stream.line), None)

    def clinker_kind(self, stream: Stream) -> str:
        """Kind of clinker of a stream's line; of the first line for a stream of the whole site."""
        lines = self.plant.lines
        return next((line for line in lines if line.id == stream.line), lines[0]).clinker_kind


Formula = Callable[[StreamHours, Context], list[Figure]]
"""Figures of a stream's hours under one rule set; none where the rule set knows no such item."""


def figure(
    item: Item,
    method: Method,
    co2_t: Quantity,
    *,
    found: StreamHours,
    u_rel: Quantity,
    inputs: tuple[Parameter, ...] = (),
) -> Figure:
    """A figure rests on substituted data as far as its amount does, and wholly where a laboratory value is missing."""
    tonnes = np.asarray(co2_t, np.float64)
    substituted = found.substituted.copy()
    for used in inputs:
        substituted[used.missing] = 1.0
    substituted[tonnes == 0] = 0.0  # nothing was emitted, so nothing rests on anything
    rules = [np.where(used.missing, used.rule, "") for used in inputs if used.missing.any()]
    rule = np.where(substituted > 0, rules_of(found.rule, *rules), "")
    return Figure(item, method, tonnes, np.asarray(u_rel, np.float64), substituted, rule)


def dry_amount(found: StreamHours, context: Context) -> tuple[Quantity, tuple[Parameter, ...]]:
    """Dry mass [t] by the laboratory's moisture where it reports one, else by that of the plant file.

    What it rests on comes with the uncertainty that it gives the dry mass. [1]
    """
    stream = found.stream
    if "moisture" in stream.laboratory:
        moisture = context.of(stream, "moisture", absent=stream.moisture)
    elif stream.moisture:
        moisture = context.parameters.planned("moisture", stream.moisture)
    else:
        return process.dry_amount(found.amount, moisture=0.0), ()
    weight = np.abs(uncertainty_weights.dry_mass_weight(moisture.value))
    known = replace(moisture, u_rel=moisture.u_rel * weight)
    return process.dry_amount(found.amount, moisture=moisture.value), (known,)
