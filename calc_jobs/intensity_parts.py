"""What the indicators are ratios of, hour by hour: pure functions over emission and activity (R41).

Standard.md sections 7 (F8), 9 and 14: numerator and denominator of the same hours and boundary, per line where every
stream of an indicator belongs to one, else for the site. Coefficients are data of `tanji.domain.benchmark`. An hour
that lacks a part is NaN here; writing rows is `calc_jobs.intensity`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np

from tanji.domain import benchmark, intensity
from tanji.domain.intensity import KWH_PER_MWH
from tanji.domain.items import Boundary, Indicator, Item, RuleSetId, StreamKind
from tanji.domain.ratios import KGCE_PER_GJ
from tanji.plant import names
from tanji.plant.model import Plant, Stream
from tanji.quality.rules import Floats
from tanji.report import figures
from tanji.report.counting import COUNTED, Counted, CountedHours
from tanji.report.grid import Grid as Series

PER_CEMENT = (Indicator.EMISSION_PER_CEMENT, Indicator.CLINKER_RATIO, Indicator.CEMENT_GRINDING_ELECTRICITY)
"""Indicators of cement; the others are not defined while the kiln stands."""
PROCESS = (Item.PROCESS_CARBONATE, Item.PROCESS_ORGANIC_CARBON, Item.PROCESS_CLINKER)
FUEL_KINDS = {StreamKind.FOSSIL_FUEL: "net_calorific_value", StreamKind.ALTERNATIVE_FUEL: "calorific_value"}
"""Fuels of the kiln, and the quantity that makes heat of their amount."""

Key = tuple[str, str, str, str, str]
"""Plant, line, name, boundary and rule set. Energy carries the plant's compliance boundary and rule set."""
Parts = tuple[Floats, Floats]
"""Numerator and denominator by hour."""
Row = tuple[Floats, Floats, Floats]
"""The parts, and how long what makes the product ran. [h]"""
Scopes = dict[str, list[Stream]]


def parts(
    plant: Plant,
    tonnes: Series,
    amounts: Series,
    *,
    counted: Counted,
    heat: Mapping[str, Floats],
    dry_meal: Mapping[str, Floats],
) -> dict[Key, Row]:
    """Numerator, denominator and running hours of every indicator of the plant, NaN where an hour lacks a part.

    tonnes, amounts : emission, divided by what each total counts, and activity by hour. [tCO2; t, MWh]
    counted : what each total counts, and in which hours.
    heat : of each fuel of the kiln. [GJ]
    dry_meal : of each stream of raw meal, without its moisture. [t]
    """
    result: dict[Key, Row] = {}
    boundary, ruleset = plant.compliance
    for line, name, found in (*_energy(plant, amounts, heat), *_materials(plant, amounts, dry_meal)):
        result[plant.site.id, line, name.value, boundary.value, ruleset.value] = (
            *found,
            running(plant, amounts, line, name),
        )
    for identity in plant.rulesets:
        for line, name, where, found in _emissions(plant, tonnes, amounts, counted, ruleset=identity):
            result[plant.site.id, line, name.value, where.value, identity.value] = (
                *found,
                running(plant, amounts, line, name),
            )
    return result


def running(plant: Plant, amounts: Series, line: str, name: Indicator) -> Floats:
    """Hours that the kilns of a line ran, or the cement mills where the product is cement; 0 where nobody knows. [h]"""
    kind = StreamKind.CEMENT if name in PER_CEMENT else StreamKind.CLINKER
    streams = [stream.id for stream in of_kind(plant, kind) if line in (names.SITE_LINE, stream.line)]
    chosen = amounts.select(stream=streams)
    hours: Floats = np.nan_to_num(amounts.fields["running_h"][chosen]).max(axis=0, initial=0.0)
    return hours


