"""Checks of what intensities are compared with: targets that have something to be compared, streams that are power.

A target for an indicator the plant has no streams for would stand on every page without a figure beside it (R41). What
an indicator is made of is `calc_jobs.intensity_parts`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tanji.domain.items import Indicator, StreamKind
from tanji.errors import Finding
from tanji.plant.wiring import Wiring
from tanji.plant.wording import one_of

NEEDS = {
    Indicator.EMISSION_PER_CEMENT: (StreamKind.CEMENT,),
    Indicator.CLINKER_RATIO: (StreamKind.CEMENT,),
    Indicator.CEMENT_GRINDING_ELECTRICITY: (StreamKind.CEMENT,),
    Indicator.ELECTRICITY_PER_CLINKER: (StreamKind.ELECTRICITY_CLINKER,),
    Indicator.MEAL_CLINKER_RATIO: (StreamKind.RAW_MEAL,),
    Indicator.THERMAL_SUBSTITUTION: (StreamKind.ALTERNATIVE_FUEL,),
}
"""Kinds of streams an indicator cannot do without; the others need clinker and fuel, as every plant has."""


def check(wiring: Wiring) -> Iterator[Finding]:
    """Every fault of `targets` and `cement_electricity`."""
    if wiring.plant is None:
        return
    kinds = {stream.kind for stream in wiring.plant.streams}
    for indicator in wiring.plant.targets:
        lacking = [kind for kind in NEEDS.get(indicator, ()) if kind not in kinds]
        if lacking:
            got = f"none, with a target for {indicator}"
            yield wiring.finding(("targets", indicator.value), f"a stream of kind {' and '.join(lacking)}", got)
    power = [stream.id for stream in wiring.plant.streams if stream.kind.value.startswith("electricity")]
    for number, id in enumerate(wiring.plant.cement_electricity):
        if id not in power:
            expected = f"the id of an electricity stream, {one_of(id, power)}"
            yield wiring.finding(("cement_electricity", number), expected, f'"{id}"')
