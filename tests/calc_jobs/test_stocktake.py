"""Stocktakes, closed months, heat, captive power and other facilities (standard.md 2.1, 6, 7, 9). By hand."""

from __future__ import annotations

import pytest

from calc_jobs import stocktake
from tanji.ledger.entries import Entry
from tanji.plant.model import Stream

HOUR, START = 3_600_000, 1_772_323_200_000  # 2026-03-01 00:00 UTC
NEW = (
    "streams:\n",
    """streams:
  - {id: yard, name: {zh: 煤场, en: yard}, kind: fossil_fuel, boundaries: [enterprise], fuel: bituminous_coal,
     ledger: true, stock: true}
  - {id: heat_in, name: {zh: 热, en: heat}, kind: heat_purchased, boundaries: [enterprise], ledger: true}
  - {id: heat_out, name: {zh: 热, en: heat}, kind: heat_sold, boundaries: [enterprise], ledger: true}
  - {id: boiler, name: {zh: 自备, en: boiler}, kind: captive_power, boundaries: [enterprise], fuel: bituminous_coal,
     ledger: true}
  - {id: lime, name: {zh: 石灰, en: lime}, kind: other_facility, boundaries: [enterprise], fuel: diesel, ledger: true}
  - {id: dust, name: {zh: 粉尘, en: dust}, kind: kiln_dust, line: l1, boundaries: [clinker, enterprise], ledger: true}
""",
)
CLOSED = ("points: [clinker]}", "points: [clinker], stock: true}")
PARTS = ("purchase_amount", "opening_stock", "closing_stock", "sold_amount")


def enter(rig, stream: str, *, hours: int = 24, sample: str = "V", unit: str = "t", **values: float) -> None:
    rig.ledger.enter(
        [Entry(sample, stream, name, value, unit, START, START + hours * HOUR) for name, value in values.items()],
        recorded_at_ms=rig.now_ms,
    )


def enterprise(rig, stream: str, ruleset: str = "cets_ag_02_01") -> dict:
    return rig.rows(stream=stream, ruleset=ruleset, boundary="enterprise")[0]


def test_a_stocktake_is_spread_over_its_period(rig_of) -> None:
    """100 + 30 - 80 - 2 = 48 t in 24 h: 2 t an hour; x 23.076 x 0.02618 x 0.99 x 44/12."""
    rig = rig_of(NEW)
    rig.normal(1)
    enter(rig, "yard", purchase_amount=100, opening_stock=30, closing_stock=80)
    rig.run(after_h=1)
    assert rig.rows("activity", stream="yard")[0]["amount_t"] is None, "what was sold was not stated: never zero"
    enter(rig, "yard", sold_amount=2)
    rig.run(after_h=1)
    assert rig.rows("activity", stream="yard")[0]["amount_t"] == pytest.approx(2.0)
    assert enterprise(rig, "yard")["co2_t"] == pytest.approx(2 * 23.076 * 0.02618 * 0.99 * 44 / 12)


def test_several_deliveries_add_up_whatever_their_order() -> None:
    stream = Stream(id="yard", name={"zh": "煤", "en": "coal"}, kind="fossil_fuel", boundaries=("enterprise",),
                    ledger=True, stock=True)  # fmt: skip
    entries = [Entry("V", "yard", name, value, "t", 0, HOUR) for name, value in zip(PARTS, (7, 3, 2, 1), strict=True)]
    entries.append(Entry("W", "yard", "purchase_amount", 0.1, "t", 0, HOUR))
    entries.append(Entry("X", "yard", "purchase_amount", 0.2, "t", 0, HOUR))
    (found,) = stocktake.stocktakes(stream, entries)
    (again,) = stocktake.stocktakes(stream, entries[::-1])
    assert found.value == again.value == pytest.approx(7.3)