def _emissions(
    plant: Plant, tonnes: Series, amounts: Series, counted: Counted, *, ruleset: RuleSetId
) -> Iterator[tuple[str, Indicator, Boundary, Parts]]:
    """tCO2 per tonne (F8), numerator and denominator of one boundary: clinker by line, cement by the enterprise."""
    clinker, everything = counted[Boundary.CLINKER, ruleset], counted[Boundary.ENTERPRISE, ruleset]
    process = {item: hours for item, hours in clinker.items() if item in PROCESS}
    for line in plant.lines:
        output = _clinker(plant, amounts, line.id)
        for name, items in ((Indicator.EMISSION_PER_CLINKER, clinker), (Indicator.PROCESS_PER_CLINKER, process)):
            where = Boundary.CLINKER
            total = _total(plant, tonnes, boundary=where, ruleset=ruleset, items=items, line=line.id)
            yield line.id, name, where, (total, output)
        yield line.id, Indicator.SUBSTITUTED_SHARE, Boundary.CLINKER, _substituted(tonnes, ruleset, line.id)
    whole = _total(plant, tonnes, boundary=Boundary.ENTERPRISE, ruleset=ruleset, items=everything)
    outputs = ((Indicator.EMISSION_PER_CLINKER, _clinker(plant, amounts)),
               (Indicator.EMISSION_PER_CEMENT, amount_of(amounts, of_kind(plant, StreamKind.CEMENT))))  # fmt: skip
    for name, output in outputs:
        yield names.SITE_LINE, name, Boundary.ENTERPRISE, (whole, output)


def _total(
    plant: Plant,
    tonnes: Series,
    *,
    boundary: Boundary,
    ruleset: RuleSetId,
    items: CountedHours,
    line: str | None = None,
) -> Floats:
    """Sum of the counted items by hour [tCO2], NaN where one of their streams lacks it."""
    where = {"counted": COUNTED} | ({} if line is None else {"line": line})
    chosen = tonnes.select(boundary=boundary, ruleset=ruleset, item=[str(item) for item in items], **where)
    lacking = figures.absent_hours(tonnes, plant, boundary=boundary, ruleset=ruleset, items=items)
    total: Floats = np.nansum(tonnes.fields["co2_t"][chosen], axis=0)
    for stream, hours in lacking.items():
        if line is None or plant.streams_by_id[stream].line == line:
            total = np.where(hours, np.nan, total)
    return total


def _substituted(tonnes: Series, ruleset: RuleSetId, line: str) -> Parts:
    """Tonnes that rest on substituted data, and all of them, without sign: a deduction weighs like an emission."""
    chosen = tonnes.select(boundary=Boundary.CLINKER, ruleset=ruleset, counted=COUNTED, line=line)
    size: Floats = np.abs(np.nan_to_num(tonnes.fields["co2_t"][chosen]))
    return (size * np.nan_to_num(tonnes.fields["substituted"][chosen])).sum(axis=0), size.sum(axis=0)


def _energy(plant: Plant, amounts: Series, heat: Mapping[str, Floats]) -> Iterator[tuple[str, Indicator, Parts]]:
    """Heat, standard coal and electricity of the kiln lines, and what the waste heat takes off (GB 16780)."""
    fuels = kiln_fuels(plant)
    for line, streams in scopes(fuels).items():
        output = _clinker(plant, amounts, line)
        fossil = _sum(heat[stream.id] for stream in streams if stream.kind is StreamKind.FOSSIL_FUEL)
        every = _sum(heat[stream.id] for stream in streams)
        yield line, Indicator.HEAT_PER_CLINKER, (every, output)
        yield line, Indicator.COAL_PER_CLINKER, (fossil * KGCE_PER_GJ, output)
        yield line, Indicator.THERMAL_SUBSTITUTION, (every - fossil, every)
    for line, streams in scopes(of_kind(plant, StreamKind.ELECTRICITY_CLINKER)).items():
        used = amount_of(amounts, streams) * KWH_PER_MWH
        yield line, Indicator.ELECTRICITY_PER_CLINKER, (used, _clinker(plant, amounts, line))
    if fuels:
        credit = benchmark.coefficients()["waste_heat"].value
        coal = _sum(heat[stream.id] for stream in fuels if stream.kind is StreamKind.FOSSIL_FUEL) * KGCE_PER_GJ
        supplied = _amounts_or_none(amounts, of_kind(plant, StreamKind.ELECTRICITY_WASTE_HEAT)) * KWH_PER_MWH
        net = np.asarray(
            intensity.net_coal(coal, waste_heat_intensity=supplied, waste_heat_coefficient=credit), np.float64
        )
        yield names.SITE_LINE, Indicator.NET_COAL_PER_CLINKER, (net, _clinker(plant, amounts))


