"""The outbox against a real HTTP server that answers what a test tells it to."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tanji.acquisition.flags import Flag
from tanji.acquisition.line_protocol import parse
from tanji.acquisition.outbox import Outbox


def line(number: int, point: str = "a") -> bytes:
    return b"reading,plant=p,point=%b value=%d,quality=0i %d\n" % (point.encode(), number, number * 1000)


class Sealer(ThreadingHTTPServer):
    """Answers each request with the next of `answers`, then 204 for ever; keeps every body."""

    daemon_threads = True

    def __init__(self, *answers: int) -> None:
        self.answers, self.bodies, self.paths = list(answers), [], []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Sealer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.paths.append(self.path)
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silence."""


@contextmanager
def sealer(*answers: int) -> Iterator[Sealer]:
    server = Sealer(*answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def outbox(url: str, **more: object) -> Outbox:
    return Outbox(url, rng=random.Random(1), first_wait_s=0.01, most_wait_s=0.05, **more)  # type: ignore[arg-type]


def sent(box: Outbox, *bodies: bytes) -> bool:
    """Send and wait until all is answered."""

    async def scenario() -> bool:
        for body in bodies:
            await box.send(body)
        return await box.flush(5)

    return asyncio.run(scenario())


def test_bodies_arrive_in_order_and_are_joined_into_one_request() -> None:
    with sealer() as server, outbox(server.url) as box:
        assert sent(box, line(1), line(2), b"", line(3))
        assert b"".join(server.bodies) == line(1) + line(2) + line(3)
        assert len(server.bodies) < 3
        assert set(server.paths) == {"/write?precision=ms"}
        assert box.counters()["waiting_bytes"] == 0


def test_a_refused_try_is_repeated_byte_for_byte_before_anything_newer() -> None:
    with sealer(503, 429, 500) as server, outbox(server.url) as box:
        assert sent(box, line(1))
        assert sent(box, line(2))
        assert server.bodies == [line(1)] * 4 + [line(2)]
        assert box.counters()["retried"] == 3


def test_a_body_the_sealer_can_make_nothing_of_is_let_go_and_counted() -> None:
    with sealer(400) as server, outbox(server.url) as box:
        assert sent(box, line(1))
        assert sent(box, line(2))
        assert server.bodies == [line(1), line(2)]
        assert {key: box.counters()[key] for key in ("acknowledged", "rejected")} == {"acknowledged": 1, "rejected": 1}


def test_nothing_is_lost_while_the_sealer_is_down() -> None:
    with sealer() as server:
        url = server.url
    with outbox(url) as box:
        assert not asyncio.run(queue(box, 0.3, line(1), line(2)))
        assert box.counters()["retried"] > 0
        with sealer_at(url) as server:
            assert asyncio.run(box.flush(5))
            assert b"".join(server.bodies) == line(1) + line(2)


async def queue(box: Outbox, seconds: float, *bodies: bytes) -> bool:
    for body in bodies:
        await box.send(body)
    return await box.flush(seconds)


@contextmanager
def sealer_at(url: str) -> Iterator[Sealer]:
    """A sealer that comes back at its old address."""
    port = int(url.rsplit(":", 1)[1])
    server = Sealer.__new__(Sealer)
    server.answers, server.bodies, server.paths = [], [], []
    ThreadingHTTPServer.__init__(server, ("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_what_is_too_old_is_dropped_and_leaves_one_gap_per_point() -> None:
    now = [1_000_000]
    with sealer() as server:
        url = server.url
    with outbox(url, clock=lambda: now[0], keep_ms=600_000) as box:
        assert not asyncio.run(queue(box, 0.2, line(1) + line(2) + line(2, "b")))
        now[0] += 600_001
        assert not asyncio.run(queue(box, 0.2, line(3)))
        with sealer_at(url) as server:
            assert asyncio.run(box.flush(5))
            rows = parse(b"".join(server.bodies), precision="ms", arrival_ms=0).readings.to_pylist()
        word = int(Flag.GAP | Flag.COMM)
        assert [(row["point"], row["time"], row["value"], row["quality"]) for row in rows] == [
            ("a", 1_600_001, None, word),
            ("b", 1_600_001, None, word),
            ("a", 3000, 3.0, 0),
        ]
        assert box.counters()["dropped"] == 1


def test_memory_is_bounded_by_bytes_too() -> None:
    with sealer() as server:
        url = server.url
    with outbox(url, keep_bytes=3 * len(line(1))) as box:
        assert not asyncio.run(queue(box, 0.3, *(line(number) for number in range(10, 30))))
        assert box.counters()["waiting_bytes"] <= 4 * len(line(1))
        assert box.counters()["dropped"] > 0


def test_a_fault_nobody_thought_of_costs_a_try_and_not_the_thread() -> None:
    async def scenario() -> None:
        with sealer() as server, Outbox(server.url, first_wait_s=0.01) as outbox:
            request, faults = outbox._http.request, iter([ValueError("a bug of the library")])

            def faulty(*what: object, **how: object) -> object:
                for fault in faults:
                    raise fault
                return request(*what, **how)  # type: ignore[arg-type]

            outbox._http.request = faulty  # type: ignore[method-assign, assignment]
            outbox.put(line(1))
            assert await outbox.flush(5)
            assert server.bodies == [line(1)] and outbox.counters()["retried"] == 1

    asyncio.run(scenario())
