"""The fault matrix of the data path, from a poller's outbox to the store: lost 0, wrong 0, every time (R39, R54).

Lost is a reading that was acknowledged and is not in the store at the end; wrong is one with another value or flag than
was sent. SIGKILL is `test_sealer_kill.py`, the spool's own damages `test_sealer_spool.py`, its limits
`test_sealer_room.py`, the silent sealer `tests/acquisition/test_outbox.py`.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from services.sealer import Sealer
from services.sealer.segments import all_frames
from tanji.acquisition.outbox import Outbox
from tanji.errors import SpoolError
from tanji.store.influx import InfluxStore
from tanji.trust import durable

from .influx_double import InfluxDouble, influx_double
from .sealer_rig import COAL, FEED, HOUR, NOON, POINTS, POWER, Rig, line, plant, rig, wait_until

Sent = dict[tuple[str, int], tuple[float | None, int]]


def bodies(count: int, *, rows: int = 30, first: int = 0) -> tuple[list[bytes], Sent]:
    """Bodies of readings in which no two values are equal, so that nothing can stand in for something else."""
    sent: Sent = {}
    made = []
    for number in range(first, first + count):
        lines = []
        for row in range(number * rows, (number + 1) * rows):
            point = POINTS[row % 3]
            sent[point, NOON + row] = (float(row), row % 4)
            lines.append(line(point, NOON + row, float(row), row % 4))
        made.append("".join(lines).encode())
    return made, sent


def codes(sealer: Sealer) -> set[str]:
    return {alarm["code"] for alarm in sealer.report()["alarms"]}


def kept(sealer: Rig) -> Sent:
    """What the store has."""
    return {(point, time_ms): (value, word) for point, time_ms, value, word in sealer.stored()}


@contextmanager
def poller(address: tuple[str, int]) -> Iterator[Outbox]:
    """A poller's way to the sealer, quick to try again."""
    with Outbox("http://{}:{}".format(*address), rng=random.Random(1), first_wait_s=0.01, most_wait_s=0.05) as box:
        yield box


def hand_over(box: Outbox, made: Sequence[bytes]) -> None:
    """Queue bodies one by one and wait until all are acknowledged."""
    for body in made:
        box.put(body)
    wait_until(lambda: box.counters()["waiting"] == 0)
    assert box.counters()["dropped"] == box.counters()["rejected"] == 0


@contextmanager
def sealer_on(url: str, folder: Path, **options: Any) -> Iterator[Sealer]:
    """A sealer whose store is the server at `url`."""
    store = InfluxStore(url)
    options.setdefault("clock", lambda: NOON)
    sealer = Sealer(plant(), data_dir=folder, store=store, batch_wait_s=0.01, rng=random.Random(1), **options)
    try:
        yield sealer
    finally:
        sealer.stop()
        store.close()


def test_database_down_then_up(tmp_path: Path) -> None:
    made, sent = bodies(40)
    with influx_double() as server:
        port = server.server_address[1]
    with sealer_on(f"http://127.0.0.1:{port}", tmp_path) as sealer:
        with poller(sealer.start("127.0.0.1", 0)) as box:
            hand_over(box, made)
        wait_until(lambda: "STORE_AWAY" in codes(sealer))
        with influx_double(port) as server:
            assert sealer.drain(60)
            assert server.rows == sent and server.changed == 0
        wait_until(lambda: "STORE_AWAY" not in codes(sealer))


def test_database_slow_delays_no_sender(tmp_path: Path) -> None:
    made, sent = bodies(20)
    with influx_double() as server, sealer_on(server.url, tmp_path) as sealer:
        server.delay_s = 1.0
        with poller(sealer.start("127.0.0.1", 0)) as box:
            began = time.monotonic()
            hand_over(box, made)
            assert time.monotonic() - began < 5  # twenty answers of a second each would take longer
        server.delay_s = 0.0
        assert sealer.drain(60)
        assert server.rows == sent and server.changed == 0


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_database_overloaded_is_tried_again(tmp_path: Path, status: int) -> None:
    made, sent = bodies(10)
    answers = [status] * 3
    with influx_double() as server, sealer_on(server.url, tmp_path) as sealer:
        server.status = lambda body: answers.pop() if answers else 204
        with poller(sealer.start("127.0.0.1", 0)) as box:
            hand_over(box, made)
        assert sealer.drain(60)
        assert server.rows == sent and server.changed == 0 and server.writes.count(status) == 3
        assert sealer.counters()["retried"] >= 3


