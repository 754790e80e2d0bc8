"""Batch notes and payload lines: one spelling for each content, and every rule by its name (docs/trust-format.md 6)."""

from __future__ import annotations

import math
import struct
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.errors import TrustError
from tanji.trust.batch import GENESIS, Batch, format_batch, leaf
from tanji.trust.batch_payload import check_payload
from tanji.trust.payload import parse_laboratory, parse_payload, payload_root
from tanji.trust.payload_line import LaboratoryLine, PayloadLine, parse_line

NOON = 1_772_323_200_000
LINE = b"kiln1.feed.mass_flow 1772323200000 331.25 0\n"
"""The worked line of trust.md 2.2."""

KINDS = {"kiln1.feed.mass_flow": "rate", "kiln1.power.energy": "counter", "kiln1.scale.span": "parameter"}


def batch(payload: bytes = b"", **changes: object) -> Batch:
    """A regular batch over `payload`."""
    header = Batch(
        gateway="plant.example/gw-kiln1",
        kind="regular",
        seq=184_467,
        prev=sha256(b"before").digest(),
        from_ms=NOON,
        to_ms=NOON + 60_000,
        sealed_ms=NOON + 61_204,
        points=payload.count(b"\n"),
        root=payload_root(payload),
        pointmap=sha256(b"map").digest(),
        clock="ntp 2ms",
    )
    return replace(header, **changes)  # type: ignore[arg-type]


def rule_of(payload: bytes, **changes: object) -> str:
    """The rule by which a payload is refused under a header that was made for it."""
    with pytest.raises(TrustError) as refused:
        check_payload(batch(payload, **changes), payload, kinds=KINDS)
    return refused.value.rule


def test_the_text_is_the_one_of_the_format_page() -> None:
    # field by field from docs/trust-format.md section 6; roots by hashlib alone: one leaf is its own root (RFC 6962)
    root = sha256(b"\x00" + LINE).digest()
    assert format_batch(batch(LINE)).decode().split("\n") == [
        "tanji/batch/v1",
        "gateway plant.example/gw-kiln1",
        "kind regular",
        "seq 184467",
        "prev " + base64(sha256(b"before").digest()),
        "from 1772323200000",
        "to 1772323260000",
        "sealed 1772323261204",
        "points 1 " + base64(root),
        "pointmap " + base64(sha256(b"map").digest()),
        "clock ntp 2ms",
        "",
    ]


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def test_an_empty_payload_has_the_hash_of_nothing() -> None:
    # the root over no leaves of RFC 6962 section 2.1, as every implementation of it prints it
    assert payload_root(b"").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    check_payload(batch(), b"", kinds=KINDS)


def test_what_is_written_is_read_back() -> None:
    for made in (
        batch(LINE),
        batch(reason="the sealer was stopped", to_ms=NOON + 3_600_000),
        batch(LINE, kind="late", from_ms=NOON, to_ms=NOON + 1, reason="设备缓存", clock="free-run 3600s"),
        batch(b"kiln1.scale.span 1772323200000 50.0 0\n", kind="config", from_ms=NOON, to_ms=NOON + 1),
        batch(b"sample S-1 1772323200000\n", kind="laboratory", to_ms=NOON + 61_204, seq=0, prev=GENESIS),
    ):
        assert Batch.parse(format_batch(made)) == made


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("kind regular", "kind keepalive"),
        ("kind regular", "kind late"),  # without a reason
        ("kind regular", "kind regular\nkind regular"),
        ("seq 184467", "seq 0184467"),
        ("seq 184467", "seq -1"),
        ("seq 184467", "seq 9223372036854775808"),
        ("from 1772323200000", "from 1772323200000.0"),
        ("to 1772323260000", "to +1772323260000"),
        ("sealed ", "sealed  "),
        ("points 1 ", "points 1"),
        ("points 1 ", "points 01 "),
        ("clock ntp 2ms", "clock ntp 2s"),
        ("clock ntp 2ms", "clock ntp 02ms"),
        ("clock ntp 2ms", "clock free-run 2ms"),
        ("clock ntp 2ms", "clock NTP 2ms"),
        ("clock ntp 2ms", "clock ntp 2ms\nreason "),
        ("clock ntp 2ms", f"clock ntp 2ms\nreason {'x' * 201}"),
        ("clock ntp 2ms", "clock ntp 2ms\nreason a\x85b"),
        ("clock ntp 2ms", "clock ntp 2ms\nextra x"),
        ("seq 184467\nprev ", "prev "),
    ],
)
def test_a_field_in_another_spelling_is_refused(before: str, after: str) -> None:
    body = format_batch(batch(LINE)).decode()
    assert before in body
    with pytest.raises(TrustError) as refused:
        Batch.parse(body.replace(before, after).encode())
    assert refused.value.rule == "header-field"


