"""Checkpoints: three lines in one spelling (R35; C2SP tlog-checkpoint)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.errors import TrustError
from tanji.trust import checkpoint
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.tree import EMPTY_ROOT

BODY = checkpoint.format(Checkpoint("plant.example/log", 5, bytes(range(32))))

origins = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)


@given(origins, st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_reads_back(origin: str, size: int, root: bytes) -> None:
    made = Checkpoint(origin, size, root)
    assert checkpoint.parse(checkpoint.format(made)) == made


@given(st.binary(max_size=120) | st.text(max_size=80).map(str.encode))
def test_any_bytes_are_a_checkpoint_in_its_one_spelling_or_refused(data: bytes) -> None:
    for attempt in (data, b"a\n1\n" + data + b"\n"):
        try:
            read = checkpoint.parse(attempt)
        except TrustError as error:
            assert error.rule in ("note-form", "checkpoint-form", "checkpoint-root")
        else:
            assert checkpoint.format(read) == attempt


def test_a_checkpoint_has_three_lines_and_extensions_only_where_they_are_wanted() -> None:
    good = BODY.decode()
    extended = (good + "extension\n").encode()
    assert checkpoint.parse(extended, extensions=True) == checkpoint.parse(BODY)
    for text, rule in (
        (good + "extension\n", "checkpoint-form"),
        (good + "\n", "checkpoint-form"),
        (good.replace("\n5\n", "\n05\n"), "checkpoint-form"),
        (good.replace("\n5\n", "\n-5\n"), "checkpoint-form"),
        (good.replace("\n5\n", "\n\n"), "checkpoint-form"),
        (good.replace("=\n", "\n"), "checkpoint-form"),
        (good.replace("=\n", "=\nAAAA\n"), "checkpoint-form"),
        ("\n" + good, "checkpoint-form"),
        (good.replace("\n5\n", "\n0\n"), "checkpoint-root"),
        ("a\n5\nAAAA\n", "checkpoint-form"),
    ):
        with pytest.raises(TrustError) as error:
            checkpoint.parse(text.encode())
        assert error.value.rule == rule
    with pytest.raises(TrustError, match="checkpoint-form"):
        checkpoint.parse(extended + b"\n", extensions=True)
    empty = Checkpoint("log.example", 0, EMPTY_ROOT)
    assert checkpoint.parse(checkpoint.format(empty)) == empty
    with pytest.raises(TrustError, match="checkpoint-form"):
        checkpoint.format(Checkpoint("two\nlines", 5, bytes(32)))
