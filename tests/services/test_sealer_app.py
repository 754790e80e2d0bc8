"""The sealer's HTTP face, as Telegraf and InfluxDB clients meet it (R23, R39; platform.md section 3)."""

from __future__ import annotations

import gzip
import os
import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tanji.acquisition.line_protocol import Parsed, parse

from .sealer_rig import FEED, NOON, Rig, line, rig, wait_until


@pytest.mark.parametrize("path", ["/write?db=any&precision=ms", "/api/v2/write?org=o&bucket=b&precision=ms"])
def test_both_write_paths_put_a_reading_into_the_store(tmp_path: Path, path: str) -> None:
    with rig(tmp_path) as sealer:
        assert sealer.post(line(FEED, NOON, 331.25), path) == (204, b"")
        assert sealer.sealer.drain(10)
        assert sealer.stored() == [(FEED, NOON, 331.25, 0)]


@pytest.mark.parametrize(
    ("precision", "time"),
    [
        ("", NOON * 1_000_000 + 999_999),
        ("?precision=ns", NOON * 1_000_000),
        ("?precision=us", NOON * 1000 + 999),
        ("?precision=u", NOON * 1000),
        ("?precision=ms", NOON),
        ("?precision=s", NOON // 1000),
        ("?precision=m", NOON // 60_000),
        ("?precision=h", NOON // 3_600_000),
    ],
)
def test_every_precision_is_floored_to_the_same_millisecond(tmp_path: Path, precision: str, time: int) -> None:
    with rig(tmp_path) as sealer:
        sealer.post(line(FEED, time), "/write" + precision)
        assert sealer.sealer.drain(10)
        assert [row[1] for row in sealer.stored()] == [NOON]


def test_an_unknown_precision_is_refused_with_the_names_of_the_known_ones(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        status, answer = sealer.post(line(FEED, NOON), "/write?precision=weeks")
        assert status == 400
        assert "ns" in answer["message"] and "weeks" in answer["message"]


def test_a_line_without_time_gets_its_arrival(tmp_path: Path) -> None:
    with rig(tmp_path, clock_ms=NOON + 7) as sealer:
        sealer.accept(f"reading,plant=hx01,point={FEED} value=1\n")
        assert sealer.stored() == [(FEED, NOON + 7, 1.0, 0)]


def test_gzip_bodies_are_unpacked_also_in_several_members(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        packed = gzip.compress(line(FEED, NOON).encode()) + gzip.compress(line(FEED, NOON + 1).encode())
        assert sealer.post(packed, Content_Encoding="gzip")[0] == 204
        assert sealer.sealer.drain(10)
        assert len(sealer.stored()) == 2


@pytest.mark.parametrize("cut", [1, 9])
def test_a_gzip_body_that_ends_early_is_refused_and_nothing_is_kept(tmp_path: Path, cut: int) -> None:
    with rig(tmp_path) as sealer:
        packed = gzip.compress(line(FEED, NOON).encode())[:-cut]
        status, answer = sealer.post(packed, Content_Encoding="gzip")
        assert status == 400 and "gzip" in answer["message"]
        assert sealer.sealer.counters()["acknowledged"] == 0


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        assert sealer.post(b"x", Content_Encoding="br")[0] == 415


def test_a_chunked_gzip_body_without_length_is_taken_as_telegraf_sends_it(tmp_path: Path) -> None:
    # platform.md section 3: gzip, Transfer-Encoding chunked, no Content-Length, no precision, times in ns.
    packed = gzip.compress(line(FEED, NOON * 1_000_000, 5.5).encode())
    pieces = [packed[:7], packed[7:]]
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    head = (
        b"POST /api/v2/write?bucket=b&org=o HTTP/1.1\r\nHost: sealer\r\nContent-Encoding: gzip\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    with rig(tmp_path) as sealer:
        with socket.create_connection(sealer.address, timeout=10) as connection:
            connection.sendall(head + body[:12])
            connection.sendall(body[12:])
            assert connection.recv(4096).startswith(b"HTTP/1.1 204")
        assert sealer.sealer.drain(10)
        assert sealer.stored() == [(FEED, NOON, 5.5, 0)]


def test_a_large_body_is_refused_with_the_limit_plain_or_unpacked(tmp_path: Path) -> None:
    with rig(tmp_path, max_body=1000) as sealer:
        status, answer = sealer.post(b"x" * 2000)
        assert status == 413 and b"1001" in answer  # waitress stops it before it is read
        status, answer = sealer.post(gzip.compress(b"\n" * 100_000), Content_Encoding="gzip")
        assert status == 413 and "1000 bytes" in answer["message"]


def test_a_body_that_is_no_line_protocol_is_refused_by_line_and_nothing_of_it_is_stored(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        status, answer = sealer.post(line(FEED, NOON) + "this is no line\n" + line("no.such.point", NOON))
        assert status == 400
        assert answer["code"] == "invalid" and answer["line"] == 2 and answer["error"] == answer["message"]
        assert sealer.sealer.counters()["acknowledged"] == sealer.sealer.counters()["parked"] == 0
        assert not list((tmp_path / "spool").glob("*.seg")) and sealer.parked() == []


def test_an_empty_body_is_no_error(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        assert sealer.post(b"")[0] == 204


def test_204_is_sent_only_after_good_and_parked_lines_are_on_disk(tmp_path: Path) -> None:
    synchronised: list[str] = []
    gate = threading.Event()

    def spy(descriptor: int) -> None:
        gate.wait(10)
        os.fsync(descriptor)
        synchronised.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).parent.name)

    with rig(tmp_path, sync=spy) as sealer:
        answered: list[tuple[int, list[str]]] = []

        def post() -> None:
            status, _ = sealer.post(line(FEED, NOON) + line("no.such.point", NOON))
            answered.append((status, list(synchronised)))

        thread = threading.Thread(target=post)
        thread.start()
        thread.join(0.3)
        assert answered == []  # no answer while the disk has not confirmed
        gate.set()
        thread.join(10)
        assert answered == [(204, ["parked", "spool"])]


def test_a_disk_that_fails_is_answered_503_and_nothing_is_acknowledged_any_more(tmp_path: Path) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with rig(tmp_path, sync=broken) as sealer:
        assert sealer.post(line(FEED, NOON))[0] == 503
        status, answer = sealer.post(line(FEED, NOON))
        assert status == 503 and "fsync failed" in answer["message"]
        assert sealer.ask("GET", "/healthz")[1]["status"] == "failed"


def test_ping_answers_204_with_the_version_of_the_sealer(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer, socket.create_connection(sealer.address, timeout=10) as connection:
        connection.sendall(b"GET /ping HTTP/1.1\r\nHost: sealer\r\n\r\n")
        answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 204") and b"X-Tanji-Version: " in answer


def test_healthz_tells_backlog_store_and_last_forward(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, NOON))
        _, well = sealer.ask("GET", "/healthz")
        assert well["status"] == "ok" and well["backlog"] == 0 and well["last_forward_ms"] == NOON
        sealer.store.down.set()
        sealer.post(line(FEED, NOON + 1))
        _, away = sealer.ask("GET", "/healthz")
        assert away["backlog"] == 1 and away["counters"]["accepted"] == 2
        sealer.store.down.clear()


def test_telegraf_may_create_its_database_and_nobody_may_query(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        assert _query(sealer, b"q=CREATE+DATABASE+%22telegraf%22") == (200, {"results": [{"statement_id": 0}]})
        assert _query(sealer, b"q=SELECT+1")[0] == 400


def test_other_methods_and_paths_are_refused(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        assert sealer.ask("GET", "/write")[0] == 405
        assert sealer.ask("GET", "/nowhere")[0] == 404


def test_a_body_in_the_hands_of_the_sealer_is_answered_before_it_stops(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        statuses: list[int] = []
        body = "".join(line(FEED, NOON + row) for row in range(20_000))
        thread = threading.Thread(target=lambda: statuses.append(sealer.post(body)[0]))
        thread.start()
        while not sealer.sealer.counters()["bodies"] and thread.is_alive():
            pass
        sealer.sealer.stop()
        thread.join(10)
        assert statuses == [204]
        assert len(sealer.stored()) == 20_000


def _query(sealer: Rig, form: bytes) -> tuple[int, object]:
    return sealer.ask("POST", "/query", form, {"Content-Type": "application/x-www-form-urlencoded"})


def test_a_gzip_body_of_very_many_members_takes_time_in_proportion_to_its_size(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        began = time.monotonic()
        # 8 MB of members with nothing in them: unpacking each from a copy of the rest took most of a minute.
        packed = gzip.compress(b"") * 400_000 + gzip.compress(line(FEED, NOON).encode())
        assert sealer.post(packed, Content_Encoding="gzip")[0] == 204
        assert time.monotonic() - began < 15


HALF_A_REQUEST = b"POST /write HTTP/1.1\r\nHost: sealer\r\nContent-Length: 1000\r\n\r\nx"


def test_many_slow_clients_keep_nobody_out(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer, ExitStack() as slow:
        for _ in range(200):
            slow.enter_context(socket.create_connection(sealer.address, timeout=10)).sendall(HALF_A_REQUEST)
        sealer.accept(line(FEED, NOON))
        assert sealer.stored() == [(FEED, NOON, 1.0, 0)]


def test_a_request_that_does_not_end_is_dropped_although_bytes_keep_coming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.sealer.server.REQUEST_S", 0.5)
    with rig(tmp_path) as sealer, socket.create_connection(sealer.address, timeout=0.1) as slow:
        slow.sendall(HALF_A_REQUEST)
        closed, end = False, time.monotonic() + 10
        while not closed and time.monotonic() < end:
            try:
                slow.sendall(b"x")
                closed = slow.recv(100) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
        assert closed
        assert sealer.post(line(FEED, NOON))[0] == 204


def test_large_bodies_are_read_one_at_a_time_and_small_ones_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, most, small_read = [0], [0], threading.Event()

    def watched(body: bytes, **how: object) -> Parsed:
        if len(body) <= 2000:
            small_read.set()
            return parse(body, **how)  # type: ignore[arg-type]
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        assert small_read.wait(20)
        inside[0] -= 1
        return parse(body, **how)  # type: ignore[arg-type]

    monkeypatch.setattr("services.sealer.app.LARGE_BODY", 2000)
    monkeypatch.setattr("services.sealer.app.parse", watched)
    large = "".join(line(FEED, NOON + row) for row in range(100))
    with rig(tmp_path) as sealer:
        threads = [threading.Thread(target=sealer.post, args=(large,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        wait_until(lambda: inside[0] > 0)
        time.sleep(0.2)
        assert sealer.post(line(FEED, NOON))[0] == 204
        for thread in threads:
            thread.join(20)
        assert most[0] == 1 and sealer.sealer.counters()["bodies"] == 4
