"""The demonstration's last steps: sealed, witnessed, published, bundled, verified; one bit changed, found, put back.

Everything is done with the functions a plant uses. The institute, its witness and every other key are the
demonstration's own (`demo_keys`), so the bundle proves to nobody outside that a plant exists; that a changed byte is
found it proves to everybody (R33-R36, R58).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from calc_jobs import ledger_export, verify_recompute
from calc_jobs.audit import Audit
from calc_jobs.bundling import Order, members
from calc_jobs.publish import Office, Published, publish
from calc_jobs.recomputation import Question
from calc_jobs.repair import Repair
from tanji.cli import verify_text
from tanji.cli.audit_text import audit_lines, moment, repair_lines
from tanji.cli.auditing import sealed_log
from tanji.cli.box import Box
from tanji.cli.demo_keys import INSTITUTE
from tanji.errors import EvidenceMissing
from tanji.plant.model import Plant
from tanji.plant.names import raw_bucket
from tanji.trust.bundle_writer import write_bundle
from tanji.trust.log import Log
from tanji.trust.log_reader import read_head
from tanji.trust.policy import Anchor
from tanji.trust.statement import Period
from tanji.trust.verify_bundle import verify_bundle
from tanji.trust.verify_report import Report

HOUR_MS = 3_600_000
SEAL_S = 120.0
"""How long the log may take for a month of readings that came in a few seconds."""

REASON = (
    "演示一次补入整段历史，读数均为迟到 / the demonstration brings its whole history in at once, so readings are late"
)
BY = "tanji demo"


@dataclass(frozen=True, slots=True)
class Evident:
    """What was published, and what a verifier says of the bundle."""

    period: Period
    published: tuple[Published, ...]
    report: Report
    bundle: Path
    anchor: Path


@dataclass(frozen=True, slots=True)
class Tampered:
    """The bit that was changed, and what the audit said before and after the repair.

    differences : rows that differed before, and rows that differ after.
    """

    point: str
    time_ms: int
    before: float
    after: float
    found: tuple[str, ...]
    repaired: tuple[str, ...]
    differences: tuple[int, int]


def publish_and_verify(box: Box, *, start_ms: int, closed_ms: int, out: Path) -> Evident:
    """Publish a whole local day of [start_ms, closed_ms) [UTC ms], bundle the compliance figure and verify it."""
    evidence = box.evidence
    assert evidence is not None and evidence.log is not None and evidence.anchor is not None
    assert evidence.preparer is not None and evidence.approver is not None and box.laboratory is not None
    box.sealer.seal_now(SEAL_S)
    box.laboratory.seal(even_nothing=True)
    settle = partial(settled, box)
    office = Office(
        preparer=evidence.preparer,
        approver=evidence.approver,
        policy=evidence.anchor.policy,
        append=lambda note, files: add_note(evidence.log, note, files),
        settle=settle,
    )
    period = day_to_publish(box.plant, start_ms=start_ms, closed_ms=closed_ms, now_ms=box.clock())
    ledger = ledger_export.export(box.plant, box.ledger)
    questions = [Question(period, boundary, rule_set) for boundary, rule_set in subjects(box.plant)]
    published = tuple(
        publish(evidence.log, ledger, office=office, question=question, reason=REASON) for question in questions
    )
    bundle, anchor = out / "bundle.zip", out / "anchor"
    first, head = published[0], settle(evidence.log.size)  # the compliance figure comes first
    order = Order(first.index, head, anchor.read_bytes(), first.inputs)
    write_bundle(bundle, members(evidence.log, order), signer=evidence.preparer)
    own = Anchor.parse(anchor.read_bytes())
    check = partial(verify_recompute.check, policy=own.policy)
    report = verify_bundle(bundle, anchor=own, recompute=check)
    return Evident(period, published, report, bundle, anchor)


def settled(box: Box, size: int) -> bytes:
    """A checkpoint over at least `size` entries that the witness has cosigned."""
    keeper = box.sealing.keeper
    head = None if keeper is None else keeper.witness()
    if head is None or read_head(head).size < size:
        raise EvidenceMissing("quorum", where="witness", expected=f"a cosignature over {size} entries", got="none")
    return head


def add_note(log: Log | None, note: bytes, files: Mapping[str, bytes]) -> int:
    """Add a note to the log of this process."""
    assert log is not None
    return log.add_note(note, files=files)


def day_to_publish(plant: Plant, *, start_ms: int, closed_ms: int, now_ms: int) -> Period:
    """The newest whole local day whose late window has passed, else the first whole day, else all there is."""
    assert plant.trust is not None
    zone = ZoneInfo(plant.site.timezone)
    days: list[Period] = []
    day = datetime.fromtimestamp(start_ms / 1000, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    while (begin := round(day.timestamp() * 1000)) < closed_ms:
        name, day = f"{day:%Y-%m-%d}", day + timedelta(days=1)
        end = round(day.timestamp() * 1000)
        if start_ms <= begin and end <= closed_ms:
            days.append(Period(begin, end, name))
    final = [each for each in days if each.to_ms + plant.trust.late_window_d * 24 * HOUR_MS <= now_ms]
    first, last = (datetime.fromtimestamp(ms / 1000, zone) for ms in (start_ms, closed_ms))
    whole = Period(start_ms, closed_ms, f"{first:%Y-%m-%dT%H:%M}/{last:%Y-%m-%dT%H:%M}")
    return (final[-1:] or days[:1] or [whole])[0]


def subjects(plant: Plant) -> list[tuple[Any, Any]]:
    """Every boundary under every rule set, the compliance figure first."""
    boundaries = sorted({boundary for stream in plant.streams for boundary in stream.boundaries})
    found = [(boundary, rule_set) for boundary in boundaries for rule_set in plant.rulesets]
    return sorted(found, key=lambda subject: subject != plant.compliance)


def tamper_and_repair(box: Box, period: Period) -> Tampered:
    """Change one bit of the live database, have the audit find it, and put it back from the evidence."""
    point, time_ms, before, after = change_one_bit(box, period)
    found, repaired, differences = audited(box, period)
    return Tampered(point, time_ms, before, after, found, repaired, differences)


def change_one_bit(box: Box, period: Period) -> tuple[str, int, float, float]:
    """Flip the lowest bit of one value, as somebody with access to the database could: point, time, before, after."""
    point = next(point.id for stream in box.plant.streams for point in box.plant.points if point.id in stream.points)
    bucket, middle = raw_bucket(box.plant.site.id), (period.from_ms + period.to_ms) // 2
    rows = box.store.read(bucket, "reading", start_ms=middle, end_ms=period.to_ms, where={"point": [point]})
    place = next(row for row, value in enumerate(rows["value"].to_pylist()) if value is not None)
    row = rows.slice(place, 1)
    before, time_ms = row["value"][0].as_py(), row["time"][0].as_py()
    after = float((np.array([before]).view(np.uint64) ^ np.uint64(1)).view(np.float64)[0])
    where = {"plant": [box.plant.site.id], "point": [point]}
    box.store.delete(bucket, "reading", start_ms=time_ms, end_ms=time_ms + 1, where=where)
    column = rows.schema.get_field_index("value")
    box.store.write(bucket, "reading", row.set_column(column, "value", pa.array([after], pa.float64())))
    return point, time_ms, before, after


def audited(box: Box, period: Period) -> tuple[tuple[str, ...], tuple[str, ...], tuple[int, int]]:
    """What the audit of the database says now, what its repair did, and how many rows differed before and after."""
    zone = ZoneInfo(box.plant.site.timezone)
    audit = Audit(box.plant, store=box.store, log=sealed_log(box.data_dir), clock=box.clock)
    facts = audit.run(period.from_ms, period.to_ms).facts()
    repair = Repair(box.plant, store=box.store, ledger=box.ledger, audit=audit, jobs=box.jobs, clock=box.clock)
    report = repair.run(period.from_ms, period.to_ms, by=BY, reason=REASON)
    told = report.facts()
    counts = int(facts["differences"]), int(told["left"]["differences"])
    return tuple(audit_lines(facts, zone)), tuple(repair_lines(told, zone)), counts


def as_json(evident: Evident, tampered: Tampered) -> dict[str, Any]:
    """What `summary.json` says of the evidence."""
    report = evident.report
    return {
        "bundle": evident.bundle.name,
        "anchor": evident.anchor.name,
        "period": evident.period.name,
        "statements": [
            {
                "boundary": each.statement.boundary,
                "ruleset": each.statement.rule_set,
                "co2_t": each.statement.total_co2_t,
                "status": each.statement.status,
                "log_index": each.index,
            }
            for each in evident.published
        ],
        "verification": verify_text.as_json(report),
        "exit_code": report.exit_code,
        "audit": {"changed": tampered.differences[0], "after_repair": tampered.differences[1]},
    }


def print_evident(evident: Evident) -> None:
    """Statements and verification for a person."""
    print(f"\n证据链 chain of evidence, {evident.period.name}")
    print(f"密钥、计量院 {INSTITUTE} 及其见证服务都是演示自备，对外不证明任何事。")
    print(f"Keys, the institute {INSTITUTE} and its witness are the demonstration's own and prove nothing outside.")
    for each in evident.published:
        said = each.statement
        total = "-" if said.total_co2_t is None else said.total_co2_t
        print(f"  声明 statement {each.index}: {said.boundary} {said.rule_set} {total} tCO2, {said.status}")
    print(f"\n$ tanji verify bundle {evident.bundle} --anchor {evident.anchor}")
    print(verify_text.text(evident.report))
    print(f"exit code {evident.report.exit_code}; explain.html 在文件包内，供人阅读 is in the bundle, for people")


def print_tampered(tampered: Tampered, plant: Plant) -> None:
    """The last step for a person."""
    when = moment(tampered.time_ms, ZoneInfo(plant.site.timezone))
    print("\n最后一步：在运行中的数据库里改动一位 last step: one bit of the live database is changed")
    print(f"  {tampered.point} {when}: {tampered.before!r} -> {tampered.after!r}")
    print("数据库核对 audit:")
    for line in tampered.found:
        print(f"  {line}")
    print("按证据恢复 repair:")
    for line in tampered.repaired:
        print(f"  {line}", flush=True)
