"""A correction of a sealed line, `tanji/correction/v1`: what it replaces, by what, why (reference/trust.md 2.8).

The first sealed value stands until preparer and approver sign a correction; the line itself stays in the evidence for
ever. A correction is an entry of the log outside the gateways' chains: a view of the log as of size N takes the
correction of a line with the highest index below N. Which value stands is decided where payloads are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tanji.errors import TrustError
from tanji.trust import canonical, note
from tanji.trust.payload_line import DUPLICATE

TYPE_LINE = "tanji/correction/v1"
NAMES = ("plant", "index", "batch", "line", "by", "reason", "evidence")
LONGEST_REASON = 200
REASON = re.compile(rf"[^\x00-\x1f\x7f-\x9f]{{1,{LONGEST_REASON}}}")
RULE = "correction-form"


@dataclass(frozen=True, slots=True)
class Correction:
    """What a correction says.

    index : of the batch in the log. batch : its leaf hash. line, by : payload lines without their line feed.
    evidence : SHA-256 of the file that proves it, a calibration record or a photograph.
    """

    plant: str
    index: int
    batch: bytes
    line: str
    by: str
    reason: str
    evidence: bytes


def format_correction(correction: Correction) -> bytes:
    """The body to be signed; TrustError if a reader would refuse it."""
    values = (
        correction.plant,
        str(correction.index),
        canonical.encode64(correction.batch),
        correction.line,
        correction.by,
        correction.reason,
        canonical.encode64(correction.evidence),
    )
    lines = [TYPE_LINE, *(f"{name} {value}" for name, value in zip(NAMES, values, strict=True))]
    body = "".join(f"{line}\n" for line in lines).encode()
    parse(body)
    return body


def parse(body: bytes) -> Correction:
    """The correction of a body whose signatures have been verified; TrustError otherwise."""
    said = note.fields(body, TYPE_LINE, NAMES)
    if not REASON.fullmatch(said["reason"]):
        expected = f"a reason of 1 to {LONGEST_REASON} characters, none of them a control"
        raise TrustError(RULE, where="reason", expected=expected, got=said["reason"])
    for name in ("line", "by"):
        _check_line(said[name], where=name)
    if subject(said["line"]) != subject(said["by"]):
        raise TrustError(RULE, where="by", expected=f"a line of {subject(said['line'])}", got=said["by"])
    if int(said["line"].split(" ")[3]) & DUPLICATE:
        raise TrustError(RULE, where="line", expected="a line that stands, without DUPLICATE", got=said["line"])
    if said["line"] == said["by"]:
        raise TrustError(RULE, where="by", expected="another value", got="the same line")
    return Correction(
        said["plant"],
        canonical.whole(said["index"], rule=RULE, where="index"),
        canonical.decode64(said["batch"], rule=RULE, where="batch", length=canonical.HASH_BYTES),
        said["line"],
        said["by"],
        said["reason"],
        canonical.decode64(said["evidence"], rule=RULE, where="evidence", length=canonical.HASH_BYTES),
    )


def subject(line: str) -> str:
    """What a line is about: point and time."""
    return " ".join(line.split(" ")[:2])


def check_target(correction: Correction, *, leaf: bytes, payload: bytes) -> None:
    """TrustError correction-target unless the batch of the correction is this one and holds the line.

    leaf : hash of the entry at `correction.index`. payload : of that batch.
    """
    if leaf != correction.batch:
        expected, got = (canonical.encode64(each) for each in (correction.batch, leaf))
        raise TrustError("correction-target", where=f"entry {correction.index}", expected=expected, got=got)
    if correction.line.encode() not in payload.split(b"\n"):
        raise TrustError(
            "correction-target", where=f"entry {correction.index}", expected=correction.line, got="no such line"
        )


def _check_line(line: str, *, where: str) -> None:
    """Point, time, value and flag word in the grammar of a payload line."""
    parts = line.split(" ")
    if len(parts) != 4 or not canonical.POINT_ID.fullmatch(parts[0]):
        raise TrustError(RULE, where=where, expected="point, time, value and flag word", got=line)
    canonical.whole(parts[1], rule=RULE, where=where)
    try:
        canonical.parse_value(parts[2])
    except TrustError as error:
        raise TrustError(RULE, where=where, expected=error.expected, got=error.got) from error
    canonical.whole(parts[3], rule=RULE, where=where, most=2**32 - 1)
