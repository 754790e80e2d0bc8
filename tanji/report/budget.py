"""The uncertainty budget of any figure of a period: from hourly rows, plant, ledger and factors to sources (R37).

Each emission row is taken apart into its amount, laboratory values and factors by the form of its method (standard.md
section 13); what they share, they share by name, over hours, streams and items. Mathematics is in
`tanji.domain.uncertainty_budget`; parameters in `budget_forms` and `budget_inputs`, amounts in `budget_amounts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from tanji.domain.factors import FactorLibrary
from tanji.domain.items import Item, Method, RuleSetId
from tanji.domain.uncertainty_budget import Budget, Contribution, Source, budget, contribution
from tanji.ledger.entries import Entry
from tanji.plant.model import Plant
from tanji.report.budget_amounts import Amounts, AmountSources
from tanji.report.budget_forms import weighted
from tanji.report.budget_inputs import Input, Inputs, relative_variance
from tanji.report.budget_samples import Samples
from tanji.report.grid import Floats, Grid, Mask


@dataclass(frozen=True, slots=True)
class Contributions:
    """What every source does to every series of a grid; `of` adds up any choice of them."""

    co2_t: tuple[float, ...]
    parts: tuple[tuple[Contribution, ...], ...]

    def of(self, chosen: Mask) -> Budget:
        """The budget of the sum of the chosen series."""
        rows = np.flatnonzero(chosen)
        everything = (part for row in rows for part in self.parts[row])
        return budget(everything, co2_t=float(sum(self.co2_t[row] for row in rows)))


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the inputs of a period's figures came from, besides the plant file.

    library : factors in force.
    entries : what the ledger holds for the period; None where no ledger is at hand.
    samples : means of the points that `budget_samples.sampled_points` names; without them a sum splits evenly.
    """

    library: FactorLibrary
    entries: tuple[Entry, ...] | None = None
    samples: Samples = field(default_factory=dict)


def contributions(
    emission: Grid, plant: Plant, origins: Origins, *, start_ms: int, amounts: Amounts | None = None
) -> Contributions:
    """Take every series of the emission rows of a period apart.

    start_ms : first hour of the grid. [UTC ms]
    amounts : of the period by stream, to be shown beside the uncertainty of what gave them.
    """
    inputs = Inputs(plant, origins.library, origins.entries, start_ms=start_ms, hours=emission.hours)
    maker = _Maker(plant, inputs, AmountSources(plant, inputs, origins.samples, amounts or {}))
    co2_t, u_rel = emission.fields["co2_t"], emission.fields["u_rel"]
    found = tuple(
        tuple(maker.series(co2_t[row], u_rel[row], dict(zip(emission.tags, key, strict=True))))
        for row, key in enumerate(emission.keys)
    )
    return Contributions(tuple(float(total) for total in np.nansum(co2_t, axis=1)), found)


@dataclass(frozen=True, slots=True)
class _Maker:
    plant: Plant
    inputs: Inputs
    amounts: AmountSources

    def series(self, co2_t: Floats, u_rel: Floats, key: Mapping[str, str]) -> Iterator[Contribution]:
        """Contributions to one stream's hours of one item by one method."""
        method = Method(key["method"])
        stream = self.plant.streams_by_id.get(key["stream"])
        if method is Method.MONTH_FLOOR:
            return  # it only takes back what the month's other rows say, which keep their uncertainty
        if stream is None:  # a stream that the plant no longer has: what its rows say is all there is
            source = Source(key["stream"], "instrument", "amount")
            yield contribution(co2_t, source=source, stream=key["stream"], systematic=u_rel)
            return
        if method is Method.FLUE_GAS_DIRECT:
            yield from self.amounts.of_stack(stream, co2_t, u_rel)
            return
        found = weighted(self.inputs, stream, Item(key["item"]), method, RuleSetId(key["ruleset"]))
        for parameter, weight in found:
            yield from _pieces(parameter, co2_t * weight, stream.id)
        rest = u_rel**2 - relative_variance(found, co2_t.size)
        yield from self.amounts.of(stream, co2_t, np.sqrt(np.maximum(rest, 0.0)))


def _pieces(parameter: Input, tonnes: Floats, stream: str) -> Iterator[Contribution]:
    """What the origins of a parameter do; its value is the mean that the tonnes saw."""
    for piece in parameter.pieces:
        inside = np.where(piece.hours, tonnes, np.nan)
        seen = np.isfinite(parameter.value) & (np.nan_to_num(inside) != 0)
        yield contribution(
            inside,
            source=piece.source,
            stream=stream,
            systematic=piece.systematic,
            random=piece.random,
            draw=piece.draw,
            value=_mean(parameter.value[seen], np.abs(inside[seen])),
        )


def _mean(values: Floats, weights: Floats) -> float | None:
    """Weighted mean; a value that is the same all the time as it is, without the rounding of a sum."""
    if not values.size:
        return None
    return float(values[0]) if (values == values[0]).all() else float(np.average(values, weights=weights))
