"""Attacks with every key of the plant, signed and logged in order: refused where a rule can see it, told where not.

The plant owns gateway, laboratory, preparer and approver, but neither the witness nor the institute's registrar
(reference/trust.md 2.9; R34, R35).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.cli.verify_text import by_weight, text
from tanji.trust.canonical import encode64, json_line
from tanji.trust.statement import Inputs, Manifest
from tanji.trust.tree import Tree
from tanji.trust.verify_facts import own_factors, unsealed_values
from tanji.trust.verify_report import Corrected
from tanji.trust.verify_told import Overlap, Revised, Setting, Silent, Unannounced

from .. import mutants, world
from ..mutant_fields import replaced
from ..world import HOUR, MINUTE, T0, Tamper, World, build
from .judging import incomplete, judge, judge_world, rule

COAL = f"kiln1.coal.mass_flow {T0 + 20_000}"


def corrected(target: int, old: str, new: str) -> Tamper:
    """The correction of the world aimed elsewhere."""
    leaf = encode64(mutants.standard().tree.levels[0][target])
    said = {"index": str(target), "batch": leaf, "line": old, "by": new}

    def alter(body: bytes) -> bytes:
        lines = body.decode().split("\n")
        words = (line.split(" ", 1)[0] for line in lines)
        return "\n".join(f"{word} {said.get(word, line[len(word) + 1 :])}".strip() if word in said else line
                         for word, line in zip(words, lines, strict=True)).encode()  # fmt: skip

    return alter


def test_a_correction_cannot_name_an_old_value_that_nobody_can_look_up(tmp_path: Path) -> None:
    """Told as 20.13 -> 20.125, a trifle; 20.625 had been sealed."""
    aimed = corrected(0, f"{COAL} 20.13 0", f"{COAL} 20.125 0")
    assert incomplete(judge_world(build(tamper={"correction": aimed}), tmp_path)) == "payload-missing"


def test_a_correction_cannot_replace_a_line_that_does_not_stand(tmp_path: Path) -> None:
    """The lower value was sent again first, and sealed with DUPLICATE."""
    old = f"kiln1.coal.mass_flow {T0} 19.0 4"
    aimed = corrected(mutants.standard().labels["gw1:4"], old, old.replace(" 4", " 0"))
    assert rule(judge_world(build(tamper={"correction": aimed}), tmp_path).integrity) == "correction-form"


def test_a_gateway_cannot_speak_for_meters_outside_its_scope(tmp_path: Path) -> None:
    """The registrar said mills only; a box in the office would seal the kiln's coal."""

    def narrowed(meter: str) -> World:
        def alter(body: bytes) -> bytes:
            lines = body.split(b"\n")
            return b"\n".join(
                line[:-1] + meter.encode()
                if b" demo.example/gw2+" in line and line.startswith(b"key gateway")
                else line
                for line in lines
            )

        return build(tamper={"keyring1": alter, "keyring2": alter, "payload gw2:1": lambda _: _mill()})

    assert judge_world(narrowed("meter1"), tmp_path).exit_code == 0
    assert rule(judge_world(narrowed("belt1"), tmp_path).integrity) == "payload-point"


def _mill() -> bytes:
    return f"mill1.power {T0 + 5000} 4.0 0\n".encode()


def test_a_laboratory_that_sealed_nothing_is_missed(tmp_path: Path) -> None:
    silent = build(leave_out=frozenset({"lab:0", "lab:1", "lab:2"}))
    report = judge(silent.listed(silent.members()), tmp_path)
    assert incomplete(report) == "complete-gateway"
    assert report.completeness.failure is not None and report.completeness.failure.where == "demo.example/lab"


def test_a_new_span_of_a_meter_is_told(tmp_path: Path) -> None:
    """The belt's own factor goes from 0.25 to 0.2425, 3 % less, and every reading after it is honestly sealed."""
    zero = T0 + MINUTE
    spanned = f"kiln1.belt.zero {zero} 0.25 0\nkiln1.belt.zero {zero + 1} 0.2425 0\n".encode()
    made = build(tamper={"payload gw1:2": lambda _: spanned, "gw1:2": replaced(f"to {zero + 1}\n", f"to {zero + 2}\n")})
    report = judge_world(made, tmp_path)
    assert report.exit_code == 0
    assert report.facts.settings == (Setting("kiln1.belt.zero", zero + 1, "0.25", "0.2425"),)
    assert "kiln1.belt.zero 2026-03-01T00:01:00Z: 0.25 -> 0.2425" in text(report)


def test_a_setting_that_is_not_read_any_more_is_told(tmp_path: Path) -> None:
    made = build(tamper={"payload gw1:2": lambda data: data.replace(b" 0.25 ", b" - ")})
    report = judge_world(made, tmp_path)
    assert report.facts.silent_settings == (Silent("kiln1.belt.zero", HOUR),)
    assert "kiln1.belt.zero: 1.0 h" in text(report)


