"""Short digests that tell versions of a figure apart: of its method, of a factor record, of laboratory results (R4).

A digest is the first twelve hex digits of a SHA-256 over what was said, so it is the same after a restart, on every
store and in whatever order data came.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tanji.domain.factors import Factor
from tanji.domain.rulesets import RuleSet
from tanji.ledger.entries import Entry
from tanji.plant.model import Stream
from tanji.quality.hours import MS_PER_HOUR, Grid

DIGITS = 12
"""48 bits tell the versions of one figure apart, and fit beside it."""
FORMULAS_EDITION = "4"
"""Raised when a formula comes to say something else of the same inputs; the revision has the reason `method`."""
NONE = "none"
"""Stands where there is nothing to tell: an empty text would erase none that a store holds from before."""


def short_digest(content: bytes) -> str:
    """The first twelve hex digits of the SHA-256."""
    return hashlib.sha256(content).hexdigest()[:DIGITS]


@lru_cache(maxsize=4096)
def factor_digest(factor: Factor) -> str:
    """Digest of a record's identity, value, source and validity; who approved it, and remarks, are not in it."""
    said = (factor.id, factor.value.hex(), factor.unit, factor.document, factor.edition, factor.clause)
    validity = (factor.valid_from.isoformat(), "" if factor.valid_to is None else factor.valid_to.isoformat())
    return short_digest(json.dumps((*said, *validity), ensure_ascii=False).encode())


def method_digest(ruleset: RuleSet, stream: Stream, method: str) -> str:
    """Digest of the rule set, the edition of the formulas, the stream's settings and the method of the figure."""
    settings = stream.model_dump_json(exclude={"name"}, exclude_defaults=True)
    return short_digest("\n".join((_ruleset_digest(ruleset), FORMULAS_EDITION, settings, method)).encode())


@lru_cache(maxsize=64)
def _ruleset_digest(ruleset: RuleSet) -> str:
    return ruleset.digest()


def row_digests(columns: Sequence[NDArray[np.uint64]]) -> NDArray[np.str_]:
    """Digest of every hour's row of 64-bit columns."""
    raw = np.ascontiguousarray(np.array(columns).T, "<u8").tobytes()
    width = 8 * len(columns)
    rows = [hashlib.sha256(raw[at : at + width]).hexdigest()[:DIGITS] for at in range(0, len(raw), width)]
    return np.array(rows, f"U{DIGITS}")


class EntryMarks:
    """For every hour a number that stands for the laboratory results that hold in it, whatever their order."""

    def __init__(self, entries: Sequence[Entry], grid: Grid) -> None:
        self._grid = grid
        self._entries: dict[tuple[str, str], list[Entry]] = {}
        for entry in entries:
            self._entries.setdefault((entry.stream, entry.parameter), []).append(entry)
        self._known: dict[tuple[str, str], NDArray[np.uint64]] = {}

    def of(self, stream: str, parameter: str) -> NDArray[np.uint64]:
        """The marks of a stream's parameter."""
        key = stream, parameter
        if key not in self._known:
            grid, marks = self._grid, np.zeros(self._grid.hours, np.uint64)
            for entry in self._entries.get(key, ()):
                first = max(0, (entry.valid_from_ms - grid.start_ms) // MS_PER_HOUR)
                last = min(grid.hours, -((grid.start_ms - entry.valid_to_ms) // MS_PER_HOUR))
                marks[first : max(first, last)] += np.uint64(entry_mark(entry))  # wraps round, in any order the same
            self._known[key] = marks
        return self._known[key]


def entry_mark(entry: Entry) -> int:
    """64 bits that stand for a laboratory result: sample, value, basis and period."""
    said = [entry.sample_id, entry.value.hex(), entry.unit, entry.basis, entry.valid_from_ms, entry.valid_to_ms]
    return int.from_bytes(hashlib.sha256(json.dumps(said).encode()).digest()[:8], "little")
