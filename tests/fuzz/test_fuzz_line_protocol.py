"""A short run of the fuzz; the long one is `python tests/fuzz/fuzz_line_protocol.py`."""

from __future__ import annotations

from .fuzz_line_protocol import run


def test_ten_thousand_damaged_bodies_are_read_or_refused_and_never_in_two_ways() -> None:
    assert 100 < run(10_000, seed=20_260_301) < 9_000
