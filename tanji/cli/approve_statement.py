"""A statement before it is approved: computed once more from the log, without the preparer (R33, R36).

The first `inputs.size` entries and the ledger export beside the draft have to give the draft to the byte; the log and
the ledger as they are now the same figures, or the draft is out of date; and no newer statement may be on its subject.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from calc_jobs.proofs import head_of
from calc_jobs.publish import recomputed, statements
from tanji.cli.approve_review import DIFFERS, STALE, Change, Review, check_plant, printable, refusal
from tanji.cli.period import check_name
from tanji.cli.publishing import PublishingRoom
from tanji.errors import TrustError
from tanji.report import numbers
from tanji.trust import plant_note, statement
from tanji.trust.approval_draft import Draft
from tanji.trust.canonical import encode64
from tanji.trust.statement import Statement
from tanji.trust.waiting_room import Waiting

LEDGER = "ledger.json"
"""Name, beside a draft, of the ledger export that it was computed from."""
FIGURES = ("results", "total_co2_t", "total_u_rel", "plant_file", "captured", "substituted_hours", "missing_hours")
"""What must not have changed since; lateness, status and the log's size go on by themselves."""
UNITS = {"clinker": "熟料生产边界", "enterprise": "企业边界"}
STATUS = {"provisional": "暂定", "final": "最终"}


def review(room: PublishingRoom, waiting: Waiting, draft: Draft, *, ledger: bytes, timezone: str) -> Review:
    """Compute the statement again and show it; refused where anything differs. ledger : its export as of now."""
    said = statement.parse(draft.body)
    check_plant(said.plant, room.keyring())
    check_name(said.period, timezone)
    replaced = _replaced(room, waiting.name, said)
    size = said.inputs.size
    if size > room.log.size:
        expected = f"a log of at most {room.log.size} entries"
        raise TrustError("statement-inputs", where="inputs.size", expected=expected, got=str(size))
    head = head_of(room.settle(size))
    policy = room.anchor.policy
    again = recomputed(room.log, waiting.file(LEDGER, rule="statement-digest"), said=said, size=size,
                       origin=head.origin, policy=policy)  # fmt: skip
    if again.body != draft.body:
        found = differences(_told(said), _told(again.statement))
        raise refusal(waiting.name, DIFFERS, found, between="draft -> computed here 草稿 -> 本机重算")
    now = recomputed(room.log, ledger, said=said, size=head.size, origin=head.origin, policy=policy)
    found = differences(_figures(said), _figures(now.statement))
    if found:
        between = f"entries {size} to {head.size - 1} of the log, or the ledger, change it: draft -> now 草稿 -> 现在"
        raise refusal(waiting.name, STALE, found, between=between)
    return Review(tuple(map(printable, _lines(said, replaced, timezone))), again.files, again.inputs)


def inputs_of(room: PublishingRoom, waiting: Waiting, said: Statement) -> bytes:
    """The lines fed to the formulas of a statement that is in the log already."""
    ledger = waiting.file(LEDGER, rule="statement-digest")
    return recomputed(room.log, ledger, said=said, size=said.inputs.size, origin=said.inputs.origin,
                      policy=room.anchor.policy).inputs  # fmt: skip


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """What differs between what two statements say."""
    return list(plant_note.changes(*(json.dumps(each).encode() for each in (old, new))))


def _replaced(room: PublishingRoom, name: str, said: Statement) -> tuple[int, Statement] | None:
    """The statement it replaces; refused unless that is the newest on its subject."""
    same = [(index, other) for index, other in statements(room.log) if other.subject == said.subject]
    newest = encode64(room.log.leaf_hash(same[-1][0])) if same else None
    if said.supersedes != newest:
        entry = f"entry {same[-1][0]} {newest}" if same else ""
        found = [("supersedes", said.supersedes or "", entry)]
        raise refusal(name, STALE, found, between="draft -> newest statement on its subject 草稿 -> 同一对象的最新声明")
    return same[-1] if same else None


def _told(said: Statement) -> dict[str, Any]:
    """What a statement says, its lines by their names."""
    told: dict[str, Any] = json.loads(statement.format_statement(said).removeprefix(statement.TYPE_LINE))
    named = {f"{one['line']} {one['stream']} {one['item']} {one['method']}": one for one in told["results"]}
    return told | {"results": named}


def _figures(said: Statement) -> dict[str, Any]:
    told = _told(said)
    flat = told | told["quality"]
    return {name: flat[name] for name in FIGURES}


def _lines(said: Statement, replaced: tuple[int, Statement] | None, timezone: str) -> Iterator[str]:
    first, last = (numbers.local_time(at, timezone) for at in (said.period.from_ms, said.period.to_ms))
    spread = "" if said.total_u_rel is None else f" ± {numbers.percent(numbers.expanded(float(said.total_u_rel)))}"
    quality, inputs = said.quality, said.inputs
    yield f"emission statement 排放声明    plant 工厂 {said.plant}"
    yield f"period 核算期        {said.period.name}: {first} – {last} {timezone}"
    yield f"scope 边界与规则     {said.boundary} {UNITS[said.boundary]}, {said.rule_set}"
    yield f"total 排放量         {said.total_co2_t} tCO2{spread}, {said.status} {STATUS[said.status]}"
    if replaced is not None:
        index, before = replaced
        yield f"replaces 替代        entry 第 {index} 条: {before.total_co2_t} -> {said.total_co2_t} tCO2"
    if said.reason:
        yield f"reason 理由          {said.reason}"
    for one in said.results:
        activity = f"{one.activity} {one.activity_unit}" if one.activity is not None else "-"
        yield f"  {one.line} {one.stream} {one.item} ({one.method}): {activity} -> {one.co2_t} tCO2"
    captured = "-" if quality.captured is None else numbers.percent(float(quality.captured))
    yield f"captured 采集率      {captured}; late 迟到见证 {numbers.percent(float(quality.late_share))}"
    hours = f"substituted 替代 {quality.substituted_hours}, without value 无值 {quality.missing_hours}"
    yield f"hours 小时           {hours}"
    yield f"open 未决            {quality.anomalies_open} anomalies 异常"
    yield f"log 日志             {inputs.origin}, entries 0 to {inputs.size - 1}, root {inputs.root}"
    yield f"plant file 配置      {said.plant_file.sha256}"
    yield f"ledger 台账          {said.ledger.sha256}"
    yield "computed here from the sealed readings: the same to the byte 本机由封存读数重算，逐字节相同"
    if not said.witnessed:
        yield "no independent witness: nobody outside the plant has seen this log 无独立见证"
