"""`tanji audit`: the database against the sealed payload, and its repair from the evidence (R35)."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from calc_jobs.asked_audit import PATIENCE_MS, REPAIR, RUN
from calc_jobs.audit import Audit, scope_of
from calc_jobs.comparison import HOUR_MS
from calc_jobs.jobs import Jobs
from calc_jobs.nightly_audit import SETTLE_S
from calc_jobs.repair import Repair
from calc_jobs.sealed_log import SealedLog
from tanji.cli import progress
from tanji.cli.audit_text import audit_lines, repair_lines
from tanji.cli.auditing import sealed_log
from tanji.cli.calc import time_ms
from tanji.cli.clock import now_ms
from tanji.cli.ledger_entries import stated
from tanji.cli.stores import open_existing_ledger, open_store
from tanji.errors import EvidenceMissing, InstanceLocked, TrustError, UsageError
from tanji.ledger import Ledger
from tanji.ledger.audit_trail import TrailKind, entries
from tanji.ledger.audits import answer_to, ask, record_audit, record_failure
from tanji.plant.load import load
from tanji.plant.model import InfluxSettings, Plant
from tanji.store.port import Store

DONE, DIFFERS, UNDECIDED = 0, 1, 3
DAYS = 7
ANSWER_S, LOOK_S = PATIENCE_MS / 1000, 0.5
"""How long, and how often, to look for the answer of the process that has the store open."""
ACTOR = "tanji audit"
"""In the trail; who asked for a repair is named there too."""


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb and its parts."""
    verb = verbs.add_parser(
        "audit",
        help="compare the database with the sealed readings, and repair it",
        description="Compare the database with the sealed readings, bit for bit, and restore it from them.",
        epilog="example: tanji audit run --plant plant.yaml --data /var/lib/tanji",
    )
    parts = verb.add_subparsers(dest="part", required=True, metavar="PART")
    look = parts.add_parser(
        "run",
        help="compare; 1 if anything differs",
        description="Compare the readings of a period with what was sealed. What differs is listed, and kept in the"
        " audit trail. 1 if anything differs, 3 if the evidence or the database cannot be read.",
        epilog="example: tanji audit run --plant plant.yaml --from 2026-03-01 --to 2026-04-01",
    )
    look.add_argument("--last", action="store_true", help="compare nothing; print what the last audit found")
    look.set_defaults(func=run_audit)
    mend = parts.add_parser(
        "repair",
        help="restore the database from the evidence",
        description="Write what was sealed where the database has something else, delete what was added, and compute"
        " the hours again that this touches, with the reason `repair`.",
        epilog="example: tanji audit repair --plant plant.yaml --by Li --reason 'disk restored from backup'",
    )
    mend.add_argument("--by", type=stated, required=True, metavar="NAME", help="who orders it, for the audit trail")
    mend.add_argument("--reason", default="", metavar="TEXT", help="why, for the audit trail")
    mend.set_defaults(func=run_repair)
    for part in (look, mend):
        _add_where(part)


def _add_where(part: argparse.ArgumentParser) -> None:
    """Which readings of which plant."""
    part.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    part.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="data directory (default: ./data)")
    part.add_argument("--log", type=Path, metavar="DIR", help="folder of the log (default: log in the data directory)")
    part.add_argument("--from", dest="start", metavar="TIME", help=f"begin, plant-local (default: {DAYS} days ago)")
    part.add_argument("--to", dest="end", metavar="TIME", help="end, exclusive (default: all that can be judged)")
    part.add_argument("--wait", type=float, metavar="S", help="for the next sealed minute before what differs counts")
    part.add_argument("--all", action="store_true", help="everything since the first sealed reading")
    part.add_argument("--json", action="store_true", help="the result as one JSON line")


def run_audit(arguments: argparse.Namespace) -> int:
    """Compare the period, or tell what the last audit found."""
    plant = load(arguments.plant)
    zone = ZoneInfo(plant.site.timezone)
    if arguments.last:
        return _tell_last(arguments, zone)
    with _opened(arguments, plant) as place:
        try:
            start_ms, end_ms = _period(arguments, plant, place.sealed)
            if place.store is None:
                return _asked(place, {"what": RUN, "start_ms": start_ms, "end_ms": end_ms}, arguments, zone)
            audit = place.audit(plant)
            with progress.bar("hours", total=max(1.0, (end_ms - start_ms) / HOUR_MS)) as advance:
                facts = audit.run(start_ms, end_ms, progress=advance).facts()
        except TrustError as error:
            return _undone(error, place.ledger)
        record_audit(place.ledger, facts, actor=ACTOR, at_ms=now_ms())
    return _tell(facts, arguments, zone)


