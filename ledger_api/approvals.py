"""What waits for its approver, as the page of statements shows it: read-only, by what preparers have signed (R33).

A draft is not in force and is no evidence; it is shown so that nobody takes "not published" for "nobody has done it".
Signing is `tanji approve`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tanji.errors import TanjiError
from tanji.plant.model import Plant
from tanji.report import numbers
from tanji.report.words import Words
from tanji.trust import correction, plant_note, statement
from tanji.trust.approval_draft import PLANT, STATEMENT, Draft
from tanji.trust.correction import Correction
from tanji.trust.keyring import Keyring
from tanji.trust.waiting_room import Waiting, WaitingRoom


def rows(drafts: WaitingRoom, keyring: Keyring | None, plant: Plant, words: Words) -> Iterator[dict[str, str]]:
    """Every draft that waits, for people; one that no preparer has signed, or that cannot be read, is named as such."""
    for name in drafts.names():
        try:
            yield _row(drafts.find(name), keyring, plant, words)
        except TanjiError:
            yield {"name": name, "subject": words("statement.unreadable"), "total": "", "prepared": "", "key": ""}


def _row(waiting: Waiting, keyring: Keyring | None, plant: Plant, words: Words) -> dict[str, str]:
    draft = Draft.listed(waiting.draft, keyring=keyring)
    subject, total = _subject(draft, words, timezone=plant.site.timezone)
    return {
        "name": waiting.name,
        "subject": subject,
        "total": total,
        "prepared": numbers.local_time(waiting.prepared_ms, plant.site.timezone),
        "key": f"{draft.preparer.name}+{draft.preparer.key_id.hex()}",
    }


def _subject(draft: Draft, words: Words, *, timezone: str) -> tuple[str, str]:
    """What a draft is about, and its tonnes where it has any."""
    if draft.kind == STATEMENT:
        said = statement.parse(draft.body)
        boundary, rule_set = words(f"boundary.{said.boundary}"), words(f"ruleset_long.{said.rule_set}")
        scope = words("statement.scope_of", period=said.period.name, boundary=boundary, rule_set=rule_set)
        return scope, f"{float(said.total_co2_t):,.3f}"
    if draft.kind == PLANT:
        return words("statement.plant_version", version=plant_note.PlantNote.parse(draft.body).version), ""
    return _correction(correction.parse(draft.body), words, timezone=timezone), ""


def _correction(said: Correction, words: Words, *, timezone: str) -> str:
    """Point, time and both values; the flag words too where they differ."""
    point, time, old, old_word = said.line.split(" ")
    _, _, new, new_word = said.by.split(" ")
    shown = [words("statement.no_value") if each == "-" else each for each in (old, new)]
    if old_word != new_word:
        flagged = zip(shown, (old_word, new_word), strict=True)
        shown = [words("statement.with_word", value=value, word=word) for value, word in flagged]
    when = f"{numbers.local_time(int(time), timezone)}:{int(time) // 1000 % 60:02}"  # some points are read each second
    return words("statement.correction", point=point, time=when, old=shown[0], new=shown[1])