def test_readings_sealed_before_their_time_are_told(tmp_path: Path) -> None:
    """Whoever reaches the sealer's door can send tomorrow's values today; the first one stands."""
    early = f"mill1.power {T0 + 11 * MINUTE} 1.0 0\nmill1.power {T0 + 20 * MINUTE} 1.0 0\n"
    ten, later = (T0 + minutes * MINUTE for minutes in (10, 29))
    made = build(
        tamper={
            "payload gw2:1": lambda _: early.encode(),
            "gw2:1": replaced(f"to {ten}\n", f"to {later}\n"),
            "gw2:2": replaced(f"from {ten}\n", f"from {later}\n"),
        }
    )
    report = judge_world(made, tmp_path)
    assert report.exit_code == 0
    assert report.facts.early == 1  # a witness saw the log at ten minutes past; five more may be its clock
    assert "witnessed BEFORE their time" in text(report) and "BEFORE" not in text(judge(mutants.sound(), tmp_path))


@pytest.mark.parametrize("name", ["2026-03", "March"])
def test_the_hours_of_a_period_are_told_whatever_its_name_says(name: str, tmp_path: Path) -> None:
    """A month of twenty-nine days would lose three percent."""
    made = build(tamper={"statement2": replaced("2026-03-01T08", name)})
    report = judge_world(made, tmp_path)
    assert "2026-03-01T00:00:00Z to 2026-03-01T01:00:00Z, 1 h" in text(report)


def test_another_statement_with_hours_of_the_period_is_told(tmp_path: Path) -> None:
    """One hour later by a second: another subject, so neither supersedes the other."""

    def shifted(body: bytes) -> bytes:
        said = world.loads(body)
        said["period"] = {"from_ms": T0, "to_ms": T0 + 2 * HOUR, "name": "the same, nearly"}
        return b"tanji/statement/v1\n" + json_line(said) + b"\n"

    made = build(tamper={"statement1": shifted, "statement2": _first})
    report = judge_world(made, tmp_path)
    assert report.facts.overlaps == (Overlap(19, "the same, nearly", T0, T0 + 2 * HOUR, "51.250000"),)
    assert "the same, nearly" in text(report)


def _first(body: bytes) -> bytes:
    said = world.loads(body)
    said["supersedes"] = None
    return b"tanji/statement/v1\n" + json_line(said) + b"\n"


def test_results_replaced_withdrawn_or_of_a_sample_nobody_announced_are_told(tmp_path: Path) -> None:
    quantity, end = "kiln1_coal.net_calorific_value", T0 + HOUR
    again = f"result S-1 {quantity} {T0} {end} 21.825 as_received\n".encode()
    taken = f"sample S-1 {T0 + 5 * MINUTE}\n".encode()
    first = f"result S-1 {quantity} {T0} {end} 22.5 as_received\n".encode()
    chosen = f"result S-9 {quantity} {end} {end + HOUR} 21.0 as_received\n".encode()
    made = build(
        tamper={
            "payload lab:1": lambda data: b"".join(sorted([first, *data.splitlines(keepends=True)])),
            "payload lab:2": lambda data: b"".join(sorted([again, chosen, *data.splitlines(keepends=True)[1:]])),
        }
    )
    assert taken in made.payloads[made.labels["lab:1"]]
    facts = judge_world(made, tmp_path).facts
    old, new = (f"{value} as_received {T0} to {end}" for value in ("22.5", "21.825"))
    assert Revised(18, "S-1", quantity, old, new) in facts.revised_results
    assert Revised(18, "S-2", quantity, None, None) in facts.revised_results
    assert {each.sample for each in facts.unannounced} == {"S-1", "S-9"}
    assert Unannounced(18, "S-9", None, None) in facts.unannounced


