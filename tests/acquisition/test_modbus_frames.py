"""Modbus frames. Examples are those of the Modbus Application Protocol V1.1b3 (6.1, 6.3, 7) and worked by hand (R9)."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanji.acquisition.modbus_frames import Question, RtuFraming, TcpFraming, with_checksum
from tanji.errors import AcquisitionError, FrameError, RefusedError

# V1.1b3, 6.3: registers 108 to 110 (addresses 107 to 109) hold 0x022B, 0x0000, 0x0064.
HOLDING = Question(17, "holding", 107, 3)
ASKED = bytes.fromhex("03 00 6b 00 03")
ANSWERED = bytes.fromhex("03 06 02 2b 00 00 00 64")
DATA = bytes.fromhex("02 2b 00 00 00 64")

questions = st.builds(
    Question,
    st.integers(0, 247),
    st.sampled_from(["holding", "input", "coil", "discrete"]),
    st.integers(0, 65535),
    st.integers(1, 125),
)


def tcp(number: int, unit: int, pdu: bytes) -> bytes:
    return number.to_bytes(2) + b"\0\0" + (len(pdu) + 1).to_bytes(2) + bytes([unit]) + pdu


def crc_by_the_book(frame: bytes) -> bytes:
    """Modbus over Serial Line V1.02, 6.2.2, step by step."""
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


def test_a_question_is_framed_as_the_specification_shows() -> None:
    assert HOLDING.pdu == ASKED
    assert TcpFraming().wrap(HOLDING, 0x1501) == bytes.fromhex("15 01 00 00 00 06 11") + ASKED
    # V1.02, 6.2.2: the frame 02 07 has the checksum bytes 41 12.
    assert with_checksum(b"\x02\x07") == bytes.fromhex("02 07 41 12")
    assert RtuFraming().wrap(HOLDING, 0) == b"\x11" + ASKED + crc_by_the_book(b"\x11" + ASKED)


def test_coils_are_asked_for_by_the_bit_and_come_by_the_byte() -> None:
    # V1.1b3, 6.1: 19 coils from address 19 come as three bytes CD 6B 05.
    question = Question(1, "coil", 19, 19)
    assert question.pdu == bytes.fromhex("01 00 13 00 13")
    assert question.size == 3
    received = bytearray(tcp(1, 1, bytes.fromhex("01 03 cd 6b 05")))
    assert TcpFraming().unwrap(received, question, 1) == bytes.fromhex("cd 6b 05")


def test_an_answer_is_taken_whole_and_only_when_it_is_whole() -> None:
    for framing, frame in ((TcpFraming(), tcp(7, 17, ANSWERED)), (RtuFraming(), with_checksum(b"\x11" + ANSWERED))):
        for length in range(len(frame)):
            assert framing.unwrap(bytearray(frame[:length]), HOLDING, 7) is None
        assert framing.unwrap(bytearray(frame), HOLDING, 7) == DATA


def test_late_answers_on_tcp_are_dropped_by_their_number() -> None:
    received = bytearray(tcp(5, 17, b"\x03\x06" + bytes(6)) + tcp(6, 17, ANSWERED))
    assert TcpFraming().unwrap(received, HOLDING, 6) == DATA


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 10, 11])
def test_an_exception_is_told_with_its_code(code: int) -> None:
    pdu = bytes([0x83, code])
    for framing, frame in ((TcpFraming(), tcp(1, 17, pdu)), (RtuFraming(), with_checksum(b"\x11" + pdu))):
        with pytest.raises(RefusedError) as caught:
            framing.unwrap(bytearray(frame), HOLDING, 1)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (tcp(1, 18, ANSWERED), "expected unit 17, got 18"),
        (tcp(1, 17, b"\x04" + ANSWERED[1:]), "expected function 3, got 4"),
        (tcp(1, 17, b"\x03\x04\0\0\0\0"), "expected 3 registers, got 2"),
        (tcp(1, 17, b"\x03\x06\0\0\0\0"), "expected 6 bytes as the answer says, got 4"),
        (b"HTTP/1.1 400 Bad Request", "expected a Modbus TCP header"),
        (b"\0\1\0\0\xff\xff\x11", "expected a Modbus TCP header"),
    ],
)
def test_what_is_no_answer_to_this_question_is_said(frame: bytes, said: str) -> None:
    with pytest.raises(FrameError, match=said):
        TcpFraming().unwrap(bytearray(frame), HOLDING, 1)


def test_on_a_serial_line_others_and_noise_are_skipped() -> None:
    mine, other = with_checksum(b"\x11" + ANSWERED), with_checksum(b"\x12" + ANSWERED)
    shorter = with_checksum(b"\x11\x03\x02\x00\x07")
    for before in (b"\x00", b"\xff\x11\x03", other, shorter, other[:4]):
        assert RtuFraming().unwrap(bytearray(before + mine), HOLDING, 0) == DATA


def test_a_damaged_answer_is_said_at_once_and_endless_noise_at_last() -> None:
    mine = with_checksum(b"\x11" + ANSWERED)
    for place in range(3, len(mine)):
        broken = bytearray(mine)
        broken[place] ^= 0x10
        with pytest.raises(FrameError, match="checksum") as caught:
            RtuFraming().unwrap(broken, HOLDING, 0)
        assert caught.value.damaged
    with pytest.raises(FrameError, match="noise"):
        RtuFraming().unwrap(bytearray(b"\x55" * 2000), HOLDING, 0)


@settings(deadline=None)
@given(questions, st.integers(1, 0xFFFF), st.data())
def test_answers_come_out_as_they_went_in_however_they_are_cut(
    question: Question, number: int, data: st.DataObject
) -> None:
    body = data.draw(st.binary(min_size=question.size, max_size=question.size))
    pdu = bytes([question.function, question.size & 0xFF]) + body
    framings: list[tuple[Any, bytes]] = [(TcpFraming(), tcp(number, question.unit_id, pdu))]
    framings.append((RtuFraming(), with_checksum(bytes([question.unit_id]) + pdu)))
    for framing, frame in framings:
        cut = data.draw(st.integers(0, len(frame) - 1))
        received = bytearray(frame[:cut])
        assert framing.unwrap(received, question, number) is None
        received += frame[cut:]
        assert framing.unwrap(received, question, number) == body


def fuzz(inputs: int, *, seed: int) -> int:
    """Random bytes, and damaged real answers, through both framings; how many were taken for an answer."""
    rng, taken = random.Random(seed), 0
    whole = {False: tcp(1, 17, ANSWERED), True: with_checksum(b"\x11" + ANSWERED)}
    for _ in range(inputs):
        rtu = rng.random() < 0.5
        framing: Any = RtuFraming() if rtu else TcpFraming()
        if rng.random() < 0.5:
            received = bytearray(rng.randbytes(rng.randrange(40)))
        else:
            received = bytearray(whole[rtu])
            for _ in range(rng.randrange(1, 4)):
                received[rng.randrange(len(received))] = rng.randrange(256)
        before = len(received)
        try:
            answer = framing.unwrap(received, HOLDING, 1)
        except AcquisitionError:
            continue
        assert answer is None or len(answer) == 6
        assert len(received) <= before
        taken += answer is not None and rtu and answer != DATA
    return taken


def test_no_bytes_bring_it_down_and_damaged_ones_do_not_pass_the_checksum() -> None:
    # 16 bits let one in 65,536 random frames pass; of 20,000 inputs hardly any has the right head at all.
    assert fuzz(20_000, seed=5) == 0
