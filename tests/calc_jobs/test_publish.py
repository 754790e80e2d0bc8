"""A statement is computed from the sealed payload, signed by two, refused where somebody would have to answer (R33).

Expected tonnes: 480 t of coal in a day at 22 GJ/t; the figures themselves are compared with the jobs that lived through
the same hours, and with nothing this module computes.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from calc_jobs import ledger_export
from calc_jobs.publish import prepare, prove, recomputed, statements
from tanji.domain.items import RuleSetId
from tanji.errors import EvidenceMissing, TrustError, UsageError
from tanji.trust import note, proof, statement
from tanji.trust.keys import VerifierKey
from tanji.trust.policy import Anchor
from tanji.trust.tree import leaf_hash

from .publish_rig import APPROVER, HOUR, PREPARER, START, Sealed, asked

TRUST = "\ntrust: {origin: hx.example, late_window_d: 1}\n"
DAY = asked(4, 28)


@pytest.fixture
def lived(rig_of):
    """Thirty-two hours, lived through by the jobs."""
    rig = rig_of(("streams:", f"{TRUST.strip()}\nstreams:"))
    rig.normal(32)
    rig.enter(22.0, from_h=0, to_h=64)
    rig.run(after_h=32)
    return rig


@pytest.fixture
def sealed(lived, tmp_path: Path):
    made = Sealed(lived.plant, lived.ledger, tmp_path)
    made.seal_hours(lived.store.read("hx_raw", "reading"), 32)
    yield made
    made.log.close()


def live_total(rig, question) -> float:
    rows = rig.rows(boundary=question.boundary.value, ruleset=question.rule_set.value)
    period = question.period
    inside = [row for row in rows if period.from_ms <= row["time"] < period.to_ms]
    return math.fsum(row["co2_t"] for row in inside if row["item"] not in ("flue_gas", "clinker_electricity"))


def test_a_statement_says_what_the_jobs_computed_and_is_signed_logged_and_proved(lived, sealed) -> None:
    made = sealed.publish(DAY)
    assert float(made.statement.total_co2_t) == pytest.approx(live_total(lived, DAY), rel=1e-9)
    coal = next(one for one in made.statement.results if one.stream == "coal")
    assert coal.activity == "480.000000" and coal.activity_unit == "t"
    keys = [VerifierKey.parse(one.vkey()) for one in (PREPARER, APPROVER)]
    assert statement.parse(note.open_leaf(made.note, keys)) == made.statement
    found = proof.parse(prove(sealed.log, made.index, settle=sealed.settle))
    verified = proof.verify(found, leaf_hash(made.note), Anchor.parse(sealed.anchor()).policy)
    assert verified.checkpoint.size == made.index + 1 and verified.times
    assert sealed.log.entry(made.index) == made.note


def test_a_statement_names_the_log_before_it_and_every_chain(sealed) -> None:
    made = sealed.publish(DAY)
    inputs = made.statement.inputs
    assert inputs.size == 34  # keyring, plant note, 32 batches
    assert [(one.gateway, one.first_seq, one.last_seq) for one in inputs.gateways] == [("hx.example/gw1", 2, 31)]
    # two margins of 1800 s make an hour, and batches reach 120 s beyond theirs: hour 2 may hold a line of hour 3
    assert (inputs.from_ms, inputs.to_ms) == (START + 3 * HOUR, START + 29 * HOUR)


def test_a_statement_is_the_same_to_the_byte_when_it_is_computed_again(lived, tmp_path: Path) -> None:
    notes = []
    for name in ("one", "two"):
        made = Sealed(lived.plant, lived.ledger, tmp_path / name)
        made.seal_hours(lived.store.read("hx_raw", "reading"), 32)
        notes.append(made.publish(DAY).note)
        made.log.close()
    assert notes[0] == notes[1]


def test_a_statement_is_provisional_until_every_gateway_has_sealed_beyond_the_late_window(sealed) -> None:
    assert sealed.publish(DAY).statement.status == "provisional"
    assert sealed.publish(asked(4, 8)).statement.status == "final"  # sealed to hour 32, a day after


def test_a_period_that_is_not_sealed_to_its_end_cannot_be_published(sealed) -> None:
    with pytest.raises(EvidenceMissing) as error:
        sealed.publish(asked(20, 44))
    assert error.value.rule == "complete-time" and error.value.where == "hx.example/gw1"


def test_nothing_is_published_while_a_laboratory_in_the_keyring_has_sealed_nothing(lived, tmp_path: Path) -> None:
    made = Sealed(lived.plant, lived.ledger, tmp_path, laboratory=True)
    made.seal_hours(lived.store.read("hx_raw", "reading"), 32)
    with pytest.raises(EvidenceMissing) as error:
        made.publish(DAY)
    assert (error.value.rule, error.value.where) == ("complete-gateway", "hx.example/lab")
    made.log.close()


def test_a_second_statement_has_to_name_the_first_and_say_why(sealed) -> None:
    first = sealed.publish(DAY)
    with pytest.raises(UsageError, match="--supersedes"):
        sealed.publish(DAY)
    with pytest.raises(UsageError, match="--supersedes"):
        sealed.publish(DAY, supersedes=bytes(32), reason="another figure")
    with pytest.raises(TrustError) as error:
        sealed.publish(DAY, supersedes=leaf_hash(first.note))
    assert error.value.where == "reason"
    second = sealed.publish(DAY, supersedes=leaf_hash(first.note), reason="a certificate was late")
    assert second.statement.reason == "a certificate was late"
    assert [index for index, _ in statements(sealed.log)] == [first.index, second.index]
    # another rule set is another subject
    assert sealed.publish(asked(4, 28, rule_set=RuleSetId.GBT32151_8), reason="no oxides yet").index


def test_hours_without_a_value_need_a_reason(sealed) -> None:
    early = asked(-2, 6)
    with pytest.raises(UsageError, match="have no value: --reason"):
        sealed.publish(early)
    assert sealed.publish(early, reason="sealing began at 0").statement.quality.missing_hours >= 2


def test_nothing_can_be_replaced_that_was_never_stated(sealed) -> None:
    with pytest.raises(UsageError, match="no statement yet"):
        sealed.publish(DAY, supersedes=bytes(32), reason="why not")


def test_readings_witnessed_late_are_counted_and_need_a_reason(lived, tmp_path: Path) -> None:
    made = Sealed(lived.plant, lived.ledger, tmp_path)
    made.seal_hours(lived.store.read("hx_raw", "reading"), 32, witness_every=8)
    with pytest.raises(UsageError, match="two hours"):
        made.publish(DAY)
    said = made.publish(DAY, reason="the line to the institute was down").statement
    # of eight hours the witness saw the last two in time, less the ten seconds it came after the hour: 23 minutes of
    # every reading are too late by hour 6 of 8; of 24 h the share late is close to three quarters
    assert 0.74 < float(said.quality.late_share) < 0.76
    made.log.close()


def test_what_is_prepared_is_recomputed_to_the_byte_and_refused_without_the_reason_it_needs(
    lived, tmp_path: Path
) -> None:
    """Who approves insists on what `publish` insists on: the preparer may have signed without having been asked."""
    made = Sealed(lived.plant, lived.ledger, tmp_path)
    made.seal_hours(lived.store.read("hx_raw", "reading"), 32, witness_every=8)
    export, policy = ledger_export.export(lived.plant, lived.ledger), Anchor.parse(made.anchor()).policy
    with pytest.raises(UsageError, match="two hours"):
        prepare(made.log, export, policy=policy, settle=made.settle, question=DAY)
    mine = prepare(made.log, export, policy=policy, settle=made.settle, question=DAY, reason="the line was down")
    said, size = mine.statement, mine.statement.inputs.size
    again = recomputed(made.log, export, said=said, size=size, origin=said.inputs.origin, policy=policy)
    assert (again.body, again.inputs) == (mine.body, mine.inputs)
    silent = replace(said, reason="")
    with pytest.raises(UsageError, match="two hours"):
        recomputed(made.log, export, said=silent, size=size, origin=said.inputs.origin, policy=policy)
    made.log.close()


def test_without_a_witness_the_statement_says_so(lived, tmp_path: Path) -> None:
    made = Sealed(lived.plant, lived.ledger, tmp_path, witnessed=False)
    made.seal_hours(lived.store.read("hx_raw", "reading"), 32)
    said = made.publish(DAY).statement
    assert said.witnessed is False and said.quality.late_share == "0.000000"
    assert json.loads(made.publish(asked(5, 6)).note.split(b"\n")[1])["witnessed"] is False
    made.log.close()


def test_a_value_sent_again_changes_nothing_and_a_late_one_fills_a_hole(lived, sealed) -> None:
    before = sealed.publish(DAY).statement
    line = f"coal {START + 10 * HOUR} 1.0 4\n".encode()  # DUPLICATE
    sealed.batch(line, kind="late", reason="sent again", sealed_ms=START + 12 * HOUR)
    again = sealed.publish(DAY, supersedes=sealed.log.leaf_hash(sealed.log.size - 2), reason="once more").statement
    assert again.results == before.results


def test_a_reading_sealed_after_the_late_window_needs_a_reason(sealed) -> None:
    line = f"coal {START + 10 * HOUR + 1} 20.0 0\n".encode()
    sealed.batch(line, kind="late", reason="logger read out", sealed_ms=START + 48 * HOUR)
    with pytest.raises(UsageError, match="later than 1 days"):
        sealed.publish(DAY)


def test_a_database_that_was_altered_does_not_change_a_statement(lived, sealed) -> None:
    rows = lived.store.read("hx_raw", "reading", where={"point": ["coal"]})
    lower = rows.set_column(rows.column_names.index("value"), "value", [[1.0] * rows.num_rows])
    lived.store.write("hx_raw", "reading", lower)
    coal = next(one for one in sealed.publish(DAY).statement.results if one.stream == "coal")
    assert coal.activity == "480.000000"


def test_a_laboratory_value_is_in_the_export_the_statement_names(lived, sealed) -> None:
    made = sealed.publish(DAY)
    export = sealed.log.file(made.statement.ledger.sha256)
    assert [one["value"] for one in ledger_export.read(export)["entries"]] == ["22.0"]
