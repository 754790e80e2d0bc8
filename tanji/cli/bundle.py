"""`tanji bundle`: one zip with everything a stranger needs to check a statement offline (R34, R36, R47).

It holds the statement, the log from the first note it rests on, the sealed readings, keys, files and an explanation for
people; nobody needs to have seen Tanji to follow it. Exit codes: 0 written, 2 there is no such statement, 3 nothing
can be said yet: no checkpoint over the statement is witnessed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from calc_jobs.bundling import Order, find, members
from calc_jobs.publish import statements
from calc_jobs.recomputation import Question, recompute
from calc_jobs.sealed_period import SealedPeriod
from tanji.cli import period
from tanji.cli.publish import FOLDER, NO_WITNESS
from tanji.cli.publishing import newest_head, opened, trust_of
from tanji.domain.items import Boundary, RuleSetId
from tanji.errors import EvidenceMissing, UsageError
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.trust.bundle import INPUTS
from tanji.trust.bundle_writer import write_bundle
from tanji.trust.key_folder import KeyFolder
from tanji.trust.log_reader import LogReader
from tanji.trust.statement import Statement

DONE, UNDECIDED = 0, 3


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "bundle",
        help="write everything a stranger needs to check a statement",
        description="Write one zip with a statement and everything that is needed to check it offline.",
        epilog="example: tanji bundle bundle.zip --plant plant.yaml --data /var/lib/tanji --month 2026-09",
    )
    verb.add_argument("target", type=Path, metavar="BUNDLE", help="the zip file to write")
    verb.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    verb.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="data directory (default: ./data)")
    verb.add_argument(
        "--entry", type=int, metavar="INDEX", help="index of the statement in the log (default: the newest)"
    )
    period.add_period(verb, required=False)
    period.add_scope(verb)
    verb.add_argument("--json", action="store_true", help="one JSON line instead of text")
    verb.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the bundle of the newest statement that was asked for."""
    plant = load(arguments.plant)
    trust = trust_of(plant)
    folder = KeyFolder(trust.keys_dir(arguments.data), anchor=trust.anchor)
    anchor = folder.anchor()
    log = opened(arguments.data)
    index = _chosen(arguments, plant, log)
    said = find(log, index)
    try:
        head = newest_head(log, anchor.policy, size=index + 1)
        if head is None:
            expected = f"a checkpoint over entry {index} as the anchor asks"
            raise EvidenceMissing("quorum", where="log", expected=expected, got="none yet")
        order = Order(index, head, folder.anchor_file.read_bytes(), _inputs(arguments.data, log, index, said))
        listed = write_bundle(arguments.target, members(log, order), signer=folder.key_file("prepare").read())
    except EvidenceMissing as error:
        print(f"tanji bundle: {error}", file=sys.stderr)
        return UNDECIDED
    size = arguments.target.stat().st_size
    if arguments.json:
        told = {"bundle": str(arguments.target), "bytes": size, "members": len(listed) + 1, "index": index}
        print(json.dumps(told | {"period": said.period.name, "total_co2_t": said.total_co2_t}, ensure_ascii=False))
    else:
        print(f"{arguments.target}: {said.period.name}, {said.total_co2_t} tCO2, {len(listed) + 1} members, {size:,} B")
        print(f"tanji verify bundle {arguments.target} --anchor ANCHOR   (ANCHOR from the metrology institute)")
        if not said.witnessed:
            print(NO_WITNESS)
    return DONE


def _chosen(arguments: argparse.Namespace, plant: Plant, log: LogReader) -> int:
    """Index of the statement."""
    if arguments.entry is not None:
        return int(arguments.entry)
    known = statements(log)
    asked = arguments.day or arguments.month or arguments.start
    if asked:
        wanted = period.period_of(arguments, plant)
        known = [(index, said) for index, said in known
                 if (said.period.from_ms, said.period.to_ms) == (wanted.from_ms, wanted.to_ms)]  # fmt: skip
    if asked or arguments.boundary or arguments.rule_set:
        boundary, rule_set = period.scope_of(arguments, plant)
        known = [(index, said) for index, said in known if (said.boundary, said.rule_set) == (boundary, rule_set)]
    if not known:
        what = asked or "this plant"
        raise UsageError(f"expected a published statement of {what}, got none; tanji publish makes one")
    return known[-1][0]


def _inputs(data_dir: Path, log: LogReader, index: int, said: Statement) -> bytes:
    """The lines fed to the formulas: as kept at publication, else computed again from the log."""
    kept = data_dir / FOLDER / f"{index:012d}" / INPUTS
    if kept.is_file():
        return kept.read_bytes()
    question = Question(said.period, Boundary(said.boundary), RuleSetId(said.rule_set))
    sealed = SealedPeriod.of(log, said.inputs.size, question)
    return recompute(sealed.plant, sealed.evidence, log.file(said.ledger.sha256), question=question).inputs
