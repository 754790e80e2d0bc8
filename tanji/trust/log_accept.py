"""Whether a log takes a batch: known key, in force for its number, next of its chain, no hole, payload as signed.

The accept rules of reference/trust.md 2.4, in the order of docs/trust-format.md. Nothing is ever mended: a batch that
breaks a rule is refused, and what the log does with it then is its own business.
"""

from __future__ import annotations

from collections.abc import Sequence

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import verify_signers
from tanji.trust.batch import GENESIS, LABORATORY, REGULAR, Batch
from tanji.trust.batch_payload import check_payload
from tanji.trust.canonical import encode64
from tanji.trust.keyring import Keyring
from tanji.trust.log_index import ChainState
from tanji.trust.plant_note import PlantNote, approves


def open_batch(note: bytes, *, keyring: Keyring | None) -> Batch:
    """The header of a batch that exactly one gateway or laboratory has signed, whose key is in force for its number."""
    if keyring is None:
        raise EvidenceMissing("note-unknown-key", where="batch", expected="a keyring in the log", got="none")
    body, key = verify_signers.open_batch(note, keyring)
    batch = Batch.parse(body)
    role = verify_signers.LABORATORY if batch.kind == LABORATORY else verify_signers.GATEWAY
    if batch.gateway != key.name or keyring.key_for(role, key.name, batch.seq) != key:
        expected = f"the {role} key of {batch.gateway} in force for {batch.seq}"
        raise TrustError("batch-key", where=_name(batch), expected=expected, got=key.text)
    return batch


def accept_batch(batch: Batch, payload: bytes, *, end: ChainState | None) -> None:
    """Raise unless `batch` goes on where the chain ends, and `payload` is what it sealed. end : None for the first."""
    where = _name(batch)
    seq = 0 if end is None else end.seq + 1
    if batch.seq != seq:
        raise TrustError("batch-sequence", where=where, expected=str(seq), got=str(batch.seq))
    prev = GENESIS if end is None else end.leaf
    if batch.prev != prev:
        raise TrustError("batch-prev", where=where, expected=encode64(prev), got=encode64(batch.prev))
    batch.check_times()
    start = _start(batch, end)
    if start is not None and batch.from_ms != start:
        rule = "batch-time" if batch.from_ms < start or batch.kind == LABORATORY else "batch-hole"
        raise TrustError(rule, where=where, expected=f"from {start}", got=str(batch.from_ms))
    check_payload(batch, payload)


def check_point_map(batch: Batch, plants: Sequence[PlantNote]) -> None:
    """Raise EvidenceMissing unless the log's plant notes approve the point map of a batch that would come after them.

    It may come again: a later note can approve the map once more. plants : all of the log; without any, none is asked.
    """
    if plants and not approves(plants, batch.pointmap, from_ms=batch.from_ms):
        expected = f"a point map that plant note {plants[-1].version} or one still in force approves"
        got = f"{batch.pointmap.hex()[:12]}; approve the plant file it belongs to, then the present one again"
        raise EvidenceMissing("pointmap-approved", where=_name(batch), expected=expected, got=got)


def _start(batch: Batch, end: ChainState | None) -> int | None:
    """Where a batch has to begin; None: anywhere."""
    if end is None and batch.kind not in (REGULAR, LABORATORY):
        raise TrustError("batch-hole", where=_name(batch), expected="a regular batch at first", got=batch.kind)
    if end is None:
        return batch.sealed_ms if batch.kind == LABORATORY else None
    return end.to_ms if batch.kind in (REGULAR, LABORATORY) else None


def _name(batch: Batch) -> str:
    return f"{batch.gateway} {batch.seq}"
