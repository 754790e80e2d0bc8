"""Lines: TCP, RTU over TCP and a serial port made of two pseudo-terminals. Answers are built by hand (R9)."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from services.modbus_poller import line as line_module
from services.modbus_poller import serial_port
from services.modbus_poller.identity import Identities, SerialNumber
from services.modbus_poller.late_answers import LateAnswers
from services.modbus_poller.line import Line, Pace, TcpAddress
from services.modbus_poller.serial_port import SerialAddress
from tanji.acquisition.modbus_frames import Question
from tanji.acquisition.registers import RegisterLayout
from tanji.errors import FrameError, LineLost, RefusedError, Silence

from . import modbus_rig as rig

KINDS = ["tcp", "rtu_over_tcp", "serial"]


async def opened(stack: AsyncExitStack, kind: str, peer: Any, *, timeout_s: float = 5.0, pause_s: float = 0.0) -> Line:
    """A line of this kind to a peer, connected."""
    address: TcpAddress | SerialAddress
    if kind == "serial":
        address = SerialAddress(rig.serial(stack, peer), baud=115200, parity="none")
    else:
        rtu = kind == "rtu_over_tcp"
        address = TcpAddress("127.0.0.1", await rig.tcp(stack, peer, rtu=rtu), rtu)
    line = Line(address, pace=Pace(timeout_s, pause_s))
    stack.callback(line.close)
    await line.connect()
    return line


def on(kind: str, peer: Any, talk: Callable[[Line], Awaitable[None]], **how: float) -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            await talk(await opened(stack, kind, peer, **how))

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", KINDS)
def test_questions_to_several_units_are_answered_on_every_kind_of_line(kind: str) -> None:
    async def talk(line: Line) -> None:
        for unit in (1, 7, 1):
            # Register n of unit u holds 100 u + n: 705 = 0x02C1.
            expected = (100 * unit + 5).to_bytes(2) + (100 * unit + 6).to_bytes(2)
            assert await line.ask(Question(unit, "holding", 5, 2)) == expected

    on(kind, rig.counting, talk)


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_and_silence_are_told_and_the_line_goes_on(kind: str) -> None:
    answers = iter([b"\x83\x02", None, rig.words(9)])

    async def talk(line: Line) -> None:
        with pytest.raises(RefusedError, match="code 2"):
            await line.ask(Question(1, "holding", 0, 1))
        with pytest.raises(Silence):
            await line.ask(Question(1, "holding", 0, 1), within_s=0.1)
        assert await line.ask(Question(1, "holding", 0, 1)) == b"\x00\x09"

    on(kind, lambda unit, pdu: next(answers), talk)


@pytest.mark.parametrize("kind", ["rtu_over_tcp", "serial"])
def test_a_bad_checksum_and_a_short_frame_are_no_answer(kind: str) -> None:
    whole = b"\x01" + rig.words(9)
    bad = rig.Raw(whole + b"\x00\x00")
    answers = iter([bad, rig.Raw(whole[:4]), rig.words(9)])

    async def talk(line: Line) -> None:
        with pytest.raises(FrameError, match="checksum"):
            await line.ask(Question(1, "holding", 0, 1))
        with pytest.raises(Silence, match="4 bytes came"):
            await line.ask(Question(1, "holding", 0, 1), within_s=0.2)
        assert await line.ask(Question(1, "holding", 0, 1)) == b"\x00\x09"

    on(kind, lambda unit, pdu: next(answers), talk)


def test_a_late_answer_on_tcp_is_not_taken_for_the_next_one() -> None:
    answers = iter([rig.Late(rig.words(1), 0.3), rig.words(2)])

    async def talk(line: Line) -> None:
        with pytest.raises(Silence):
            await line.ask(Question(1, "holding", 0, 1), within_s=0.1)
        assert await line.ask(Question(1, "holding", 50, 1)) == b"\x00\x02"

    on("tcp", lambda unit, pdu: next(answers), talk)


@pytest.mark.parametrize("kind", ["rtu_over_tcp", "serial"])
def test_a_late_answer_on_a_serial_line_is_not_taken_for_another_register(kind: str) -> None:
    asked = []

    def slow_once(unit: int, pdu: bytes) -> Any:
        asked.append(pdu)
        return rig.Late(rig.counting(unit, pdu), 0.4) if len(asked) == 1 else rig.counting(unit, pdu)

    async def talk(line: Line) -> None:
        with pytest.raises(Silence):
            await line.ask(Question(1, "holding", 10, 2), within_s=0.1)
        # Registers 20 and 21 hold 120 and 121; the late answer would have been 110 and 111.
        assert await line.ask(Question(1, "holding", 20, 2)) == b"\x00\x78\x00\x79"
        # A question of another length was asked first, to tell them apart.
        assert [pdu.hex() for pdu in asked[1:]] == ["0300140001", "0300140002"]

    on(kind, slow_once, talk)


def test_what_cannot_be_told_apart_is_not_asked() -> None:
    late, first, other = LateAnswers(), Question(1, "holding", 0, 1), Question(1, "holding", 9, 1)
    late.owes(first, now=0.0)
    assert late.probe(first, now=1.0) is None
    assert late.probe(Question(2, "holding", 9, 1), now=1.0) is None
    assert late.probe(Question(1, "input", 9, 1), now=1.0) is None
    assert late.probe(Question(1, "holding", 9, 2), now=1.0) is None
    with pytest.raises(Silence, match="earlier question"):
        late.probe(other, now=1.0)
    assert late.probe(other, now=100.0) is None
    late.owes(Question(1, "holding", 0, 3), now=100.0)
    late.owes(first, now=100.0)
    # Three registers are owed, and one: two are asked for.
    assert late.probe(Question(1, "holding", 20, 3), now=101.0) == Question(1, "holding", 20, 2)
    late.settled(1)
    assert late.probe(other, now=101.0) is None


def test_a_line_rests_between_questions() -> None:
    async def talk(line: Line) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        for _ in range(4):
            await line.ask(Question(1, "holding", 0, 1))
        assert loop.time() - started >= 3 * 0.05

    on("tcp", rig.counting, talk, pause_s=0.05)


def test_a_peer_that_says_nothing_any_more_is_called_again() -> None:
    async def talk(line: Line) -> None:
        for _ in range(2):
            assert line.connected
            with pytest.raises(Silence):
                await line.ask(Question(1, "holding", 0, 1), within_s=0.05)
        assert not line.connected
        with pytest.raises(LineLost):
            await line.ask(Question(1, "holding", 0, 1))

    on("tcp", lambda unit, pdu: None, talk)


def test_a_peer_that_closes_is_told_at_once() -> None:
    async def scenario() -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        line = Line(TcpAddress("127.0.0.1", port), pace=Pace(30.0))
        await line.connect()
        with pytest.raises(LineLost, match="closed"):
            await line.ask(Question(1, "holding", 0, 1))
        server.close()

    asyncio.run(scenario())


def test_a_peer_that_speaks_no_modbus_is_left() -> None:
    async def talk(line: Line) -> None:
        with pytest.raises(FrameError, match="header"):
            await line.ask(Question(1, "holding", 0, 1))
        assert not line.connected

    on("tcp", lambda unit, pdu: rig.Raw(b"HTTP/1.1 400 Bad Request\r\n"), talk)


def test_a_name_that_is_not_known_is_told_and_a_known_one_outlives_its_server(monkeypatch: pytest.MonkeyPatch) -> None:
    found_once = [(socket.AF_INET, 1, 6, "", ("127.0.0.1", 0))]
    hanging = threading.Event()
    answers: Any = chain([OSError(-2, "unknown"), found_once, OSError(-3, "away")], repeat(hanging))
    resolve = socket.getaddrinfo

    def lookup(host: str, *more: Any, **how: Any) -> Any:
        if host != "gateway.plant":  # somebody else's: the whole process looks names up here
            return resolve(host, *more, **how)
        found = next(answers)
        if found is hanging:
            assert hanging.wait(60)
            raise OSError(-3, "away")
        if isinstance(found, OSError):
            raise found
        return found

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            port = await rig.tcp(stack, rig.counting)
            monkeypatch.setattr(line_module.socket, "getaddrinfo", lookup)
            line = Line(TcpAddress("gateway.plant", port), pace=Pace(5.0))
            stack.callback(line.close)
            with pytest.raises(LineLost, match=r"gateway\.plant is not known"):
                await line.connect()
            for _ in range(3):  # found, and then known while the name server refuses, or says nothing
                await line.connect()
                assert await line.ask(Question(1, "holding", 0, 1)) == b"\x00\x64"
            hanging.set()

    # The loop's own look-ups of literal addresses go through the same function, so it is replaced inside only.
    monkeypatch.setattr(asyncio.BaseEventLoop, "_ensure_resolved", _literal)
    asyncio.run(scenario())


async def _literal(self: Any, address: tuple[str, int], **how: Any) -> Any:
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]


def test_a_serial_port_that_is_none_is_told(tmp_path: Path) -> None:
    async def scenario(path: str, said: str, **how: Any) -> None:
        line = Line(SerialAddress(path, **how), pace=Pace(1.0))
        with pytest.raises(LineLost, match=said):
            await line.connect()
        assert not line.connected

    (tmp_path / "file").write_text("x", encoding="utf-8")
    asyncio.run(scenario(str(tmp_path / "absent"), "No such file"))
    asyncio.run(scenario(str(tmp_path / "file"), "no serial port|Inappropriate|Not a tty"))


def test_a_serial_port_is_this_process_alone_and_can_be_opened_again() -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            line = await opened(stack, "serial", rig.counting)
            for _ in range(3):
                line.close()
                await line.connect()
                assert await line.ask(Question(1, "holding", 0, 1)) == b"\x00\x64"

    asyncio.run(scenario())


def test_an_adapter_that_is_pulled_out_is_told_at_once() -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            far, near = os.openpty()
            stack.callback(os.close, near)
            line = Line(SerialAddress(os.ttyname(near), parity="none"), pace=Pace(30.0))
            stack.callback(line.close)
            await line.connect()
            os.close(far)
            with pytest.raises(LineLost, match="closed"):
                await line.ask(Question(1, "holding", 0, 1))
            assert not line.connected

    asyncio.run(scenario())


def test_without_posix_terminals_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(serial_port, "termios", None)
        with pytest.raises(LineLost, match="POSIX"):
            await Line(SerialAddress("/dev/ttyS0"), pace=Pace(1.0)).connect()

    asyncio.run(scenario())


def test_a_byte_on_the_line_takes_its_bits() -> None:
    # 1 start + 8 data + 1 parity + 1 stop = 11 bits; without parity and with two stop bits 11 as well.
    assert SerialAddress("/dev/x", 9600, "even", 1).byte_s == 11 / 9600
    assert SerialAddress("/dev/x", 19200, "none", 2).byte_s == 11 / 19200


def test_serial_numbers_are_read_once_and_a_wrong_one_is_told(caplog: pytest.LogCaptureFixture) -> None:
    texts = {0: rig.words(0x5344, 0x4D36, 0x3330), 64: rig.words(0x0012, 0xD687), 99: b"\x83\x02", 120: None}
    asked = []

    def peer(unit: int, pdu: bytes) -> bytes | None:
        asked.append(int.from_bytes(pdu[1:3]))
        answer: bytes | None = texts[asked[-1]]
        return answer

    number = RegisterLayout("holding", 64, "uint32")
    serials = [
        SerialNumber("a", Question(1, "holding", 0, 3), expected="SDM630"),
        SerialNumber("b", Question(1, "holding", 64, 2), number, expected="7"),
        SerialNumber("c", Question(1, "holding", 99, 1)),
        SerialNumber("d", Question(2, "holding", 120, 1)),
        SerialNumber("e", Question(3, "holding", 0, 3)),
    ]

    async def talk(line: Line) -> None:
        identities = Identities(serials, name="d")
        for _ in range(12):
            if not line.connected:
                await line.connect()
            await identities.read_one(line, within_s=0.3, silent={3})
        # 0x0012D687 = 1234567
        assert identities.known() == {"a": "SDM630", "b": "1234567"}

    on("tcp", peer, talk)
    # Unit 3 is silent anyway and is not asked; what is refused, or not answered, three times is not there.
    assert sorted(asked) == [0, 64, 99, 99, 99, 120, 120, 120]
    assert [record.message for record in caplog.records] == [
        "d: b has serial number 1234567, expected 7",
        "d: serial number of c cannot be read: refuses with code 2",
        "d: serial number of d cannot be read: does not answer within 300 ms",
    ]
