"""`tanji plant approve`: the point map and the plant file under the signatures of preparer and approver (R33, R34).

It may run where the two keys are; the note and the two files beside it are then carried into the folder of keys of the
machine that seals, which takes them to the log when it starts.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tanji.cli.clock import now_ms
from tanji.cli.plant_notes import PlantNotes
from tanji.errors import UsageError
from tanji.plant.load import load
from tanji.plant.point_map import described
from tanji.trust.key_folder import KeyFolder
from tanji.trust.plant_note import changes

SHOWN = 40
"""Changes listed on a terminal; all of them are in the JSON."""


def register(own: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the part."""
    example = "tanji plant approve plant.yaml --data /var/lib/tanji"
    approve = add(own, "approve", "sign point map and plant file as preparer and approver", example, run)
    approve.add_argument("file", type=Path, metavar="FILE", help="the plant file")
    approve.add_argument(
        "--data", type=Path, default=Path("data"), metavar="DIR", help="data directory with the keys (default: ./data)"
    )
    approve.add_argument("--dry-run", action="store_true", help="sign nothing; say what changed; 1 if anything did")
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
    is_same = before is not None and before.describes(files)
    version = 0 if before is None else before.said.version
    if not arguments.dry_run and not is_same:
        preparer, approver = folder.key_file("prepare").read(), folder.key_file("approve").read()
        made = notes.approve(plant.site.id, files, preparer=preparer, approver=approver, from_ms=now_ms())
        version = made.said.version
    if arguments.json:
        listed = [{"key": key, "old": was, "new": now} for key, was, now in found]
        said = {"version": version, "signed": not (is_same or arguments.dry_run), "changes": listed}
        print(json.dumps(said | {"note": str(notes.file(version)) if version else None}, ensure_ascii=False))
    else:
        _tell(found, is_same=is_same, first=before is None)
        if not is_same and not arguments.dry_run:
            print(f"{notes.file(version)}: version {version}, signed by preparer and approver")
            print("next: restart `tanji run`; it seals by the new version from then on / 重启后按新版本封存")
    return 1 if arguments.dry_run and not is_same else 0


def _tell(found: list[tuple[str, str, str]], *, is_same: bool, first: bool) -> None:
    if is_same:
        print("approved already: point map and plant file are those of the newest plant note", file=sys.stderr)
    elif first:
        print("the first plant note: everything is new", file=sys.stderr)
    for key, was, now in found[:SHOWN]:
        print(f"{key}: {was or '-'} -> {now or '-'}")
    if len(found) > SHOWN:
        print(f"and {len(found) - SHOWN} more changes (--json lists all)")
