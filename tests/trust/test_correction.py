"""A correction names one sealed line and what stands in its place; anything else is refused (trust.md 2.8)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tanji.errors import TrustError
from tanji.trust.correction import Correction, check_target, format_correction, parse
from tanji.trust.tree import leaf_hash

LINE = "kiln1.coal.mass_flow 1772323200000 12.5 0"
GIVEN = Correction("demo", 7, leaf_hash(b"batch"), LINE, LINE.replace("12.5", "21.5"), "digits swapped", bytes(32))


def test_a_correction_reads_back() -> None:
    assert parse(format_correction(GIVEN)) == GIVEN


@pytest.mark.parametrize(
    "change",
    [
        {"by": LINE},
        {"by": LINE.replace("12.5", "12.50")},
        {"by": LINE.replace("12.5", "nan")},
        {"by": LINE.replace("1772323200000", "1772323260000").replace("12.5", "13.5")},
        {"by": LINE.replace("kiln1", "kiln2").replace("12.5", "13.5")},
        {"by": LINE.replace("12.5 0", "13.5 00")},
        {"by": LINE.replace("12.5 0", "13.5 4294967296")},
        {"by": LINE.replace("12.5 0", "13.5")},
        {"line": "Kiln1.coal 1772323200000 12.5 0", "by": "Kiln1.coal 1772323200000 13.5 0"},
        {"line": LINE.replace("12.5 0", "12.5 4")},
        {"reason": "x" * 201},
    ],
)
def test_a_line_that_is_none_or_of_another_reading_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(TrustError) as error:
        format_correction(replace(GIVEN, **change))
    assert error.value.rule == "correction-form"


def test_a_failed_read_may_be_corrected_and_a_value_taken_back() -> None:
    failed = LINE.replace("12.5", "-")
    assert parse(format_correction(replace(GIVEN, line=failed))).line == failed
    assert parse(format_correction(replace(GIVEN, by=failed))).by == failed


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"index 7", b"index 07", "correction-form"),
        (b"index 7", b"index -7", "correction-form"),
        (b"evidence AAAA", b"evidence AAA", "correction-form"),
        (b"reason digits swapped\n", b"", "header-field"),
        (b"plant demo\nindex 7\n", b"index 7\nplant demo\n", "header-field"),
        (b"correction/v1", b"correction/v2", "header-type"),
    ],
)
def test_a_body_of_another_form_is_refused(old: bytes, new: bytes, rule: str) -> None:
    body = format_correction(GIVEN)
    assert old in body
    with pytest.raises(TrustError) as error:
        parse(body.replace(old, new))
    assert error.value.rule == rule


def test_the_batch_has_to_be_the_one_named_and_to_hold_the_line() -> None:
    payload = f"a 1 1.0 0\n{LINE}\n".encode()
    check_target(GIVEN, leaf=leaf_hash(b"batch"), payload=payload)
    for leaf, data in ((leaf_hash(b"other"), payload), (leaf_hash(b"batch"), payload.replace(b"12.5", b"12.6"))):
        with pytest.raises(TrustError) as error:
            check_target(GIVEN, leaf=leaf, payload=data)
        assert error.value.rule == "correction-target"
