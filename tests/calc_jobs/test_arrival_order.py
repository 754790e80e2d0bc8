"""The order in which readings and laboratory results arrive never changes a figure (issue 4; DESIGN section 2)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

HOURS, PARTS = 5, 3
RESULTS = (("A", 23.4, 0, 2), ("B", 24.1, 1, 3), ("C", 22.7, 2, 5), ("D", 40.0, 4, 5), ("E", 23.9, 1, 3))
"""Sample, NCV [GJ/t], first and last hour; two overlap, and one lies outside the hard range of coal."""


def pieces() -> list[tuple[str, int, list[float | None]]]:
    """Readings of five hours cut into parts by point: (point, first minute, values), with a gap, outliers, a stop."""
    rng = np.random.default_rng(4)
    minutes = HOURS * 60
    coal = (20 + rng.normal(0, 0.2, minutes)).tolist()
    coal[130:215] = [None] * 85  # an hour that has to be substituted
    coal[30:34] = [400.0] * 4  # outside the range of the scale
    running = [1.0] * minutes
    running[250:270] = [0.0] * 20
    values = {
        "coal": coal,
        "k1.running": running,
        "clinker": [35.0 * minute for minute in range(minutes)],
        "power": [200.0 * minute for minute in range(minutes)],
    }
    step = minutes // PARTS
    return [(point, at, held[at : at + step]) for point, held in values.items() for at in range(0, minutes, step)]


def figures(rig) -> dict[str, list[dict]]:
    """What must not depend on the order: everything but the number of the revision, and the flags."""
    rows = {name: rig.store.read("hx_derived", name).to_pylist() for name in ("emission", "activity", "flag")}
    for row in rows["emission"]:
        del row["revision"]
    rows["flag"] = [row for row in rows["flag"] if row["quality"]]  # one that was taken back stays as 0
    return rows


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    order=st.permutations(range(len(pieces()))),
    results=st.permutations(range(len(RESULTS))),
    runs=st.sets(st.integers(0, len(pieces()) + len(RESULTS)), max_size=4),
    mixed=st.randoms(use_true_random=False),
)
def test_any_order_of_arrival_gives_the_same_figures(rig_class, plant, order, results, runs, mixed) -> None:
    arrivals = [("reading", number) for number in order] + [("result", number) for number in results]
    mixed.shuffle(arrivals)
    in_order = [("reading", number) for number in sorted(order)] + [("result", number) for number in sorted(results)]
    with tempfile.TemporaryDirectory() as folder:
        expected = computed(rig_class(plant, Path(folder) / "once"), in_order, runs=set())
        assert expected["emission"]
        assert computed(rig_class(plant, Path(folder) / "mixed"), arrivals, runs=runs) == expected


def computed(rig, arrivals: list[tuple[str, int]], *, runs: set[int]) -> dict[str, list[dict]]:
    """Figures after all has arrived in this order, with runs of the jobs in between."""
    try:
        rig.now_ms += (HOURS + 1) * 3_600_000
        for place, (kind, number) in enumerate(arrivals):
            if place in runs:
                rig.run()
            if kind == "reading":
                point, at_min, values = pieces()[number]
                rig.put(point, values, at_min=at_min)
            else:
                sample, value, from_h, to_h = RESULTS[number]
                rig.enter(value, from_h=from_h, to_h=to_h, sample=sample, basis="as_received")
        rig.run()
        return figures(rig)
    finally:
        rig.close()
