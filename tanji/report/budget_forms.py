"""Which parameters a figure is made of, and what a relative error of each does to it (standard.md section 13, R37).

The same forms and weights as the figures of `calc_jobs` are made with: an hour's row is made from them, and a budget
takes it apart again (tests/calc_jobs/test_uncertainties.py holds the two together, row by row).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tanji.domain import uncertainty, uncertainty_weights
from tanji.domain.items import Item, Method, RuleSetId, StreamKind
from tanji.domain.limits import Quantity
from tanji.domain.process import CO2_PER_CAO, CO2_PER_MGO
from tanji.ledger.entries import AMOUNT, stock_parameters
from tanji.plant.instruments import metered_by_volume
from tanji.plant.streams import Stream
from tanji.report.budget_inputs import Input, Inputs
from tanji.report.defaults import variant_of
from tanji.report.grid import Floats

FORMS: Mapping[Method, tuple[str, ...]] = {
    Method.HEAT_CONTENT: ("net_calorific_value", "carbon_per_energy", "oxidation_fraction"),
    Method.MEASURED_CARBON: ("carbon_as_received", "oxidation_fraction"),
    Method.NON_BIOMASS_CARBON: ("calorific_value", "emission_factor", "non_biomass_carbon_fraction"),
    Method.NON_BIOMASS_ENERGY: ("calorific_value", "emission_factor_fossil", "non_biomass_energy_fraction"),
    Method.WASTE_CARBON: ("waste_carbon_fraction", "fossil_carbon_fraction", "burnout_fraction"),
    Method.ORGANIC_CARBON: ("raw_meal_organic_carbon",),
    Method.GRID_FACTOR: ("grid_factor",),
    Method.HEAT_FACTOR: ("heat_factor",),
}
"""Parameters that multiply the amount, each with weight 1."""

SHARES = frozenset({"non_biomass_carbon_fraction", "non_biomass_energy_fraction", "fossil_carbon_fraction"})
"""Parameters of which the biogenic memo takes the rest, 1 - alpha."""

CARRIERS = {
    "hot_water": ("water_temperature", uncertainty_weights.hot_water_weight),
    "steam": ("steam_enthalpy", uncertainty_weights.steam_weight),
}
"""What tells the heat in a tonne of its carrier, and its weight."""

Weighted = list[tuple[Input, Floats]]


def weighted(inputs: Inputs, stream: Stream, item: Item, method: Method, ruleset: RuleSetId) -> Weighted:
    """The parameters of a figure with their weights, by hour."""
    return [*_of_method(inputs, stream, item, method, ruleset), *_density(inputs, stream)]


def _density(inputs: Inputs, stream: Stream) -> Weighted:
    """What turns cubic metres into tonnes, in the hours in which the amount came as a volume."""
    by_volume = np.zeros(inputs.hours)
    if not stream.ledger:
        by_volume[:] = any(metered_by_volume(inputs.plant.points_by_id[point]) for point in stream.points)
    for entry in inputs.entries or ():
        stated = entry.parameter in (AMOUNT, *stock_parameters(stream))
        if stream.ledger and stated and entry.stream == stream.id and entry.unit == "m3":
            by_volume[inputs.hours_of(entry.valid_from_ms, entry.valid_to_ms)] = 1.0
    if not by_volume.any():
        return []
    found = inputs.of(stream, "fuel_density", stream.fuel or "", ruleset=inputs.plant.rulesets[0])
    return [(found, by_volume)]


def _of_method(inputs: Inputs, stream: Stream, item: Item, method: Method, ruleset: RuleSetId) -> Weighted:
    form = _Form(inputs, stream, ruleset)
    match method:
        case Method.CLINKER_OXIDES if stream.kind in (StreamKind.RAW_MEAL, StreamKind.SUBSTITUTE_MATERIAL):
            return [*form.material_oxides(), *form.dry()]
        case Method.CLINKER_OXIDES:
            return [*form.clinker_oxides()[0], *form.dry()]
        case Method.PARTLY_CALCINED_DUST:
            return [*form.partly_calcined(), *form.dry()]
        case Method.CLINKER_FACTOR:
            name = "clinker_process_factor" if stream.kind is StreamKind.CLINKER else "deduction_factor"
            return [(form.find(name), form.one), *form.dry()]
        case Method.ORGANIC_CARBON if stream.kind is StreamKind.CLINKER and stream.meal_clinker_ratio is not None:
            ratio = inputs.planned(stream, "meal_clinker_ratio", stream.meal_clinker_ratio)
            return [(form.find("raw_meal_organic_carbon"), form.one), (ratio, form.one)]
        case Method.ORGANIC_CARBON:
            return [(form.find("raw_meal_organic_carbon"), form.one), *form.dry()]
        case Method.HEAT_FACTOR if stream.heat_carrier is not None:
            name, weight = CARRIERS[stream.heat_carrier]
            carried = form.find(name)
            return [(form.find("heat_factor"), form.one), (carried, _known(weight(carried.value)))]
    return form.factors(FORMS.get(method, ()), memo=item is Item.BIOGENIC)


class _Form:
    """The parameters of one stream under one rule set."""

    def __init__(self, inputs: Inputs, stream: Stream, ruleset: RuleSetId) -> None:
        self.inputs = inputs
        self.stream = stream
        self.ruleset = ruleset
        self.one = np.ones(inputs.hours)

    def factors(self, names: tuple[str, ...], *, memo: bool) -> Weighted:
        """Parameters that are plain factors; the biogenic memo has the rest of alpha, and a factor of its own."""
        found: Weighted = []
        for name in names:
            own = "emission_factor_biogenic" if memo and name == "emission_factor_fossil" else name
            parameter, weight = self.find(own), self.one
            if memo and name in SHARES:
                alpha = np.nan_to_num(parameter.value)
                weight = -np.asarray(uncertainty.biogenic_share(self.one, non_biomass_carbon_fraction=alpha))
            found.append((parameter, weight))
        return found

    def dry(self) -> Weighted:
        """The moisture that turns what is weighed into dry mass; a clinker has none."""
        if self.stream.kind is StreamKind.CLINKER:
            return []
        if "moisture" in self.stream.laboratory:
            moisture = self.find("moisture")
        elif self.stream.moisture:
            moisture = self.inputs.planned(self.stream, "moisture", self.stream.moisture)
        else:
            return []
        return [(moisture, _known(uncertainty_weights.dry_mass_weight(moisture.value)))]

    def clinker_oxides(self) -> tuple[Weighted, Floats]:
        """F4: each oxide weighs with its part of the factor, also given; dust has those of its line's clinker."""
        made = next(
            (one for one in self.inputs.plant.streams
             if one.kind is StreamKind.CLINKER and one.line == self.stream.line),
            self.stream,
        )  # fmt: skip
        clinker = _Form(self.inputs, made, self.ruleset)
        parts: Weighted = []
        for oxide, co2 in (("cao", CO2_PER_CAO), ("mgo", CO2_PER_MGO)):
            whole = clinker.find(f"clinker_{oxide}")
            other, ratio = clinker.find(f"clinker_{oxide}_non_carbonate"), 1.0
            if made.meal_clinker_ratio is not None and f"raw_meal_{oxide}_non_carbonate" in made.laboratory:
                other, ratio = clinker.find(f"raw_meal_{oxide}_non_carbonate"), made.meal_clinker_ratio
            of_whole, of_other = np.nan_to_num(whole.value), np.nan_to_num(other.value) * ratio
            used = np.where(of_other > of_whole, 0.0, of_other)  # more than the clinker holds is not deducted
            parts += [(whole, co2 * of_whole), (other, -co2 * used)]
        return _shares(parts)

    def material_oxides(self) -> Weighted:
        """Oxides of a raw material that are not from carbonates, each with its part of the deduction."""
        before = "raw_meal" if self.stream.kind is StreamKind.RAW_MEAL else "material"
        after = "_non_carbonate" if self.stream.kind is StreamKind.RAW_MEAL else ""
        cao, mgo = (self.find(f"{before}_{oxide}{after}") for oxide in ("cao", "mgo"))
        parts = [(cao, CO2_PER_CAO * np.nan_to_num(cao.value)), (mgo, CO2_PER_MGO * np.nan_to_num(mgo.value))]
        return _shares(parts)[0]

    def partly_calcined(self) -> Weighted:
        """F9: the oxides of the clinker, and how far kiln dust is calcined; bypass dust is wholly so."""
        oxides, factor = self.clinker_oxides()
        if self.stream.kind is StreamKind.BYPASS_DUST:
            return oxides
        fraction, calcined = self.calcination()
        of_factor, of_fraction = uncertainty_weights.partly_calcined_weights(factor, calcination_fraction=fraction)
        return [
            *((found, weight * of_factor) for found, weight in oxides),
            *((found, weight * of_fraction) for found, weight in calcined),
        ]

    def calcination(self) -> tuple[Floats, Weighted]:
        """The calcination fraction by hour, and what it is made of: both losses on ignition, or itself."""
        default = self.find("calcination_fraction")
        if "loss_on_ignition_dust" not in self.stream.laboratory:
            return np.nan_to_num(default.value), [(default, self.one)]
        of_dust, of_meal = self.find("loss_on_ignition_dust"), self.find("loss_on_ignition_raw_meal")
        known = np.isfinite(of_dust.value) & np.isfinite(of_meal.value) & (of_dust.value <= of_meal.value)
        lost, held = np.where(known, of_dust.value, 0.0), np.where(known, of_meal.value, 0.5)
        weights = uncertainty_weights.calcination_weights(lost, loss_on_ignition_raw_meal=held)
        rest = lost * (1 - held) / ((1 - lost) * held)
        return np.where(known, 1 - rest, np.nan_to_num(default.value)), [
            (default, np.where(known, 0.0, 1.0)),
            (of_dust, np.where(known, _known(weights[0]), 0.0)),
            (of_meal, np.where(known, _known(weights[1]), 0.0)),
        ]

    def find(self, quantity: str) -> Input:
        """A parameter under the key that the factor library knows it by."""
        stream, plant = self.stream, self.inputs.plant
        applies_to, variant = stream.fuel or "", None
        if quantity == "grid_factor":
            applies_to = plant.site.region
        elif quantity == "oxidation_fraction":
            variant = stream.variant or variant_of(stream, quantity)
        elif quantity == "heat_factor":
            applies_to = "heat"
        elif quantity == "raw_meal_organic_carbon":
            applies_to, variant = "raw_meal", stream.variant if stream.kind is StreamKind.RAW_MEAL else None
        elif quantity == "calcination_fraction":
            applies_to, variant = "kiln_dust", stream.variant
        elif quantity.startswith("clinker"):
            line = next((line for line in plant.lines if line.id == stream.line), plant.lines[0])
            applies_to = line.clinker_kind
            variant = stream.variant if quantity == "clinker_process_factor" else None
        return self.inputs.of(stream, quantity, applies_to, ruleset=self.ruleset, variant=variant)


def _shares(parts: Weighted) -> tuple[Weighted, Floats]:
    """Parts of a factor as weights, and the factor itself."""
    factor: Floats = np.sum([part for _, part in parts], axis=0)
    return [
        (found, np.divide(part, factor, out=np.zeros(factor.size), where=factor > 0)) for found, part in parts
    ], factor


def _known(weight: Quantity) -> Floats:
    """A weight by hour; 0 where the parameter is missing, and so is the figure."""
    return np.nan_to_num(np.asarray(weight, np.float64))
