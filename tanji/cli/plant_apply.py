"""`tanji plant plan | apply | drift`: the files that follow from a plant file, shown, written, compared.

`plan` shows what `apply` would change, `apply` changes it, `drift` says with exit code 1 that somebody changed a file
since. A file is replaced whole, in one step: who reads it meanwhile sees the old or the new one. One file so
far: `telegraf.conf`, which has no secret in it (`tanji.plant.telegraf`).
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tanji.errors import UsageError
from tanji.plant.load import load
from tanji.plant.telegraf import render

DONE, DRIFTED = 0, 1
TELEGRAF = "telegraf.conf"
STATES = {"same": "unchanged", "other": "differs", "absent": "absent"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """One file as the plant file wants it, and as it is: `same`, `other` or `absent`."""

    path: Path
    wanted: str
    found: str | None

    @property
    def state(self) -> str:
        """How the file stands to what is wanted."""
        return "absent" if self.found is None else "same" if self.found == self.wanted else "other"

    def difference(self) -> str:
        """What would change, as a unified diff."""
        before, after = (self.found or "").splitlines(True), self.wanted.splitlines(True)
        return "".join(difflib.unified_diff(before, after, str(self.path), f"{self.path} (wanted)"))


def register(own: Any, add: Any) -> None:
    """Add the three verbs to those of `tanji plant`; `add` makes one of them."""
    for name, text, func in (
        ("plan", "show what apply would change", plan),
        ("apply", "write telegraf.conf of the points it reads", apply),
        ("drift", "say whether a written file is other than the plant file wants", drift),
    ):
        parser = add(own, name, text, f"tanji plant {name} plant.yaml --out /etc/tanji", func)
        parser.add_argument("file", type=Path, metavar="FILE", help="the plant file")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="directory of the files")
        parser.add_argument("--sealer", help="the sealer's address (default: from the plant file)")
        parser.add_argument("--json", action="store_true", help="files and their state as JSON")


def rendered(arguments: argparse.Namespace) -> list[Rendered]:
    """Every file that follows from the plant file."""
    path: Path = arguments.out / TELEGRAF
    wanted = render(load(arguments.file), sealer_url=arguments.sealer)
    try:
        found = path.read_text(encoding="utf-8") if path.exists() else None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: expected a text file, got {error}") from error
    return [Rendered(path, wanted, found)]


def plan(arguments: argparse.Namespace) -> int:
    """Show every difference; nothing is written."""
    files = rendered(arguments)
    if arguments.json:
        print(_json(files))
    else:
        print("".join(file.difference() for file in files) or "nothing to change\n", end="")
    return DONE


def apply(arguments: argparse.Namespace) -> int:
    """Write what differs. Raises UsageError where the directory cannot be used."""
    files = rendered(arguments)
    for file in files:
        if file.state != "same":
            _replace(file.path, file.wanted)
    for line in [_json(files)] if arguments.json else _lines(files, {"other": "written", "absent": "written"}):
        print(line)
    return DONE


def drift(arguments: argparse.Namespace) -> int:
    """Compare; exit code 1 where a file is absent or other than wanted."""
    files = rendered(arguments)
    for line in [_json(files)] if arguments.json else _lines(files, {}):
        print(line)
    return DONE if all(file.state == "same" for file in files) else DRIFTED


def _lines(files: list[Rendered], words: dict[str, str]) -> Iterator[str]:
    for file in files:
        yield f"{file.path}: {words.get(file.state, STATES[file.state])}"


def _json(files: list[Rendered]) -> str:
    """Files with the state they were found in."""
    return json.dumps({"files": [asdict(file) | {"path": str(file.path), "state": file.state} for file in files]})


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="\n") as target:
            target.write(text)
            target.flush()
            os.fsync(target.fileno())
        part.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
