"""`tanji calc`: compute a period again, and explain a figure down to readings, laboratory results and factors.

The embedded store has one owner process: beside a running `tanji run` both parts are only for a remote store.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from calc_jobs import explanation
from calc_jobs.jobs import Jobs
from calc_jobs.touched import COMPUTED, FIRST, RECOMPUTED, REPAIR
from tanji.cli import calc_text, jobs, progress
from tanji.cli.clock import now_ms
from tanji.cli.stores import open_existing_ledger, open_store
from tanji.domain.items import Boundary, Item, RuleSetId
from tanji.errors import UsageError
from tanji.ledger import Ledger
from tanji.ledger.factor_editions import library_in_force
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.store.port import Store

MS_PER_HOUR = 3_600_000
REASONS = (RECOMPUTED, REPAIR)
Parts = argparse._SubParsersAction  # what argparse calls the thing that takes further verbs


def register(verbs: Parts[argparse.ArgumentParser]) -> None:
    """Add the verb and its parts."""
    verb = verbs.add_parser(
        "calc",
        help="compute a period again, or explain a figure",
        description="Compute a period again, or explain one figure down to readings, laboratory results and factors.",
        epilog="example: tanji calc explain plant.yaml 2026-03-01T08:00 fossil_fuel --data /var/lib/tanji",
    )
    parts = verb.add_subparsers(dest="part", required=True, metavar="PART")
    for part in (_recompute_part(parts), _explain_part(parts)):
        part.add_argument("--plant", type=Path, metavar="FILE", help="the plant file, where it is not the first word")
        part.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="data directory (./data)")
        part.add_argument("--json", action="store_true", help="the result as JSON on standard output")


def _recompute_part(parts: Parts[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    again = parts.add_parser(
        "recompute",
        usage="tanji calc recompute PLANT [--from TIME] [--to TIME] [--reason NAME] [--data DIR] [--json]",
        help="compute every closed hour of a period again",
        description="Compute every closed hour of a period again; a figure that changes becomes a new revision, the"
        " others stay as they are.",
        epilog="example: tanji calc recompute plant.yaml --from 2026-03-01 --to 2026-04-01 --data /var/lib/tanji",
    )
    again.add_argument("words", nargs="*", metavar="PLANT", help="the plant file (or --plant FILE)")
    again.add_argument("--from", dest="start", metavar="TIME", help="first hour, plant-local (default: the first)")
    again.add_argument("--to", dest="end", metavar="TIME", help="end, exclusive; a day means its start (default: all)")
    again.add_argument(
        "--reason", choices=REASONS, default=RECOMPUTED, help="of new revisions: recomputed, or repair of stored data"
    )
    again.set_defaults(func=run_recompute)
    return again


def _explain_part(parts: Parts[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    why = parts.add_parser(
        "explain",
        usage="tanji calc explain PLANT TIME ITEM [--stream ID] [--boundary NAME] [--ruleset NAME] [--data DIR]"
        " [--json]",
        help="print the whole derivation of a figure",
        description="Print the whole derivation of an hour's figure: formula with numbers and clause, factors,"
        " laboratory results, instruments, readings, revisions.",
        epilog="example: tanji calc explain plant.yaml 2026-03-01T08:00 fossil_fuel --ruleset cets_ag_02_01",
    )
    why.add_argument("words", nargs="*", metavar="PLANT TIME ITEM", help="plant file, plant-local time, emission item")
    for tag, told in (("stream", "stream id"), ("boundary", _choices(Boundary)), ("ruleset", _choices(RuleSetId))):
        why.add_argument(f"--{tag}", metavar="NAME", help=f"only this {tag}: {told}")
    why.set_defaults(func=run_explain)
    return why


def run_recompute(arguments: argparse.Namespace) -> int:
    """Compute the period again."""
    plant, _ = _plant(arguments, words=0)
    start_ms = None if arguments.start is None else time_ms(arguments.start, plant, name="--from")
    end_ms = None if arguments.end is None else time_ms(arguments.end, plant, name="--to")
    if start_ms is not None and end_ms is not None and start_ms >= end_ms:
        raise UsageError(f"--from {arguments.start} --to {arguments.end}: expected a period, got none")
    with _opened(plant, arguments.data) as (store, ledger):
        first_ms, last_ms = computed(ledger)
        start_ms = max(first_ms, first_ms if start_ms is None else start_ms)
        end_ms = min(last_ms, last_ms if end_ms is None else end_ms)
        if start_ms >= end_ms:
            raise UsageError(f"expected a period with computed hours, which are {_held(first_ms, last_ms, plant)}")
        total = -(-(end_ms - start_ms) // MS_PER_HOUR)
        with progress.bar("hours", total=total) as advance:
            job = Jobs(plant, store=store, ledger=ledger, clock=now_ms)
            report = job.recompute(start_ms, end_ms, progress=advance, reason=arguments.reason)
    print(json.dumps(asdict(report), ensure_ascii=False) if arguments.json else jobs.as_text(report))
    return 0


def run_explain(arguments: argparse.Namespace) -> int:
    """Explain every figure that is meant."""
    plant, (when, item) = _plant(arguments, words=2)
    where = {"item": _one_of("ITEM", item, Item)}
    if arguments.boundary is not None:
        where["boundary"] = _one_of("--boundary", arguments.boundary, Boundary)
    if arguments.ruleset is not None:
        where["ruleset"] = _one_of("--ruleset", arguments.ruleset, RuleSetId)
    if arguments.stream is not None:
        if arguments.stream not in plant.streams_by_id:
            raise UsageError(f"--stream: expected one of {', '.join(plant.streams_by_id)}, got {arguments.stream}")
        where["stream"] = arguments.stream
    hour_ms = time_ms(when, plant, name="TIME") // MS_PER_HOUR * MS_PER_HOUR
    with _opened(plant, arguments.data) as (store, ledger):
        rows = explanation.find(plant, store, hour_ms=hour_ms, where=where)
        if not rows:
            raise UsageError(_nothing(plant, store, ledger, hour_ms=hour_ms, where=where))
        found = explanation.explain(plant, store, ledger, library_in_force(ledger), rows=rows)
    if arguments.json:
        print(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=2))
    else:
        print("\n\n".join(calc_text.as_text(one, plant) for one in found))
        if len(found) > 1:
            print(f"\n{len(found)} figures; narrow with --stream, --boundary or --ruleset (共 {len(found)} 个数值)")
    return 0


def computed(ledger: Ledger) -> tuple[int, int]:
    """The hours of the plant that are computed, [start, end) [UTC ms]; (0, 0) before the first run."""
    marks = ledger.watermarks()
    return marks.get(FIRST, 0), marks.get(COMPUTED, 0)


def time_ms(text: str, plant: Plant, *, name: str) -> int:
    """A day or time, plant-local unless it names an offset; `name` is what an error calls it. [UTC ms]"""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name}: expected a time such as 2026-03-01 or 2026-03-01T08:00, got {text}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(plant.site.timezone))
    return round(moment.timestamp() * 1000)


def _plant(arguments: argparse.Namespace, *, words: int) -> tuple[Plant, list[str]]:
    """The plant, named by --plant or as the first word, and the words after it."""
    given = list(arguments.words)
    if arguments.plant is None and given:
        arguments.plant = Path(given.pop(0))
    if arguments.plant is None or len(given) != words:
        expected = "PLANT TIME ITEM" if words else "PLANT"
        raise UsageError(f"expected {expected}, got {' '.join(arguments.words) or 'nothing'}")
    return load(arguments.plant), given


@contextmanager
def _opened(plant: Plant, data: Path) -> Iterator[tuple[Store, Ledger]]:
    ledger = open_existing_ledger(data)
    try:
        store = open_store(plant, data)
        try:
            yield store, ledger
        finally:
            store.close()
    finally:
        ledger.close()


def _one_of(name: str, given: str, enum: type[Item] | type[Boundary] | type[RuleSetId]) -> str:
    if given not in [member.value for member in enum]:
        raise UsageError(f"{name}: expected one of {_choices(enum)}, got {given}")
    return given


def _choices(enum: type[Item] | type[Boundary] | type[RuleSetId]) -> str:
    return ", ".join(member.value for member in enum)


def _nothing(plant: Plant, store: Store, ledger: Ledger, *, hour_ms: int, where: dict[str, str]) -> str:
    """Why there is no such figure, and what there is."""
    asked = ", ".join(f"{tag} {value}" for tag, value in where.items())
    at = datetime.fromtimestamp(hour_ms / 1000, ZoneInfo(plant.site.timezone)).strftime("%Y-%m-%d %H:%M %z")
    rows = explanation.find(plant, store, hour_ms=hour_ms, where={})
    if not rows:
        return f"expected an hour with figures, {_held(*computed(ledger), plant)}; got {at}"
    there: dict[str, set[str]] = {}
    for row in rows:
        there.setdefault(row["item"], set()).add(row["stream"])
    listed = "; ".join(f"{item} of {', '.join(sorted(streams))}" for item, streams in sorted(there.items()))
    return f"no figure of {asked} at {at}; there are: {listed}"


def _held(start_ms: int, end_ms: int, plant: Plant) -> str:
    if not end_ms:
        return "none yet: run tanji jobs --once"
    zone = ZoneInfo(plant.site.timezone)
    start, end = (datetime.fromtimestamp(ms / 1000, zone).strftime("%Y-%m-%d %H:%M %z") for ms in (start_ms, end_ms))
    return f"from {start} to {end}"
