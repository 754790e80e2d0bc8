"""Whether a payload is the one a batch note seals (trust.md 2.3): count, root, form, order, points and window.

The header itself is `tanji.trust.batch`, the rules of lines are `tanji.trust.payload`. A whole day is judged faster by
`tanji.trust.verify_payload`, by the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tanji.errors import TrustError
from tanji.trust.batch import CONFIG, LABORATORY, REGULAR, Batch
from tanji.trust.canonical import encode64
from tanji.trust.payload import check_lines, check_points, payload_root, split_lines, times_of

MARGIN_MS: Final = 120_000
"""How far outside its time a regular batch's lines may lie: Telegraf flushes every 10 s [ms]."""


def check_payload(batch: Batch, data: bytes, *, kinds: Mapping[str, str] | None = None) -> None:
    """Raise unless `data` is the payload of `batch`: count, root, form, order, points and window, in this order.

    kinds : kind of every point in the point map of the batch. None: the points are not looked at.
    """
    lines = split_lines(data)
    where = batch.name
    if len(lines) != batch.points:
        raise TrustError("payload-count", where=where, expected=f"{batch.points} lines", got=f"{len(lines)}")
    root = payload_root(data, lines)
    if root != batch.root:
        raise TrustError("payload-root", where=where, expected=encode64(batch.root), got=encode64(root))
    check_lines(data, lines, is_laboratory=batch.kind == LABORATORY)
    if batch.kind == LABORATORY:
        return
    if kinds is not None:
        check_points(lines, kinds=kinds, in_config=batch.kind == CONFIG)
    _check_window(batch, data)


def _check_window(batch: Batch, data: bytes) -> None:
    span = times_of(data)
    if span is None:
        return
    first, last = span
    if batch.kind == REGULAR:
        low, high = batch.from_ms - MARGIN_MS, batch.to_ms + MARGIN_MS
        fits = low <= first and last < high
        expected = f"times from {low} to before {high}"
    else:
        fits = (first, last + 1) == (batch.from_ms, batch.to_ms)
        expected = f"lines from {batch.from_ms} to {batch.to_ms - 1}"
    if not fits:
        raise TrustError("payload-window", where=batch.name, expected=expected, got=f"{first} to {last}")
