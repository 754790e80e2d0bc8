"""Block plans and their decoders. Counts of requests in the simple cases are worked by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanji.acquisition.blocks import Block, Forbidden, plan
from tanji.acquisition.registers import CODES, RegisterLayout, decode, encode
from tanji.errors import CodecError

layouts = st.builds(
    lambda table, address, kind, order, unit, bit: (
        RegisterLayout(table, address, "bool", unit_id=unit)
        if table in ("coil", "discrete")
        else RegisterLayout(table, address, kind, order, bit if kind in ("bool", "uint16") else None, unit)
    ),
    st.sampled_from(["holding", "input", "coil", "discrete"]),
    st.integers(0, 400),
    st.sampled_from(sorted(CODES)),
    st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"]),
    st.integers(1, 3),
    st.none() | st.integers(0, 15),
)
masked = st.builds(
    lambda address, kind, order, mask, invalid: RegisterLayout(
        "holding", address, kind, order, mask=mask if kind == "uint32" else mask & 0xFFFF or 1, invalid=invalid
    ),
    st.integers(0, 400),
    st.sampled_from(["uint16", "uint32"]),
    st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"]),
    st.integers(1, 2**32 - 1),
    st.none() | st.integers(0, 3),
)
maps = st.lists(layouts | masked, max_size=40).map(
    lambda items: {f"p{i:02d}": layout for i, layout in enumerate(items)}
)


@settings(deadline=None)
@given(maps, st.integers(4, 125), st.integers(0, 20))
def test_every_register_is_covered_once_and_no_request_is_too_wide(
    points: dict[str, RegisterLayout], most: int, gap: int
) -> None:
    blocks = plan(points, max_registers=most, max_gap=gap)
    assert sorted(point for block in blocks for point in block.points) == sorted(points)
    for block in blocks:
        bits = block.table in ("coil", "discrete")
        assert 1 <= block.count <= most * (16 if bits else 1)
        end = block.address
        for point, layout in zip(block.points, block.layouts, strict=True):
            assert points[point] == layout
            assert (layout.unit_id, layout.table) == (block.unit_id, block.table)
            assert block.address <= layout.address and layout.end <= block.address + block.count
            assert layout.address - end <= gap * (16 if bits else 1)
            end = max(end, layout.end)
        assert end == block.address + block.count


@settings(deadline=None)
@given(maps)
def test_a_block_decodes_as_its_registers_do_one_by_one(points: dict[str, RegisterLayout]) -> None:
    for block in plan(points, max_registers=125, max_gap=16):
        words = [(7919 * (block.address + i)) % 65536 for i in range(block.count)]
        if block.table in ("coil", "discrete"):
            words = [word % 2 for word in words]
        assert block.decoder()(answer(block, words)) == [one_by_one(block, layout, words) for layout in block.layouts]


def answer(block: Block, words: Sequence[int]) -> bytes:
    """The data bytes of an answer, by hand: coils from the lowest bit up, registers the high byte first."""
    if block.table in ("coil", "discrete"):
        return sum(bit << place for place, bit in enumerate(words)).to_bytes(block.size, "little")
    return b"".join(word.to_bytes(2, "big") for word in words)


def one_by_one(block: Block, layout: RegisterLayout, words: list[int]) -> float | None:
    first = layout.address - block.address
    try:
        return decode(words[first : first + layout.width], layout)
    except CodecError:
        return None


def floats(count: int, *, start: int = 0, step: int = 2) -> dict[str, RegisterLayout]:
    return {f"f{i:03d}": RegisterLayout("holding", start + step * i, "float32") for i in range(count)}


@pytest.mark.parametrize(
    ("points", "gap", "expected"),
    [
        ({}, 0, []),
        (floats(62), 0, [(0, 124)]),
        (floats(63), 0, [(0, 124), (124, 2)]),
        (floats(3, step=10), 7, [(0, 2), (10, 2), (20, 2)]),
        (floats(3, step=10), 8, [(0, 22)]),
        (floats(2) | {"bit": RegisterLayout("holding", 3, "bool", bit=1)}, 0, [(0, 4)]),
    ],
)
def test_simple_plans_need_the_fewest_requests(
    points: dict[str, RegisterLayout], gap: int, expected: list[tuple[int, int]]
) -> None:
    assert [(block.address, block.count) for block in plan(points, max_registers=125, max_gap=gap)] == expected


def test_coils_are_planned_by_the_bit_up_to_2000() -> None:
    coils = {f"c{i}": RegisterLayout("coil", i, "bool") for i in range(2001)}
    assert [block.count for block in plan(coils, max_registers=125, max_gap=0)] == [2000, 1]


def test_a_number_that_is_none_fails_alone() -> None:
    points = {**floats(3), "long": RegisterLayout("holding", 6, "uint64")}
    (block,) = plan(points, max_registers=125, max_gap=0)
    words = [word for value in (1.5, math.nan, -0.0) for word in encode(value, block.layouts[0])]
    assert block.decoder()(answer(block, [*words, 0, 0, 0, 9])) == [1.5, None, -0.0, 9]
    assert block.decoder()(answer(block, [*words, 0xFFFF, 0, 0, 9])) == [1.5, None, -0.0, None]


def test_large_finite_numbers_whose_sum_overflows_are_numbers() -> None:
    points = {f"d{i}": RegisterLayout("holding", 4 * i, "float64") for i in range(2)}
    (block,) = plan(points, max_registers=125, max_gap=0)
    assert block.decoder()(answer(block, list(encode(1.7e308, block.layouts[0])) * 2)) == [1.7e308, 1.7e308]


def test_a_block_is_halved_at_its_widest_gap_or_in_the_middle() -> None:
    (gapped,) = plan(floats(2) | {"far": RegisterLayout("holding", 9, "uint16")}, max_registers=125, max_gap=16)
    assert [(half.address, half.count, half.points) for half in gapped.halves()] == [
        (0, 4, ("f000", "f001")),
        (9, 1, ("far",)),
    ]
    (dense,) = plan(floats(4), max_registers=125, max_gap=0)
    assert [(half.address, half.count) for half in dense.halves()] == [(0, 4), (4, 4)]


def test_a_register_wider_than_the_limit_is_refused() -> None:
    with pytest.raises(CodecError, match="widest"):
        plan({"d": RegisterLayout("holding", 0, "float64")}, max_registers=2, max_gap=0)


def words_at(*addresses: int, table: str = "holding") -> dict[str, RegisterLayout]:
    return {f"w{a:03d}": RegisterLayout(table, a, "bool" if table == "coil" else "uint16") for a in addresses}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, [(0, 11)]),
        ({"splits": [("holding", 4)]}, [(0, 3), (5, 6)]),
        ({"splits": [("holding", 5)]}, [(0, 3), (5, 6)]),
        ({"splits": [("input", 5)]}, [(0, 11)]),
        ({"forbidden": [Forbidden("holding", 3, 3)]}, [(0, 3), (5, 6)]),
        ({"forbidden": [Forbidden("holding", 6, 9), Forbidden("holding", 1, 1)]}, [(0, 1), (2, 4), (10, 1)]),
        ({"forbidden": [Forbidden("coil", 3, 3)]}, [(0, 11)]),
        ({"alone": True}, [(0, 1), (2, 1), (5, 1), (10, 1)]),
    ],
)
def test_boundaries_and_forbidden_registers_shape_a_plan(how: dict[str, Any], expected: list[tuple[int, int]]) -> None:
    blocks = plan(words_at(0, 2, 5, 10), max_registers=125, max_gap=16, **how)
    assert [(block.address, block.count) for block in blocks] == expected


def test_a_forbidden_coil_is_not_read_over() -> None:
    blocks = plan(words_at(0, 40, table="coil"), max_registers=125, max_gap=16, forbidden=[Forbidden("coil", 7, 7)])
    assert [(block.address, block.count) for block in blocks] == [(0, 1), (40, 1)]


def test_a_point_in_forbidden_registers_is_refused() -> None:
    with pytest.raises(CodecError, match="w002: expected a register that may be read"):
        plan(words_at(0, 2), max_registers=125, max_gap=16, forbidden=[Forbidden("holding", 2, 9)])


def test_the_words_of_a_point_are_shown_as_they_came() -> None:
    (block,) = plan(floats(2), max_registers=125, max_gap=0)
    assert block.words(bytes(range(8)), block.layouts[1]) == (0x0405, 0x0607)
    (coils,) = plan(words_at(0, 9, table="coil"), max_registers=125, max_gap=16)
    assert [coils.words(b"\x00\x02", layout) for layout in coils.layouts] == [(0,), (1,)]
