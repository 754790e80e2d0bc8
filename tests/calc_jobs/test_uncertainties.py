"""Uncertainty of hourly rows: certificate, class or typical value, real weights; and the budget that takes them apart.

Every kind of stream and option is in the month of `test_whole_standard`: there each row's own uncertainty must be what
its budget says of that hour (R37, standard.md section 13). Single instruments are worked by hand on the small line.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from tanji.domain import factors
from tanji.ledger.factor_editions import library_in_force
from tanji.report import figures
from tanji.report.budget import Origins, contributions
from tanji.report.budget_samples import sampled
from tanji.report.grid import Grid, hourly

from .conftest import COUNTS_PER_MINUTE, HOUR, START, Rig
from .test_whole_standard import END, Month, month  # noqa: F401
from .test_whole_standard import START as MARCH

Make = Callable[..., Rig]
SEVERAL = (0, 100, 250, 743)
"""First hour, an ordinary one, one in which line 1 stood, the last."""


def grid_of(month: Month) -> Grid:  # noqa: F811
    table = month.store.read("whole_derived", "emission")
    return hourly(table, tags=figures.EMISSION_TAGS, fields=figures.EMISSION_FIELDS, start_ms=MARCH, end_ms=END)


@pytest.mark.parametrize("hour", SEVERAL)
def test_the_budget_of_every_hour_of_every_row_is_the_rows_own_uncertainty(month: Month, hour: int) -> None:  # noqa: F811
    whole = grid_of(month)
    one = Grid(whole.tags, whole.keys, {name: values[:, [hour]] for name, values in whole.fields.items()}, 1)
    origins = Origins(
        library_in_force(month.ledger),
        month.ledger.entries(start_ms=MARCH, end_ms=END),
        sampled(month.store, month.plant, whole, start_ms=MARCH),
    )
    found = contributions(one, month.plant, origins, start_ms=MARCH + hour * HOUR)
    compared = 0
    for row, key in enumerate(one.keys):
        tonnes = one.fields["co2_t"][row, 0]
        if key[3] != "month_floor" and tonnes and np.isfinite(tonnes):
            chosen = np.arange(len(one.keys)) == row
            assert found.of(chosen).u_rel == pytest.approx(one.fields["u_rel"][row, 0], rel=1e-9), key
            compared += 1
    assert compared > 60


def u_rel(rig: Rig, stream: str, *, hour: int = 1, **tags: str) -> float:
    rows = rig.store.read("hx_derived", "emission", where={"stream": [stream]}).to_pylist()
    found = {
        row["u_rel"] for row in rows
        if row["time"] == START + hour * HOUR and all(row[tag] == value for tag, value in tags.items())
    }  # fmt: skip
    assert len(found) == 1, found
    return found.pop()


SCALE = "meter: scale, kind: rate, unit: t/h, modbus: {address: 1}"
STACK_METER = "  - {id: stack, name: {zh: 烟, en: stack}, kind: gas_analyser"
OWN_METER = "  - {id: own, name: {zh: 秤, en: own}, kind: rotor_scale, device: d, %s}\n" + STACK_METER
"""A meter of its own for the coal, with whatever is said of it."""
FACTORS = 0.05**2 + 0.025**2 + 0.01**2
"""NCV by default 5 %, CC 2.5 %, OF 1 %, squared: nobody reports anything for the coal here."""


@pytest.mark.parametrize(
    ("said", "of_amount"),
    [
        ('accuracy_class: "1.0"', 0.01 / math.sqrt(3)),
        # by hand: 1.0 % of 40 t/h is 0.4 t/h, of 20 t/h 2 %
        ('accuracy_class: "1.0", class_of: full_scale, range: {low: 0, high: 40, unit: t/h}', 0.02 / math.sqrt(3)),
        ('accuracy_class: "1.0", class_of: full_scale, range: {low: 0, high: 40000, unit: kg/h}', 0.02 / math.sqrt(3)),
        ('accuracy_class: "1.0", certificate: {number: a, due: "2027-01-01", expanded_uncertainty: 0.006}', 0.003),
        ("model: x", 0.02),
    ],
)
def test_a_scale_is_worth_its_certificate_else_its_class_else_the_typical_value(
    rig_of: Make, said: str, of_amount: float
) -> None:
    rig = rig_of((STACK_METER, OWN_METER % said), (SCALE, SCALE.replace("scale", "own")))
    rig.normal(3)
    rig.run(after_h=3)
    assert u_rel(rig, "coal") == pytest.approx(math.sqrt(of_amount**2 + FACTORS), rel=1e-3)


@pytest.mark.parametrize(
    ("option", "squares"),
    [
        ("area_m2: 12", 12.25 + (2 / 9) ** 2),
        ("basis: wet, area_m2: 12", 12.25),
        ("pitot: true, area_m2: 12", 8 + 4.25 / 4 + (2 / 9) ** 2),
    ],
)
def test_the_stack_has_the_weights_of_its_own_gas_and_of_its_analyser_and_velocity(
    rig_of: Make, option: str, squares: float
) -> None:
    """91 degC, Xsw 0.1, class 2.0 for everything, section 1 %. In percent squared, each of the classes over 3:

    dry 4 + 4 + (0.25 x 2)^2 + 4 + (0.1111 x 2)^2 = 12.299383; wet without the last; pitot: T and P halved.
    """
    rig = rig_of(("area_m2: 12", option))
    rig.normal(3)
    rig.run(after_h=3)
    assert u_rel(rig, "stack") == pytest.approx(0.01 * math.sqrt(squares / 3 + 1), rel=1e-4)


@pytest.mark.parametrize(("meter", "times"), [("scale", 1.0), ("own", math.sqrt(144 + 110.25) / 1.5)])
def test_two_points_of_one_meter_share_its_error_and_two_meters_do_not(rig_of: Make, meter: str, times: float) -> None:
    """12 MWh less 10.5 MWh, class 0.5: of one meter 0.288675 % of 1.5 MWh; of two, root(144 + 110.25) / 1.5 = 10.63
    times as much. The grid factor has 3 %.
    """
    sold = (
        f"  - {{id: sold, name: {{zh: 售, en: sold}}, meter: {meter}, kind: counter, unit: kWh, rollover: 10000000,\n"
        "     modbus: {address: 34, type: uint32}, rated_per_h: 40000}\n"
    )
    rig = rig_of(
        ("  - {id: co2, name", sold + "  - {id: co2, name"),
        ("points: [power]}", "points: [power], subtract: [sold]}"),
        (STACK_METER, OWN_METER % 'accuracy_class: "0.5"'),
    )
    rig.normal(3)
    rig.put("sold", [175.0 * minute for minute in range(181)])
    rig.run(after_h=3)
    assert COUNTS_PER_MINUTE["power"] * 60 == 12_000
    expected = math.hypot(0.005 / math.sqrt(3) * times, 0.03)
    assert u_rel(rig, "power", ruleset="gbt32151_8") == pytest.approx(expected, rel=1e-6)


def test_an_entry_takes_the_typical_value(rig: Rig) -> None:
    rig.normal(3)
    rig.enter(24.0, from_h=0, to_h=3, stream="diesel")
    rig.run(after_h=3)
    assert u_rel(rig, "diesel") == pytest.approx(math.sqrt(0.02**2 + FACTORS), rel=1e-9)


def test_the_reference_records_of_these_tests_are_those_of_the_library() -> None:
    held = {
        (one.quantity, one.applies_to, one.variant): one.value
        for one in factors.load().factors
        if one.quantity == "relative_uncertainty"
    }
    assert held["relative_uncertainty", "amount", "entry"] == held["relative_uncertainty", "amount", "meter"] == 0.02
    assert held["relative_uncertainty", "grid_factor", "default"] == 0.03
