"""Text in registers, written out by hand."""

from __future__ import annotations

import pytest

from tanji.acquisition.register_text import text_of
from tanji.errors import CodecError


def test_two_characters_are_in_a_register_the_first_one_in_its_high_byte() -> None:
    assert text_of([0x5344, 0x4D36, 0x3330]) == "SDM630"
    assert text_of([0x4453, 0x364D, 0x3033], swapped=True) == "SDM630"


def test_what_fills_the_registers_up_is_no_text() -> None:
    assert text_of([0x2041, 0x4200, 0x0000]) == "AB"
    assert text_of([0x4142, 0x2020]) == "AB"
    assert text_of([0x4142, 0xFFFF]) == "AB"
    assert text_of([0x4142, 0x0043, 0x4445]) == "AB"  # the rest of a longer text before
    assert text_of([0x0000]) == ""


@pytest.mark.parametrize("words", [[0x4101], [0xE7A2], [0x41FF, 0x4142]])
def test_what_is_no_printable_ascii_is_refused(words: list[int]) -> None:
    with pytest.raises(CodecError, match="printable"):
        text_of(words)


def test_what_is_no_register_is_refused() -> None:
    with pytest.raises(CodecError, match="65535"):
        text_of([70000])
