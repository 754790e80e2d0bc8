"""`tanji correct`: another value in the place of a sealed one, under two signatures and with its evidence (R35, R36).

The sealed line stays in the log for ever; the correction is an entry of its own that names it, the new line, the reason
and the digest of the file that proves it. Statements published from then on count it; the audit brings the store into
line (`tanji audit`). Where the approver's key is not in the folder of keys, a draft is left for `tanji approve`. Exit
codes: 0 in the log, or prepared as asked; 2 refused; 3 not in the log: its draft waits for the approver.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from calc_jobs.sealed_log import SealedLog
from tanji.cli import period
from tanji.cli.ledger_entries import stated
from tanji.cli.prepared_draft import add_prepare_only, leave, tell
from tanji.cli.publish import WAIT_S
from tanji.cli.publishing import approver_of, preparer_of, publishing_room
from tanji.errors import TrustError, UsageError
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.trust import correction, note
from tanji.trust.canonical import format_value, parse_value
from tanji.trust.correction import Correction
from tanji.trust.log_reader import LogView
from tanji.trust.payload_line import DUPLICATE
from tanji.trust.utc import utc

EVIDENCE = "evidence"
"""Name, beside a draft, of the file that proves a correction."""
FOLLOWS = (
    "the database follows by `tanji audit repair`, published figures by `tanji publish --supersedes newest`\n"
    "数据库由 `tanji audit repair` 跟上，已发布的数字由 `tanji publish --supersedes newest` 跟上"
)


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "correct",
        help="correct a sealed reading under two signatures",
        description="Put another value in the place of a sealed one, signed by preparer and approver; the sealed line"
        " stays provable. Where the approver's key is not in the folder of keys, a draft waits for `tanji approve`, and"
        " the exit code is 3.",
        epilog="example: tanji correct kiln1.coal.mass_flow 2026-09-20T08:15:00 21.4 --reason recalibrated "
        "--evidence record.pdf --plant plant.yaml",
    )
    verb.add_argument("point", metavar="POINT", help="id of the point")
    verb.add_argument("time", metavar="TIME", help="time of the reading: plant-local, with offset, or UTC ms")
    verb.add_argument("value", metavar="VALUE", help="the value that is right, or - for none")
    verb.add_argument(
        "--quality", type=int, metavar="WORD", help="flag word of the new line (default: that of the old one)"
    )
    verb.add_argument("--reason", type=stated, required=True, metavar="TEXT", help="why")
    verb.add_argument("--evidence", type=Path, required=True, metavar="FILE", help="the file that proves it")
    verb.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    verb.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="data directory (default: ./data)")
    add_prepare_only(verb)
    verb.add_argument("--wait", type=float, default=WAIT_S, metavar="S", help="how long to wait for the log's owner")
    verb.add_argument("--json", action="store_true", help="one JSON line instead of text")
    verb.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Sign the correction and hand it to the log."""
    plant = load(arguments.plant)
    time_ms = period.moment_ms(arguments.time, plant, "TIME")
    evidence = arguments.evidence.read_bytes()
    with publishing_room(plant, arguments.data, wait_s=arguments.wait) as room:
        index, line = standing_line(room.log, arguments.point, time_ms)
        said = Correction(
            plant=plant.site.id,
            index=index,
            batch=room.log.leaf_hash(index),
            line=line,
            by=instead(plant, line, arguments.value, arguments.quality),
            reason=arguments.reason,
            evidence=hashlib.sha256(evidence).digest(),
        )
        try:
            body = correction.format_correction(said)
        except TrustError as error:
            raise UsageError(f"correction: {error}") from error
        files = {EVIDENCE: evidence}
        preparer = preparer_of(room.keys)
        approver = None if arguments.prepare_only else approver_of(room.keys)
        if approver is None:
            waiting = leave(arguments.data, body, files, preparer=preparer, size=room.log.size)
            key = room.keys.key_file("approve").path
            return tell(waiting, arguments, plant_file=arguments.plant, approver_key=key)
        entry = room.append(note.sign(body, preparer, approver), files)
    if arguments.json:
        told = {"index": entry, "batch": index, "line": said.line, "by": said.by, "evidence": said.evidence.hex()}
        print(json.dumps(told, ensure_ascii=False))
    else:
        print(f"entry {entry}: {said.line} -> {said.by}")
        print(FOLLOWS)
    return 0


def standing_line(log: LogView, point: str, time_ms: int) -> tuple[int, str]:
    """The sealed line that counts for a point and time, and the index of its batch; UsageError without one."""
    found: tuple[int, str] | None = None
    for batch in SealedLog(log).batches(time_ms, time_ms + 1):
        for line in batch.payload.decode("ascii").split("\n")[:-1]:
            name, when, _, word = line.split(" ")
            if (name, int(when)) != (point, time_ms) or int(word) & DUPLICATE:
                continue
            if found is None or found[1].split(" ")[2] == "-":  # a value fills what could not be read
                found = batch.index, line
    if found is None:
        raise UsageError(f"expected a sealed reading of {point} at {utc(time_ms)} ({time_ms} ms), got none in the log")
    return found


def instead(plant: Plant, line: str, text: str, word: int | None) -> str:
    """The new line, in the one spelling of its point's kind."""
    point, time, _, old_word = line.split(" ")
    kind = plant.points_by_id[point].kind if point in plant.points_by_id else ""
    try:
        number = None if text == "-" else float(text)
        value = format_value(number, is_counter=kind == "counter")
        parse_value(value)
    except (ValueError, TrustError) as error:
        raise UsageError(f"VALUE: expected a number or -, got {text}") from error
    return f"{point} {time} {value} {old_word if word is None else word}"
