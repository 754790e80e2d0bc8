"""A plant note before it is approved: every change against the one in force, old value and new (R33, R34).

The files come twice, beside the draft and from the plant file the approver names; both have to be the same. A signed
note lies in the folder of keys, from which `tanji run` takes it to the log when it runs with that plant file: in the
log at once it would be ahead of batches that are still sealed under the map before it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tanji.cli.approve_review import DIFFERS, STALE, Change, Review, check_plant, printable, refusal
from tanji.cli.evidence import LOG_FOLDER
from tanji.cli.plant_approve import RESTART
from tanji.cli.plant_notes import KeptNote, PlantNotes
from tanji.cli.publishing import keyring_of
from tanji.errors import EvidenceMissing, TrustError
from tanji.plant.model import Plant
from tanji.plant.point_map import described
from tanji.report import numbers
from tanji.trust.approval_draft import Draft
from tanji.trust.batch import leaf
from tanji.trust.key_folder import KeyFolder
from tanji.trust.keyring import Keyring
from tanji.trust.log_reader import LogReader
from tanji.trust.note import split
from tanji.trust.plant_note import NO_NOTE, PlantNote, changes, read_point_map
from tanji.trust.waiting_room import Waiting

FILES = ("pointmap", "plantfile")
"""Names, beside a draft, of the files that it approves."""


@dataclass(frozen=True, slots=True)
class PlantDesk:
    """Where a plant note is approved: the folder of keys, which needs no log."""

    plant: Plant
    keys: KeyFolder
    data_dir: Path

    @property
    def index(self) -> int:
        """Size of the log, by which keys are bounded; 0 where there is none yet."""
        folder = self.data_dir / LOG_FOLDER
        return LogReader(folder).size if (folder / "checkpoint").is_file() else 0

    def keyring(self) -> Keyring:
        """The newest keyring."""
        found = keyring_of(self.keys, self.data_dir)
        if found is None:
            where = str(self.keys.folder)
            raise EvidenceMissing("note-unknown-key", where=where, expected="a keyring note", got="none")
        return found

    def find(self, waiting: Waiting) -> int | None:
        """Version of the note with the same text, where it is there already."""
        said = PlantNote.parse(waiting.body)
        file = PlantNotes(self.keys.folder).file(said.version)
        is_there = file.exists() and split(file.read_bytes())[0] == waiting.body
        return said.version if is_there else None

    def review(self, waiting: Waiting, draft: Draft) -> Review:
        """Compare, and show what changes."""
        said, newest = PlantNote.parse(draft.body), PlantNotes(self.keys.folder).newest()
        check_plant(said.plant, self.keyring())
        before = None if newest is None else newest.said
        try:
            said.follow(before, leaf=NO_NOTE if newest is None else leaf(newest.note))
        except TrustError as error:
            there = 0 if before is None else before.version
            found = [("version", str(said.version), str(there + 1)), (error.rule, error.got, error.expected)]
            raise refusal(waiting.name, STALE, found, between="draft -> next version 草稿 -> 应有版本") from error
        point_map, plant_file = (waiting.file(name, rule="plant-file") for name in FILES)
        said.check_files(point_map, plant_file)
        read_point_map(point_map)
        files = described(self.plant)
        if (point_map, plant_file) != (files.point_map, files.plant_file):
            found = list(changes(plant_file, files.plant_file)) or [("pointmap", "draft", "plant file given here")]
            raise refusal(waiting.name, DIFFERS, found, between="draft -> plant file given here 草稿 -> 此处的配置文件")
        old = b"" if newest is None else _in_force(newest, self.keys)
        found = list(changes(old, plant_file)) if old else []
        lines = _lines(said, found, is_first=newest is None, timezone=self.plant.site.timezone)
        return Review(tuple(map(printable, lines)), dict(zip(FILES, (point_map, plant_file), strict=True)))

    def hand_in(self, note: bytes, review: Review) -> int:
        """Put the note and its files into the folder of keys; its version."""
        point_map, plant_file = (review.files[name] for name in FILES)
        return PlantNotes(self.keys.folder).keep(note, point_map=point_map, plant_file=plant_file).said.version

    def finish(self, arguments: argparse.Namespace, waiting: Waiting, version: int, _review: Review | None) -> int:
        """Say what is there now; the exit code."""
        file = PlantNotes(self.keys.folder).file(version)
        if arguments.json:
            print(json.dumps({"draft": waiting.name, "version": version, "note": str(file)}, ensure_ascii=False))
        else:
            print(f"{file}: version {version}, signed by preparer and approver 编制人、批准人均已签名")
            print(RESTART)
        return 0


def _in_force(newest: KeptNote, keys: KeyFolder) -> bytes:
    """The plant file that the newest note approved: compared with another one, a change would not be seen."""
    for name in FILES:
        if name not in newest.files:
            where = str(keys.folder / f"plant-{newest.said.version}.{name}")
            raise EvidenceMissing("plant-file", where=where, expected="the file that was approved", got="no file")
    newest.said.check_files(*(newest.files[name] for name in FILES))
    return newest.files["plantfile"]


def _lines(said: PlantNote, found: list[Change], *, is_first: bool, timezone: str) -> Iterator[str]:
    yield f"point map and plant file 测点图和厂级配置文件    plant 工厂 {said.plant}"
    yield f"version 版本         {said.version}, from 起 {numbers.local_time(said.from_ms, timezone)} {timezone}"
    yield f"point map 测点图     {said.lines} points, sha256 {said.point_map.hex()}"
    yield f"plant file 配置      {said.size} bytes, sha256 {said.plant_file.hex()}"
    if is_first:
        yield "the first plant note: everything is new 首份：全部内容均为新增"
    else:
        yield f"{len(found)} changes, old -> new 变更共 {len(found)} 处，旧值 -> 新值:"
        yield from (f"  {key}: {was or '-'} -> {now or '-'}" for key, was, now in found)