def test_spare_bits_in_a_hash_are_another_note_and_refused() -> None:
    # 32 bytes are 43 characters and two spare bits: A to D stand for the same byte, only the first is canonical
    body = format_batch(batch(LINE, prev=GENESIS)).decode()
    assert "prev AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" in body
    with pytest.raises(TrustError) as refused:
        Batch.parse(body.replace("AAA=", "AAB=").encode())
    assert refused.value.rule == "header-field"


def test_another_type_of_note_is_no_batch() -> None:
    with pytest.raises(TrustError) as refused:
        Batch.parse(format_batch(batch()).replace(b"tanji/batch/v1", b"tanji/batch/v2"))
    assert refused.value.rule == "header-type"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"to_ms": NOON - 1}, "batch-time"),
        ({"to_ms": NOON + 120_001}, "batch-hole"),
        ({"kind": "laboratory"}, "batch-time"),  # its `to` is when it was sealed
        ({"kind": "late", "reason": "x"}, "payload-window"),  # without a line
        ({"kind": "config"}, "payload-window"),
        ({"kind": "config", "reason": "x", "points": 1}, "header-field"),
    ],
)
def test_times_and_counts_that_no_batch_has(changes: dict[str, object], rule: str) -> None:
    with pytest.raises(TrustError) as refused:
        format_batch(batch(**changes))
    assert refused.value.rule == rule


def test_two_minutes_need_no_reason() -> None:
    format_batch(batch(to_ms=NOON + 120_000))


@pytest.mark.parametrize(
    "line",
    [
        "kiln1.feed.mass_flow 1772323200000 331.250 0",
        "kiln1.feed.mass_flow 1772323200000 +331.25 0",
        "kiln1.feed.mass_flow 1772323200000 3.3125e2 0",
        "kiln1.feed.mass_flow 1772323200000 1E5 0",
        "kiln1.feed.mass_flow 1772323200000 nan 0",
        "kiln1.feed.mass_flow 1772323200000 inf 0",
        "kiln1.feed.mass_flow 1772323200000 1e999 0",
        "kiln1.feed.mass_flow 1772323200000 -- 0",
        "kiln1.feed.mass_flow 1772323200000  0",
        "kiln1.feed.mass_flow 01772323200000 331.25 0",
        "kiln1.feed.mass_flow -1 331.25 0",
        "kiln1.feed.mass_flow 9223372036854775808 331.25 0",
        "kiln1.feed.mass_flow 1772323200000 331.25 00",
        "kiln1.feed.mass_flow 1772323200000 331.25 4294967296",
        "kiln1.feed.mass_flow 1772323200000 9007199254740993 0",
        "kiln1.feed.mass_flow 1772323200000 331.25 0 ",
        "kiln1.feed.mass_flow 1772323200000 331.25 0\r",
        "kiln1.feed.mass_flow\t1772323200000 331.25 0",
        "Kiln1.feed 1772323200000 331.25 0",
        "kiln1..feed 1772323200000 331.25 0",
        ".kiln1 1772323200000 331.25 0",
        f"{'k' * 97} 1772323200000 331.25 0",
        "窑1 1772323200000 331.25 0",
    ],
)
def test_a_line_in_another_spelling_is_refused_alone_and_among_others(line: str) -> None:
    data = line.encode() + b"\n"
    with pytest.raises(TrustError) as refused:
        parse_line(data)
    assert refused.value.rule == "payload-form"
    assert rule_of(data) == "payload-form"
    assert rule_of(b"".join(sorted([LINE, data, b"a 1772323200000 1.0 0\n"]))) == "payload-form"


def test_a_payload_ends_with_a_line_feed() -> None:
    assert rule_of_header(LINE[:-1], points=1) == "payload-form"


def rule_of_header(payload: bytes, **changes: object) -> str:
    """The rule by which a payload is refused under a header that was made for the worked line."""
    with pytest.raises(TrustError) as refused:
        check_payload(batch(LINE, **changes), payload, kinds=KINDS)
    return refused.value.rule


