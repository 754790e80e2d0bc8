"""The quality job's rows: one per reading that carries a flag, back to 0 when it no longer does (quality.md 2, 11)."""

from __future__ import annotations

import pytest

from tanji.acquisition.flags import Flag


def flags(rig, point: str) -> dict[int, int]:
    """Minute -> flag word."""
    return {round(row["hour"] * 60): row["quality"] for row in rig.rows("flag", point=point)}


def test_each_rule_sets_its_bit_on_the_reading_it_speaks_of(rig) -> None:
    rig.normal(2, without=("coal", "power"))
    rig.put("coal", [20.0, 20.1] * 10 + [60.0] + [20.0] * 2 + [-1.0] + [20.0, 20.1] * 10 + [20.1] * 40, at_min=0)
    rig.put("power", [float(200 * minute) for minute in range(30)] + [1e9, 1e9 + 200, 0.0, 200.0])
    rig.run(after_h=2)
    found = flags(rig, "coal")
    assert found[20] == Flag.RANGE and found[23] == Flag.RANGE | Flag.NEGATIVE
    assert {minute for minute, word in found.items() if word & Flag.STUCK} == set(range(43, 84))
    power = flags(rig, "power")
    assert power == {30: Flag.RATE, 32: Flag.RESET}


def test_a_constant_reading_of_a_standing_source_is_not_stuck(rig) -> None:
    rig.normal(2, without=("coal", "k1.running"))
    rig.put("coal", [0.0] * 120)
    rig.put("k1.running", [0.0] * 120)
    rig.run(after_h=2)
    assert flags(rig, "coal") == {}


def test_a_run_that_becomes_stuck_in_the_next_hour_reopens_the_hour_it_began_in(rig) -> None:
    """Constant from 0:45 to 1:30: after the first hour it is 15 min long, after the second it is stuck."""
    rig.normal(1, without=("coal",))
    rig.put("coal", [20.0, 20.1] * 22 + [21.0] * 16)
    rig.run(after_h=1)
    assert flags(rig, "coal") == {} and rig.rows("activity", stream="coal")[0]["captured"] == 1.0
    rig.normal(1, from_h=1, without=("coal",))
    rig.put("coal", [21.0] * 31 + [20.0, 20.1] * 14 + [20.0], at_min=60)
    rig.run(after_h=2)
    assert set(flags(rig, "coal")) == set(range(44, 91))
    first, second = rig.rows("activity", stream="coal")
    # 44 and 29 valid minutes are not enough, and there is no earlier hour: the figure that was published stands,
    # marked as resting on nothing measured; the new hour has no value.
    assert first["captured"] == pytest.approx(44 / 60) and first["substituted"] == 1.0
    assert first["amount_t"] == pytest.approx((20.0 * 22 + 20.1 * 22 + 21.0 * 16) / 60)
    assert second["captured"] == pytest.approx(29 / 60) and second["amount_t"] is None


def test_a_flag_goes_back_to_zero_when_late_data_explain_it(rig) -> None:
    """A hole of three minutes carries GAP until the missing readings arrive."""
    rig.normal(1, without=("coal",))
    rig.put("coal", [20.0, 20.1] * 10)
    rig.put("coal", [20.0, 20.1] * 18 + [20.0], at_min=23)
    rig.run(after_h=1)
    assert flags(rig, "coal") == {23: Flag.GAP}
    rig.put("coal", [20.0, 20.1, 20.0], at_min=20)
    assert rig.run().flags == 1
    assert flags(rig, "coal") == {23: 0}
    assert {row["rule_set"] for row in rig.rows("flag")} == {"rules-1"}