@pytest.mark.parametrize("status", [401, 403, 404])
def test_database_denies_holds_the_queue_and_alarms(tmp_path: Path, status: int) -> None:
    made, sent = bodies(10)
    with influx_double() as server, sealer_on(server.url, tmp_path) as sealer:
        server.status = lambda body: status
        with poller(sealer.start("127.0.0.1", 0)) as box:
            hand_over(box, made)
        wait_until(lambda: "STORE_DENIES" in codes(sealer))
        assert "STORE_AWAY" not in codes(sealer) and not list((tmp_path / "parked").iterdir())
        assert sealer.counters()["backlog_records"] == len(sent)
        server.status = lambda body: 204
        assert sealer.drain(60)
        assert server.rows == sent
        wait_until(lambda: "STORE_DENIES" not in codes(sealer))


@pytest.mark.parametrize("status", [400, 422])
def test_database_refuses_single_rows_and_the_rest_is_stored(tmp_path: Path, status: int) -> None:
    made, sent = bodies(10)
    bad = {f" {NOON + row}\n".encode() for row in (3, 4, 150, 299)}
    with influx_double() as server, sealer_on(server.url, tmp_path) as sealer:
        server.status = lambda body: status if any(text in body for text in bad) else 204
        with poller(sealer.start("127.0.0.1", 0)) as box:
            hand_over(box, made)
        assert sealer.drain(60)
        assert server.rows == {key: value for key, value in sent.items() if f" {key[1]}\n".encode() not in bad}
        parked = "".join(path.read_text() for path in (tmp_path / "parked").glob("*.jsonl"))
        assert parked.count(f"store refused: expected success, got HTTP {status}") == 4
        wait_until(lambda: "STORE_REFUSES" in codes(sealer))


def test_database_finds_bodies_too_large_and_gets_smaller_ones(tmp_path: Path) -> None:
    made, sent = bodies(10)
    with influx_double() as server, sealer_on(server.url, tmp_path) as sealer:
        server.status = lambda body: 413 if len(body) > 2_000 else 204
        with poller(sealer.start("127.0.0.1", 0)) as box:
            hand_over(box, made)
        assert sealer.drain(60)
        assert server.rows == sent and 413 in server.writes and not list((tmp_path / "parked").iterdir())


def test_name_of_the_database_cannot_be_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, sent = bodies(20)
    resolve, known = socket.getaddrinfo, threading.Event()

    def lookup(host: str, *arguments: Any, **more: Any) -> Any:
        if host != "store.example":
            return resolve(host, *arguments, **more)
        if not known.is_set():
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve("127.0.0.1", *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with influx_double() as server:
        with sealer_on(f"http://store.example:{server.server_address[1]}", tmp_path) as sealer:
            with poller(sealer.start("127.0.0.1", 0)) as box:
                hand_over(box, made)
            wait_until(lambda: "STORE_AWAY" in codes(sealer))
            assert "resolve" in sealer.report()["store"] or "resolution" in sealer.report()["store"]
            known.set()
            assert sealer.drain(60)
        assert server.rows == sent


def test_disk_full_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, sent = bodies(30)
    write, full, failed = os.writev, threading.Event(), []

    def guarded(descriptor: int, parts: Sequence[bytes]) -> int:
        if full.is_set():
            failed.append(write(descriptor, [parts[0][:7]]))
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, parts)

    monkeypatch.setattr(durable.os, "writev", guarded)
    with rig(tmp_path) as sealer, poller(sealer.address) as box:
        for number, body in enumerate(made):
            if number == 10:
                full.set()
            if number == 20:
                wait_until(lambda: len(failed) > 2)
                full.clear()
            box.put(body)
            time.sleep(0.01)
        hand_over(box, [])
        assert box.counters()["retried"] > 0
        assert sealer.sealer.drain(20)
        assert kept(sealer) == sent and sealer.parked() == []


def test_segment_torn_at_any_byte_of_a_body_nobody_was_told_of(tmp_path: Path) -> None:
    made, sent = bodies(5)
    more, _ = bodies(1, first=5)
    (tmp_path / "whole").mkdir()
    with rig(tmp_path / "whole") as sealer:
        sealer.store.down.set()
        for body in made:
            assert sealer.post(body)[0] == 204
        (segment,) = (tmp_path / "whole" / "spool").glob("*.seg")
        size = segment.stat().st_size
        assert sealer.post(more[0])[0] == 204
        data = segment.read_bytes()
    for cut in random.Random(5).sample(range(size, len(data)), 12):
        folder = tmp_path / str(cut)
        shutil.copytree(tmp_path / "whole" / "spool", folder / "spool", ignore=shutil.ignore_patterns("forwarded.json"))
        (folder / "spool" / segment.name).write_bytes(data[:cut])
        with rig(folder) as sealer:
            assert sealer.sealer.drain(20)
            assert kept(sealer) == sent
            assert sealer.post(more[0])[0] == 204  # the sender was told nothing and sends it again


