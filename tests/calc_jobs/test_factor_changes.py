"""A changed factor revises exactly the hours it covers, for that reason (R4, R30); values are made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tanji.domain.factors import Factor
from tanji.domain.items import RuleSetId
from tanji.ledger.factor_editions import add, approve

OWN = Factor(
    id="own.clinker", quantity="clinker_process_factor", applies_to="portland", rulesets=tuple(RuleSetId), value=0.52,
    unit="tCO2/t", document="own study", edition="1", clause="", valid_from=date(2026, 3, 2), valid_to=date(2026, 3, 2),
    confidence="T", own=True,
)  # fmt: skip
# Hours 16 to 39 UTC of 1 and 2 March are 2 March in Asia/Shanghai.


def clinker(rig) -> list[float]:
    return [row["co2_t"] for row in rig.rows(stream="clinker", ruleset="cets_ag_02_01", boundary="clinker")]


@pytest.fixture
def computed(rig):
    rig.normal(42)
    rig.run(after_h=42)
    return rig


def test_an_own_factor_changes_exactly_the_hours_of_its_days(computed) -> None:
    """210 t x 0.535 = 112.35 t; x 0.52 = 109.2 t."""
    assert clinker(computed) == pytest.approx([112.35] * 42)
    add(computed.ledger, [OWN], by="Li", recorded_at_ms=1)
    report = computed.run()
    assert report.hours == 24 and report.first_ms == computed.rows()[0]["time"] + 16 * 3_600_000
    assert clinker(computed) == pytest.approx([112.35] * 16 + [109.2] * 24 + [112.35] * 2)
    versions = computed.rows("emission_history", stream="clinker", ruleset="cets_ag_02_01", boundary="clinker")
    assert {row["hour"] for row in versions if row["reason"] == "factor"} == set(range(16, 40))
    assert computed.run().hours == 0


def test_another_edition_touches_both_periods_and_an_approval_none(computed) -> None:
    add(computed.ledger, [OWN], by="Li", recorded_at_ms=1)
    computed.run()
    shorter = replace(OWN, valid_from=date(2026, 3, 1), valid_to=date(2026, 3, 1), value=0.53)
    add(computed.ledger, [shorter], by="Li", recorded_at_ms=2)
    computed.run()
    assert clinker(computed) == pytest.approx([111.3] * 16 + [112.35] * 26)
    approve(computed.ledger, OWN.id, by="Chen", on=date(2026, 11, 1), recorded_at_ms=3)
    assert computed.run().hours == 0


def test_a_factor_of_something_the_plant_does_not_have_touches_nothing(computed) -> None:
    add(computed.ledger, [replace(OWN, applies_to="aluminate", value=0.3)], by="Li", recorded_at_ms=1)
    assert computed.run().hours == 0
