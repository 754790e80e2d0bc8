"""The log as a bundle shows it: head, entries from the first used one on, roots, kept checkpoints, proofs.

Steps 3, 6 and 9 of docs/trust-format.md 11, and `tanji verify log`: whoever kept an older checkpoint can see that
nothing before it was rewritten. What the entries say is `verify_entries`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import proof as proofs
from tanji.trust.bundle import PREFIX
from tanji.trust.canonical import HASH_BYTES, decode64, encode64, whole
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.compact_range import CompactRange
from tanji.trust.policy import Policy, Verified
from tanji.trust.policy_file import NONE
from tanji.trust.proof import TlogProof
from tanji.trust.tree import leaf_hash, node_hash, split_point, verify_consistency, verify_inclusion
from tanji.trust.verify_report import WitnessTime
from tanji.trust.verify_source import Source, indexed, located

CHECKPOINTS = "checkpoints/"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest checkpoint of the evidence: what everything is judged by. note : its bytes. times : of witnesses."""

    note: bytes
    checkpoint: Checkpoint
    times: tuple[WitnessTime, ...]

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.checkpoint.size


@dataclass(frozen=True, slots=True)
class LogPart:
    """Entries `first` to the head. edges : the right edge of the tree at every size from `first` on."""

    first: int
    notes: tuple[bytes, ...]
    leaves: tuple[bytes, ...]
    edges: tuple[tuple[bytes, ...], ...]

    @property
    def size(self) -> int:
        """Size of the log at the head."""
        return self.first + len(self.notes)

    def leaf(self, index: int) -> bytes:
        """Hash of an entry."""
        return self.leaves[index - self.first]

    def note(self, index: int) -> bytes:
        """An entry."""
        return self.notes[index - self.first]

    def root(self, size: int) -> bytes:
        """Root of the log at a size from `first` to the head."""
        return CompactRange(size, self.edges[size - self.first]).root()

    def inclusion(self, index: int) -> list[bytes]:
        """Proof that an entry is in the log of the head, from the leaf's sibling upwards."""
        low, high, path = 0, self.size, []
        while high - low > 1:
            middle = low + split_point(high - low)
            other = (middle, high) if index < middle else (low, middle)
            low, high = (low, middle) if index < middle else (middle, high)
            path.append(self._range_root(*other))
        return path[::-1]

    def _range_root(self, low: int, high: int) -> bytes:
        """Root of the leaves [low, high): of the prefix's perfect subtrees and of the entries that are there."""
        if high <= self.first:  # beside an entry that is there, so that it is one of the right edge's own
            at = sum(1 << height < high - low for height in range(self.first.bit_length()) if self.first >> height & 1)
            return self.edges[0][len(self.edges[0]) - 1 - at]
        if high - low == 1:
            return self.leaf(low)
        middle = low + split_point(high - low)
        return node_hash(self._range_root(low, middle), self._range_root(middle, high))


def read_proof(source: Source, path: str) -> TlogProof:
    """The proof in a member, nothing of it verified."""
    with located(path):
        return proofs.parse(source.read(path))


def judge_head(note: bytes, policy: Policy) -> Head:
    """A checkpoint signed by the log and cosigned by as many as the policy asks for."""
    verified = policy.check(note)
    return Head(note, verified.checkpoint, _times(verified))


def check_included(proof: TlogProof, note: bytes, head: Checkpoint) -> None:
    """Raise unless `note` is the entry of this index in the log of the head."""
    if proof.index >= head.size:
        raise TrustError("proof-length", expected=f"an index below {head.size}", got=str(proof.index))
    verify_inclusion(proof.index, head.size, leaf_hash(note), proof.path, head.root)


def check_logged(source: Source, path: str, index: int, head: Head) -> None:
    """Raise unless the proof beside a note `path` shows it at `index` under the very checkpoint of the head."""
    beside = path.removesuffix(".note") + ".tlog-proof"
    if beside not in source.paths:
        raise TrustError("manifest-listed", where=beside, expected="a proof beside the note", got="none")
    found = read_proof(source, beside)
    with located(beside):
        if found.index != index:
            raise TrustError("proof-form", expected=f"index {index}", got=str(found.index))
        if found.checkpoint != head.note:
            raise TrustError("proof-form", expected="the checkpoint of the statement's proof", got="another one")
        check_included(found, source.read(path), head.checkpoint)


