"""A correction before it is approved: does its line stand, what is in its place by now, what proves it (R35, R36)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from tanji.cli.approve_review import DIFFERS, STALE, Review, check_plant, printable, refusal
from tanji.cli.correct import EVIDENCE, instead, standing_line
from tanji.cli.publishing import PublishingRoom
from tanji.errors import TrustError
from tanji.plant.model import Plant
from tanji.report import numbers
from tanji.trust import correction, note
from tanji.trust.approval_draft import Draft
from tanji.trust.canonical import encode64
from tanji.trust.correction import Correction
from tanji.trust.waiting_room import Waiting


def review(room: PublishingRoom, waiting: Waiting, draft: Draft, *, plant: Plant) -> Review:
    """Find the line and what stands now, and show both; refused where the draft says otherwise."""
    said = correction.parse(draft.body)
    check_plant(said.plant, room.keyring())
    point, time = correction.subject(said.line).split(" ")
    index, line = standing_line(room.log, point, int(time))
    if (index, line) != (said.index, said.line):
        found = [("index", str(said.index), str(index)), ("line", said.line, line)]
        raise refusal(waiting.name, DIFFERS, found, between="draft -> the sealed line that stands 草稿 -> 有效的封存行")
    correction.check_target(said, leaf=room.log.leaf_hash(index), payload=room.log.payload(index))
    _, _, value, word = said.by.split(" ")
    spelt = instead(plant, said.line, value, int(word))
    if spelt != said.by:
        found = [("by", said.by, spelt)]
        raise refusal(waiting.name, DIFFERS, found, between="draft -> as its point is spelt 草稿 -> 该测点的写法")
    evidence = waiting.file(EVIDENCE, rule="correction-target")
    if hashlib.sha256(evidence).digest() != said.evidence:
        expected, got = said.evidence.hex(), hashlib.sha256(evidence).hexdigest()
        raise TrustError("correction-target", where=str(waiting.folder / EVIDENCE), expected=expected, got=got)
    earlier = list(_earlier(room, said))
    newer = [(f"entry {at}", "", one.by) for at, one in earlier if at >= waiting.size]
    if newer:
        raise refusal(waiting.name, STALE, newer, between="corrected meanwhile 编制之后已另有更正")
    lines = _lines(said, earlier, waiting, size=len(evidence), timezone=plant.site.timezone)
    return Review(tuple(map(printable, lines)), {EVIDENCE: evidence})


def _earlier(room: PublishingRoom, said: Correction) -> Iterator[tuple[int, Correction]]:
    """Corrections of the same reading, oldest first; the log verified them before it took them."""
    for index in room.log.indexes(correction.TYPE_LINE):
        other = correction.parse(note.split(room.log.entry(index))[0])
        if correction.subject(other.line) == correction.subject(said.line):
            yield index, other


def _lines(
    said: Correction, earlier: list[tuple[int, Correction]], waiting: Waiting, *, size: int, timezone: str
) -> Iterator[str]:
    point, time, value, _ = said.line.split(" ")
    now = said.by.split(" ")[2]
    yield f"correction of a sealed reading 对已封存读数的更正    plant 工厂 {said.plant}"
    yield f"point 测点           {point}"
    yield f"time 时间            {numbers.local_time(int(time), timezone)} {timezone} ({time} ms)"
    yield f"value 数值           {value} -> {now}"
    yield f"sealed line 封存行   {said.line}    (entry 第 {said.index} 条, {encode64(said.batch)})"
    for index, other in earlier:
        yield f"corrected 已更正     {other.by}    (entry 第 {index} 条: {other.reason})"
    yield f"new line 新行        {said.by}"
    yield f"reason 理由          {said.reason}"
    yield f"evidence 凭据        {waiting.folder / EVIDENCE}: {size} bytes, sha256 {said.evidence.hex()}"
    yield "open that file and compare it before you sign 请先打开凭据文件核对，再签名"