def _materials(plant: Plant, amounts: Series, dry_meal: Mapping[str, Floats]) -> Iterator[tuple[str, Indicator, Parts]]:
    """Raw meal and clinker ratios, and the electricity of the cement stage.

    Clinker consumed is metered or entered where the plant says so; elsewhere the clinker output stands for it.
    """
    for line, streams in scopes(of_kind(plant, StreamKind.RAW_MEAL)).items():
        dry = _sum(dry_meal[stream.id] for stream in streams)
        yield line, Indicator.MEAL_CLINKER_RATIO, (dry, _clinker(plant, amounts, line))
    cement = of_kind(plant, StreamKind.CEMENT)
    if cement:
        output = amount_of(amounts, cement)
        consumed = of_kind(plant, StreamKind.CLINKER_CONSUMED)
        used = amount_of(amounts, consumed) if consumed else _clinker(plant, amounts)
        yield names.SITE_LINE, Indicator.CLINKER_RATIO, (used, output)
        stage = [plant.streams_by_id[stream] for stream in plant.cement_electricity]
        if stage:
            ground = amount_of(amounts, stage) * KWH_PER_MWH
            yield names.SITE_LINE, Indicator.CEMENT_GRINDING_ELECTRICITY, (ground, output)


def kiln_fuels(plant: Plant) -> list[Stream]:
    """Fuels that burn in a kiln: those of the clinker boundary."""
    return [stream for stream in plant.streams if stream.kind in FUEL_KINDS and Boundary.CLINKER in stream.boundaries]


def of_kind(plant: Plant, kind: StreamKind) -> list[Stream]:
    """Streams of one kind."""
    return [stream for stream in plant.streams if stream.kind is kind]


def scopes(streams: Collection[Stream]) -> Scopes:
    """Streams by line; all of them under the site where one belongs to no line, so that no clinker counts twice."""
    if any(stream.line is None for stream in streams):
        return {names.SITE_LINE: list(streams)}
    result: Scopes = {}
    for stream in streams:
        result.setdefault(stream.line or names.SITE_LINE, []).append(stream)
    return result


def amount_of(amounts: Series, streams: Collection[Stream]) -> Floats:
    """Sum of the amounts by hour [t or MWh], NaN where one of the streams has no row; NaN throughout for none."""
    if not streams:
        return np.full(amounts.hours, np.nan)
    return _sum(_one(amounts, stream) for stream in streams)


def _one(amounts: Series, stream: Stream) -> Floats:
    chosen = amounts.select(stream=stream.id)
    if not chosen.any():
        return np.full(amounts.hours, np.nan)
    field = "electricity_mwh" if stream.kind.value.startswith("electricity") else "amount_t"
    total: Floats = amounts.fields[field][chosen].sum(axis=0)
    return total


def _amounts_or_none(amounts: Series, streams: Collection[Stream]) -> Floats:
    """The same, zero where the plant has no such stream: no waste-heat power is none, not unknown."""
    return amount_of(amounts, streams) if streams else np.zeros(amounts.hours)


def _clinker(plant: Plant, amounts: Series, line: str = names.SITE_LINE) -> Floats:
    every = of_kind(plant, StreamKind.CLINKER)
    return amount_of(amounts, [stream for stream in every if line in (names.SITE_LINE, stream.line)])


def _sum(arrays: Iterable[Floats]) -> Floats:
    total: Floats = np.sum(list(arrays) or [np.zeros(1)], axis=0)
    return total