def test_values_of_the_ledger_that_no_laboratory_sealed_and_own_factors_are_told() -> None:
    inputs = Inputs("log", 1, "", T0, T0 + HOUR, (), Manifest(0, ""))
    entry = {"stream": "coal", "parameter": "net_calorific_value", "sample_id": "S-1", "valid_from_ms": T0,
             "valid_to_ms": T0 + HOUR, "value": "21.825", "unit": "GJ/t", "basis": "as_received"}  # fmt: skip
    factor = {"id": "ours", "quantity": "net_calorific_value", "value": "20.0", "unit": "GJ/t"}
    ledger = json_line({"entries": [entry, {**entry, "valid_from_ms": T0 + HOUR}], "factors": [factor]}) + b"\n"
    assert unsealed_values(ledger, {}, inputs) == [
        f"coal.net_calorific_value 21.825 GJ/t as_received, S-1, {T0} to {T0 + HOUR}"
    ]
    shares = [("0.6494", "", "0.6494 (64.94 %)"), ("6.494", "", "6.494"), ("0.002", "dry", "0.002 (0.2 %) dry")]
    for value, basis, said in shares:  # a unit `1` behind a value reads as another number, 649.4 % as a mistake
        share = {**entry, "value": value, "unit": "1", "basis": basis}
        (line,) = unsealed_values(json_line({"entries": [share]}), {}, inputs)
        assert line == f"coal.net_calorific_value {said}, S-1, {T0} to {T0 + HOUR}"
    (told,) = own_factors(ledger)
    assert told.startswith("ours, net_calorific_value") and "20.0" in told
    assert own_factors(b"{") == own_factors(b"\xff") and len(own_factors(b"[]")) == 0
    assert len(unsealed_values(json_line({"entries": [{"value": 1}]}), {}, inputs)) == 1


def test_a_change_of_scale_just_before_the_bundle_begins_is_told(tmp_path: Path) -> None:
    """Whoever makes a bundle chooses its first entry; the bundle before may have ended earlier still."""
    made = mutants.standard()
    members = made.members(first=made.labels["plant2"] + 1)
    report = judge(made.listed({path: data for path, data in members.items() if _fits(made, path)}), tmp_path)
    assert ("kiln1.coal.mass_flow.scale", "0.1", "0.097") in {
        (each.key, each.old, each.new) for each in report.facts.changes
    }


def _fits(made: World, path: str) -> bool:
    return not path.startswith("payload/") or int(path[8:20]) > made.labels["plant2"]


def test_forty_trifles_do_not_hide_a_correction_that_counts() -> None:
    small = [Corrected(place, f"a.b {place} 1000.0 0", f"a.b {place} 1000.1 0", "drift") for place in range(60)]
    large = Corrected(99, "a.b 99 1000.0 0", "a.b 99 970.0 0", "drift")
    taken = Corrected(98, "a.b 98 1000.0 0", "a.b 98 - 0", "drift")
    assert by_weight([*small, large, taken])[:2] == [taken, large]


def test_the_longest_time_without_a_witness_is_told(tmp_path: Path) -> None:
    """Checkpoints that would show when something was sealed can be left out of a bundle."""
    assert judge(mutants.sound(), tmp_path).facts.unwitnessed_ms == 50 * MINUTE
    members = {path: data for path, data in mutants.standard().members().items() if not path.startswith("checkpoints")}
    report = judge(mutants.standard().listed(members), tmp_path)
    assert report.facts.unwitnessed_ms == HOUR
    assert "longest part of the period without a witness 时期内最长无见证时间: 1.00 h" in text(report)


def test_what_came_after_the_statement_was_computed_is_told_as_not_counted(tmp_path: Path) -> None:
    """Its size is chosen by the plant: a correction upwards, or the late half of a logger, can be left just outside."""

    def earlier(body: bytes) -> bytes:
        said, made = world.loads(body), mutants.standard()
        tree = Tree()
        for entry in made.notes[: made.labels["statement1"]]:
            tree.append(entry)
        said["inputs"] |= {"size": tree.size, "root": encode64(tree.root())}
        return b"tanji/statement/v1\n" + json_line(said) + b"\n"

    report = judge_world(build(tamper={"statement2": earlier}), tmp_path)
    assert report.exit_code == 0
    assert "(log index 20, NOT in the figure" in text(report)
    assert "NOT in the figure" not in text(judge(mutants.sound(), tmp_path))


def test_readings_logged_after_the_statement_was_computed_are_counted_apart(tmp_path: Path) -> None:
    def earlier(body: bytes) -> bytes:
        said, made = world.loads(body), mutants.standard()
        tree = Tree()
        for entry in made.notes[: made.labels["gw1:4"]]:
            tree.append(entry)
        said["inputs"] |= {"size": tree.size, "root": encode64(tree.root())}
        return b"tanji/statement/v1\n" + json_line(said) + b"\n"

    report = judge_world(build(tamper={"statement2": earlier}), tmp_path)
    assert incomplete(report) == "complete-sequence"  # its ranges of sequence numbers are the later ones
    assert report.facts.uncounted == 9
    assert "NOT in the figure" in text(report)


def test_a_certificate_that_ran_out_is_told(tmp_path: Path) -> None:
    made = build(tamper={"statement2": replaced('"due":"2027-01-01"', '"due":"2026-01-01"')})
    assert "belt1: 2026-001, 2026-01-01" in text(judge_world(made, tmp_path))
    assert "certificates" not in text(judge(mutants.sound(), tmp_path))
