"""`tanji bench`: run the benchmarks of tests/bench; each figure is a ratio against a peer in the same run.

Each benchmark is a process of its own, so that peak memory and processor time are its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from tanji.errors import UsageError

BENCH = Path(__file__).parents[2] / "tests" / "bench"
REPORTS = "from measure import report"
"""What a benchmark has and a module that benchmarks share has not."""


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "bench",
        help="run the benchmarks and print their figures",
        description="Run the benchmarks of tests/bench: all of them, which takes minutes, or one by name."
        " 1 if a benchmark failed its own conditions.",
        epilog="example: tanji bench sealer_ingest --json",
    )
    verb.add_argument("name", nargs="?", metavar="NAME", help=f"one of: {', '.join(listed())}")
    verb.add_argument("--json", action="store_true", help="one JSON object a line")
    verb.set_defaults(func=run)


def listed() -> tuple[str, ...]:
    """Names of the benchmarks; none outside a source checkout."""
    return tuple(sorted(path.stem for path in BENCH.glob("*.py") if REPORTS in path.read_text(encoding="utf-8")))


def available() -> tuple[str, ...]:
    """Names of the benchmarks; UsageError outside a source checkout."""
    names = listed()
    if not names:
        raise UsageError(
            f"no benchmarks in {BENCH}: they are part of the source checkout, not of the installed package"
        )
    return names


def run(arguments: argparse.Namespace) -> int:
    """Run what was asked for; 1 if a benchmark failed its own conditions."""
    names = available()
    if arguments.name is not None and arguments.name not in names:
        raise UsageError(f"no benchmark {arguments.name!r}; there are: {', '.join(names)}")
    failed = 0
    for name in (arguments.name,) if arguments.name else names:
        done = subprocess.run(
            [sys.executable, str(BENCH / f"{name}.py")], stdout=subprocess.PIPE, text=True, check=False
        )
        failed |= done.returncode != 0
        for line in done.stdout.splitlines():
            print(line if arguments.json else as_text(line), flush=True)
        if done.returncode != 0:
            print(f"{name}: failed with exit code {done.returncode}", file=sys.stderr)
    return int(failed)


def as_text(line: str) -> str:
    """One figure for a person."""
    try:
        figure = json.loads(line)
    except json.JSONDecodeError:
        return line
    text = f"{figure['name']:<26} {figure['value']:>14,.4g} {figure['unit']}"
    if figure.get("peer"):
        text += f"   {figure['ratio']:.3g} x {figure['peer']} ({figure['peer_value']:,.4g})"
    return text + f"   {figure['peak_rss_mb']:.0f} MB"
