"""`tanji poll --once --explain`: what an engineer sees at the cabinet. Bytes are worked by hand (R9, R54)."""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import pytest

from services.opcua_poller.explain import Refused
from tanji.cli import poll_explain, poll_opcua
from tanji.cli.main import main
from tanji.errors import UsageError
from tanji.plant.model import Plant
from tanji.report.words import table

from ..services import modbus_rig as rig

Answer = Callable[[int, bytes], Any]


@contextmanager
def answering(peer: Answer) -> Iterator[int]:
    """A peer in a thread of its own; its port."""
    ready, stop = threading.Event(), threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            ports.append(await rig.tcp(stack, peer))
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(30)
    try:
        yield ports[0]
    finally:
        stop.set()
        thread.join()


def plant(**meter: Any) -> Plant:
    """A float, a counter with a scale, and a point beyond its limits; serial number in register 90."""
    data = rig.plant({"coal.flow": {"address": 0, "type": "float32"}, "coal.total": {"address": 2, "type": "uint32"}})
    raw = data.model_dump(mode="json", exclude_defaults=True)
    raw["points"][0] |= {"limits": {"low": 0, "high": 20}, "name": {"zh": "喂煤量", "en": "Coal feed"}}
    raw["points"][1] |= {"kind": "counter", "unit": "t", "scale": 0.1, "rollover": 4294967296}
    raw["meters"][0] |= {"serial_register": {"address": 90, "words": 2}, "serial": "AB12"} | meter
    return Plant.model_validate(raw)


def ran(plant: Plant, port: int, **how: Any) -> int:
    asked = {"once": True, "explain": True, "device": None, "language": "en", "json": False, "plant": "p.yaml"} | how
    return poll_explain.run(argparse.Namespace(**asked), plant, addresses={"d": ("127.0.0.1", port)})


def honest(unit: int, pdu: bytes) -> Any:
    # 331.25 is 0x43A5A000; 0x0012D687 is 1,234,567; "AB12" is 41 42 31 32.
    return rig.words(0x4142, 0x3132) if pdu[2] == 90 else rig.words(0x43A5, 0xA000, 0x0012, 0xD687)


