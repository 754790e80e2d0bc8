"""From a published tonne back to a reading, its meter and its certificate, by a bundle alone (R34, R36)."""

from __future__ import annotations

from hashlib import sha256

from tanji.trust.batch import Batch
from tanji.trust.batch_payload import check_payload
from tanji.trust.canonical import decode64
from tanji.trust.correction import parse as parse_correction
from tanji.trust.note import split
from tanji.trust.payload import parse_payload
from tanji.trust.plant_note import read_point_map
from tanji.trust.statement import parse as parse_statement
from tanji.trust.tree import root_of_lines

from . import mutants
from .world import T0

HOUR = "kiln1.coal.mass_flow 1772323200000 20.5 0"
"""The line of the hour that was fed to the formulas."""


def test_a_tonne_leads_to_its_readings_its_meter_and_its_certificate() -> None:
    bundle = mutants.sound()
    said = parse_statement(split(bundle["statement.note"])[0])
    lines = bundle["inputs.lines"].splitlines(keepends=True)
    assert root_of_lines(lines) == decode64(said.inputs.manifest.root, rule="statement-manifest")
    assert f"{HOUR}\n".encode() in lines
    point = HOUR.partition(" ")[0]

    readings = []
    for path in sorted(path for path in bundle if path.startswith("payload/")):
        batch = Batch.parse(split(bundle[path.replace("payload/", "notes/").replace(".lines", ".note")])[0])
        if batch.kind == "laboratory":
            continue
        check_payload(batch, bundle[path])
        readings += [(line, batch) for line in parse_payload(bundle[path]) if line.point == point]
    of_the_hour = [line for line, _ in readings if said.period.from_ms <= line.time_ms < said.period.to_ms]
    assert len(of_the_hour) == 12 and of_the_hour[0].time_ms == T0

    line, batch = next((line, batch) for line, batch in readings if line.time_ms == T0 and not line.is_duplicate)
    files = {sha256(data).digest(): data for path, data in bundle.items() if path.startswith(("files/", "pointmap"))}
    told = read_point_map(files[batch.pointmap])[line.point]
    assert (line.value, told.meter, told.told["scale"], told.told["unit"]) == (20.5, "belt1", "0.1", "t/h")
    certificates = {each.meter: each.number for each in said.ledger.certificates}
    assert certificates[told.meter] == told.told["certificate"] == "2026-001"


def test_a_correction_leads_to_the_line_it_replaced_and_to_its_evidence() -> None:
    bundle, index = mutants.sound(), mutants.standard().labels["correction"]
    said = parse_correction(split(bundle[f"notes/{index:012d}.note"])[0])
    assert f"{said.line}\n".encode() in bundle[f"payload/{said.index:012d}.lines"]
    assert sha256(bundle[f"files/{said.evidence.hex()}"]).digest() == said.evidence
