"""The outbox against a real HTTP server that answers what a test tells it to."""

from __future__ import annotations

import asyncio
import random

from tanji.acquisition.flags import Flag
from tanji.acquisition.line_protocol import parse
from tanji.acquisition.outbox import Outbox

from .sealer_double import sealer


def line(number: int, point: str = "a") -> bytes:
    return b"reading,plant=p,point=%b value=%d,quality=0i %d\n" % (point.encode(), number, number * 1000)


def port_of(url: str) -> int:
    """Where a sealer was that is to come back."""
    return int(url.rsplit(":", 1)[1])


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
        with sealer(port=port_of(url)) as server:
            assert asyncio.run(box.flush(5))
            assert b"".join(server.bodies) == line(1) + line(2)


async def queue(box: Outbox, seconds: float, *bodies: bytes) -> bool:
    for body in bodies:
        await box.send(body)
    return await box.flush(seconds)


def test_what_is_too_old_is_dropped_and_leaves_one_gap_per_point() -> None:
    now = [1_000_000]
    with sealer() as server:
        url = server.url
    with outbox(url, clock=lambda: now[0], monotonic=lambda: now[0], keep_ms=600_000) as box:
        assert not asyncio.run(queue(box, 0.2, line(1) + line(2) + line(2, "b")))
        now[0] += 600_001
        assert not asyncio.run(queue(box, 0.2, line(3)))
        with sealer(port=port_of(url)) as server:
            assert asyncio.run(box.flush(5))
            rows = parse(b"".join(server.bodies), precision="ms", arrival_ms=0).readings.to_pylist()
        word = int(Flag.GAP | Flag.COMM)
        assert [(row["point"], row["time"], row["value"], row["quality"]) for row in rows] == [
            ("a", 1_600_001, None, word),
            ("b", 1_600_001, None, word),
            ("a", 3000, 3.0, 0),
        ]
        assert box.counters()["dropped"] == 1


def test_setting_the_clock_by_an_hour_drops_nothing() -> None:
    """Ages are measured by the monotonic clock: only the time of a gap is taken from the wall clock."""
    now = [1_000_000]
    with sealer() as server:
        url = server.url
    with outbox(url, clock=lambda: now[0]) as box:
        for step in (0, 3_600_000, -7_200_000):
            now[0] += step
            assert not asyncio.run(queue(box, 0.1, line(1 + abs(step))))
        assert box.counters()["dropped"] == 0
        with sealer(port=port_of(url)) as server:
            assert asyncio.run(box.flush(5))
            assert b"".join(server.bodies) == line(1) + line(3_600_001) + line(7_200_001)


def test_readings_taken_by_a_doubtful_clock_are_flagged_before_they_are_queued() -> None:
    word = [int(Flag.CLOCK)]
    with sealer(503) as server, outbox(server.url, suspect=lambda: word[0]) as box:
        failed = b"reading,plant=p,point=a quality=1024i 1000\n"
        assert sent(box, line(1) + failed + b"cpu quality=1i 5\n")
        word[0] = 0  # what is sent again is sent as it was
        assert sent(box, line(2))
        flagged = b"reading,plant=p,point=a value=1,quality=%di 1000\n" % Flag.CLOCK
        flagged += b"reading,plant=p,point=a quality=%di 1000\ncpu quality=1i 5\n" % (Flag.CLOCK | 1024)
        assert server.bodies == [flagged, flagged, line(2)]


def test_a_line_that_is_refused_costs_only_itself() -> None:
    poison = b"poison\n"
    with sealer() as server, outbox(server.url) as box:
        server.refuses = poison
        assert sent(box, b"".join([line(1), line(2), poison, line(3), line(4)]), line(5))
        taken = [body for body in server.bodies if poison not in body]
        assert b"".join(taken) == b"".join(line(number) for number in range(1, 6))
        assert box.counters()["rejected"] == 1


def test_who_waits_for_a_body_with_a_refused_line_is_told_that_it_was_not_kept_whole() -> None:
    async def scenario() -> list[bool]:
        with sealer() as server, outbox(server.url) as box:
            server.refuses = b"poison"
            return [await box.deliver(line(1) + b"poison\n" + line(2)), await box.deliver(line(3) + line(4))]

    assert asyncio.run(scenario()) == [False, True]


def test_the_secret_is_shown() -> None:
    with sealer() as server, outbox(server.url, token="s3cret") as box:
        assert sent(box, line(1))
        assert server.authorizations == ["Token s3cret"]


def test_numbers_tell_what_waits_longest_and_when_it_last_worked() -> None:
    now = [5_000]
    with sealer() as server, outbox(server.url, monotonic=lambda: now[0]) as box:
        assert box.numbers()["last_success_age_s"] is None
        assert sent(box, line(1))
        now[0] += 2_000
        assert box.numbers()["last_success_age_s"] == 2.0 and box.numbers()["oldest_age_s"] == 0.0
        assert box.numbers()["acknowledged_total"] == 1


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
