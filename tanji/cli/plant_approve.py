"""`tanji plant approve`: the point map and the plant file under the signatures of preparer and approver (R33, R34).

It may run where the two keys are; the note and the two files beside it are then carried into the folder of keys of the
machine that seals, which takes them to the log. Where the approver's key is not in the folder, a draft
is left for `tanji approve`. Exit codes: 0 signed, or prepared as asked; 1 `--dry-run` found changes; 2 refused; 3
nothing is approved: the draft waits for its approver.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tanji.cli.clock import now_ms
from tanji.cli.plant_notes import PlantNotes
from tanji.cli.prepared_draft import add_prepare_only, leave, tell
from tanji.cli.publishing import approver_of, preparer_of
from tanji.errors import UsageError
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.plant.point_map import Described, described
from tanji.trust.approval_draft import PLANT
from tanji.trust.key_folder import KeyFolder
from tanji.trust.plant_note import PlantNote, changes
from tanji.trust.signer import Signer
from tanji.trust.waiting_room import Waiting, WaitingRoom

SHOWN = 40
"""Changes listed on a terminal; all of them are in the JSON."""
RESTART = (
    "next: `tanji run` with this plant file seals by the new version; restart it where it runs with an older one\n"
    "下一步：`tanji run` 用此配置文件运行时即按新版本封存；仍在用旧文件的，请重启"
)


def register(own: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the part."""
    example = "tanji plant approve plant.yaml --data /var/lib/tanji"
    approve = add(own, "approve", "sign point map and plant file as preparer and approver", example, run)
    approve.description = (
        f"{approve.description} Where the approver's key is not in the folder of keys, a draft waits for `tanji"
        " approve`, and the exit code is 3."
    )
    approve.add_argument("file", type=Path, metavar="FILE", help="the plant file")
    approve.add_argument(
        "--data", type=Path, default=Path("data"), metavar="DIR", help="data directory with the keys (default: ./data)"
    )
    approve.add_argument("--dry-run", action="store_true", help="sign nothing; say what changed; 1 if anything did")
    add_prepare_only(approve)
    approve.add_argument("--json", action="store_true", help="version, file and changes as one JSON line")


def run(arguments: argparse.Namespace) -> int:
    """Sign the next plant note, and say what it approves: every key with its old value and its new one."""
    plant = load(arguments.file)
    if plant.trust is None:
        raise UsageError(f"{arguments.file}: expected a section `trust`, got none; nothing would be sealed")
    folder = KeyFolder(plant.trust.keys_dir(arguments.data), anchor=plant.trust.anchor)
    files, notes = described(plant), PlantNotes(folder.folder)
    before = notes.newest()
    old = b"" if before is None else before.files.get("plantfile", b"")
    found = list(changes(old, files.plant_file)) if old else []
    is_same, is_first = before is not None and before.describes(files), before is None
    if not arguments.dry_run and not is_same:
        preparer = preparer_of(folder)
        approver = None if arguments.prepare_only else approver_of(folder)
        if approver is None:
            waiting = _leave(arguments, plant, notes, files, preparer)
            if not arguments.json:
                tell_changes(found, is_same=is_same, first=is_first)
            key = folder.key_file("approve").path
            return tell(waiting, arguments, plant_file=arguments.file, approver_key=key)
        before = notes.approve(plant.site.id, files, preparer=preparer, approver=approver, from_ms=now_ms())
    version = 0 if before is None else before.said.version
    if arguments.json:
        listed = [{"key": key, "old": was, "new": now} for key, was, now in found]
        said = {"version": version, "signed": not (is_same or arguments.dry_run), "changes": listed}
        print(json.dumps(said | {"note": str(notes.file(version)) if version else None}, ensure_ascii=False))
    else:
        tell_changes(found, is_same=is_same, first=is_first)
        if not is_same and not arguments.dry_run:
            print(f"{notes.file(version)}: version {version}, signed by preparer and approver 编制人、批准人均已签名")
            print(RESTART)
    return 1 if arguments.dry_run and not is_same else 0


def _leave(
    arguments: argparse.Namespace, plant: Plant, notes: PlantNotes, files: Described, preparer: Signer
) -> Waiting:
    """The draft of the next version; the one that waits already where it is about the same files."""
    following = notes.next(plant.site.id, files, from_ms=now_ms())
    for one in WaitingRoom(arguments.data).readable():
        if one.kind == PLANT:
            there = PlantNote.parse(one.body)
            if replace(there, from_ms=following.from_ms) == following:
                return one
    beside = {"pointmap": files.point_map, "plantfile": files.plant_file}
    return leave(arguments.data, following.body(), beside, preparer=preparer, size=0)


def tell_changes(found: list[tuple[str, str, str]], *, is_same: bool, first: bool) -> None:
    """Every change, old value and new; the first of them on a terminal."""
    if is_same:
        print("approved already: point map and plant file are those of the newest plant note 早已批准", file=sys.stderr)
    elif first:
        print("the first plant note: everything is new 首份：全部内容均为新增", file=sys.stderr)
    for key, was, now in found[:SHOWN]:
        print(f"{key}: {was or '-'} -> {now or '-'}")
    if len(found) > SHOWN:
        print(f"and {len(found) - SHOWN} more changes (--json lists all)")
