"""Where the parameters of a figure come from, hour by hour, and how uncertain each origin is (standard.md section 13).

A parameter is what the laboratory reported where a result holds, and what the plan's rule says elsewhere. Results of
one analyser in one laboratory share its systematic error, whatever the stream; each sample has a sampling error of its
own for as long as it holds; a default has the error of its record. Without a ledger at hand every hour counts as
reported, and nothing as sampling.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tanji.domain.factors import Factor, FactorLibrary
from tanji.domain.items import MissingRule, RuleSetId
from tanji.domain.limits import within
from tanji.domain.uncertainty_budget import Draws, Source
from tanji.domain.uncertainty_typical import Typical
from tanji.ledger.entries import Entry, parameters
from tanji.plant.model import Plant
from tanji.plant.streams import Stream
from tanji.report.budget_editions import Editions
from tanji.report.grid import Floats, Mask
from tanji.report.model import HOUR_MS

LABORATORY = "laboratory"
"""Stands for a laboratory that signed no name."""

ANALYSED_WITH: Mapping[str, str] = {"calorific_value": "net_calorific_value"}
"""Quantities that one analyser gives: coal and alternative fuels burn in the same calorimeter."""

COAL, CONSERVATIVE = "coal", "_conservative"
"""Key of records that hold for coal of any kind, and what follows the name of a quantity that never understates."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One origin of a parameter in the hours it holds for; relative standard uncertainties [1]."""

    source: Source
    hours: Mask
    systematic: float
    random: float = 0.0
    draw: Draws | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """A parameter by hour, in its unit, not-a-number where nobody knows it; and the origins of its values."""

    value: Floats
    pieces: tuple[Piece, ...]

    @property
    def variance(self) -> Floats:
        """Relative variance by hour. [1]"""
        result = np.zeros(self.value.size)
        for piece in self.pieces:
            result[piece.hours] = piece.systematic**2 + piece.random**2
        return result