def test_the_first_rule_in_the_order_of_the_page_is_told() -> None:
    other = LINE.replace(b"331.25", b"331.26")
    assert rule_of_header(LINE + other) == "payload-count"
    assert rule_of_header(other) == "payload-root"
    assert rule_of(other + LINE) == "payload-order"
    assert rule_of(LINE + LINE) == "payload-order"
    assert rule_of(b"kiln1.unknown 1772323200000 1.0 0\n") == "payload-point"
    assert rule_of(b"kiln1.scale.span 1772323200000 1.0 0\n") == "payload-point"  # a setting outside config batches
    assert rule_of(LINE, kind="config", from_ms=NOON, to_ms=NOON + 1) == "payload-point"
    assert rule_of(b"kiln1.power.energy 1772323200000 100.0 0\n") == "payload-form"  # a counter is whole
    assert rule_of(b"kiln1.feed.mass_flow 1772323200000 100 0\n") == "payload-form"  # and nothing else is


@pytest.mark.parametrize(("offset", "fits"), [(-120_000, True), (-120_001, False), (179_999, True), (180_000, False)])
def test_lines_of_a_regular_batch_lie_within_two_minutes_around_it(offset: int, fits: bool) -> None:
    payload = b"kiln1.feed.mass_flow %d 1.0 0\n" % (NOON + offset)
    if fits:
        check_payload(batch(payload), payload, kinds=KINDS)
    else:
        assert rule_of(payload) == "payload-window"


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 2), (1, 1), (0, 0)])
def test_a_late_batch_spans_exactly_its_lines(low: int, high: int) -> None:
    late = {"kind": "late", "reason": "from a logger", "from_ms": NOON + low, "to_ms": NOON + high}
    assert rule_of(LINE, **late) == "payload-window"
    check_payload(batch(LINE, **late | {"from_ms": NOON, "to_ms": NOON + 1}), LINE, kinds=KINDS)


def test_the_words_of_a_line() -> None:
    assert parse_line(LINE) == PayloadLine("kiln1.feed.mass_flow", NOON, "331.25", 0)
    failed = parse_line(b"kiln1.feed.mass_flow 1772323200000 - 1028\n")
    assert failed.value is None and failed.is_duplicate and failed.text().endswith(b" - 1028\n")
    assert [line.value for line in parse_payload(LINE + LINE)] == [331.25, 331.25]
    count = parse_line(b"kiln1.power.energy 1772323200000 9007199254740992 0\n").value
    assert count == 2**53 and isinstance(count, int)


def test_laboratory_lines_are_read_back_and_percent_encoded() -> None:
    lines = [
        LaboratoryLine("sample", "S-2026/03 煤", NOON),
        LaboratoryLine("result", "S~1", NOON, "kiln1_coal.ncv", NOON + 86_400_000, "24.1", "as received"),
        LaboratoryLine("withdrawn", "S~1", NOON + 5, "kiln1_coal.ncv"),
    ]
    texts = [line.text() for line in lines]
    assert texts == [
        b"sample S-2026%2F03%20%E7%85%A4 1772323200000\n",
        b"result S%7E1 kiln1_coal.ncv 1772323200000 1772409600000 24.1 as%20received\n",
        b"withdrawn S%7E1 kiln1_coal.ncv 1772323200005\n",
    ]
    payload = b"".join(sorted(texts))
    assert parse_laboratory(payload) == tuple(sorted(lines, key=LaboratoryLine.text))
    check_payload(batch(payload, kind="laboratory", to_ms=NOON + 61_204), payload)


@pytest.mark.parametrize(
    "line",
    [
        b"sample S-1\n",
        b"sample S/1 1772323200000\n",
        b"sample  1772323200000\n",
        b"sample S-1 1772323200000 \n",
        b"result S-1 kiln1_coal.ncv 1 2 24 ar\n",
        b"result S-1 kiln1_coal.ncv 1 2 - ar\n",
        b"result S-1 Kiln.ncv 1 2 24.0 ar\n",
        b"result S-1 kiln1_coal.ncv 1 2 24.0\n",
        b"taken S-1 1772323200000\n",
        LINE,
    ],
)
def test_a_laboratory_line_in_another_form_is_refused(line: bytes) -> None:
    assert rule_of(line, kind="laboratory", to_ms=NOON + 61_204) == "payload-form"


def test_the_leaf_is_the_hash_of_the_whole_note() -> None:
    assert leaf(b"note\n") == sha256(b"\x00note\n").digest()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_has_one_line_and_comes_back_bit_for_bit(value: float) -> None:
    line = PayloadLine("kiln1.feed.mass_flow", NOON, repr(value), 0)
    found = parse_line(line.text())
    assert found == line
    assert isinstance(found.value, float) and struct.pack("<d", found.value) == struct.pack("<d", value)
    assert math.copysign(1, found.value) == math.copysign(1, value)
    check_payload(batch(line.text()), line.text(), kinds=KINDS)
