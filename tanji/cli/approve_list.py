"""The drafts that wait for an approver, by what their preparers have signed (R33)."""

from __future__ import annotations

import json
from typing import Any

from tanji.cli.approve_review import named, printable
from tanji.errors import TanjiError
from tanji.plant.model import Plant
from tanji.report import numbers
from tanji.trust import correction, plant_note, statement
from tanji.trust.approval_draft import PLANT, STATEMENT, Draft
from tanji.trust.keyring import Keyring
from tanji.trust.waiting_room import Waiting, WaitingRoom

DONE = 0
NOTHING = "nothing waits for approval 没有待批准的草稿"
NAMES = {"statement": "排放声明", "correction": "更正", "plant": "厂级配置"}


def tell(drafts: WaitingRoom, plant: Plant, keyring: Keyring | None, *, as_json: bool) -> int:
    """Say what waits, the oldest first; one that cannot be read is named with the reason."""
    rows = []
    for name in drafts.names():
        try:
            rows.append(_row(drafts.find(name), keyring))
        except TanjiError as error:
            rows.append({"draft": name, "fault": str(error)})
    rows.sort(key=lambda row: row.get("prepared_ms", 0))
    if as_json:
        print(json.dumps({"waiting": rows}, ensure_ascii=False))
        return DONE
    for row in rows:
        if "fault" in row:
            print(printable(f"{row['draft']}  cannot be read 无法读取: {row['fault']}"))
            continue
        when = numbers.local_time(row["prepared_ms"], plant.site.timezone)
        print(printable(f"{row['draft']}  {NAMES[row['kind']]}  {row['subject']}"))
        print(printable(f"    prepared 编制于 {when} by {row['preparer']}"))
    print(NOTHING if not rows else f"waiting for the approver 待批准: {len(rows)}; next 下一步: tanji approve DRAFT")
    return DONE


def _row(waiting: Waiting, keyring: Keyring | None) -> dict[str, Any]:
    draft = Draft.listed(waiting.draft, keyring=keyring)
    told = {"draft": waiting.name, "kind": draft.kind, "subject": subject_of(draft)}
    return told | {"prepared_ms": waiting.prepared_ms, "preparer": named(draft.preparer)}


def subject_of(draft: Draft) -> str:
    """What a draft is about, in one line."""
    if draft.kind == STATEMENT:
        said = statement.parse(draft.body)
        return f"{said.period.name} {said.boundary} {said.rule_set}: {said.total_co2_t} tCO2, {said.status}"
    if draft.kind == PLANT:
        return f"version {plant_note.PlantNote.parse(draft.body).version}"
    changed = correction.parse(draft.body)
    return f"{changed.line} -> {changed.by}"
