"""Which units fit which input, and which belong together: t with GJ/t, 10^4 Nm3 with GJ per 10^4 Nm3, never crossed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tanji.domain.catalogue import ANY_UNIT, Formula
from tanji.domain.unit_expressions import read_unit
from tanji.errors import Fault, InputError

ALSO_FITS: dict[str, frozenset[str]] = {
    "fraction": frozenset({"mass/mass", "volume/volume", "normal_volume/normal_volume", "heat/heat", "C/C"}),
    "mass/mass": frozenset({"fraction"}),
    "C/mass": frozenset({"mass/mass", "fraction"}),  # carbon is printed in percent, or in kg per tonne
    "C/heat": frozenset({"mass/heat"}),  # IPCC prints carbon content in kg/GJ, and factors in kg/TJ
    "CO2": frozenset({"mass"}),
    "CO2/mass": frozenset({"mass/mass"}),  # kg per tonne of clinker; a percent of CO2 is nothing
    "CO2/heat": frozenset({"mass/heat"}),
    "CO2/electricity": frozenset({"mass/electricity"}),
    "CO2/time": frozenset({"mass/time"}),
}
"""Dimensions that mean the same where the other is expected. Carbon and CO2 never stand for each other."""

RESULT_ALSO_FITS: dict[str, frozenset[str]] = {"mass/mass": frozenset({"C/mass"})}
"""The same for a result."""


def fits(own: str, given: str, *, result: bool = False) -> bool:
    """Whether a unit of dimension `given` may stand where one of dimension `own` is expected."""
    more = RESULT_ALSO_FITS.get(own, frozenset()) if result else frozenset()
    return given == own or given in ALSO_FITS.get(own, frozenset()) | more


def choose(formula: Formula, units: Mapping[str, Sequence[str | None]]) -> Mapping[str, str]:
    """The system of units that all inputs fit into; InputError, naming an input, if there is none.

    units : name of an input -> units it was given in, None for a bare number, which is in the formula's own unit.
    """
    for system in formula.systems:
        if all(_fits_system(formula, system, name, unit) for name, all_of in units.items() for unit in all_of):
            return _with_common_unit(formula, system, units)
    alone = [_alone(formula, name, unit) for name, all_of in units.items() for unit in all_of]
    faults = tuple(fault for fault in alone if fault is not None)
    raise InputError(faults or (_crossed(formula, units),))


def _fits_system(formula: Formula, system: Mapping[str, str], name: str, unit: str | None) -> bool:
    own = system[name]
    if own == ANY_UNIT or unit is None:
        return own == formula.systems[0][name]
    return own != "" and fits(read_unit(own).dimension, read_unit(unit).dimension)


def _alone(formula: Formula, name: str, unit: str | None) -> Fault | None:
    """A fault of one input whatever the others are."""
    if unit is None or any(_fits_system(formula, system, name, unit) for system in formula.systems):
        return None
    entry = formula.input(name)
    assert entry is not None  # names come from the formula
    own = list(dict.fromkeys(system[name] for system in formula.systems))
    if own == [""]:
        return Fault(entry.label, "no unit", unit)
    wanted = " or ".join(f"{unit} ({read_unit(unit).dimension})" for unit in own)
    return Fault(entry.label, f"a unit of the dimension of {wanted}", f"{unit} ({read_unit(unit).dimension})")


def _crossed(formula: Formula, units: Mapping[str, Sequence[str | None]]) -> Fault:
    """Units that fit one by one and not together."""
    mixed = [name for name in units if len({system[name] for system in formula.systems}) > 1]
    entries = [entry for entry in formula.inputs if entry.name in mixed]
    systems = " or ".join(" with ".join(f"{e.symbol} in {s[e.name]}" for e in entries) for s in formula.systems)
    got = " with ".join(f"{e.symbol} in {units[e.name][0] or f'{e.unit} (a bare number)'}" for e in entries)
    return Fault(" and ".join(entry.label for entry in entries), systems, got)


def _with_common_unit(
    formula: Formula, system: Mapping[str, str], units: Mapping[str, Sequence[str | None]]
) -> Mapping[str, str]:
    """The system with `any` replaced by the unit the first such input was given in; 1 if all are bare."""
    free = [entry for entry in formula.inputs if system[entry.name] == ANY_UNIT]
    written = [(entry, unit) for entry in free for unit in units.get(entry.name, ()) if unit is not None]
    common = written[0][1] if written else "1"
    dimension = read_unit(common).dimension
    for entry, unit in written:
        if read_unit(unit).dimension != dimension:
            expected = f"a unit of {dimension}, like {common} of the other inputs"
            raise InputError((Fault(entry.label, expected, f"{unit} ({read_unit(unit).dimension})"),))
    replaced = {name: common if unit == ANY_UNIT else unit for name, unit in system.items()}
    if formula.unit == ANY_UNIT:
        replaced["result"] = common
    return replaced
