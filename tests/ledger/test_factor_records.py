"""Factor records from a file: every field of standard.md section 0.2, checked (R30). Values are made up."""

from __future__ import annotations

from datetime import date

import pytest

from tanji.domain.items import RuleSetId
from tanji.ledger.factor_records import read

HEADER = (
    "quantity,applies_to,value,unit,document,valid_from,confidence,rulesets,variant,basis,method,edition,clause,"
    "valid_to,data_year,relative_uncertainty,supersedes,note,id\n"
)
GOOD = (
    "carbon_per_energy,bituminous_coal,25.5,tC/TJ,supplier analysis,2026-01-01,T,cets_ag_02_01,,as received,"
    "measured,2026,sheet 3,2026-12-31,2025,0.02,,mean of twelve months,\n"
)


def refused(row: str) -> tuple[str, str]:
    records, (finding,) = read((HEADER + GOOD + row).encode(), file="own.csv")
    assert len(records) == 1 and finding.line == 3
    return finding.key, finding.expected


def test_a_record_has_every_field_and_units_inside_the_code() -> None:
    """25.5 tC/TJ are 0.0255 tC/GJ."""
    (record,), findings = read((HEADER + GOOD).encode(), file="own.csv")
    assert not findings and record.own and not record.verified
    assert record.value == pytest.approx(0.0255) and record.unit == "tC/GJ"
    assert record.id == "own.carbon_per_energy.bituminous_coal.20260101"
    assert record.rulesets == (RuleSetId.CETS_AG_02_01,)
    assert (record.valid_from, record.valid_to) == (date(2026, 1, 1), date(2026, 12, 31))
    assert (record.edition, record.clause, record.basis, record.method) == (
        "2026",
        "sheet 3",
        "as received",
        "measured",
    )
    assert (record.data_year, record.relative_uncertainty, record.confidence) == (2025, 0.02, "T")


def test_without_rule_sets_a_record_is_for_both_and_a_named_id_is_kept() -> None:
    row = GOOD.replace("cets_ag_02_01", "").replace("months,", "months,supplier.cc.2026")
    (record,), _ = read((HEADER + row).encode(), file="own.csv")
    assert record.rulesets == tuple(RuleSetId) and record.id == "supplier.cc.2026"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("carbon_per_energy", "carbon"), "quantity"),
        (("bituminous_coal", "Bituminous coal"), "applies_to"),
        (("25.5", ""), "value"),
        (("25.5", "nan"), "value"),
        (("25.5", "255"), "value"),
        (("tC/TJ", "%"), "unit"),
        (("tC/TJ", "tonnes"), "unit"),
        (("supplier analysis", ""), "document"),
        (("2026-01-01", "1.1.2026"), "valid_from"),
        (("2026-12-31", "2025-12-31"), "valid_to"),
        ((",T,", ",A,"), "confidence"),
        (("cets_ag_02_01", "cets"), "rulesets"),
        ((",2025,", ",2025.5,"), "data_year"),
    ],
)
def test_a_wrong_field_is_named(change: tuple[str, str], field: str) -> None:
    assert refused(GOOD.replace(*change, 1))[0] == field


def test_a_file_without_the_columns_is_one_finding() -> None:
    records, (finding,) = read(b"quantity,value\ngrid_factor,0.5\n", file="own.csv")
    assert not records and finding.key == "header" and "applies_to" in finding.got


def test_the_balance_value_of_a_year_has_no_default_and_is_entered_as_published() -> None:
    """850 kg/t are 0.85 t/t (R44)."""
    row = "balance_value,clinker,850,kgCO2/t,announcement of 2025,2025-01-01,T,,,,,,,2025-12-31,2025,,,,\n"
    (record,), findings = read((HEADER + row).encode(), file="own.csv")
    assert not findings and (record.value, record.unit, record.data_year) == (pytest.approx(0.85), "tCO2/t", 2025)
    assert refused("balance_value,clinker,0.85,GJ/t,announcement,2025-01-01,T,,,,,,,,,,,,\n")[0] == "unit"
