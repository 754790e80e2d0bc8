"""The process factor of a line's clinker from its oxides, F4, with what it rests on (standard.md section 5.1).

The same factor serves clinker, dust that is fully calcined, and the form F9 of dust.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calc_jobs.figures import Context
from calc_jobs.parameters import Parameter
from tanji.domain import process, uncertainty
from tanji.plant.model import Stream
from tanji.quality.rules import Floats


@dataclass(frozen=True, slots=True)
class Oxides:
    """F4's factor by hour [tCO2/t], its relative standard uncertainty [1], and the parameters it was made of."""

    factor: Floats
    u_rel: Floats
    inputs: tuple[Parameter, ...]


def clinker_oxides(stream: Stream, context: Context) -> Oxides:
    """The factor of a clinker stream."""
    kind = context.clinker_kind(stream)
    cao, mgo = (context.of(stream, f"clinker_{oxide}", applies_to=kind) for oxide in ("cao", "mgo"))
    other_cao, other_mgo = (
        _part_of(whole, _not_from_carbonates(stream, oxide, context), f"clinker_{oxide}_non_carbonate")
        for oxide, whole in (("cao", cao), ("mgo", mgo))
    )
    factor = process.clinker_oxide_factor(
        clinker_cao=cao.value,
        clinker_mgo=mgo.value,
        clinker_cao_non_carbonate=other_cao.value,
        clinker_mgo_non_carbonate=other_mgo.value,
        clinker_kind=kind,
    )
    u_factor = uncertainty.clinker_oxide_factor(
        u_clinker_cao=cao.value * cao.u_rel,
        u_clinker_mgo=mgo.value * mgo.u_rel,
        u_clinker_cao_non_carbonate=other_cao.value * other_cao.u_rel,
        u_clinker_mgo_non_carbonate=other_mgo.value * other_mgo.u_rel,
    )
    hours = np.asarray(factor, np.float64)
    u_rel = np.divide(u_factor, hours, out=np.zeros(hours.size), where=hours > 0)
    return Oxides(hours, u_rel, (cao, mgo, other_cao, other_mgo))


def _not_from_carbonates(stream: Stream, oxide: str, context: Context) -> Parameter:
    """FR10 or FR20 of the laboratory, else from the oxide of the meal; where nobody reports any, there is none."""
    of_meal = f"raw_meal_{oxide}_non_carbonate"
    if stream.meal_clinker_ratio is not None and of_meal in stream.laboratory:
        found = context.of(stream, of_meal, absent=0.0)
        value = process.non_carbonate_oxide_of_meal(found.value, meal_clinker_ratio=stream.meal_clinker_ratio)
        return Parameter(np.asarray(value, np.float64), found.u_rel, found.missing, found.rule)
    kind = context.clinker_kind(stream)
    return context.of(stream, f"clinker_{oxide}_non_carbonate", applies_to=kind, absent=0.0)


def _part_of(whole: Parameter, part: Parameter, name: str) -> Parameter:
    """A part larger than the whole is a wrong result: it is not used, nothing is deducted, and that is counted."""
    wrong = part.value > whole.value
    if not wrong.any():
        return part
    rule = np.where(wrong, f"{name}: none, since more was reported than the clinker holds", part.rule)
    return Parameter(np.where(wrong, 0.0, part.value), part.u_rel, part.missing | wrong, rule)
