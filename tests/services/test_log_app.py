"""The log over HTTP: notes in, tiles and checkpoints out, refusals with their rule (R35)."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from services.log import create_log_app
from services.sealer.server import Server
from tanji.errors import EvidenceMissing, LogError, LogUnavailable, TrustError
from tanji.trust import log_parts
from tanji.trust.log_client import LogClient
from tanji.trust.note import sign
from tanji.trust.plant_note import plant_note
from tanji.trust.tiles import unbundle

from ..trust.log_rig import APPROVER, KEYRING, NOON, PLANT_FILE, POINT_MAP, PREPARER, Chain, opened
from .wsgi import ask, served


def test_a_client_hands_notes_over_and_learns_their_indexes(tmp_path: Path) -> None:
    log, chain = opened(tmp_path, registered=False), Chain()
    body = plant_note("demo", point_map=POINT_MAP, plant_file=PLANT_FILE, from_ms=NOON, before=None).body()
    with served(create_log_app(log)) as url:
        client = LogClient(url)
        assert client.chain_end("demo.example/gw1") is None
        with pytest.raises(EvidenceMissing, match="a keyring in the log"):
            client.add_batch(*Chain().minute())
        assert client.add_note(KEYRING) == 0
        files = {"pointmap": POINT_MAP, "plantfile": PLANT_FILE}
        assert client.add_note(sign(body, PREPARER, APPROVER), files=files) == 1
        assert client.add_batch(*chain.minute()) == 2
        assert client.add_batches([chain.minute() for _ in range(5)]) == [3, 4, 5, 6, 7]
        assert client.add_batch(*chain.made[0]) == 2
        assert client.chain_end("demo.example/gw1") == log.chain_end("demo.example/gw1")
        client.close()
    assert log.payload(7) == chain.made[-1][1] and log.file(log_file_name()) == POINT_MAP


def log_file_name() -> str:
    """Where the point map lies."""
    return sha256(POINT_MAP).hexdigest()


def test_a_refusal_names_the_rule_to_the_sender_too(tmp_path: Path) -> None:
    log, forged = opened(tmp_path), Chain(seq=5)
    with served(create_log_app(log)) as url:
        with closing(LogClient(url)) as client, pytest.raises(TrustError) as caught:
            client.add_batch(*forged.minute())
    assert (caught.value.rule, caught.value.expected, caught.value.got) == ("batch-sequence", "0", "5")
    assert log.refused.count == 1


def test_a_log_that_is_away_comes_back_to_the_same_client(tmp_path: Path) -> None:
    log, chain = opened(tmp_path), Chain()
    app = create_log_app(log)
    server = Server(app, host="127.0.0.1", port=0, max_body=1 << 20)
    server.start()
    port = server.address[1]
    with closing(LogClient(f"http://127.0.0.1:{port}", timeout_s=5)) as client:
        client.add_batch(*chain.minute())
        server.stop()
        with pytest.raises(LogUnavailable):
            client.add_batch(*chain.minute())
        server = Server(app, host="127.0.0.1", port=port, max_body=1 << 20)
        server.start()
        assert client.add_batch(*chain.made[-1]) == 2
        server.stop()


@pytest.mark.parametrize("url", ["ftp://log.example", "log.example", ""])
def test_an_address_that_is_none_is_said_at_once(url: str) -> None:
    with pytest.raises(LogUnavailable, match="expected an address"):
        LogClient(url)


def test_what_answers_may_be_something_else_than_a_log() -> None:
    def other(environ: object, start_response: object) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])  # type: ignore[operator]
        return [b"<html>"]

    with served(other) as url, closing(LogClient(url)) as client:
        with pytest.raises(LogUnavailable, match="expected a log"):
            client.add_note(KEYRING)


def test_a_disk_that_takes_nothing_is_503_and_may_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, chain = opened(tmp_path), Chain()
    note, payload = chain.minute()

    def failing(*_: object) -> None:
        raise LogUnavailable("no space left on device")

    monkeypatch.setattr(log, "_append", failing)
    app = create_log_app(log)
    body = log_parts.of_batches([(note, payload)])
    status, _, said = ask(app, "POST", "/add-batch", body)
    assert status == 503 and "no space left" in json.loads(said)["message"]
    with served(app) as url, closing(LogClient(url)) as client:
        with pytest.raises(LogError, match="answered 503: no space left"):
            client.add_batch(note, payload)
    monkeypatch.undo()
    assert ask(app, "POST", "/add-batch", body)[0] == 200


def test_the_static_files_of_the_specification_are_given_out(tmp_path: Path) -> None:
    log, chain = opened(tmp_path), Chain()
    log.add_batches([chain.minute() for _ in range(299)])
    app = create_log_app(log)
    assert ask(app, "GET", "/checkpoint")[2] == log.checkpoint()
    status, headers, data = ask(app, "GET", "/tile/0/000")
    assert (status, len(data), headers["Content-Type"]) == (200, 8192, "application/octet-stream")
    assert "immutable" in headers["Cache-Control"]
    entries = unbundle(ask(app, "GET", "/tile/entries/001.p/44")[2])
    assert entries == list(log.entries(256, 300))
    assert ask(app, "GET", "/tile/1/000.p/1")[2] == log.root(256)
    assert ask(app, "HEAD", "/checkpoint")[2] == b""


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/tile/0/001",
        "/tile/0/0",
        "/tile/0/000.p/256",
        "/tile/64/000",
        "/tile/entries/../../journal",
        "/journal",
        "/payload/000000000001.lines",
        "/tile/0/000/../../../lock",
    ],
)
def test_nothing_else_is(tmp_path: Path, path: str) -> None:
    log, chain = opened(tmp_path), Chain()
    log.add_batch(*chain.minute())
    log.checkpoint()
    assert ask(create_log_app(log), "GET", path)[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"note 5\nabc",
        b"payload 0\n",
        b"note 1\na",
        b"other 1\na",
        b"note 01\na",
        b"note 1\naX",
        b"note 0\nfile 0\n",
    ],
)
def test_bodies_that_are_none_are_refused(tmp_path: Path, body: bytes) -> None:
    app = create_log_app(opened(tmp_path))
    assert ask(app, "POST", "/add-batch", body)[0] == 422
    assert ask(app, "POST", "/add-note", body)[0] == 422
    assert ask(app, "GET", "/add-note")[0] == 405
    assert ask(app, "DELETE", "/checkpoint")[0] == 405


def test_a_body_beyond_all_measure_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.log.app.MAX_BODY", 100)
    app = create_log_app(opened(tmp_path))
    assert [ask(app, "POST", path, bytes(101))[0] for path in ("/add-note", "/add-batch")] == [413, 413]


def test_health_tells_the_sizes(tmp_path: Path) -> None:
    log, chain = opened(tmp_path), Chain()
    log.checkpoint()
    log.add_batch(*chain.minute())
    status, _, said = ask(create_log_app(log), "GET", "/healthz")
    assert (status, json.loads(said)) == (200, {"status": "ok", "size": 2, "published": 1})
    failed = create_log_app(log, report=lambda: {"status": "failed"})
    assert ask(failed, "GET", "/healthz")[0] == 503
    assert ask(failed, "GET", "/metrics")[0] == 404
    assert ask(create_log_app(log, metrics=lambda: b"tanji_log 1\n"), "GET", "/metrics")[2] == b"tanji_log 1\n"


def test_gateways_may_share_a_client(tmp_path: Path) -> None:
    log, chain = opened(tmp_path), Chain()
    made = [chain.minute() for _ in range(40)]
    with served(create_log_app(log)) as url:
        client = LogClient(url)
        client.add_batches(made)
        found: list[int] = []
        threads = [
            threading.Thread(target=lambda part: found.extend(client.add_batches(part)), args=(made[at : at + 10],))
            for at in range(0, 40, 10)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
    assert sorted(found) == list(range(1, 41))
