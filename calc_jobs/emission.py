"""The emission job: hourly tonnes by line, stream, boundary, rule set, item and method (standard.md sections 3 to 7).

Which item counts in which boundary is data of the rule set; an item that a rule set neither counts nor shows gets no
row. The formulas are in `calc_jobs.formulas`; months, floors and totals are the report's.
"""

from __future__ import annotations

from collections.abc import Mapping

from calc_jobs.activity import StreamHours
from calc_jobs.formulas import FORMULAS, Context, Figure
from calc_jobs.parameters import Parameters
from tanji.domain.items import Boundary, Item, RuleSetId
from tanji.domain.rulesets import RuleSet
from tanji.plant import names
from tanji.plant.model import Plant, Stream

TAGS = ("plant", "line", "stream", "boundary", "ruleset", "item", "method")
FIELDS = ("co2_t", "u_rel", "substituted")
Key = tuple[str, str, str, str, str, str, str]


def compute(
    plant: Plant, hours: Mapping[str, StreamHours], *, parameters: Parameters, rulesets: Mapping[RuleSetId, RuleSet]
) -> dict[Key, Figure]:
    """Every emission row of the grid's hours under its tags."""
    result: dict[Key, Figure] = {}
    for identity in plant.rulesets:
        ruleset = rulesets[identity]
        shown = {boundary: _shown(ruleset, boundary) for boundary in Boundary}
        context = Context(plant, ruleset, parameters, frozenset().union(*shown.values()))
        for found in hours.values():
            formula = FORMULAS.get(found.stream.kind)
            for figure in formula(found, context) if formula is not None else ():
                for boundary in found.stream.boundaries:
                    if figure.item in shown[boundary]:
                        result[_key(plant, found.stream, boundary, identity, figure)] = figure
    return result


def _shown(ruleset: RuleSet, boundary: Boundary) -> frozenset[Item]:
    listed = ruleset.items(boundary)
    return frozenset((*listed.counted, *listed.memo, *listed.information))


def _key(plant: Plant, stream: Stream, boundary: Boundary, ruleset: RuleSetId, figure: Figure) -> Key:
    line = stream.line or names.SITE_LINE
    return (
        plant.site.id,
        line,
        stream.id,
        boundary.value,
        ruleset.value,
        figure.item.value,
        figure.method.value,
    )
