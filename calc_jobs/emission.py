"""The emission job: hourly tonnes by line, stream, boundary, rule set, item and method (standard.md sections 3 to 7).

Which item counts in which boundary is data of the rule set; an item that a rule set neither counts nor shows gets no
row, and each hour goes by the edition of its day (`calc_jobs.editions`). The formulas are in `calc_jobs.formulas`, what
a figure rests on in `calc_jobs.provenance`, the floor of a month in `calc_jobs.month_floor`; totals are the report's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from calc_jobs.activity import StreamHours
from calc_jobs.digests import NONE, method_digest
from calc_jobs.editions import Edition
from calc_jobs.figures import Context, Figure
from calc_jobs.formulas import FORMULAS
from calc_jobs.provenance import Texts, Trace, Traced
from tanji.domain.items import Boundary, Item, Method, RuleSetId
from tanji.domain.rulesets import RuleSet
from tanji.plant import names
from tanji.plant.model import Plant, Stream
from tanji.quality.rules import Mask

TAGS = ("plant", "line", "stream", "boundary", "ruleset", "item", "method")
NUMBERS = ("co2_t", "u_rel", "substituted")
WHOLE = ("revision", "warnings")
TEXTS = ("rule", "method_digest", "factors", "inputs")
MONTH_METHODS = frozenset({Method.MONTH_FLOOR.value})
"""Rows that belong to a month, not to the hour they stand at: `calc_jobs.month_floor` writes them."""
Key = tuple[str, str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """Hours of one row of `emission`: the figure, what it rests on, and the digest of how it was obtained.

    applies : hours in which an edition of the rule set has such a row at all; zero and `none` elsewhere.
    """

    figure: Figure
    trace: Trace
    method_digest: Texts
    applies: Mask


def compute(
    plant: Plant,
    hours: Mapping[str, StreamHours],
    *,
    parameters: Traced,
    rulesets: Mapping[RuleSetId, Sequence[Edition]],
) -> dict[Key, Row]:
    """Every emission row of the grid's hours under its tags, each hour by the edition in force then."""
    result: dict[Key, Row] = {}
    for identity, edition in [(name, edition) for name in plant.rulesets for edition in rulesets[name]]:
        ruleset = edition.ruleset
        shown = {boundary: shown_items(ruleset, boundary) for boundary in Boundary}
        context = Context(plant, ruleset, parameters, frozenset().union(*shown.values()))
        for found in hours.values():
            stream = found.stream
            for row in rows_of(found, context, parameters, applies=edition.hours):
                for boundary in stream.boundaries:
                    if row.figure.item in shown[boundary]:
                        key = key_of(plant, stream, boundary, identity, row.figure)
                        result[key] = _joined(result[key], row) if key in result else row
    return result


def rows_of(found: StreamHours, context: Context, parameters: Traced, *, applies: Mask) -> list[Row]:
    """Figures of one stream under one edition of a rule set in the hours it applies to, with what they rest on.

    parameters : those of the context.
    """
    formula = FORMULAS.get(found.stream.kind)
    if formula is None:
        return []
    parameters.begin()
    figures = formula(found, context)
    trace = parameters.trace(found)
    return [_row(figure, found.stream, trace, context.ruleset, applies) for figure in figures]


def _row(figure: Figure, stream: Stream, trace: Trace, ruleset: RuleSet, applies: Mask) -> Row:
    nothing = figure.co2_t == 0  # nothing was emitted, so nothing about it is out of the ordinary
    own = Trace(trace.factors, trace.inputs, np.where(nothing, 0, trace.warnings))
    digest = np.full(applies.size, method_digest(ruleset, stream, figure.method.value))
    row = Row(figure, own, digest, applies)
    return row if applies.all() else _joined(_none_of(row), row)


def _none_of(row: Row) -> Row:
    """A row without anything in it: what is stored in the place of a figure that does not apply."""
    zero, none = np.zeros(row.applies.size), np.full(row.applies.size, NONE)
    figure = replace(row.figure, co2_t=zero, u_rel=zero, substituted=zero, rule=np.full(zero.size, "", object))
    return Row(figure, Trace(none, none, np.zeros(zero.size, np.int64)), none, np.zeros(zero.size, np.bool_))


def _joined(row: Row, other: Row) -> Row:
    """The hours `other` applies to from it, the rest from `row`."""
    here, one, two = other.applies, row.figure, other.figure
    figure = replace(
        one,
        co2_t=np.where(here, two.co2_t, one.co2_t),
        u_rel=np.where(here, two.u_rel, one.u_rel),
        substituted=np.where(here, two.substituted, one.substituted),
        rule=np.where(here, two.rule, one.rule),
    )
    trace = Trace(
        np.where(here, other.trace.factors, row.trace.factors),
        np.where(here, other.trace.inputs, row.trace.inputs),
        np.where(here, other.trace.warnings, row.trace.warnings),
    )
    digest = np.where(here, other.method_digest, row.method_digest)
    return Row(figure, trace, digest, row.applies | here)


def shown_items(ruleset: RuleSet, boundary: Boundary) -> frozenset[Item]:
    """Items that a rule set counts in a boundary, or shows beside its total."""
    listed = ruleset.items(boundary)
    return frozenset((*listed.counted, *listed.memo, *listed.information))


def key_of(plant: Plant, stream: Stream, boundary: Boundary, ruleset: RuleSetId, figure: Figure) -> Key:
    """Tag values of a row."""
    return (
        plant.site.id,
        stream.line or names.SITE_LINE,
        stream.id,
        boundary.value,
        ruleset.value,
        figure.item.value,
        figure.method.value,
    )