def test_it_shows_requests_bytes_registers_numbers_and_readings(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(honest) as port:
        assert ran(plant(), port) == 0
    shown = capsys.readouterr().out
    assert "request 1: unit 1, holding 0-3 (4), every 20 s" in shown
    assert "sent      00 01 00 00 00 06 01 03 00 00 00 04" in shown
    assert "received  00 01 00 00 00 0b 01 03 08 43 a5 a0 00 00 12 d6 87" in shown
    assert "Coal feed  331.25 t/h" in shown and "43a5 a000  raw 331.25" in shown
    assert "1234567 counts" in shown and "kept as the register count, 123456.7 t" in shown
    assert "outside its limits 0-20: the quality rules will flag it RANGE" in shown
    assert "m1: serial number AB12\n" in shown and "2 points read, 0 not" in shown


def test_it_speaks_chinese_and_names_a_wrong_serial_number(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(honest) as port:
        assert ran(plant(serial="XY99"), port, language="zh") == 0
    shown = capsys.readouterr().out
    assert "请求 1：从站 1，holding 0–3（4 个），周期 20 秒" in shown and "喂煤量  331.25 t/h" in shown
    assert "出厂编号 AB12  与配置文件中的 XY99 不符" in shown


@pytest.mark.parametrize(
    ("answer", "flag", "said"),
    [
        (b"\x83\x02", "FAULT", "code 2: the device has no such address"),
        (b"\x83\x0b", "COMM", "code 11: the unit does not answer the gateway"),
        (b"\x83\x63", "FAULT", "code 99"),
        (None, "COMM", "no answer: look at unit id, wiring, speed and parity"),
        (b"\x03\x02\x00\x01", "FAULT", "an answer to another question"),
        (rig.words(0xFFC0, 0, 0, 7), "FAULT", "no number in the registers: look at type and byte order"),
    ],
)
def test_it_says_why_a_point_is_flagged(answer: Any, flag: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    def peer(unit: int, pdu: bytes) -> Any:
        return rig.words(0x4142, 0x3132) if pdu[2] == 90 else answer

    with answering(peer) as port:
        assert ran(plant(), port) == 1
    shown = capsys.readouterr().out
    assert said in shown and f"[{flag}]" in shown


def test_it_says_when_nobody_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(honest) as port:
        pass
    assert ran(plant(), port) == 1
    shown = capsys.readouterr().out
    assert shown.count("cannot be reached: look at address, cable, power and port") == 1
    assert "request 1: unit 1" in shown and "0 points read, 2 not" in shown


def test_programs_get_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(honest) as port:
        assert ran(plant(), port, json=True) == 0
    (line,) = capsys.readouterr().out.splitlines()
    data = json.loads(line)
    (device,) = data["devices"]
    (request,) = device["requests"]
    assert (data["good"], data["bad"], device["serial_numbers"]) == (2, 0, {"m1": "AB12"})
    assert request["sent"] == "000100000006010300000004" and request["code"] is None
    flow, total = request["points"]
    assert (flow["registers"], flow["raw"], flow["value"], flow["unit"]) == (["43a5", "a000"], 331.25, 331.25, "t/h")
    assert (total["value"], total["quality"], total["flags"]) == (1234567, 0, [])


def test_a_request_that_is_too_wide_is_shown_as_polling_settles(capsys: pytest.CaptureFixture[str]) -> None:
    def peer(unit: int, pdu: bytes) -> Any:
        return b"\x83\x02" if pdu[4] > 2 or pdu[2] == 2 else honest(unit, pdu)[:1] + b"\x04\x43\xa5\xa0\x00"

    with answering(peer) as port:
        assert ran(plant(), port) == 1
    shown = capsys.readouterr().out
    assert "holding 0-1 (2)" in shown and "holding 2-3 (2)" in shown and "1 points read, 1 not" in shown


def test_a_device_that_is_none_is_named_and_options_need_once(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="one of d, got x"):
        poll_explain.chosen(plant(), "x")
    path = tmp_path / "plant.yaml"
    path.write_text(
        "tanji: 1\nsite: {id: p1, name: {zh: 厂, en: Plant}}\nlines: []\ndevices: []\n"
        "meters: []\npoints: []\nstreams: []\n",
        encoding="utf-8",
    )
    assert main(["poll", "--plant", str(path), "--explain"]) == 2
    assert "--explain: expected --once" in capsys.readouterr().err
    assert main(["poll", "--once", "--plant", str(path), "--device", "d"]) == 2
    assert "there is none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "stack: an HJ 212 station calls us and cannot be asked; look at the log of tanji run or tanji receive"),
        ("zh", "stack：HJ 212 站主动连接我方，无法由我方读取"),
    ],
)
def test_a_station_that_calls_is_said_to_do_so(language: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    station = {"id": "stack", "name": rig.NAME, "protocol": "hj212", "mn": "88888880000001", "password_file": "p"}
    raw = plant().model_dump(mode="json", exclude_defaults=True)
    both = Plant.model_validate(raw | {"devices": [*raw["devices"], station]})
    with answering(honest) as port:
        assert ran(both, port, language=language) == 0
        shown = capsys.readouterr().out
        assert said in shown and "--plant p.yaml" in shown and "docs/hj212.md" in shown
        assert ran(both, port, json=True) == 0
    assert json.loads(capsys.readouterr().out)["skipped"] == ["stack"]
    assert ran(both, 0, device="stack", language=language) == 3  # neither done nor failed (DESIGN section 5)
    assert {"en": "nothing was read", "zh": "未读取任何测点"}[language] in capsys.readouterr().out


def test_the_language_is_the_terminals() -> None:
    assert poll_explain.spoken({"LANG": "zh_CN.UTF-8"}) == "zh"
    assert poll_explain.spoken({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}) == "en"
    assert poll_explain.spoken({}) == "en"


def test_no_word_of_poll_is_left_over() -> None:
    source = inspect.getsource(poll_explain) + inspect.getsource(poll_opcua)
    refusals = {f"opcua_{kind}" for kind in Refused}
    for key in table()["poll"]:
        known = key.startswith("code_") or key in refusals or f"poll.{key}" in source or f'"{key}"' in source
        assert known, key
