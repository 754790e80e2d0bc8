"""What every benchmark prints: one JSON object a line, a ratio against a peer measured in the same run."""

from __future__ import annotations

import json
import resource


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