def run_repair(arguments: argparse.Namespace) -> int:
    """Repair the period, and compare it once more."""
    plant = load(arguments.plant)
    zone = ZoneInfo(plant.site.timezone)
    with _opened(arguments, plant) as place:
        try:
            start_ms, end_ms = _period(arguments, plant, place.sealed)
            if place.store is None:
                asked = {"what": REPAIR, "start_ms": start_ms, "end_ms": end_ms, "reason": arguments.reason}
                return _asked(place, asked, arguments, zone)
            jobs = Jobs(plant, store=place.store, ledger=place.ledger, clock=now_ms)
            repair = Repair(
                plant, store=place.store, ledger=place.ledger, audit=place.audit(plant), jobs=jobs, clock=now_ms
            )
            facts = repair.run(start_ms, end_ms, by=arguments.by, reason=arguments.reason).facts()
        except TrustError as error:
            return _undone(error, place.ledger)
    return _tell_repair(facts, arguments, zone)


def _tell(facts: Mapping[str, Any], arguments: argparse.Namespace, zone: ZoneInfo) -> int:
    print(json.dumps(facts, ensure_ascii=False) if arguments.json else "\n".join(audit_lines(facts, zone)))
    return DIFFERS if facts["differences"] else DONE


def _tell_repair(facts: Mapping[str, Any], arguments: argparse.Namespace, zone: ZoneInfo) -> int:
    print(json.dumps(facts, ensure_ascii=False) if arguments.json else "\n".join(repair_lines(facts, zone)))
    return DIFFERS if facts["left"]["differences"] else DONE


def _asked(place: _Place, question: dict[str, Any], arguments: argparse.Namespace, zone: ZoneInfo) -> int:
    """Let the process that has the store open do it, and tell its answer."""
    print("tanji: the store is open in another process, which is asked to do it ...", file=sys.stderr)
    by = arguments.by if question["what"] == REPAIR else ACTOR
    number = ask(place.ledger, question["what"], by=by, at_ms=now_ms(), facts=question)
    end = time.monotonic() + (ANSWER_S if arguments.wait is None else arguments.wait)
    while (row := answer_to(place.ledger, number)) is None:
        if time.monotonic() > end:
            print("tanji: expected an answer of the process that has the store open, got none", file=sys.stderr)
            return UNDECIDED
        time.sleep(LOOK_S)
    if row.kind is TrailKind.AUDIT_FAILED:
        print(f"tanji: {row.facts['reason']}", file=sys.stderr)
        return UNDECIDED if row.facts["undecided"] else DIFFERS
    if row.kind is TrailKind.AUDIT:
        return _tell(row.facts, arguments, zone)
    return _tell_repair(row.facts["report"], arguments, zone)


def _tell_last(arguments: argparse.Namespace, zone: ZoneInfo) -> int:
    """Print the newest audit of the trail."""
    ledger = open_existing_ledger(arguments.data)
    try:
        known = entries(ledger, kinds=(TrailKind.AUDIT,), limit=1)
    finally:
        ledger.close()
    if not known:
        print("tanji: no audit has come to a result yet", file=sys.stderr)
        return UNDECIDED
    return _tell(known[0].facts, arguments, zone)


def _undone(error: TrustError, ledger: Ledger) -> int:
    """The evidence is missing, so that nothing can be decided, or is not what was signed."""
    record_failure(ledger, str(error), actor=ACTOR, at_ms=now_ms())
    print(f"tanji: {error}", file=sys.stderr)
    return UNDECIDED if isinstance(error, EvidenceMissing) else DIFFERS


def _period(arguments: argparse.Namespace, plant: Plant, sealed: SealedLog) -> tuple[int, int]:
    """The period asked for, as far as it can be judged. [UTC ms]"""
    scope = scope_of(sealed)
    end_ms = scope.end_ms if arguments.end is None else time_ms(arguments.end, plant, name="--to")
    start_ms = end_ms - DAYS * 24 * HOUR_MS
    if arguments.start is not None:
        start_ms = time_ms(arguments.start, plant, name="--from")
    if arguments.all:
        start_ms = scope.first_ms
    if start_ms >= end_ms:
        raise UsageError(f"--from {arguments.start} --to {arguments.end}: expected a period, got none")
    return start_ms, min(end_ms, scope.end_ms)


@dataclass(frozen=True, slots=True)
class _Place:
    """What a plant that has run has in its data directory. store : None while another process has it open."""

    ledger: Ledger
    sealed: SealedLog
    store: Store | None
    settle_s: float

    def audit(self, plant: Plant) -> Audit:
        """The audit of the store that is open here."""
        assert self.store is not None
        return Audit(plant, store=self.store, log=self.sealed, clock=now_ms, settle_s=self.settle_s)


@contextmanager
def _opened(arguments: argparse.Namespace, plant: Plant) -> Iterator[_Place]:
    """Ledger, log and, if it can be had, the store."""
    # A server is filled while we look; the embedded store is ours alone then, and nobody seals meanwhile.
    settle_s = SETTLE_S if isinstance(plant.services.store, InfluxSettings) else 0.0
    settle_s = settle_s if arguments.wait is None else arguments.wait
    ledger = open_existing_ledger(arguments.data)
    store: Store | None = None
    try:
        with suppress(InstanceLocked):
            store = open_store(plant, arguments.data)
        yield _Place(ledger, sealed_log(arguments.data, folder=arguments.log), store, settle_s)
    finally:
        if store is not None:
            store.close()
        ledger.close()
