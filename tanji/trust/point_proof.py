"""Proof of one reading, `tanji/point/v1`: disclosed by itself, nothing else of its minute becomes known.

    tanji/point/v1
    line <place of the line in the payload>
    note <bytes of the batch note>
    <base64 hashes, the line's sibling first>

    <batch note><tlog-proof of the batch note>

The Merkle root over the payload's lines is signed by the gateway, the batch note is in a witnessed log: twelve hashes
for a minute of 3,600 readings lead from a line to the checkpoint (reference/trust.md 2.3). Nothing in the file is
believed; keys come from the anchor and a keyring.
"""

from __future__ import annotations

from dataclasses import dataclass

from tanji.errors import TrustError
from tanji.trust import proof as proofs
from tanji.trust.batch import Batch
from tanji.trust.canonical import HASH_BYTES, decode64, encode64, whole
from tanji.trust.keyring import Keyring
from tanji.trust.payload import split_lines
from tanji.trust.policy import Anchor, Verified
from tanji.trust.tree import Tree, leaf_hash, verify_inclusion
from tanji.trust.verify_log import check_included
from tanji.trust.verify_signers import GATEWAY, LABORATORY, open_batch
from tanji.trust.verify_source import located

TYPE = "tanji/point/v1"
FORM = "proof-form"


@dataclass(frozen=True, slots=True)
class PointProof:
    """Place of a line in its payload, its path to the batch's root, the batch note, and that note's proof."""

    line: int
    path: tuple[bytes, ...]
    note: bytes
    tlog_proof: bytes


def prove_point(line: bytes, *, payload: bytes, note: bytes, tlog_proof: bytes) -> PointProof:
    """The proof of a line of a payload; TrustError payload-point if it is not in it."""
    lines = split_lines(payload)
    if line not in lines:
        raise TrustError("payload-point", expected=line.decode("utf-8", "replace").strip(), got="no such line")
    place = lines.index(line)
    tree = Tree(leaf_hash(each) for each in lines)
    return PointProof(place, tuple(tree.inclusion(place)), note, tlog_proof)


def format_point(found: PointProof) -> bytes:
    """The file."""
    head = [TYPE, f"line {found.line}", f"note {len(found.note)}", *map(encode64, found.path), "", ""]
    return "\n".join(head).encode() + found.note + found.tlog_proof


def parse_point(data: bytes) -> PointProof:
    """The proof behind a file, nothing of it verified."""
    head, empty_line, rest = data.partition(b"\n\n")
    lines = head.decode("utf-8", "replace").split("\n")
    if len(lines) < 3 or lines[0] != TYPE or not empty_line:
        raise TrustError(FORM, expected=f"{TYPE}, line, note, hashes, an empty line", got=lines[0])
    numbers = []
    for name, text in zip(("line", "note"), lines[1:3], strict=True):
        word, _, value = text.partition(" ")
        if word != name:
            raise TrustError(FORM, expected=f"{name} <number>", got=text)
        numbers.append(whole(value, rule=FORM, where=name))
    place, length = numbers
    path = tuple(decode64(text, rule=FORM, length=HASH_BYTES) for text in lines[3:])
    if length > len(rest):
        raise TrustError(FORM, expected=f"a note of {length} bytes", got=f"{len(rest)} bytes")
    return PointProof(place, path, rest[:length], rest[length:])


def verify_point(line: bytes, data: bytes, anchor: Anchor, keyring: Keyring) -> tuple[Batch, Verified]:
    """Raise unless `line`, with its line feed, was sealed by a gateway in a witnessed log.

    keyring : in force where the batch is in the log.
    """
    with located("proof"):
        found = parse_point(data)
        logged = proofs.parse(found.tlog_proof)
        verified = anchor.policy.check(logged.checkpoint)
        check_included(logged, found.note, verified.checkpoint)
    with located("batch"):
        body, key = open_batch(found.note, keyring)
        batch = Batch.parse(body)
        role = LABORATORY if batch.kind == "laboratory" else GATEWAY
        if batch.gateway != key.name or keyring.key_for(role, batch.gateway, batch.seq) != key:
            raise TrustError("batch-key", expected=f"a key in force for {batch.seq}", got=batch.gateway)
    with located("line"):
        if found.line >= batch.points:
            raise TrustError("proof-length", expected=f"a line below {batch.points}", got=str(found.line))
        verify_inclusion(found.line, batch.points, leaf_hash(line), found.path, batch.root)
    return batch, verified
