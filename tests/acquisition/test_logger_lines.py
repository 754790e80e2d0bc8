"""Line-protocol files to readings: our own measurement, others that are mapped, faults with their line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.acquisition.logger_csv import Target
from tanji.acquisition.logger_lines import LineFile, source, whole_lines
from tanji.errors import Finding, LineProtocolError

T0 = 1_772_323_200_000
NOW = T0 + 86_400_000
SECOND_NS = 1_000_000_000


def read(
    *pieces: bytes, mapping: dict[str, Target] | None = None, precision: str = "ns"
) -> tuple[str, list[Finding], LineFile]:
    mapped = {source(name): target for name, target in (mapping or {}).items()}
    file = LineFile("dump.lp", "p", frozenset({"a", "b"}), NOW, precision, mapped)
    found = list(file.read(pieces))
    body = b"".join(each for each in found if isinstance(each, bytes)).decode()
    return body, [each for each in found if isinstance(each, Finding)], file


def test_our_own_readings_come_through_in_ms_with_their_quality() -> None:
    body, findings, file = read(
        b"# DDL\nCREATE DATABASE p_raw WITH NAME autogen\n# DML\n# CONTEXT-DATABASE: p_raw\n"
        b"reading,plant=p,point=a value=1.5,quality=8i %d\n" % (T0 * 1_000_000),
        b"reading,point=b,plant=p quality=1024i %d" % ((T0 + 1000) * 1_000_000),
    )
    assert body.splitlines() == [
        f"reading,plant=p,point=a value=1.5,quality=8i {T0}",
        f"reading,plant=p,point=b quality=1024i {T0 + 1000}",
    ]
    assert not findings and (file.tally.rows, file.tally.readings) == (2, 2)


@pytest.mark.parametrize(
    ("line", "key", "expected"),
    [
        (b"reading,plant=q,point=a value=1 %d" % (T0 * 1_000_000), "plant", "p"),
        (b"reading,plant=p,point=c value=1 %d" % (T0 * 1_000_000), "point", "a point of the plant file"),
        (b"reading,plant=p,point=a value=1", "time", "a time from 2000 on"),
        (b"reading,plant=p,point=a value=1 %d" % T0, "time", "a time from 2000 on"),
        (b"reading,plant=p,point=a value=1 %d" % ((NOW + 1) * 1_000_000), "time", "a time from 2000 on"),
        (b'reading,plant=p,point=a value="x" %d' % (T0 * 1_000_000), "line", "a reading"),
        (b"cpu,host=x idle=3 %d" % (T0 * 1_000_000), "measurement", "reading, or a series that is mapped"),
        (b"DROP DATABASE p_raw", "line", "line protocol"),
        (b"reading,plant=p,point=a value=", "line", "line protocol"),
    ],
)
def test_a_line_that_cannot_be_taken_is_told_and_the_others_are_good(line: bytes, key: str, expected: str) -> None:
    good = b"reading,plant=p,point=a value=%d,quality=0i %d\n"
    first, last = (good % (value, (T0 + value) * 1_000_000) for value in (1, 2))
    body, findings, file = read(first + line + b"\n" + last)
    assert body.count("\n") == file.tally.readings == 2
    assert [(finding.line, finding.key) for finding in findings] == [(2, key)]
    assert findings[0].expected.startswith(expected)


def test_lines_are_counted_over_pieces_that_end_anywhere() -> None:
    text = b"".join(b"reading,plant=p,point=a value=%d %d\n" % (n, (T0 + n) * 1_000_000) for n in range(50)) + b"x\n"
    for size in (7, 64, 1000, len(text)):
        body, findings, _ = read(*(text[at : at + size] for at in range(0, len(text), size)))
        assert body.count("\n") == 50
        assert [finding.line for finding in findings] == [51]


def test_a_series_of_another_measurement_goes_to_its_point() -> None:
    mapping = {"modbus,host=x,slave=1 flow": Target("F"), "modbus,slave=1,host=x count": Target("C", counter=True)}
    lines = (
        b"modbus,slave=1,host=x flow=2.5,count=7i,other=1 %d\n" % (T0 * 1_000_000)
        + b"modbus,host=x,slave=1 flow=t %d\n" % (T0 * 1_000_000)
        + b"modbus,host=x,slave=2 flow=9 %d\n" % (T0 * 1_000_000)
        + b'modbus,host=x,slave=1 flow="bad" %d\n' % (T0 * 1_000_000)
        + b"modbus,host=x,slave=1 count=1.5 %d\n" % (T0 * 1_000_000)
        + b"modbus,host=x,slave=1 flow=9\n"
    )
    body, findings, file = read(lines, mapping=mapping)
    assert body.splitlines() == [
        f"F value=2.5,quality=0i {T0}",
        f"C value=7.0,quality=0i {T0}",
        f"F value=1.0,quality=0i {T0}",
    ]
    assert [(finding.line, finding.key) for finding in findings] == [(4, "flow"), (5, "count"), (6, "time")]
    assert file.tally.empty == 2, "a field and a series that are not mapped"


def test_a_precision_that_is_wrong_is_guessed_at_in_the_message() -> None:
    _, findings, _ = read(b"reading,plant=p,point=a value=1 %d\n" % T0)
    assert "is the precision ns right?" in findings[0].got
    assert read(b"reading,plant=p,point=a value=1 %d\n" % T0, precision="ms")[1] == []


@pytest.mark.parametrize("text", ["", "flow", "modbus ", " flow", "modbus,slave flow", "modbus,slave=1 flow=3 x"])
def test_a_source_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(LineProtocolError, match="expected a series and a field"):
        source(text)


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_cutting_after_line_breaks_loses_no_byte(pieces: list[bytes]) -> None:
    cut = list(whole_lines(pieces))
    assert b"".join(cut) == b"".join(pieces)
    assert all(piece.endswith(b"\n") for piece in cut[:-1])


@given(st.binary(max_size=200))
def test_any_bytes_give_readings_or_findings_and_no_crash(data: bytes) -> None:
    read(data)
    read(data, mapping={"m f": Target("F")})
