"""`python tests/fuzz/fuzz_line_protocol.py [COUNT [SEED]]`: the parser against damaged and invented bodies.

Whatever comes in, the answer is a parse or a LineProtocolError, within `LIMIT_S`; the reader that parks faults takes at
least what the strict one takes and reads it alike; the quick reader agrees with the exact one. The suite runs a few
thousand of these; a million are run before the parser is changed (about ten minutes of one core).
"""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Iterator
from types import FrameType

from tanji.acquisition import line_columns, line_scanner
from tanji.acquisition.line_protocol import Parsed, parse
from tanji.errors import LineProtocolError

LIMIT_S = 5
SEEDS = (
    b"reading,plant=hx01,point=kiln1.feed value=331.25,quality=0i 1772323200000\n",
    b"reading,plant=hx01,point=kiln1.feed quality=1024i 1772323201000\n",
    b'cpu,host=a\\ b,cpu=cpu\\,0 usage=1.5e-3,n=-3i,u=7u,up=true,text="a \\"b\\"\n=,c" 1772323200000999999\r\n',
    b'm\\=,\xe7\x82\xad=\\\\ =1,"=f \n# a comment\n\n weather,location=us-midwest temperature=.5,x=5. -1\n',
)
TOKENS = (
    b"\\", b'"', b",", b"=", b" ", b"\n", b"\r", b"\t", b"#", b"\x00", b"\x7f", b"\xff", b"\xe7\x82\xad", b"\\ ",
    b"\\,", b"\\=", b'\\"', b"i", b"u", b"-", b".", b"e", b"E+", b"0", b"9223372036854775808", b"1e400", b"nan", b"t",
    b"TRUE", b"fals", b"reading,plant=", b",point=", b" value=", b",quality=", b"quality=0i", b"1" * 60,
)  # fmt: skip


def bodies(rng: random.Random, count: int) -> Iterator[bytes]:
    """Seeds cut, repeated and joined, with tokens and bytes put in, taken out and exchanged."""
    for _ in range(count):
        body = bytearray(b"".join(rng.choices(SEEDS, k=rng.randint(0, 3))))
        for _ in range(rng.randint(0, 6)):
            at = rng.randint(0, len(body))
            end = min(len(body), at + rng.choice((0, 0, 1, 1, 2, 20)))
            body[at:end] = rng.choice((b"", rng.choice(TOKENS), rng.choice(TOKENS), rng.randbytes(rng.randint(1, 3))))
        yield bytes(body)


def check(body: bytes, precision: str) -> bool:
    """Whether the strict reader takes the body; AssertionError where the readers differ."""
    strict = _read(body, precision=precision, park_faults=False)
    lenient = _read(body, precision=precision, park_faults=True)
    if strict is not None:
        assert lenient is not None and _same(lenient, strict), body
    quick = line_columns.read(body, precision=precision)
    if quick is not None:
        assert _same(quick, line_scanner.read(body, precision=precision, arrival_ms=0)), body
    return strict is not None


def run(count: int, seed: int) -> int:
    """How many of `count` bodies were line protocol. Raises where one crashed, hung or was read in two ways."""
    rng, taken = random.Random(seed), 0
    signal.signal(signal.SIGALRM, _hung)
    try:
        for body in bodies(rng, count):
            signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
            taken += check(body, rng.choice(("ns", "us", "ms", "s", "m", "h")))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return taken


def _read(body: bytes, *, precision: str, park_faults: bool) -> Parsed | None:
    try:
        return parse(body, precision=precision, arrival_ms=0, park_faults=park_faults)
    except LineProtocolError:
        return None


def _same(one: Parsed, other: Parsed) -> bool:
    rows = [repr(parsed.readings.to_pydict()) for parsed in (one, other)]
    return rows[0] == rows[1] and one.others == other.others and one.parked == other.parked


def _hung(_: int, __: FrameType | None) -> None:
    raise TimeoutError(f"a body took longer than {LIMIT_S} s")


if __name__ == "__main__":
    count, seed = ([int(text) for text in sys.argv[1:]] + [1_000_000, 1][len(sys.argv) - 1 :])[:2]
    print(f"{count} bodies, seed {seed}: {run(count, seed)} of them line protocol, no crash, no hang")
