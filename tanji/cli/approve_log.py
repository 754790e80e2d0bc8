"""Where statements and corrections are approved: the log of the plant, in this process or another's (R33, R35)."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from calc_jobs import ledger_export
from calc_jobs.publish import Published
from tanji.cli import approve_correction, approve_statement
from tanji.cli.approve_review import Review
from tanji.cli.correct import FOLLOWS
from tanji.cli.publish import finish
from tanji.cli.publishing import PublishingRoom
from tanji.cli.stores import open_existing_ledger
from tanji.plant.model import Plant
from tanji.trust import correction, note, statement
from tanji.trust.approval_draft import STATEMENT, Draft
from tanji.trust.keyring import Keyring
from tanji.trust.waiting_room import Waiting


@dataclass(frozen=True, slots=True)
class LogDesk:
    """The way of a draft into the log."""

    plant: Plant
    room: PublishingRoom
    data_dir: Path

    @property
    def index(self) -> int:
        """Of the log, by which the keys that may sign are bounded."""
        return self.room.log.size

    def keyring(self) -> Keyring:
        """The keyring in force."""
        return self.room.keyring()

    def find(self, waiting: Waiting) -> int | None:
        """Index of the entry with the same text; a note that is in the log was verified by the log."""
        log, first = self.room.log, waiting.body.split(b"\n", 1)[0].decode("utf-8", "replace")
        same = (index for index in log.indexes(first) if note.split(log.entry(index))[0] == waiting.body)
        return next(same, None)

    def review(self, waiting: Waiting, draft: Draft) -> Review:
        """Make out again what is to be signed."""
        if draft.kind != STATEMENT:
            return approve_correction.review(self.room, waiting, draft, plant=self.plant)
        ledger = open_existing_ledger(self.data_dir)
        try:
            export = ledger_export.export(self.plant, ledger)
        finally:
            ledger.close()
        zone = self.plant.site.timezone
        return approve_statement.review(self.room, waiting, draft, ledger=export, timezone=zone)

    def hand_in(self, note: bytes, review: Review) -> int:
        """Hand the note to the log; its index."""
        return self.room.append(note, review.files)

    def finish(self, arguments: argparse.Namespace, waiting: Waiting, index: int, review: Review | None) -> int:
        """Wait for the proof of an entry, keep what belongs to it, and say so; the exit code.

        review : None where the entry was in the log before this command.
        """
        if waiting.kind == STATEMENT:
            said = statement.parse(waiting.body)
            inputs = approve_statement.inputs_of(self.room, waiting, said) if review is None else review.inputs
            self.room.settle(index + 1)  # before the entry is read: another process may own the log
            made = Published(index, said, self.room.log.entry(index), inputs)
            return finish(made, self.room, self.data_dir, as_json=arguments.json)
        self.room.settle(index + 1)
        said_of = correction.parse(waiting.body)
        if arguments.json:
            told = {"draft": waiting.name, "index": index, "line": said_of.line, "by": said_of.by}
            print(json.dumps(told, ensure_ascii=False))
        else:
            print(f"entry {index}: {said_of.line} -> {said_of.by}")
            print(FOLLOWS)
        return 0
