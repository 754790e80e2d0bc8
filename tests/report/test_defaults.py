"""Default factors behind the figures are listed as long as nobody verified them (R30)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tanji.domain.items import RuleSetId
from tanji.plant.load import load
from tanji.report.defaults import defaults
from tanji.report.words import table

PLANT = Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml"


def test_a_default_is_listed_with_its_streams_and_rule_sets() -> None:
    found = {(entry.quantity, entry.rulesets): entry for entry in defaults(load(PLANT), on=date(2026, 11, 1))}
    process = found["clinker_process_factor", (RuleSetId.CETS_AG_02_01,)]
    assert (process.value, process.unit, process.verified) == (0.535, "tCO2/t", False)
    assert process.streams == ("line1.clinker",)


def test_what_the_laboratory_reports_is_no_default() -> None:
    for entry in defaults(load(PLANT), on=date(2026, 11, 1)):
        assert not (entry.quantity == "net_calorific_value" and "line1.kiln_coal" in entry.streams)
        assert entry.quantity not in ("clinker_cao", "clinker_mgo", "raw_meal_organic_carbon")


def test_every_quantity_has_a_name() -> None:
    for entry in defaults(load(PLANT), on=date(2026, 11, 1)):
        assert entry.quantity in table()["quantity"]
