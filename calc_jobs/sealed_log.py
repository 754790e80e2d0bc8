"""The sealed batches of a log by the time of their readings, each verified before its bytes are used (trust.md 2.3).

The header of every entry is looked at once, to know which batches can hold a reading of a period; of a batch that is
used the gateway's signature and the payload's root are checked. Whether the log itself is whole, witnessed and
complete is the verifier's business (`tanji verify`), which readings stand that of `calc_jobs.sealed_readings`.
"""

from __future__ import annotations

import re
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from calc_jobs.sealed_readings import Replacement
from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import correction
from tanji.trust.batch import Batch
from tanji.trust.batch_payload import MARGIN_MS
from tanji.trust.canonical import encode64
from tanji.trust.keyring import Keyring
from tanji.trust.log_accept import open_batch
from tanji.trust.payload import payload_root
from tanji.trust.verify_signers import open_approved

HELD_BYTES = 96 * 2**20
"""Verified payloads kept for the next part of a period; an import's late batches reach over days."""
PAGE = 4096
HEADER = re.compile(
    rb"tanji/batch/v1\ngateway (\S+)\nkind (regular|late|config)\nseq (\d+)\nprev \S+\nfrom (\d+)\nto (\d+)\n"
    rb"sealed (\d+)\npoints (\d+) "
)
CORRECTION = f"{correction.TYPE_LINE}\n".encode()
COLUMNS = ("index", "low", "high", "sealed", "points", "regular", "gateway")
Integers = npt.NDArray[np.int64]


class LogFiles(Protocol):
    """What is needed of a log that is open for reading."""

    @property
    def size(self) -> int:
        """Number of entries."""
        ...

    @property
    def keyring(self) -> Keyring | None:
        """The newest keyring, which has every key there ever was."""
        ...

    def refresh(self) -> None:
        """Take in what was appended since."""
        ...

    def entries(self, start: int, end: int) -> Iterable[bytes]:
        """The notes [start, end)."""
        ...

    def payload(self, index: int) -> bytes:
        """The payload file of an entry; EvidenceMissing where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """A verified batch of readings: where it is in the log, and its payload lines."""

    index: int
    kind: str
    gateway: str
    seq: int
    note: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Headers:
    """What the headers of a log's batches of readings say, one element a batch, in the order of the log."""

    index: Integers
    low: Integers
    high: Integers
    sealed: Integers
    points: Integers
    regular: npt.NDArray[np.bool_]
    gateway: Integers
    gateways: tuple[str, ...]

    def among(self, chosen: npt.NDArray[np.bool_]) -> Headers:
        """Those of the batches that are chosen."""
        return Headers(
            index=self.index[chosen],
            low=self.low[chosen],
            high=self.high[chosen],
            sealed=self.sealed[chosen],
            points=self.points[chosen],
            regular=self.regular[chosen],
            gateway=self.gateway[chosen],
            gateways=self.gateways,
        )


class SealedLog:
    """Batches and corrections of a log, as of any size it has had."""

    def __init__(self, files: LogFiles) -> None:
        self._files = files
        self._seen = 0
        self._columns = {
            name: array("q") for name in ("index", "low", "high", "sealed", "points", "regular", "gateway")
        }
        self._gateways: dict[str, int] = {}
        self._corrections: list[tuple[int, bytes]] = []
        self._held: OrderedDict[int, SealedBatch] = OrderedDict()

    @property
    def size(self) -> int:
        """Entries of the log as it was last looked at."""
        return self._files.size

    def refresh(self) -> None:
        """Look at the log again."""
        self._files.refresh()

    def headers(self, *, size: int | None = None) -> Headers:
        """Every batch of readings below `size`; None: all there are now."""
        self._look(self.size if size is None else size)
        index, low, high, sealed, points, regular, gateway = map(np.array, self._columns.values())
        found = Headers(index, low, high, sealed, points, regular > 0, gateway, tuple(self._gateways))
        return found if size is None else found.among(found.index < size)

    def retired(self) -> frozenset[str]:
        """Gateways all of whose keys have come to an end: nothing is waited for from them."""
        lines = [line for line in _known(self._files.keyring).lines if line.role == "gateway"]
        return frozenset(line.key.name for line in lines) - {line.key.name for line in lines if line.until is None}

    def batches(self, start_ms: int, end_ms: int, *, size: int | None = None) -> Iterator[SealedBatch]:
        """The verified batches that can hold readings of [start_ms, end_ms) [UTC ms], in the order of the log."""
        headers = self.headers(size=size)
        wanted = headers.index[(headers.low < end_ms) & (headers.high > start_ms)]
        for index in wanted.tolist():
            yield self._verified(index)

    def replacements(self, *, size: int | None = None) -> tuple[Replacement, ...]:
        """What the approved corrections below `size` put in the place of a line, in the order of the log."""
        self._look(self.size if size is None else size)
        found = [(index, entry) for index, entry in self._corrections if size is None or index < size]
        return tuple(self._replacement(index, entry) for index, entry in found)

    def _look(self, size: int) -> None:
        """Know the headers of the entries up to `size`."""
        while self._seen < size:
            page = list(self._files.entries(self._seen, min(size, self._seen + PAGE)))
            for index, entry in enumerate(page, self._seen):
                self._note(index, entry)
            self._seen += len(page)
            if not page:
                raise EvidenceMissing(
                    "checkpoint-size", where="log", expected=f"{size} entries", got=f"{self._seen} that can be read"
                )

    def _note(self, index: int, entry: bytes) -> None:
        if entry.startswith(CORRECTION):
            self._corrections.append((index, entry))
        header = HEADER.match(entry)
        if header is None:
            return
        name, kind, _, first, last, sealed, points = header.groups()
        regular = kind == b"regular"
        leeway = MARGIN_MS if regular else 0
        gateway = self._gateways.setdefault(name.decode(), len(self._gateways))
        values = (index, int(first) - leeway, int(last) + leeway, int(sealed), int(points), int(regular), gateway)
        for column, value in zip(self._columns.values(), values, strict=True):
            column.append(value)

    def _verified(self, index: int) -> SealedBatch:
        if index in self._held:
            self._held.move_to_end(index)
            return self._held[index]
        (entry,) = self._files.entries(index, index + 1)
        batch = open_batch(entry, keyring=self._files.keyring)
        payload = self._files.payload(index)
        _check(batch, payload)
        found = SealedBatch(index, batch.kind, batch.gateway, batch.seq, entry, payload)
        self._held[index] = found
        while sum(len(batch.payload) for batch in self._held.values()) > HELD_BYTES and len(self._held) > 1:
            self._held.popitem(last=False)
        return found

    def _replacement(self, index: int, entry: bytes) -> Replacement:
        said = correction.parse(open_approved(entry, self._files.keyring, index))
        return Replacement(said.line.encode(), said.by.encode())


def _check(batch: Batch, payload: bytes) -> None:
    """Raise unless these are the bytes that were signed; the log looked at their grammar when it took them."""
    where = f"{batch.gateway} {batch.seq}"
    lines = payload.count(b"\n")
    if lines != batch.points:
        raise TrustError("payload-count", where=where, expected=f"{batch.points} lines", got=f"{lines}")
    root = payload_root(payload)
    if root != batch.root:
        raise TrustError("payload-root", where=where, expected=encode64(batch.root), got=encode64(root))


def _known(keyring: Keyring | None) -> Keyring:
    if keyring is None:
        raise EvidenceMissing("note-unknown-key", where="log", expected="a keyring note in the log", got="none")
    return keyring
