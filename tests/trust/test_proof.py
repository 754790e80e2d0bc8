"""Files `.tlog-proof`: written and read in one spelling (R35; C2SP tlog-proof)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.errors import TrustError
from tanji.trust import checkpoint, proof
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.note import sign
from tanji.trust.policy import Policy
from tanji.trust.proof import TlogProof
from tanji.trust.tree import Tree

from .material import LOG, key

NOTE = sign(checkpoint.format(Checkpoint(key(LOG).name, 5, bytes(32))), LOG)
POLICY = Policy.parse(f"log {LOG.vkey()}\nquorum none\n".encode())


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_a_proof_reads_back(index: int, path: list[bytes]) -> None:
    made = TlogProof(index, tuple(path), NOTE)
    assert proof.parse(proof.format(made)) == made


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_a_proof_in_its_one_spelling_or_refused(data: bytes) -> None:
    for attempt in (data, b"c2sp.org/tlog-proof@v1\nindex 7\n" + data + b"\n\n" + NOTE):
        try:
            read = proof.parse(attempt)
        except TrustError as error:
            assert error.rule == "proof-form"
        else:
            assert proof.format(read) == attempt


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 1000])
def test_every_entry_of_a_log_is_proved_by_its_file(size: int) -> None:
    tree = Tree()
    for number in range(size):
        tree.append(number.to_bytes(4, "big"))
    note = sign(checkpoint.format(Checkpoint(key(LOG).name, size, tree.root())), LOG)
    for index in {0, size // 2, size - 1}:
        made = proof.format(TlogProof(index, tuple(tree.inclusion(index)), note))
        verified = proof.verify(proof.parse(made), tree.levels[0][index], POLICY)
        assert verified.checkpoint.size == size and verified.log == key(LOG)
