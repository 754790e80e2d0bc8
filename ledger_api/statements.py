"""The published statements of a plant: what was stated, final or not, replaced or not, witnessed or plainly not (R33).

Read from the published log beside the process that writes it. A statement nobody outside the plant has witnessed is
shown as such in both languages, and so are keys that no metrology institute has registered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Blueprint, current_app, render_template, request

from ledger_api import approvals
from tanji.errors import EvidenceMissing, TrustError
from tanji.plant.model import Plant
from tanji.report import numbers
from tanji.report.words import LANGUAGES, Words
from tanji.trust import note, statement
from tanji.trust.key_folder import KeyFolder
from tanji.trust.keyring import Keyring
from tanji.trust.leaves import STATEMENT
from tanji.trust.log_reader import LogReader
from tanji.trust.policy import Anchor
from tanji.trust.statement import Statement
from tanji.trust.waiting_room import WaitingRoom

pages = Blueprint("statements", __name__)


@dataclass(frozen=True, slots=True)
class PublishedLog:
    """Where the plant's log and anchor are; neither need be there yet. drafts : what waits for an approver."""

    folder: Path
    anchor: Path
    drafts: WaitingRoom | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A statement of the log. witnessed_ms : when enough witnesses had first seen it [UTC ms]; None: not yet."""

    index: int
    said: Statement
    superseded_by: int | None
    witnessed_ms: int | None


@pages.get("/statements")
def statements() -> str:
    """The page of the statements, the newest first."""
    held = current_app.extensions["tanji"]
    plant: Plant = held.plant
    words = Words("en" if request.args.get("lang") == "en" else LANGUAGES[0])
    found, anchor = _read(held.published)
    return render_template(
        "statements.html.j2",
        endpoint="statements",
        there=plant.trust is not None,
        rows=[row(one, plant, words, is_witnessed=anchor is not None and anchor.policy.is_witnessed) for one in found],
        waiting=_waiting(held.published, plant, words),
        self_registered=anchor is not None and anchor.is_self_registered,
        unwitnessed=anchor is not None and not anchor.policy.is_witnessed,
        now=numbers.local_time(held.clock(), plant.site.timezone),
    )


def listed(log: LogReader, anchor: Anchor | None) -> list[Listed]:
    """Every statement, the newest first."""
    times = sorted(_witnessed(log, anchor))
    newest: dict[tuple[int, int, str, str], int] = {}
    found = []
    for index in reversed(log.indexes(STATEMENT)):
        said = statement.parse(note.split(log.entry(index))[0])
        seen = min((time_ms for size, time_ms in times if size > index), default=None)
        found.append(Listed(index, said, newest.get(said.subject), seen))
        newest[said.subject] = index
    return found


def row(one: Listed, plant: Plant, words: Words, *, is_witnessed: bool) -> dict[str, Any]:
    """A statement as people read it."""
    said, zone = one.said, plant.site.timezone
    remarks = []
    if said.supersedes is not None:
        remarks.append(words("statement.replaces"))
    if one.superseded_by is not None:
        remarks.append(words("statement.superseded_by", index=one.superseded_by))
    if said.quality.missing_hours:
        remarks.append(words("statement.missing_hours", hours=numbers.count(said.quality.missing_hours)))
    if said.reason:
        remarks.append(words("statement.reason", text=said.reason))
    kind, badge, seen = _witness(one, words, zone, is_witnessed=is_witnessed)
    return {
        "period": said.period.name,
        "span": f"{numbers.local_time(said.period.from_ms, zone)} – {numbers.local_time(said.period.to_ms, zone)}",
        "boundary": words(f"boundary.{said.boundary}"),
        "rule_set": words(f"ruleset_long.{said.rule_set}"),
        "total": f"{float(said.total_co2_t):,.3f}",
        "u": "" if said.total_u_rel is None else numbers.percent(numbers.expanded(float(said.total_u_rel))),
        "status": said.status,
        "superseded": one.superseded_by is not None,
        "witness_kind": kind,
        "witness": badge,
        "seen": seen,
        "late": numbers.percent(float(said.quality.late_share)),
        "entry": words("statement.entry", index=one.index),
        "remarks": remarks,
    }


def _witness(one: Listed, words: Words, zone: str, *, is_witnessed: bool) -> tuple[str, str, str]:
    """Kind of badge, its word, and what stands below: when it was witnessed, or that nobody independent has."""
    if not is_witnessed:
        return "bad", words("statement.no_witness"), words("statement.no_witness_long")
    if one.witnessed_ms is None:
        return "warn", words("statement.waiting"), ""
    return "valid", words("statement.witnessed"), numbers.local_time(one.witnessed_ms, zone)


def _read(published: PublishedLog | None) -> tuple[Sequence[Listed], Anchor | None]:
    """What there is; nothing where there is no log yet."""
    if published is None:
        return (), None
    anchor = Anchor.parse(published.anchor.read_bytes()) if published.anchor.is_file() else None
    if not (published.folder / "checkpoint").is_file():
        return (), anchor
    try:
        return listed(LogReader(published.folder), anchor), anchor
    except EvidenceMissing:  # its owner is just making it
        return (), anchor


def _waiting(published: PublishedLog | None, plant: Plant, words: Words) -> list[dict[str, str]]:
    """What waits for its approver."""
    if published is None or published.drafts is None or not published.drafts.names():
        return []
    is_there = (published.folder / "checkpoint").is_file()
    try:
        keyring = LogReader(published.folder).keyring if is_there else _first_keyring(published.anchor)
    except EvidenceMissing:  # its owner is just making it
        keyring = None
    return list(approvals.rows(published.drafts, keyring, plant, words))


def _first_keyring(anchor: Path) -> Keyring | None:
    """The keyring of the folder of keys, which lies beside the anchor, before there is a log."""
    return KeyFolder(anchor.parent, anchor=anchor.name).keyring()


def _witnessed(log: LogReader, anchor: Anchor | None) -> Iterator[tuple[int, int]]:
    """Size and time [UTC ms] of every checkpoint with as many witnesses as the anchor asks for."""
    for kept in log.checkpoints() if anchor is not None else ():
        try:
            verified = anchor.policy.check(kept.note())
        except TrustError:
            continue
        if verified.times:
            yield verified.checkpoint.size, max(verified.times.values()) * 1000
