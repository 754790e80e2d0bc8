"""What every benchmark prints: one JSON object a line, a ratio against a peer measured in the same run.

Asked for help, a benchmark that takes no options says what it measures and does not run: every one imports this first.
"""

from __future__ import annotations

import json
import resource
import sys


def report(
    name: str,
    *,
    value: float,
    unit: str,
    peer: str | None = None,
    peer_value: float | None = None,
    ratio: float | None = None,
    **extra: object,
) -> None:
    """Print the result line; `peak_rss_mb` is this process's own peak memory [MB]."""
    peak_rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = {"name": name, "value": value, "unit": unit, "peer": peer, "peer_value": peer_value, "ratio": ratio}
    print(json.dumps(line | {"peak_rss_mb": round(peak_rss_mb, 1)} | extra), flush=True)


def answer_help() -> None:
    """Print the benchmark's docstring and end, where `--help` is asked for; one with options of its own does so."""
    benchmark = sys.modules["__main__"]
    if {"-h", "--help"} & set(sys.argv[1:]) and not hasattr(benchmark, "argparse"):
        print(benchmark.__doc__)
        sys.exit(0)


answer_help()
