"""A million spoilt inputs for each parser of telegrams and logger files: none may crash it, none may hang it.

`python tests/bench/fuzz_reports.py [--inputs N] [--seed S] [--parser NAME ...]`. What a parser may raise is its own
error; everything else, and an input that takes longer than a second, fails the run and is printed.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from services.hj212_receiver.answers import answer
from services.hj212_receiver.station import stations
from tanji.acquisition.hj212 import Telegram, format_segment, parse_segment
from tanji.acquisition.hj212_data import report as read_report
from tanji.acquisition.hj212_parts import Parts
from tanji.acquisition.hj212_stream import TelegramStream
from tanji.acquisition.line_protocol import parse
from tanji.acquisition.logger_csv import CsvFile, CsvLayout, Target
from tanji.acquisition.logger_lines import LineFile, source
from tanji.acquisition.logger_time import TimeFault, reader
from tanji.errors import TelegramError
from tanji.plant.load import load

sys.path.insert(0, str(Path(__file__).parent))
from measure import report  # type: ignore[import-not-found]  # beside this file

HANG_S = 1.0
ZONE = ZoneInfo("Asia/Shanghai")
NOW = 1_772_409_600_000
VECTORS = Path(__file__).parents[1] / "vectors" / "hj212_telegrams.txt"
TELEGRAMS = [line.encode() + b"\r\n" for line in VECTORS.read_text("utf-8").splitlines() if line.startswith("##")]
SEGMENTS = [telegram[6:-6] for telegram in TELEGRAMS]
CSV = ["time,a,b\n2026-03-01 08:00:00,1.5,2\n2026/3/1 8:01,,3e2\n", 'time;a;b\n"2026年3月1日 8:00";"1,5";x\n']
LINES = [
    b"reading,plant=p,point=a value=1.5,quality=8i 1772323200000000000\n# x\nm,t=1 f=2i 1772323200000000000\n",
    b'reading,plant=p,point=b value=1\nm f="a b",g=t 1772323200000000000\n',
]
MN = "010000A8900016F000169DC0"
PLANT = load(Path(__file__).parents[1] / "plant" / "golden" / "good" / "hj212.yaml")
STATION = stations(PLANT, passwords={"stack": "123456"})[MN]
TIMES = ["2026-03-01T08:05:00.123+08:00", "2026年3月1日 8时5分0秒", "20260301080500123", "1772323200"]
GRAINS = [
    b"##",
    b"&&",
    b";",
    b",",
    b"=",
    b"-",
    b"CP=&&",
    b"\r\n",
    b"0",
    b"9999",
    b"\xff",
    b"\x00",
    b"\n",
    b'"',
    b" ",
    b".",
]


def spoilt(data: bytes, rng: Random) -> bytes:
    """An input with one to four changes: bytes exchanged, cut out, doubled, or a grain of the grammar put in."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(changed) + 1)
        kind = rng.randrange(4)
        if kind == 0 and at < len(changed):
            changed[at] = rng.randrange(256)
        elif kind == 1:
            del changed[at : at + rng.randint(1, 20)]
        elif kind == 2:
            changed[at:at] = changed[at : at + rng.randint(1, 40)]
        else:
            changed[at:at] = rng.choice(GRAINS)
    return bytes(changed)


def stream(rng: Random) -> bytes:
    """Three telegrams on a line, spoilt."""
    data = spoilt(b"".join(rng.choices(TELEGRAMS, k=3)), rng)
    feeding = TelegramStream()
    cut = rng.randrange(len(data) + 1)
    for piece in (data[:cut], data[cut:]):
        for found in feeding.feed(piece):
            assert isinstance(found, Telegram | TelegramError)
    return data


def segment(rng: Random) -> bytes:
    """A data segment whose CRC nobody looks at, read, written again, and understood."""
    data = spoilt(rng.choice(SEGMENTS), rng)
    try:
        telegram = parse_segment(data)
        assert format_segment(telegram) == data
        for each in Parts(timeout_ms=1).add(telegram, now_ms=0):
            read_report(each.groups, command=telegram.cn, edition=telegram.edition, zone=ZONE)
    except TelegramError as error:
        assert 0 <= error.position <= len(data)
    return data


def station(rng: Random) -> bytes:
    """A telegram with the station's own number and a right CRC: password, parts, values, lines, answer."""
    data = spoilt(re.sub(rb"MN=[^;]*", b"MN=" + MN.encode(), rng.choice(SEGMENTS)), rng)
    try:
        telegram = parse_segment(data)
        STATION.admits(telegram)
        for each in STATION.parts.add(telegram, now_ms=0):
            lines, _ = STATION.lines(each, now_ms=NOW)
            assert not parse(lines, precision="ms", arrival_ms=0).parked
            answer(telegram)
        list(STATION.parts.expired(now_ms=10**9))
    except TelegramError:
        pass
    return data


def logger_csv(rng: Random) -> bytes:
    """A logger's file."""
    data = spoilt(rng.choice(CSV).encode(), rng)
    layout = CsvLayout({"a": Target("a"), "b": Target("b", counter=True)}, ZONE)
    list(CsvFile(layout, "f", NOW).read(io.StringIO(data.decode("utf-8", "replace"), newline="")))
    return data


def logger_lines(rng: Random) -> bytes:
    """A file of line protocol."""
    data = spoilt(rng.choice(LINES), rng)
    mapping = {source("m,t=1 f"): Target("m")} if rng.random() < 0.5 else {}
    list(LineFile("f", "p", frozenset({"a"}), NOW, "ns", mapping).read([data]))
    return data


def logger_time(rng: Random) -> bytes:
    """A time."""
    data = spoilt(rng.choice(TIMES).encode(), rng)
    for form in ("", "epoch_s"):
        try:
            reader(time_format=form, zone=ZONE)(data.decode("utf-8", "replace"))
        except TimeFault:
            pass
    return data


PARSERS: dict[str, Callable[[Random], bytes]] = {
    "hj212_stream": stream,
    "hj212_segment": segment,
    "hj212_station": station,
    "logger_csv": logger_csv,
    "logger_lines": logger_lines,
    "logger_time": logger_time,
}


def fuzz(name: str, *, inputs: int, seed: int) -> bool:
    """Feed one parser; whether it took everything."""
    parser = PARSERS[name]
    slowest = 0.0
    begun = time.monotonic()
    for number in range(inputs):
        rng = Random(seed + number)
        at = time.thread_time()
        try:
            parser(rng)
        except Exception as error:  # whatever it is, it is what we look for
            print(f"{name}: seed {seed + number}: {type(error).__name__}: {error}", file=sys.stderr)
            return False
        slowest = max(slowest, time.thread_time() - at)  # of this thread: the machine may be busy
        if slowest > HANG_S:
            print(f"{name}: seed {seed + number} took {slowest:.1f} s", file=sys.stderr)
            return False
    rate = inputs / (time.monotonic() - begun)
    report(f"fuzz_{name}", value=round(rate), unit="inputs/s", inputs=inputs, slowest_ms=round(slowest * 1000, 2))
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz; 1 if something broke."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--inputs", type=int, default=1_000_000, help="inputs for each parser")
    options.add_argument("--seed", type=int, default=20_260_301)
    options.add_argument("--parser", choices=PARSERS, action="append", help="only this one; repeat")
    asked = options.parse_args(arguments)
    return 0 if all([fuzz(name, inputs=asked.inputs, seed=asked.seed) for name in asked.parser or PARSERS]) else 1


if __name__ == "__main__":
    sys.exit(main())
