"""A changed scale, limit or span: two signatures, and told in every report (reference/trust.md 2.3 and 2.9; R34)."""

from __future__ import annotations

from pathlib import Path

from tanji.trust.batch import Batch
from tanji.trust.canonical import encode64
from tanji.trust.note import split
from tanji.trust.verify_report import Change

from .. import mutants
from ..mutant_fields import field, replaced
from ..world import POINT_MAP, T0, build
from .judging import judge, judge_world, rule


def test_every_change_is_told_old_value_and_new(tmp_path: Path) -> None:
    changes = judge(mutants.sound(), tmp_path).facts.changes
    assert changes == (
        Change(11, "pointmap", "kiln1.coal.mass_flow.scale", "0.1", "0.097"),
        Change(11, "plant.yaml", "limits.coal", '"40"', '"45"'),
    )


def test_a_change_is_told_also_where_the_files_are_not_handed_over(tmp_path: Path) -> None:
    members = {path: data for path, data in mutants.standard().members().items() if not path.startswith("files/")}
    changes = judge(mutants.standard().listed(members), tmp_path).facts.changes
    assert [(each.file, each.key) for each in changes] == [("pointmap", "sha256"), ("plant.yaml", "sha256")]


def test_a_new_point_and_one_that_is_gone_are_told(tmp_path: Path) -> None:
    swap = replaced(b"mill1.power rate meter1", b"mill2.power rate meter2")
    world = build(tamper={"pointmap2": swap})
    told = {(each.key, each.old, each.new) for each in judge_world(world, tmp_path).facts.changes}
    assert ("mill1.power.meter", "meter1", None) in told and ("mill2.power.meter", None, "meter2") in told


def test_a_point_map_that_nobody_approved(tmp_path: Path) -> None:
    world = build(tamper={"gw1:1": field("pointmap", encode64(bytes(32)))})
    assert rule(judge_world(world, tmp_path).integrity) == "pointmap-approved"


def test_the_old_point_map_after_the_new_one_took_force(tmp_path: Path) -> None:
    """The old scale would be the more convenient one again."""
    old = Batch.parse(split(mutants.standard().notes[mutants.standard().labels["gw1:1"]])[0]).pointmap
    world = build(tamper={"gw1:5": field("pointmap", encode64(old))})
    assert rule(judge_world(world, tmp_path).integrity) == "pointmap-approved"


def test_an_old_point_map_stays_good_for_what_was_read_before(tmp_path: Path) -> None:
    """A batch of the time before that came to the log later."""
    old = Batch.parse(split(mutants.standard().notes[mutants.standard().labels["gw1:1"]])[0]).pointmap
    world = build(tamper={"gw1:4": field("pointmap", encode64(old))})
    assert judge_world(world, tmp_path).exit_code == 0


def test_a_file_that_is_not_the_approved_one(tmp_path: Path) -> None:
    world = mutants.standard()
    members = world.members()
    path = next(path for path, data in members.items() if path.startswith("files/") and data == POINT_MAP)
    members[path] = POINT_MAP.replace(b"0.1", b"0.2")
    assert rule(judge(world.listed(members), tmp_path).integrity) == "plant-file"


def test_meters_whose_settings_nobody_seals_are_named(tmp_path: Path) -> None:
    assert judge(mutants.sound(), tmp_path).facts.unregistered_meters == ("meter1", "weigher1")


def test_a_respanned_meter_stands_in_a_config_batch(tmp_path: Path) -> None:
    """Its registers are sealed like readings, and a second value for one time needs a correction."""
    zero = T0 + 60_000
    line = f"kiln1.belt.zero {zero} 0.25 0\n"
    again = replaced(line, line + line.replace("0.25", "0.75"))
    world = build(tamper={"payload gw1:2": again})
    assert rule(judge_world(world, tmp_path).integrity) == "payload-first-value"