class Inputs:
    """Looks up the parameters of a plant's streams for the hours of a period."""

    def __init__(
        self,
        plant: Plant,
        library: FactorLibrary,
        entries: Iterable[Entry] | None,
        *,
        start_ms: int,
        hours: int,
    ) -> None:
        """entries : laboratory results that hold in the period; None where no ledger is at hand."""
        self.plant = plant
        self.hours = hours
        self.editions = Editions(library, timezone=plant.site.timezone, start_ms=start_ms, hours=hours)
        self.typical = Typical(library, plant.rulesets[0], self.editions.first_day)
        self.entries = None if entries is None else tuple(entries)
        self._start_ms = start_ms
        self._by_key: dict[tuple[str, str], list[Entry]] = {}
        self._samples: dict[str, dict[str, int]] = {}
        for entry in self.entries or ():
            self._by_key.setdefault((entry.stream, entry.parameter), []).append(entry)
            numbers = self._samples.setdefault(entry.parameter, {})
            numbers.setdefault(entry.sample_id, len(numbers))
        self._found: dict[tuple[object, ...], Input] = {}

    def of(
        self, stream: Stream, quantity: str, applies_to: str, *, ruleset: RuleSetId, variant: str | None = None
    ) -> Input:
        """A stream's parameter: the laboratory's where it reports it, the library's or the plan's elsewhere."""
        key = stream.id, quantity, applies_to, ruleset, variant
        if key not in self._found:
            value = np.full(self.hours, np.nan)
            pieces: list[Piece] = []
            open_hours = np.ones(self.hours, np.bool_)
            rule = stream.missing_rule(quantity) if quantity in stream.laboratory else None
            if quantity in stream.laboratory:
                pieces += self._laboratory(stream, quantity, value)
                for piece in pieces:
                    open_hours &= ~piece.hours
                if open_hours.any() and rule in (MissingRule.MEAN_OF_VALID, MissingRule.MEAN_PLUS_2_SIGMA):
                    pieces.append(self._earlier(stream, quantity, open_hours))
                    open_hours = np.zeros(self.hours, np.bool_)
            if open_hours.any() or np.isnan(value).any():
                for one, kind, within in self._asked(quantity, variant, rule, ruleset):
                    of_coal = one.endswith(CONSERVATIVE) and applies_to in parameters()[quantity].coal_fuels
                    found = self.editions.of(one, COAL if of_coal else applies_to, ruleset=ruleset, variant=kind)
                    pieces += _defaults(quantity, found, value, open_hours, within=within, typical=self.typical)
            self._found[key] = Input(value, tuple(pieces))
        return self._found[key]

    def planned(self, stream: Stream, quantity: str, value: float) -> Input:
        """A constant of the plant file."""
        source = Source(f"{stream.id}.{quantity}", "entry", quantity)
        everywhere = np.ones(self.hours, np.bool_)
        piece = Piece(source, everywhere, self.typical.total(quantity, origin="entry"))
        return Input(np.full(self.hours, value), (piece,))

    def hours_of(self, start_ms: int, end_ms: int) -> slice:
        """Hours of the period that [start_ms, end_ms) touches [UTC ms]."""
        first = max(0, (start_ms - self._start_ms) // HOUR_MS)
        last = min(self.hours, -((self._start_ms - end_ms) // HOUR_MS))
        return slice(first, max(first, last))

    def _laboratory(self, stream: Stream, quantity: str, value: Floats) -> Iterator[Piece]:
        """Pieces of the laboratory's results, one a laboratory; writes their means, weighted by time, into `value`.

        Where several results hold in an hour, its sampling error is that of the last: never too little.
        """
        if self.entries is None:
            whole = self.typical.total(quantity, origin="laboratory")
            yield Piece(_analyser(quantity, ""), np.ones(self.hours, np.bool_), whole)
            return
        systematic, sampling = self.typical.parts(quantity, origin="laboratory")
        draw, owner = np.zeros(self.hours, np.int64), np.full(self.hours, -1, np.int64)
        total, weight = np.zeros(self.hours), np.zeros(self.hours)
        entries = [entry for entry in self._by_key.get((stream.id, quantity), ()) if self._usable(stream, entry)]
        names = list(dict.fromkeys(entry.laboratory for entry in entries))
        for entry in entries:
            inside = self.hours_of(entry.valid_from_ms, entry.valid_to_ms)
            edge = self._start_ms + HOUR_MS * np.arange(inside.start, inside.stop)
            held = np.minimum(edge + HOUR_MS, entry.valid_to_ms) - np.maximum(edge, entry.valid_from_ms)
            total[inside] += entry.value * held
            weight[inside] += held
            draw[inside] = self._samples[quantity][entry.sample_id]
            owner[inside] = names.index(entry.laboratory)
        np.divide(total, weight, out=value, where=weight > 0)
        for position, name in enumerate(names):
            hours = owner == position
            if hours.any():
                unit = next(entry.unit for entry in entries if entry.laboratory == name)
                yield Piece(_analyser(quantity, name, unit), hours, systematic, sampling, draw)

    def _earlier(self, stream: Stream, quantity: str, hours: Mask) -> Piece:
        """Hours that rest on results before them: the analyser's error, and one sampling error for all of them."""
        systematic, sampling = self.typical.parts(quantity, origin="laboratory")
        known = self._by_key.get((stream.id, quantity), ())
        name = known[0].laboratory if known else ""
        draw = np.full(self.hours, len(self._samples.get(quantity, ())), np.int64)
        return Piece(_analyser(quantity, name), hours, systematic, sampling, draw)

    def _usable(self, stream: Stream, entry: Entry) -> bool:
        """A result outside the hard range of its quantity is not used as measured (standard.md section 14.5)."""
        known = parameters().get(entry.parameter)
        kind = next((line.clinker_kind for line in self.plant.lines if line.id == stream.line), "portland")
        bounds = None if known is None else known.hard_range(stream, clinker_kind=kind)
        if bounds is None:
            return bool(np.isfinite(entry.value))
        return bool(within(entry.parameter, entry.value, hard_ranges={entry.parameter: bounds}))

    def _asked(
        self, quantity: str, variant: str | None, rule: MissingRule | None, ruleset: RuleSetId
    ) -> list[tuple[str, str | None, Mask]]:
        """Which quantity and variant the library is asked for, and in which hours: an edition may name its own."""
        editions = self.editions.of_rule_set(ruleset)
        if quantity == "grid_factor":
            return [(quantity, edition.grid_factor_kind, hours) for edition, hours in editions]
        if quantity == "net_calorific_value" and rule is MissingRule.REFERENCE_VALUE:
            return [(edition.missing_net_calorific_value, variant, hours) for edition, hours in editions]
        conservative = rule is MissingRule.CONSERVATIVE_DEFAULT
        return [(quantity + CONSERVATIVE if conservative else quantity, variant, np.ones(self.hours, np.bool_))]


def _defaults(
    quantity: str,
    found: Iterable[tuple[Mask, Factor]],
    value: Floats,
    open_hours: Mask,
    *,
    within: Mask,
    typical: Typical,
) -> Iterator[Piece]:
    """Pieces of the defaults in the hours nobody reported; writes their values where there is none yet."""
    for in_force, factor in found:
        hours = in_force & within
        value[hours & np.isnan(value)] = factor.value
        hours = hours & open_hours
        if hours.any():
            yield Piece(
                Source(_record(factor.id, quantity, factor.applies_to), "factor", quantity, factor.unit),
                hours,
                typical.of_factor(factor),
            )


def _analyser(quantity: str, laboratory: str, unit: str = "") -> Source:
    analyser = f"{ANALYSED_WITH.get(quantity, quantity)}@{laboratory or LABORATORY}"
    return Source(analyser, "laboratory", quantity, unit, draws=quantity)


def _record(identity: str, quantity: str, applies_to: str) -> str:
    """What a kiln or boiler leaves unburnt is one statement of the table, whatever burns in it."""
    return identity.replace(f".{applies_to}", "") if quantity == "oxidation_fraction" else identity


def relative_variance(inputs: Sequence[tuple[Input, Floats]], hours: int) -> Floats:
    """Relative variance by hour of the parameters of a figure, each with its weight. [1]"""
    result = np.zeros(hours)
    for found, weight in inputs:
        result += weight**2 * found.variance
    return result
