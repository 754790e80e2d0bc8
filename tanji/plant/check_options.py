"""Checks of what a stream says about its formula: variant of a default, heat carrier, raw meal, deductions (R16-R20).

An option that its kind has no use for would be read by nobody, and an oxide deducted twice would make a plant look
better than it is. Fuels, methods and parameters are `tanji.plant.check_factors`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tanji.domain import factors
from tanji.domain.items import Method, StreamKind
from tanji.errors import Finding
from tanji.plant.document import KeyPath
from tanji.plant.streams import Stream
from tanji.plant.wiring import Wiring
from tanji.plant.wording import one_of

VARIANT_OF = {
    StreamKind.FOSSIL_FUEL: "oxidation_fraction",
    StreamKind.CAPTIVE_POWER: "oxidation_fraction",
    StreamKind.OTHER_FACILITY: "oxidation_fraction",
    StreamKind.RAW_MEAL: "raw_meal_organic_carbon",
    StreamKind.CLINKER: "clinker_process_factor",
    StreamKind.KILN_DUST: "calcination_fraction",
}
"""The quantity whose default the variant of a stream of that kind chooses."""

CARRIERS = {"hot_water": "water_temperature", "steam": "steam_enthalpy"}
"""What the laboratory reports, so that t of a heat carrier become GJ."""

OF_CLINKER = ("clinker_cao_non_carbonate", "clinker_mgo_non_carbonate")
OF_MEAL = ("raw_meal_cao_non_carbonate", "raw_meal_mgo_non_carbonate")
OF_MATERIAL = ("material_cao", "material_mgo")
"""Three ways to state oxides that are not from carbonates; a line uses one of them, whole."""


def check(wiring: Wiring, path: KeyPath, stream: Stream) -> Iterator[Finding]:
    """Every fault of a stream's options."""
    yield from _variant(wiring, path, stream)
    yield from _carrier(wiring, path, stream)
    yield from _meal(wiring, path, stream)
    yield from _deducted_once(wiring, path, stream)
    yield from _dust_of_clinker(wiring, path, stream)
    calcined = [name for name in stream.laboratory if name.startswith(("loss_on_ignition", "calcination"))]
    if calcined and stream.method is not Method.PARTLY_CALCINED_DUST:
        expected = f"method: {Method.PARTLY_CALCINED_DUST}, the only one that computes with {calcined[0]}"
        yield wiring.finding((*path, "laboratory"), expected, f"method {stream.method or 'none'}")
    losses = [name for name in calcined if name.startswith("loss")]
    if len(losses) == 1:
        expected = "loss_on_ignition_dust and loss_on_ignition_raw_meal, both or none"
        yield wiring.finding((*path, "laboratory"), expected, losses[0])


def _variant(wiring: Wiring, path: KeyPath, stream: Stream) -> Iterator[Finding]:
    if stream.variant is None:
        return
    here, quantity = (*path, "variant"), VARIANT_OF.get(stream.kind)
    known = sorted(
        {
            factor.variant
            for factor in factors.load().factors
            if factor.quantity == quantity and factor.variant and factor.applies_to in _names(wiring, stream)
        }
    )
    if not known:
        expected = f"no variant, since the library has no default with variants for {stream.fuel or stream.kind}"
        yield wiring.finding(here, expected, f'"{stream.variant}"')
    elif stream.variant not in known:
        yield wiring.finding(here, f"a variant of {quantity}, {one_of(stream.variant, known)}", f'"{stream.variant}"')


def _names(wiring: Wiring, stream: Stream) -> tuple[str, ...]:
    """What the library calls the material of a stream."""
    kinds = tuple(line.clinker_kind for line in wiring.lines.values() if stream.line in (None, line.id))
    return (stream.fuel or "", *(kinds if stream.kind is StreamKind.CLINKER else (stream.kind.value,)))


def _carrier(wiring: Wiring, path: KeyPath, stream: Stream) -> Iterator[Finding]:
    if stream.heat_carrier is None:
        needless = set(stream.laboratory) & set(CARRIERS.values())
        if needless and stream.kind.value.startswith("heat"):
            expected = "heat_carrier, hot_water or steam, since the heat is weighed in t"
            yield wiring.finding((*path, "heat_carrier"), expected, "nothing")
        return
    here, needed = (*path, "heat_carrier"), CARRIERS[stream.heat_carrier]
    if not stream.kind.value.startswith("heat"):
        expected = f"no heat_carrier, since the kind is {stream.kind}"
        yield wiring.finding(here, expected, f'"{stream.heat_carrier}"')
    elif needed not in stream.laboratory:
        expected = f"{needed} under laboratory, to turn t of {stream.heat_carrier.replace('_', ' ')} into GJ"
        yield wiring.finding(here, expected, "none")


def _meal(wiring: Wiring, path: KeyPath, stream: Stream) -> Iterator[Finding]:
    """Organic carbon comes from the weighed raw meal, or by the ratio from the clinker; not from both."""
    if stream.meal_clinker_ratio is None:
        needless = [name for name in stream.laboratory if name in OF_MEAL or name == "raw_meal_organic_carbon"]
        if needless and stream.kind is StreamKind.CLINKER:
            expected = f"meal_clinker_ratio, since {needless[0]} is per tonne of raw meal"
            yield wiring.finding((*path, "meal_clinker_ratio"), expected, "nothing")
        return
    here = (*path, "meal_clinker_ratio")
    meal = next(
        (
            other
            for other in wiring.streams.values()
            if other.kind is StreamKind.RAW_MEAL and other.boundaries and other.line in (None, stream.line)
        ),
        None,
    )
    if stream.kind is not StreamKind.CLINKER:
        yield wiring.finding(here, f"no ratio, since the kind is {stream.kind}", f"{stream.meal_clinker_ratio:g}")
    elif meal is not None:
        expected = f"no ratio, since {meal.id} is the raw meal of the line: its carbon would count twice"
        yield wiring.finding(here, expected, f"{stream.meal_clinker_ratio:g}")


def _deducted_once(wiring: Wiring, path: KeyPath, stream: Stream) -> Iterator[Finding]:
    own = [name for name in stream.laboratory if name in (*OF_MEAL, *OF_MATERIAL)]
    if not own or stream.kind is StreamKind.CLINKER:
        if own and set(OF_CLINKER) & set(stream.laboratory):
            expected = "non-carbonate oxides of the clinker or of the meal, one of them"
            yield wiring.finding((*path, "laboratory"), expected, "both")
        return
    for other in wiring.streams.values():
        same_line = stream.line is None or other.line in (None, stream.line)
        stated = set(other.laboratory) & {*OF_CLINKER, *OF_MEAL}
        if same_line and stated and other.id != stream.id:
            expected = f"no {own[0]}, since {other.id} states {sorted(stated)[0]}: it would be deducted twice"
            yield wiring.finding((*path, "laboratory"), expected, own[0])


def _dust_of_clinker(wiring: Wiring, path: KeyPath, stream: Stream) -> Iterator[Finding]:
    """Dust has the oxides of its line's clinker (F4, F9); without one it would have no figure, and nobody would see."""
    if stream.kind not in (StreamKind.KILN_DUST, StreamKind.BYPASS_DUST) or not stream.boundaries:
        return
    clinker = [other for other in wiring.streams.values() if other.kind is StreamKind.CLINKER]
    if all(other.line != stream.line for other in clinker):
        lines = sorted({other.line for other in clinker if other.line is not None})
        expected = f"the line whose clinker's oxides the dust has, {one_of(stream.line, lines)}"
        yield wiring.finding((*path, "line"), expected, f'"{stream.line}"' if stream.line else "nothing")
