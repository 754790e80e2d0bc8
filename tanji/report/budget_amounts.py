"""What scales, meters, stacks, stocktakes and manual entries do to the tonnes of a stream (standard.md section 13).

One meter with a class of the reading is known by itself. A class of full scale, several meters together, a stack: the
hourly row holds the whole, hour by hour, and it is split on its sources in the proportions of a sample
(`tanji.report.budget_samples`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tanji.domain import units
from tanji.domain.uncertainty_budget import AMOUNT, Contribution, Kind, Source, contribution
from tanji.ledger.entries import CLOSING_FACTOR
from tanji.ledger.stocktakes import SURVEYED, Stocktake, stocktakes
from tanji.plant.instruments import Accuracy, accuracy
from tanji.plant.model import Plant
from tanji.plant.stack_accuracy import AREA, CONDITIONS, stack_parts
from tanji.plant.streams import Stream
from tanji.report.budget_inputs import Inputs
from tanji.report.budget_samples import Samples
from tanji.report.grid import Floats, Grid

Amounts = Mapping[str, tuple[float, str]]
"""Amount of the period and its unit, by stream."""


@dataclass(frozen=True, slots=True)
class Share:
    """One of several instruments behind a figure: its weight, its accuracy, and what that is at its reading. [1]"""

    source: Source
    weight: float
    accuracy: Accuracy
    u_rel: float
    value: float | None = None


@dataclass(frozen=True, slots=True)
class AmountSources:
    """Takes the amount of a stream apart; `samples` and `amounts` may lack what nobody knows."""

    plant: Plant
    inputs: Inputs
    samples: Samples
    amounts: Amounts

    def of(self, stream: Stream, co2_t: Floats, left: Floats) -> Iterator[Contribution]:
        """Contributions of an amount; `left` is what the rows leave for it beside their parameters. [1]"""
        if stream.stock:
            if self.inputs.entries is None:
                yield self._entered(stream, co2_t, left)
                return
            inside = np.zeros(co2_t.size, np.bool_)
            for found in self._stocktakes(stream):
                inside[self.inputs.hours_of(found.start_ms, found.end_ms)] = True
            yield from self._by_stocktake(stream, np.where(inside, co2_t, np.nan))
            co2_t = np.where(inside, np.nan, co2_t)
        if stream.ledger or not stream.points:
            yield self._entered(stream, co2_t, self.inputs.typical.total(AMOUNT, origin="entry"))
            return
        yield from self._metered(stream, co2_t, left)

    def of_stack(self, stream: Stream, co2_t: Floats, u_rel: Floats) -> Iterator[Contribution]:
        """Contributions of a stack measurement; u_rel : of its rows. [1]"""
        gas = stream.flue_gas
        if gas is None:
            yield self._entered(stream, co2_t, u_rel)
            return
        means = {role: self.samples.get(getattr(gas, role), np.nan) for role in CONDITIONS}
        value_of = dict(zip(CONDITIONS.values(), means.values(), strict=True)) | {AREA: gas.area_m2}
        parts = stack_parts(self.plant, gas, means, typical=self.inputs.typical)
        meters = [part.meter for part in parts]
        shares = []
        for part in parts:
            # One instrument that measures several conditions has a sensor for each: their errors are not one error.
            identity = f"{part.meter}.{part.quantity}" if meters.count(part.meter) > 1 else part.meter
            kind: Kind = "instrument" if part.meter else "entry"
            source = Source(identity or f"{stream.id}.{AREA}", kind, part.quantity, UNITS[part.quantity])
            value = value_of[part.quantity] if np.isfinite(value_of[part.quantity]) else None
            shares.append(Share(source, float(part.weight), part.accuracy, float(part.u_rel), value))
        yield from _split(co2_t, u_rel, shares, stream.id)

    def _metered(self, stream: Stream, co2_t: Floats, left: Floats) -> Iterator[Contribution]:
        points = [*((point, 1.0) for point in stream.points), *((point, -1.0) for point in stream.subtract)]
        meter_of = {point: self.plant.points_by_id[point].meter for point, _ in points}
        rates = {point: sign * self.samples.get(point, 1.0) for point, sign in points}
        if any(point not in self.samples for point in rates) or not sum(rates.values()):
            rates = dict(points)  # nobody knows how they share it: alike
        net = sum(rates.values()) or 1.0
        typical = self.inputs.typical.total(AMOUNT, origin="meter")
        value, unit = self.amounts.get(stream.id, (None, ""))
        shares = []
        for meter in dict.fromkeys(meter_of.values()):
            known = accuracy(self.plant.meters_by_id[meter], typical=typical)
            own = [point for point in rates if meter_of[point] == meter]
            rate = sum(rates[point] for point in own)
            source = Source(meter, "instrument", AMOUNT, unit, draws="+".join(own))
            share = rate / net
            given = None if value is None else value * share
            shares.append(Share(source, share, known, float(np.asarray(known.at(rate))), given))
        if len(shares) > 1 or shares[0].accuracy.full_scale is not None:
            yield from _split(co2_t, left, shares, stream.id)
            return
        only = shares[0]
        yield contribution(
            co2_t,
            source=only.source,
            stream=stream.id,
            systematic=only.accuracy.systematic,
            random=only.accuracy.random,
            value=value,
        )

    def _entered(self, stream: Stream, co2_t: Floats, u_rel: Floats | float) -> Contribution:
        """An amount somebody entered: what is wrong about it is wrong every time."""
        value, unit = self.amounts.get(stream.id, (None, ""))
        source = Source(f"{stream.id}.{AMOUNT}", "entry", AMOUNT, unit)
        return contribution(co2_t, source=source, stream=stream.id, systematic=u_rel, value=value)

    def _stocktakes(self, stream: Stream) -> list[Stocktake]:
        """Stocktakes that give the hours of a stream, or close them."""
        entries = self.inputs.entries or ()
        closed = {
            (entry.valid_from_ms, entry.valid_to_ms)
            for entry in entries
            if entry.stream == stream.id and entry.parameter == CLOSING_FACTOR
        }
        return [
            found
            for found in stocktakes(stream, entries)
            if found.amount and (stream.ledger or (found.start_ms, found.end_ms) in closed)
        ]

    def _by_stocktake(self, stream: Stream, co2_t: Floats) -> Iterator[Contribution]:
        """One source for each scale, one for the surveys; the stock that closes a month opens the next."""
        known = self._stocktakes(stream)
        surveys = sorted({found.surveyed_ms(name) for found in known for name in SURVEYED})
        for name in known[0].terms() if known else ():
            weight, draw = np.zeros(co2_t.size), np.zeros(co2_t.size, np.int64)
            for found in known:
                hours = self.inputs.hours_of(found.start_ms, found.end_ms)
                weight[hours] = found.terms()[name] / found.amount
                draw[hours] = surveys.index(found.surveyed_ms(name))
            u_rel = self.inputs.typical.total(name, origin="entry")
            surveyed = name in SURVEYED
            identity = f"{stream.id}.{'stock' if surveyed else name}"
            yield contribution(
                co2_t * weight,
                source=Source(identity, "entry", "stock" if surveyed else name, known[0].unit),
                stream=stream.id,
                systematic=0.0 if surveyed else u_rel,
                random=u_rel if surveyed else 0.0,
                draw=draw,
                value=float(np.mean([found.stated[name] for found in known])),
            )


AMOUNT_UNITS: Mapping[str, str] = {"amount_t": "t", "electricity_mwh": "MWh", "heat_gj": "GJ"}
"""Fields of `activity` that hold an amount, and their units."""

UNITS: Mapping[str, str] = {
    "co2_fraction": "1",
    "velocity": "m/s",
    "temperature": "degC",
    "pressure": "Pa",
    "humidity": "1",
    AREA: "m2",
}
"""Units used inside the code of what is measured in a stack."""


def amounts_of(activity: Grid, plant: Plant) -> dict[str, tuple[float, str]]:
    """Amount of the period by stream, over the hours that are there, with its unit."""
    result = {}
    for row, stream in enumerate(activity.column("stream")):
        for name, unit in AMOUNT_UNITS.items():
            values = activity.fields.get(name)
            if values is not None and np.isfinite(values[row]).any():
                result[stream] = float(np.nansum(values[row])), _gas(plant, stream) or unit
    return result


def _gas(plant: Plant, stream: str) -> str:
    """Unit of a fuel that is metered as a gas; empty for any other."""
    known = plant.streams_by_id.get(stream)
    points = [plant.points_by_id[point] for point in known.points] if known else []
    return (
        "1e4Nm3" if any(units.conversion(point.unit).dimension.startswith("normal_volume") for point in points) else ""
    )


def _split(co2_t: Floats, u_rel: Floats, shares: Sequence[Share], stream: str) -> Iterator[Contribution]:
    """Split a row's own relative uncertainty on its sources, so that together they are exactly it, hour by hour."""
    whole = float(np.sqrt(sum((share.weight * share.u_rel) ** 2 for share in shares)))
    factor = u_rel / whole if whole else np.zeros(u_rel.size)
    for share in shares:
        known = share.accuracy
        yield contribution(
            co2_t * share.weight,
            source=share.source,
            stream=stream,
            systematic=share.u_rel * known.systematic_share * factor,
            random=share.u_rel * known.random_share * factor,
            value=share.value,
        )
