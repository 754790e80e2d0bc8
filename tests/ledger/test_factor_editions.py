"""The library in force: own records on top of the defaults, editions that supersede, approvals (R4, R30).

Values are made up for the tests, except the grid factors, which are those of standard.md section 8.4.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tanji.domain import factors
from tanji.domain.items import RuleSetId
from tanji.errors import DomainError, UsageError
from tanji.ledger import Ledger, factor_editions
from tanji.ledger.factor_changes import changes
from tanji.ledger.factor_editions import add, approve, grid_factor, library_in_force

from .conftest import OWN

A, B = RuleSetId.GBT32151_8, RuleSetId.CETS_AG_02_01


def value(ledger: Ledger, on: date, *, ruleset: RuleSetId = B) -> float:
    found = library_in_force(ledger)
    return found.find("carbon_per_energy", applies_to="bituminous_coal", ruleset=ruleset, on=on).value


def test_an_empty_ledger_gives_the_built_in_library(ledger: Ledger) -> None:
    assert library_in_force(ledger).digest() == factors.load().digest()
    assert library_in_force(None) is factors.load()


def test_the_plants_own_record_goes_first_while_it_is_in_force(ledger: Ledger) -> None:
    """The default is 0.02618 under B and 0.0261 under A."""
    add(ledger, [OWN], by="Li", recorded_at_ms=1)
    assert value(ledger, date(2025, 12, 31)) == 0.02618 and value(ledger, date(2027, 1, 1)) == 0.02618
    assert value(ledger, date(2026, 1, 1)) == 0.0255 and value(ledger, date(2026, 12, 31), ruleset=A) == 0.0255


def test_a_newer_default_does_not_push_an_own_record_aside(ledger: Ledger) -> None:
    """CETS defaults begin on 2024-09-13; an own record of 2020 without end stays in force."""
    add(ledger, [replace(OWN, valid_from=date(2020, 1, 1), valid_to=None)], by="Li", recorded_at_ms=1)
    assert value(ledger, date(2026, 6, 1)) == 0.0255


def test_a_record_of_a_variant_serves_that_variant_only(ledger: Ledger) -> None:
    own = replace(OWN, id="own.of", quantity="oxidation_fraction", variant="industrial_boiler", value=0.9, unit="1")
    add(ledger, [own], by="Li", recorded_at_ms=1)
    library = library_in_force(ledger)

    def found(variant: str | None) -> float:
        on = date(2026, 6, 1)
        return library.find("oxidation_fraction", applies_to="bituminous_coal", ruleset=B, on=on, variant=variant).value

    assert found(None) == 0.99 and found("industrial_boiler") == 0.9


def test_a_new_edition_supersedes_and_the_old_one_stays(ledger: Ledger) -> None:
    add(ledger, [OWN], by="Li", recorded_at_ms=1)
    assert add(ledger, [OWN], by="Wang", recorded_at_ms=2) == ()
    add(ledger, [replace(OWN, value=0.0257)], by="Wang", recorded_at_ms=3)
    assert value(ledger, date(2026, 6, 1)) == 0.0257
    old, new = factor_editions.editions(ledger)
    assert (old.factor.value, old.superseded_by, old.recorded_by) == (0.0255, new.number, "Li")
    assert old.factor == OWN and new.superseded_by is None


def test_a_record_of_the_same_kind_and_first_day_is_another_edition_even_under_another_id(ledger: Ledger) -> None:
    add(ledger, [OWN, replace(OWN, id="own.other", value=0.025)], by="Li", recorded_at_ms=1)
    assert value(ledger, date(2026, 6, 1)) == 0.025
    narrower = replace(OWN, id="own.narrow", rulesets=(A,))
    with pytest.raises(UsageError, match="which is also for cets_ag_02_01"):
        add(ledger, [narrower], by="Li", recorded_at_ms=2)


def test_a_built_in_record_cannot_be_changed(ledger: Ledger) -> None:
    name = factors.load().factors[0].id
    with pytest.raises(UsageError, match="that of a built-in record"):
        add(ledger, [replace(OWN, id=name)], by="Li", recorded_at_ms=1)


def test_an_approval_verifies_a_default_or_an_own_record_until_it_says_something_else(ledger: Ledger) -> None:
    add(ledger, [OWN], by="Li", recorded_at_ms=1)
    name = "cets_2024_clinker.clinker_process_factor.portland"
    approve(ledger, name, by="Chen", on=date(2026, 11, 2), note="compared with the printed guide", recorded_at_ms=2)
    found = approve(ledger, OWN.id, by="Chen", on=date(2026, 11, 3), recorded_at_ms=3)
    assert found.verified
    records = {factor.id: factor for factor in library_in_force(ledger).factors}
    assert (records[name].verified, records[name].verified_by) == (True, "Chen")
    assert records[OWN.id].verified_on == date(2026, 11, 3)
    assert sum(factor.verified for factor in records.values()) == 2
    add(ledger, [replace(OWN, value=0.0257)], by="Li", recorded_at_ms=4)
    assert not {factor.id: factor for factor in library_in_force(ledger).factors}[OWN.id].verified
    # An approval is no change of a value: no hour has to be computed again.
    assert changes(ledger, after_id=factor_editions.editions(ledger)[-1].number) == ()


@pytest.mark.parametrize(("name", "by", "message"), [("nothing", "Li", "id of a record"), (None, " ", "a person")])
def test_an_approval_names_a_record_and_a_person(ledger: Ledger, name: str | None, by: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        approve(ledger, name or factors.load().factors[0].id, by=by, on=date(2026, 1, 1), recorded_at_ms=1)


def test_a_region_without_a_newer_grid_factor_keeps_its_own_and_says_so(ledger: Ledger) -> None:
    """Hubei has 0.4364 of data year 2022; national and Central China have 2023 (standard.md section 8.4)."""
    library, on = library_in_force(ledger), date(2026, 6, 1)
    national = grid_factor(library, "national", ruleset=B, on=on)
    assert (national.factor.value, national.note) == (0.5306, "") and "2023年" in national.factor.document
    hubei = grid_factor(library, "hubei", ruleset=B, on=on)
    assert hubei.factor.value == 0.4364
    assert hubei.note.startswith("no value of data year 2023 for hubei: newest earlier record, data year 2022, ")
    assert hubei.factor.document in hubei.note
    with pytest.raises(DomainError):
        grid_factor(library, "guangdong", ruleset=B, on=on)


def test_a_ledger_of_the_first_version_is_opened_and_gets_what_it_lacks(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as connection:
        columns = (
            "id integer primary key autoincrement, sample_id varchar, stream varchar, parameter varchar, value float,"
            " unit varchar, basis varchar, valid_from_ms bigint, valid_to_ms bigint, laboratory varchar, method"
            " varchar, recorded_at_ms bigint, entered_value float, entered_unit varchar, source varchar,"
            " superseded_by integer"
        )
        connection.execute(f"create table entry ({columns})")
        connection.execute(
            "insert into entry values (1, 'S', 'coal', 'net_calorific_value', 23, 'GJ/t', 'as_received', 0, 10, '',"
            " '', 1, 23, 'GJ/t', '', null)"
        )
    connection.close()
    found = Ledger(path)
    (entry,) = found.entries()
    assert (entry.value, entry.withdrawn, entry.formula) == (23.0, False, "")
    found.withdraw("S", by="Li", reason="wrong sample", recorded_at_ms=2)
    assert found.entries() == ()
    found.close()