def test_heat_facilities_and_dust_are_terms_of_the_enterprise(rig_of) -> None:
    """24 h each. Heat 2400 GJ bought, 480 sold: (100 - 20) x 0.11 = 8.8 t an hour. Boiler coal 48 t: 2 t x 23.076 x
    0.02618 x 0.95 x 44/12 under B. Lime kiln's diesel 24 t: 1 t x 42.652 x 0.0202 x 0.98 x 44/12. Dust 240 t: 10 t of
    clinker by F4, x 0.535386.
    """
    rig = rig_of(NEW)
    rig.normal(1)
    for stream, amount, unit in (("heat_in", 2400, "GJ"), ("heat_out", 480, "GJ"), ("boiler", 48, "t"),
                                 ("lime", 24, "t"), ("dust", 240, "t")):  # fmt: skip
        enter(rig, stream, unit=unit, amount=amount)
    rig.run(after_h=1)
    assert enterprise(rig, "heat_in")["co2_t"] == pytest.approx(11.0)
    assert enterprise(rig, "heat_out")["co2_t"] == pytest.approx(-2.2)
    assert enterprise(rig, "heat_in")["item"] == "net_heat" and enterprise(rig, "heat_in")["method"] == "heat_factor"
    assert rig.rows("activity", stream="heat_in")[0]["heat_gj"] == pytest.approx(100.0)
    boiler, lime = enterprise(rig, "boiler"), enterprise(rig, "lime")
    assert (boiler["item"], lime["item"]) == ("captive_power", "other_facility")
    assert boiler["co2_t"] == pytest.approx(2 * 23.076 * 0.02618 * 0.95 * 44 / 12)
    assert lime["co2_t"] == pytest.approx(42.652 * 0.0202 * 0.98 * 44 / 12)
    # Method A counts their fuel as fuel (F2).
    assert enterprise(rig, "lime", "gbt32151_8")["item"] == "fossil_fuel"
    assert enterprise(rig, "dust", "gbt32151_8")["co2_t"] == pytest.approx(10 * (0.652 * 44 / 56 + 0.021 * 1.1))


def test_hours_of_a_closed_month_add_up_to_its_stocktake(rig_of) -> None:
    """Four hours of 210 t are 840 t; stocktake: to mill 500 + sold 300 + 160 - 100 - 10 = 850 t: k = 850/840."""
    rig = rig_of(CLOSED)
    rig.normal(4)
    rig.run(after_h=4)
    enter(rig, "clinker", hours=4, clinker_to_mill=500, clinker_dispatched=300, opening_stock=100, closing_stock=160,
          clinker_bought=10)  # fmt: skip
    rig.run(after_h=4)
    amounts = [row["amount_t"] for row in rig.rows("activity", stream="clinker")]
    assert sum(amounts) == pytest.approx(850.0, rel=1e-11) and amounts[0] == pytest.approx(212.5)
    (k,) = rig.ledger.entries(parameter="closing_factor")
    assert k.value == pytest.approx(850 / 840, rel=1e-11)
    assert rig.co2("clinker")[0] == pytest.approx(212.5 * 0.535)
    versions = rig.rows("emission_history", stream="clinker", ruleset="cets_ag_02_01", boundary="clinker")
    assert [row["reason"] for row in versions if row["hour"] == 0] == ["first", "laboratory"]
    # Nothing moves any more, and a withdrawn stocktake opens the month again.
    assert rig.run(after_h=4).emission_rows == 0
    rig.ledger.withdraw("V", by="Li", reason="silo read wrong", recorded_at_ms=9)
    rig.run(after_h=4)
    assert [row["amount_t"] for row in rig.rows("activity", stream="clinker")] == pytest.approx([210.0] * 4)
    assert rig.ledger.entries(parameter="closing_factor") == ()


def test_late_data_in_a_closed_month_close_it_again(rig_of) -> None:
    """3 h of 20 t and one substituted by their mean are 80 t against a stocktake of 82: k = 1.025. The last hour comes
    late as 24 t: 84 t, k = 82/84.
    """
    rig = rig_of(("laboratory: [net_calorific_value]}", "laboratory: [net_calorific_value], stock: true}"))
    rig.normal(4, without=("coal",))
    rig.put("coal", [20.01, 19.99] * 90)
    enter(rig, "coal", hours=4, purchase_amount=82, opening_stock=5, closing_stock=5, sold_amount=0)
    rig.run(after_h=4)
    assert sum(row["amount_t"] for row in rig.rows("activity", stream="coal")) == pytest.approx(82.0, rel=1e-11)
    rig.put("coal", [24.01, 23.99] * 30, at_min=180)
    rig.run(after_h=4)
    amounts = [row["amount_t"] for row in rig.rows("activity", stream="coal")]
    assert sum(amounts) == pytest.approx(82.0, rel=1e-11) and amounts[0] == pytest.approx(20 * 82 / 84)


def test_a_month_that_is_not_over_is_not_closed(rig_of) -> None:
    rig = rig_of(CLOSED)
    rig.normal(4)
    enter(rig, "clinker", hours=5, clinker_to_mill=500, clinker_dispatched=300, opening_stock=0, closing_stock=0,
          clinker_bought=0)  # fmt: skip
    rig.run(after_h=4)
    assert rig.ledger.entries(parameter="closing_factor") == ()
