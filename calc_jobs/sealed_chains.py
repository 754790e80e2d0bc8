"""Which notes of a log a statement rests on: every chain from the first that reaches into the window (trust.md 2.5).

The headers of all entries are looked at once, laboratories too. From the first note used the whole log up to the size
of the statement belongs to its evidence, so that nothing can be left out between; payloads are needed of those batches
only that can hold a reading of the window, and of laboratories.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from tanji.errors import EvidenceMissing
from tanji.trust.batch import LABORATORY, REGULAR
from tanji.trust.batch_payload import MARGIN_MS
from tanji.trust.keyring import Keyring
from tanji.trust.statement import GatewayRange
from tanji.trust.utc import utc

HEADER = re.compile(
    rb"tanji/batch/v1\ngateway (\S+)\nkind (regular|late|config|laboratory)\nseq (\d+)\nprev \S+\nfrom (\d+)\n"
    rb"to (\d+)\nsealed (\d+)\npoints (\d+) "
)
RULE = "complete-time"


class Entries(Protocol):
    """What is needed of a log."""

    def entries(self, start: int, end: int) -> Iterable[bytes]:
        """The notes [start, end)."""
        ...


@dataclass(frozen=True, slots=True)
class Link:
    """The header of one batch. low, high : times its lines may have, high excluded [UTC ms]."""

    index: int
    gateway: str
    kind: str
    seq: int
    low: int
    high: int
    to_ms: int
    sealed_ms: int
    points: int

    def overlaps(self, window: tuple[int, int]) -> bool:
        """Whether a line of it may lie in the window."""
        return self.low < window[1] and window[0] < self.high


class Chains:
    """The batches below `size`, by gateway and laboratory."""

    def __init__(self, log: Entries, *, size: int) -> None:
        self.links = tuple(_links(log.entries(0, size)))
        self._of: dict[str, list[Link]] = {}
        for link in self.links:
            self._of.setdefault(link.gateway, []).append(link)

    def is_whole(self) -> bool:
        """Whether the chain of every gateway begins here: nothing was read before the first line there is."""
        return all(chain[0].seq == 0 for chain in self._of.values() if chain[0].kind != LABORATORY)

    def ranges(self, keyring: Keyring, window: tuple[int, int]) -> tuple[GatewayRange, ...]:
        """What a statement says of every gateway and laboratory of a keyring, by name."""
        names = sorted({*keyring.gateways(), *keyring.laboratories()})
        return tuple(self._range(name, window) for name in names)

    def first_index(self, ranges: Iterable[GatewayRange]) -> int:
        """Index of the first note used, 0 for none."""
        used = [self._at(one.gateway, one.first_seq).index for one in ranges if one.first_seq is not None]
        return min(used, default=0)

    def payloads(self, window: tuple[int, int], *, first: int) -> list[int]:
        """Indexes of the batches whose payload belongs to the evidence of a window, from an index on."""
        return [
            link.index
            for link in self.links
            if link.points and ((link.kind == LABORATORY and link.index >= first) or link.overlaps(window))
        ]

    def sealed_until(self, gateway: str) -> int | None:
        """End of the newest regular batch [UTC ms]; None without any."""
        return max((link.to_ms for link in self._of.get(gateway, ()) if link.kind == REGULAR), default=None)

    def laboratory(self) -> list[Link]:
        """The batches of laboratories, in the order of the log."""
        return [link for link in self.links if link.kind == LABORATORY]

    def require_sealed(self, keyring: Keyring, *, until_ms: int) -> None:
        """EvidenceMissing unless every gateway still in force has sealed up to a time, and every laboratory at all."""
        laboratories = {line.key.name for line in keyring.lines if line.role == LABORATORY and line.until is None}
        for name in sorted(laboratories - self._of.keys()):
            raise EvidenceMissing("complete-gateway", where=name, expected="a batch, if only an empty one", got="none")
        for name, end_ms in self.ends(keyring).items():
            if end_ms is None or end_ms < until_ms:
                got = "no batch" if end_ms is None else f"up to {utc(end_ms)}"
                expected = f"sealed and witnessed up to {utc(until_ms)}"
                raise EvidenceMissing(RULE, where=name, expected=expected, got=f"{got}; try again when it is")

    def ends(self, keyring: Keyring) -> Mapping[str, int | None]:
        """How far every gateway that still has a key in force has sealed. [UTC ms]"""
        open_names = {line.key.name for line in keyring.lines if line.role == "gateway" and line.until is None}
        return {name: self.sealed_until(name) for name in sorted(open_names)}

    def _range(self, name: str, window: tuple[int, int]) -> GatewayRange:
        chain = self._of.get(name, [])
        if not chain:
            return GatewayRange(name, None, None)
        used = [link.seq for link in chain if link.overlaps(window)] or [chain[-1].seq]
        if chain[0].kind != LABORATORY:
            # What was sealed late came after the period: the chain is shown from a minute that begins before it on.
            begun = [link.seq for link in chain if link.kind == REGULAR and link.low + MARGIN_MS <= window[0]]
            used.append(max(begun, default=chain[0].seq))
        return GatewayRange(name, min(used), max(link.seq for link in chain))

    def _at(self, name: str, seq: int) -> Link:
        return next(link for link in self._of[name] if link.seq == seq)


def _links(entries: Iterable[bytes]) -> Iterable[Link]:
    for index, entry in enumerate(entries):
        header = HEADER.match(entry)
        if header is None:
            continue
        gateway, kind = header[1].decode(), header[2].decode()
        seq, low, high, sealed, points = (int(header[place]) for place in range(3, 8))
        leeway = MARGIN_MS if kind == REGULAR else 0
        yield Link(index, gateway, kind, seq, low - leeway, high + leeway, high, sealed, points)