def read_entries(source: Source, head: Head) -> LogPart:
    """The entries of the bundle, whose hashes lead to the root of the head; EvidenceMissing where one is not there."""
    first, hashes = _prefix(source.read(PREFIX), head.size)
    found = indexed(source.paths, "notes", ".note")
    for index, path in found:
        if not first <= index < head.size:
            expected = f"an entry from {first} to {head.size - 1}"
            raise TrustError("checkpoint-size", where=path, expected=expected, got=str(index))
    there = {index for index, _ in found}
    for index in range(first, head.size):
        if index not in there:
            path = f"notes/{index:012d}.note"
            raise EvidenceMissing("complete-sequence", where=path, expected="every entry of the log", got="none")
    edge = CompactRange(first, hashes)
    notes, leaves, edges = [], [], [edge.hashes]
    for _, path in found:
        note = source.read(path)
        leaf = leaf_hash(note)
        edge.append_hash(leaf)
        notes.append(note)
        leaves.append(leaf)
        edges.append(edge.hashes)
    if edge.root() != head.checkpoint.root:
        expected, got = encode64(head.checkpoint.root), encode64(edge.root())
        raise TrustError("checkpoint-root", where="notes", expected=expected, got=got)
    return LogPart(first, tuple(notes), tuple(leaves), tuple(edges))


def check_checkpoints(source: Source, policy: Policy, log: LogPart) -> list[WitnessTime]:
    """Every kept checkpoint is one of this log; when which witness saw what."""
    found: list[WitnessTime] = []
    lenient = replace(policy, quorum=NONE)  # a time is worth something also where the quorum came later
    for path in sorted(path for path in source.paths if path.startswith(CHECKPOINTS)):
        with located(path):
            verified = lenient.check(source.read(path))
            size, root = verified.checkpoint.size, verified.checkpoint.root
            if not log.first <= size <= log.size:
                raise TrustError("checkpoint-size", expected=f"{log.first} to {log.size}", got=str(size))
            if root != log.root(size):
                raise TrustError("checkpoint-root", expected=encode64(log.root(size)), got=encode64(root))
            found += _times(verified)
    return found


def first_seen(times: Sequence[WitnessTime]) -> FirstSeen:
    """When a witness first saw each entry."""
    sizes, seconds, earliest = [], [], None
    for each in sorted(times, key=lambda each: (-each.size, each.time_s)):
        earliest = each.time_s if earliest is None else min(earliest, each.time_s)
        sizes.append(each.size)
        seconds.append(earliest)
    return FirstSeen(tuple(reversed(sizes)), tuple(reversed(seconds)))


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """Sizes, ascending, and the earliest time [s] at which any witness saw the log at that size or a larger one."""

    sizes: tuple[int, ...]
    seconds: tuple[int, ...]

    def time_s(self, index: int) -> int | None:
        """When the entry was first witnessed [s]; None if it never was."""
        at = bisect_right(self.sizes, index)
        return self.seconds[at] if at < len(self.sizes) else None


def verify_growth(old: bytes, new: bytes, proof: bytes, policy: Policy) -> tuple[Checkpoint, Checkpoint]:
    """Raise unless the log of checkpoint `old` is the beginning of that of `new`. proof : a base64 hash a line."""
    with located("old"):
        before = policy.check(old).checkpoint
    with located("new"):
        after = policy.check(new).checkpoint
    if before.origin != after.origin:
        raise TrustError("checkpoint-origin", where="new", expected=before.origin, got=after.origin)
    if before.size > after.size:
        raise TrustError("checkpoint-size", where="new", expected=f"at least {before.size}", got=str(after.size))
    hashes = _hashes(proof, where="proof")
    if before.size == 0:
        if hashes:
            raise TrustError("proof-length", where="proof", expected="no hash from size 0", got=f"{len(hashes)}")
        return before, after
    with located("proof"):
        verify_consistency(before.size, after.size, hashes, before.root, after.root)
    return before, after


def _prefix(data: bytes, size: int) -> tuple[int, list[bytes]]:
    text, _, rest = data.partition(b"\n")
    first = whole(text.decode("utf-8", "replace"), rule="proof-form", where=PREFIX)
    hashes = _hashes(rest, where=PREFIX)
    if not data.endswith(b"\n"):
        raise TrustError("proof-form", where=PREFIX, expected="lines that end in a line feed", got="none")
    if first > size or len(hashes) != first.bit_count():
        expected = f"a first index up to {size} and {first.bit_count()} hashes"
        raise TrustError("proof-length", where=PREFIX, expected=expected, got=f"{first} and {len(hashes)} hashes")
    return first, hashes


def _hashes(data: bytes, *, where: str) -> list[bytes]:
    if data and not data.endswith(b"\n"):
        raise TrustError("proof-form", where=where, expected="lines that end in a line feed", got="none")
    return [decode64(line, rule="proof-form", where=where, length=HASH_BYTES) for line in data.split(b"\n")[:-1]]


def _times(verified: Verified) -> tuple[WitnessTime, ...]:
    return tuple(WitnessTime(verified.checkpoint.size, name, time_s) for name, time_s in verified.times.items())