def test_segment_torn_in_the_middle_is_told_and_its_backup_brings_everything_back(tmp_path: Path) -> None:
    made, sent = bodies(6)
    with rig(tmp_path) as sealer:
        sealer.store.down.set()
        for body in made:
            assert sealer.post(body)[0] == 204
        (segment,) = (tmp_path / "spool").glob("*.seg")
    data = segment.read_bytes()
    third = len(data) // 3
    segment.write_bytes(data[:third] + data[third + 200 :])
    with pytest.raises(SpoolError, match=rf"{segment.name}: damaged at offset \d+"), rig(tmp_path):
        pass
    segment.write_bytes(data)
    with rig(tmp_path) as sealer:
        assert sealer.sealer.drain(20)
        assert kept(sealer) == sent


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_clock_set_by_an_hour_in_the_middle(tmp_path: Path, step: int) -> None:
    made, sent = bodies(20)
    now, steady = [NOON], [0]
    with rig(tmp_path, clock=lambda: now[0], monotonic=lambda: steady[0]) as sealer, poller(sealer.address) as box:
        sealer.store.down.set()
        for number, body in enumerate(made):
            now[0] += 1000 + (step if number == 10 else 0)
            steady[0] += 1000
            hand_over(box, [body])
        sealer.store.down.clear()
        assert sealer.sealer.drain(20)
        assert kept(sealer) == sent and sealer.parked() == []
        records = [
            record
            for _, _, frame in all_frames(tmp_path / "spool", durable_seq=len(sent))
            for record in frame.records()
        ]
        assert [record.time_ms - NOON for record in records] == list(range(len(sent)))  # in the order of acceptance
        wait_until(lambda: "CLOCK_JUMPED" in codes(sealer.sealer))
        assert sealer.sealer.report()["clock"]["last_jump_s"] == step / 1000
        arrivals = [time_ms for time_ms, _, _ in sealer.arrivals()]
        assert arrivals == sorted(set(arrivals))


def test_duplicate_delivery_by_several_senders_at_once(tmp_path: Path) -> None:
    made, sent = bodies(40)
    with rig(tmp_path) as sealer:

        def deliver() -> None:
            with poller(sealer.address) as box:
                hand_over(box, made)

        senders = [threading.Thread(target=deliver) for _ in range(3)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert sealer.sealer.drain(20)
        assert kept(sealer) == sent and sealer.parked() == []
        counters = sealer.sealer.counters()
        assert counters["accepted"] == len(sent) and counters["repeated"] == 2 * len(sent)


def test_reordered_delivery(tmp_path: Path) -> None:
    made, sent = bodies(60)
    random.Random(7).shuffle(made)
    with rig(tmp_path) as sealer, poller(sealer.address) as box:
        for body in made:
            hand_over(box, [body])
        assert sealer.sealer.drain(20)
        assert kept(sealer) == sent and sealer.parked() == []
        assert {hour for _, hour, _ in sealer.arrivals()} == {0}


def test_backlog_drains_in_order_of_each_source_while_live_readings_go_on(tmp_path: Path) -> None:
    with influx_double() as server:
        port = server.server_address[1]
    made, sent = bodies(100)
    live, live_sent = bodies(100, first=100)
    with sealer_on(f"http://127.0.0.1:{port}", tmp_path) as sealer:
        with poller(sealer.start("127.0.0.1", 0)) as box:
            hand_over(box, made)
            with influx_double(port) as server:
                hand_over(box, live)
                assert sealer.drain(60)
                assert server.rows == sent | live_sent
                for point in (FEED, COAL, POWER):
                    times = [time_ms for name, time_ms in server.order if name == point]
                    assert times == sorted(times)


def test_a_restart_in_the_middle_of_an_outage_changes_nothing(tmp_path: Path) -> None:
    made, sent = bodies(30)
    server: InfluxDouble
    with influx_double() as server:
        port = server.server_address[1]
    url = f"http://127.0.0.1:{port}"
    for part in range(3):
        with sealer_on(url, tmp_path) as sealer, poller(sealer.start("127.0.0.1", 0)) as box:
            hand_over(box, made[10 * part : 10 * part + 10])
    with influx_double(port) as server, sealer_on(url, tmp_path) as sealer:
        assert sealer.drain(60)
        assert server.rows == sent and server.changed == 0
