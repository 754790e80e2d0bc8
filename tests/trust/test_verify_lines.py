"""The quick way through a payload: sure of what is in order, silent about the rest (reference/trust.md 2.3)."""

from __future__ import annotations

import struct
from math import isfinite
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanji.errors import TrustError
from tanji.trust.batch import GENESIS, Batch
from tanji.trust.batch_payload import check_payload
from tanji.trust.payload import payload_root
from tanji.trust.verify_lines import Span, quick_spans
from tanji.trust.verify_payload import Task, check_one

T0 = 1_772_323_200_000
KINDS = {"a.rate": "rate", "a.total": "counter", "b.rate": "rate", "zero": "parameter"}


def spans(data: bytes) -> list[Span] | None:
    return quick_spans(data, data.splitlines(keepends=True), KINDS)


def of(*values: str) -> bytes:
    """A payload of one point with these values, a second apart."""
    return b"".join(f"a.rate {T0 + 1000 * place} {value} 0\n".encode() for place, value in enumerate(values))


def test_runs_are_told_with_first_and_last_time_and_their_number() -> None:
    data = f"a.rate {T0} 1.5 0\na.rate {T0 + 9} - 1\na.total {T0} 7 0\nb.rate {T0} -2.25 4\n".encode()
    assert spans(data) == [Span("a.rate", T0, T0 + 9, 2), Span("a.total", T0, T0, 1), Span("b.rate", T0, T0, 1)]


@pytest.mark.parametrize(
    "value", ["0.0", "-0.5", "0.0001", "100.0", "303.757", "-", "311.35699999999997", "302.41107177734375", "-7.25",
              "1.7976931348623157e+308", "2.2250738585072014e-308"]
)  # fmt: skip
def test_spellings_that_are_surely_right(value: str) -> None:
    assert value == "-" or repr(float(value)) == value
    assert spans(of("1.0", value, "2.0")) is not None


@pytest.mark.parametrize(
    "value", ["1", "01.5", "1.50", "1.", ".5", "+1.5", "1e3", "0.00001", "nan", "inf", "1_0.5", "303.75700000000000001",
              "1.5 0", "0x1.8p1", "-", "1e999999999999999", "100000000000000000000.0"]
)  # fmt: skip
def test_other_spellings_are_left_to_the_slow_way(value: str) -> None:
    assert value == "-" or spans(of("1.0", value, "2.0")) is None


@pytest.mark.parametrize(
    "data",
    [
        f"a.rate {T0} 1.5 0\na.rate {T0} 1.75 4\n",
        f"a.rate {T0 + 1} 1.5 0\na.rate {T0} 1.75 0\n",
        f"a.rate {T0} 1.5 0\na.rate {T0 + 9} 1.5 0\na.rate {T0 + 9} 1.75 4\na.rate {T0 + 10_000} 1.5 0\n",
        f"a.rate {T0} 1.5 0\na.rate {str(T0)[:-4]}/000 1.75 0\n",
        f"a.rate {T0} 1.5 0\na.rate {str(T0)[:-4]}0:00 1.75 0\na.rate {T0 + 9000} 1.5 0\n",
        f"a.rate {T0} 1.5 0\na.rate {T0}0 1.75 0\na.rate {T0 + 9000} 1.5 0\n",
        f"a.rate {T0} 1.5 0\na.rate {T0} 1.5 0\n",
        f"a.rate {T0} 303.75 0\na.rate {T0 + 1} 311.35699999999997 0\na.rate {T0 + 1} 4.5 4\n",
        f"b.rate {T0} 1.5 0\na.rate {T0} 1.75 0\n",
        f"c.rate {T0} 1.5 0\n",
        "a.rate 999 1.5 0\n",
        f"a.rate {T0} 1.5 4294967296\n",
        f"a.rate {T0} 1.5  0\n",
        f"a.rate {T0} 1.5 0\n\n",
        f"a.total {T0} 1.5 0\n",
        f"a.rate {T0} 1.5 0",
        "\n",
        " \n",
    ],
)
def test_whatever_needs_a_second_look_is_left_to_the_slow_way(data: str) -> None:
    assert spans(data.encode()) is None


def sealed(data: bytes) -> Task:
    batch = Batch("g", "regular", 0, GENESIS, T0, T0 + 60_000, T0 + 61_000, data.count(b"\n"), payload_root(data),
                  bytes(32), "ntp 2ms")  # fmt: skip
    return Task(0, "payload", batch)


VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(-10_000, 10_000, places=3).map(lambda value: repr(float(value))),
    st.integers(0, 2**53).map(str),
    st.sampled_from(["-", "1.50", "1e5", "01.0", "nan", "-inf", "0.10", "1.0000000000000000000000", "٣.5"]),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*KINDS, "c.none"]), st.integers(T0 - 130_000, T0 + 200_000), VALUES, st.integers(0, 8)
        ),
        max_size=6,
    )
)
def test_it_is_never_sure_of_what_the_slow_way_refuses(rows: list[tuple[str, int, str, int]]) -> None:
    lines = {f"{point} {time} {value} {quality}\n".encode() for point, time, value, quality in rows}
    data = b"".join(sorted(lines))
    task = sealed(data)
    try:
        check_payload(task.batch, data, kinds=KINDS)
    except TrustError as error:
        with pytest.raises(TrustError) as again:
            check_one(task, data, KINDS)
        assert again.value.rule == error.rule
    else:
        assert check_one(task, data, KINDS).lines == len(lines)


def test_floats_of_32_bits_take_the_quick_way() -> None:
    random = Random(754)
    values = [repr(struct.unpack("<f", struct.pack("<f", random.uniform(-400, 400)))[0]) for _ in range(50)]
    assert all(isfinite(float(value)) for value in values)
    assert spans(of(*values)) is not None
