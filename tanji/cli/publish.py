"""`tanji publish`: an emission statement, computed from sealed readings, signed by two, logged, proved (R33).

The statement and the lines fed to its formulas are kept under DATA/statements/<index of the log>; the proof beside them
as soon as a checkpoint over it is witnessed. Where the approver's key is not in the folder of keys, a draft is left for
`tanji approve`. Exit codes: 0 published and proved, or prepared as asked; 2 refused with what is lacking; 3 not
published yet: the period is not sealed to its end, no witness answered, or the draft waits for its approver.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from calc_jobs import ledger_export
from calc_jobs.publish import Published, prepare, prove, statements
from calc_jobs.recomputation import Question
from tanji.cli import period
from tanji.cli.prepared_draft import add_prepare_only, leave, tell
from tanji.cli.publishing import PublishingRoom, approver_of, preparer_of, publishing_room
from tanji.cli.stores import open_existing_ledger
from tanji.errors import EvidenceMissing, TrustError, UsageError
from tanji.plant.load import load
from tanji.trust import durable
from tanji.trust.bundle import INPUTS, STATEMENT, STATEMENT_PROOF
from tanji.trust.canonical import HASH_BYTES, decode64, encode64
from tanji.trust.note import sign

DONE, UNDECIDED = 0, 3
FOLDER = "statements"
"""In the data directory: one folder for each statement, named by its index in the log."""
NEWEST = "newest"
WAIT_S = 600.0
"""Longer than the longest time between two cosignatures that is usual."""
NO_WITNESS = "no independent witness: nobody outside the plant has seen this log\n无独立见证：没有厂外机构见证此日志"
SELF_REGISTERED = "self-registered keys: no metrology institute stands behind them\n密钥由工厂自行登记，未经计量院登记"


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "publish",
        help="publish a signed emission statement",
        description="Compute a period from sealed readings and publish it, signed by preparer and approver. Where the"
        " approver's key is not in the folder of keys, a draft waits for `tanji approve`, and the exit code is 3.",
        epilog="example: tanji publish --plant plant.yaml --data /var/lib/tanji --month 2026-09",
    )
    verb.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    verb.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="data directory (default: ./data)")
    period.add_period(verb, required=True)
    period.add_scope(verb)
    verb.add_argument(
        "--supersedes", metavar="HASH", help="leaf hash of the statement it replaces, or `newest`; needs --reason"
    )
    verb.add_argument("--reason", default="", metavar="TEXT", help="why it replaces one, or why late data are accepted")
    add_prepare_only(verb)
    verb.add_argument(
        "--wait", type=float, default=WAIT_S, metavar="S", help=f"how long to wait for witnesses (default: {WAIT_S:g})"
    )
    verb.add_argument("--json", action="store_true", help="one JSON line instead of text")
    verb.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Publish, and say what was published and where its files are."""
    plant = load(arguments.plant)
    boundary, rule_set = period.scope_of(arguments, plant)
    question = Question(period.period_of(arguments, plant), boundary, rule_set)
    ledger = open_existing_ledger(arguments.data)
    try:
        export = ledger_export.export(plant, ledger)
    finally:
        ledger.close()
    try:
        with publishing_room(plant, arguments.data, wait_s=arguments.wait) as room:
            return _in_room(arguments, room, export, question)
    except EvidenceMissing as error:
        print(f"tanji publish: {error}", file=sys.stderr)
        return UNDECIDED


def _in_room(arguments: argparse.Namespace, room: PublishingRoom, export: bytes, question: Question) -> int:
    """Prepare, and sign and log where both keys are here."""
    preparer = preparer_of(room.keys)
    approver = None if arguments.prepare_only else approver_of(room.keys)
    replaced = _replaced(arguments.supersedes, room, question)
    said = prepare(room.log, export, policy=room.anchor.policy, settle=room.settle, question=question,
                   supersedes=replaced, reason=arguments.reason)  # fmt: skip
    if approver is None:
        files = {"ledger.json": export}  # the other files are of the installed Tanji, the approver's own one
        size = said.statement.inputs.size
        waiting = leave(arguments.data, said.body, files, preparer=preparer, size=size)
        key = room.keys.key_file("approve").path
        return tell(waiting, arguments, plant_file=arguments.plant, approver_key=key)
    note = sign(said.body, preparer, approver)
    made = Published(room.append(note, said.files), said.statement, note, said.inputs)
    return finish(made, room, arguments.data, as_json=arguments.json)


def finish(made: Published, room: PublishingRoom, data_dir: Path, *, as_json: bool) -> int:
    """Keep a statement that is in the log, prove it, and say so; the exit code."""
    folder = keep(data_dir, made)
    proved = _prove(room, made, folder)
    _tell(made, folder, room, proved=proved, as_json=as_json)
    return DONE if proved else UNDECIDED


def keep(data_dir: Path, made: Published) -> Path:
    """Write the note, and the lines that are needed for its bundle; the folder."""
    folder = data_dir / FOLDER / f"{made.index:012d}"
    durable.make_folder(folder)
    durable.replace(folder / STATEMENT, made.note)
    durable.replace(folder / INPUTS, made.inputs)
    return folder


def _prove(room: PublishingRoom, made: Published, folder: Path) -> bool:
    """Write the proof; False while no checkpoint over the statement is witnessed."""
    try:
        durable.replace(folder / STATEMENT_PROOF, prove(room.log, made.index, settle=room.settle))
    except EvidenceMissing as error:
        print(f"tanji publish: entry {made.index} is in the log, its proof is not there yet: {error}", file=sys.stderr)
        return False
    return True


def _replaced(text: str | None, room: PublishingRoom, question: Question) -> bytes | None:
    """Leaf hash of the statement to be replaced."""
    if text is None:
        return None
    if text != NEWEST:
        try:
            return decode64(text, rule="statement-supersedes", length=HASH_BYTES)
        except TrustError as error:
            raise UsageError(f"--supersedes: expected a leaf hash in base64, or newest, got {text}") from error
    subject = (question.period.from_ms, question.period.to_ms, question.boundary.value, question.rule_set.value)
    same = [index for index, said in statements(room.log) if said.subject == subject]
    if not same:
        raise UsageError(f"--supersedes: {question.period.name} has no statement yet that could be replaced")
    return room.log.leaf_hash(same[-1])


def _tell(made: Published, folder: Path, room: PublishingRoom, *, proved: bool, as_json: bool) -> None:
    said = made.statement
    leaf = encode64(room.log.leaf_hash(made.index))
    if as_json:
        told = {"index": made.index, "leaf": leaf, "folder": str(folder), "proved": proved, "status": said.status}
        told |= {"total_co2_t": said.total_co2_t, "witnessed": said.witnessed, "period": said.period.name}
        told |= {"boundary": said.boundary, "rule_set": said.rule_set, "late_share": said.quality.late_share}
        told |= {"self_registered": room.anchor.is_self_registered}
        print(json.dumps(told, ensure_ascii=False))
        return
    print(f"{said.period.name}  {said.boundary}  {said.rule_set}: {said.total_co2_t} tCO2, {said.status}")
    print(f"entry {made.index} of {said.inputs.origin}, leaf {leaf}")
    print(f"{folder / STATEMENT}")
    if proved:
        print(f"{folder / STATEMENT_PROOF}")
        print(f"next: tanji bundle BUNDLE.zip --entry {made.index} with the same --plant and --data / 下一步：打包")
    if not said.witnessed:
        print(NO_WITNESS)
    if room.anchor.is_self_registered:
        print(SELF_REGISTERED)
