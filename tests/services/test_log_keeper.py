"""The keeper of a log: publishes, asks the witnesses, and says what is wrong with them (R35)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.log import LogKeeper, Witness, create_log_app, witnesses_of
from services.witness import create_witness
from tanji.errors import LogUnavailable, TrustError
from tanji.health.alarms import Alarms
from tanji.plant.trust_model import WitnessSettings
from tanji.trust.log import Log
from tanji.trust.log_reader import LogReader, read_head
from tanji.trust.note import open_note

from ..trust.log_rig import LOG, NOON, ORIGIN, WITNESS, Chain, key, opened, signer
from .wsgi import served

AWAY = "http://127.0.0.1:9"


class Rig:
    """A log with a few batches, its keeper, and a clock that is set by hand."""

    def __init__(self, folder: Path, *urls: tuple[object, str]) -> None:
        self.now = NOON
        self.log, self.chain = opened(folder / "log"), Chain()
        self.alarms = Alarms(clock=lambda: self.now)
        witnesses = [Witness(key(who), url) for who, url in urls]  # type: ignore[arg-type]
        self.keeper = LogKeeper(self.log, witnesses, clock=lambda: self.now, alarms=self.alarms)
        self.grow()

    def grow(self) -> None:
        """Three more batches."""
        self.log.add_batches([self.chain.minute() for _ in range(3)])

    def codes(self) -> list[tuple[str, str]]:
        """The alarms that are active, and what they are about."""
        return [(alarm.code.value, alarm.subject) for alarm in self.alarms.active()]


def witness(folder: Path, *, by: object = WITNESS, clock: Callable[[], int] = lambda: NOON) -> object:
    """A witness of the log."""
    return create_witness(folder / "witness", by, {ORIGIN: LOG.vkey()}, clock=clock)  # type: ignore[arg-type]


def test_checkpoints_are_cosigned_and_every_one_is_kept(tmp_path: Path) -> None:
    with served(witness(tmp_path)) as url:
        rig = Rig(tmp_path, (WITNESS, url))
        for size in (4, 7, 10):
            note = rig.keeper.witness()
            assert note is not None and read_head(note).size == size
            assert (key(WITNESS), NOON // 1000) in open_note(note, [key(LOG), key(WITNESS)]).verified
            assert LogReader(rig.log.folder).latest_cosigned() == note
            rig.grow()
    assert [kept.size for kept in rig.log.checkpoints()] == [4, 7, 10]
    assert rig.codes() == [] and rig.keeper.numbers()["witnessed_age_s"] == 0


def test_a_keeper_that_begins_anew_asks_the_witness_what_it_knows(tmp_path: Path) -> None:
    with served(witness(tmp_path)) as url:
        rig = Rig(tmp_path, (WITNESS, url))
        rig.keeper.witness()
        rig.grow()
        again = LogKeeper(rig.log, [Witness(key(WITNESS), url)], clock=lambda: NOON, alarms=rig.alarms)
        note = again.witness()
    assert note is not None and read_head(note).size == 7 and rig.codes() == []


def test_cosignatures_of_several_witnesses_stand_under_one_checkpoint_and_one_away_harms_nobody(tmp_path: Path) -> None:
    second = signer("other.example/w2", kind=4)
    other = create_witness(tmp_path / "second", second, {ORIGIN: LOG.vkey()}, clock=lambda: NOON + 5000)
    with served(witness(tmp_path)) as one, served(other) as two:
        third = signer("third.example/w3", kind=4)
        rig = Rig(tmp_path, (WITNESS, one), (third, AWAY), (second, two))
        note = rig.keeper.witness()
    assert note is not None
    names = [each.name for each, _ in open_note(note, [key(LOG), key(WITNESS), key(second)]).verified]
    assert names == [ORIGIN, "institute.example/w1", "other.example/w2"]
    assert [kept.time_s for kept in rig.log.checkpoints()] == [NOON // 1000 + 5]


def test_a_witness_is_away_after_three_turns_and_back_with_its_next_cosignature(tmp_path: Path) -> None:
    rig = Rig(tmp_path, (WITNESS, AWAY))
    assert rig.keeper.witness() is None and rig.codes() == []
    rig.now += 899_999
    assert rig.keeper.witness() is None and rig.codes() == []
    rig.now += 1
    assert rig.keeper.witness() is None
    assert rig.codes() == [("WITNESS_AWAY", "institute.example/w1")]
    with served(witness(tmp_path)) as url:
        back = LogKeeper(rig.log, [Witness(key(WITNESS), url)], clock=lambda: rig.now, alarms=rig.alarms)
        assert back.witness() is not None
    assert rig.codes() == []


def test_a_witness_that_has_seen_more_or_something_else_is_an_alarm_at_once(tmp_path: Path) -> None:
    with served(witness(tmp_path)) as url:
        rig = Rig(tmp_path, (WITNESS, url))
        rig.grow()
        rig.keeper.witness()
        shorter, other = opened(tmp_path / "shorter"), opened(tmp_path / "other")
        shorter.add_batches(rig.chain.made[:2])
        rewritten = Chain(from_ms=NOON + 1)
        other.add_batches([rewritten.minute() for _ in range(9)])
        for log, said in ((shorter, "entries are gone here"), (other, "answered 422")):
            alarms = Alarms(clock=lambda: NOON)
            keeper = LogKeeper(log, [Witness(key(WITNESS), url)], clock=lambda: NOON, alarms=alarms)
            told: list[str] = []
            keeper.tell(told.append)
            assert keeper.witness() is None
            assert len(told) == 1 and said in told[0], "signing on top of it has to stop"
            (alarm,) = alarms.active()
            assert (alarm.code.value, alarm.severity) == ("WITNESS_REFUSES", "critical") and said in alarm.text
            assert log.latest_cosigned() is None


def test_a_witness_that_does_not_know_the_log_refuses(tmp_path: Path) -> None:
    stranger = create_witness(tmp_path / "witness", WITNESS, {}, clock=lambda: NOON)
    with served(stranger) as url:
        rig = Rig(tmp_path, (WITNESS, url))
        told: list[str] = []
        rig.keeper.tell(told.append)
        assert rig.keeper.witness() is None
    assert rig.codes() == [("WITNESS_REFUSES", "institute.example/w1")]
    assert told == [], "a key that is not registered there yet is no contradiction"


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        ("500 Internal Server Error", "text/plain", b"oops"),
        ("409 Conflict", "text/x.tlog.size", b"many\n"),
        ("409 Conflict", "text/x.tlog.size", b"3\n"),
        ("409 Conflict", "text/html", b"<html>"),
    ],
)
def test_a_witness_in_trouble_is_away_and_does_not_refuse(tmp_path: Path, status: str, kind: str, body: bytes) -> None:
    def troubled(environ: object, start_response: object) -> list[bytes]:
        start_response(status, [("Content-Type", kind)])  # type: ignore[operator]
        return [body]

    with served(troubled) as url:
        rig = Rig(tmp_path, (WITNESS, url))
        rig.now += 900_000
        assert rig.keeper.witness() is None
    assert rig.codes() == [("WITNESS_AWAY", "institute.example/w1")]


@pytest.mark.parametrize("answer", [b"", b"hello\n", b"\xe2\x80\x94 institute.example/w1 AAAA\n"])
def test_an_answer_that_is_no_cosignature_is_not_believed(tmp_path: Path, answer: bytes) -> None:
    def liar(environ: object, start_response: object) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])  # type: ignore[operator]
        return [answer]

    with served(liar) as url:
        rig = Rig(tmp_path, (WITNESS, url))
        rig.now += 900_000
        assert rig.keeper.witness() is None
    assert rig.codes() == [("WITNESS_AWAY", "institute.example/w1")]
    assert rig.log.latest_cosigned() is None


def test_a_cosignature_by_another_key_is_not_believed(tmp_path: Path) -> None:
    with served(witness(tmp_path, by=signer("institute.example/w1", kind=4, number=1))) as url:
        rig = Rig(tmp_path, (WITNESS, url))
        assert rig.keeper.witness() is None
    assert rig.log.latest_cosigned() is None


def test_refused_notes_and_a_failing_disk_are_alarms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path)
    rig.keeper.publish()
    assert rig.codes() == []
    with pytest.raises(TrustError):
        rig.log.add_batch(*Chain(seq=9).minute())
    rig.keeper.publish()
    assert rig.codes() == [("LOG_QUARANTINE", "")]
    rig.now += 3_600_000
    rig.keeper.publish()
    assert rig.codes() == []

    def failing() -> bytes:
        raise LogUnavailable("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(rig.log, "checkpoint", failing)
        assert rig.keeper.publish() is None
        assert rig.codes() == [("LOG_FAILED", "")]
    rig.keeper.publish()
    assert rig.codes() == []


def test_a_cosignature_that_cannot_be_kept_is_an_alarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(note: bytes, *, witnesses: object) -> None:
        raise OSError(28, "no space left on device")

    with served(witness(tmp_path)) as url:
        rig = Rig(tmp_path, (WITNESS, url))
        with monkeypatch.context() as patched:
            patched.setattr(rig.log, "add_cosigned", failing)
            assert rig.keeper.witness() is None
            assert rig.codes() == [("LOG_FAILED", "")]
        assert rig.keeper.witness() is not None and rig.codes() == []


def test_an_empty_log_is_shown_to_nobody(tmp_path: Path) -> None:
    with served(witness(tmp_path)) as url:
        log, alarms = opened(tmp_path / "log", registered=False), Alarms(clock=lambda: NOON)
        keeper = LogKeeper(log, [Witness(key(WITNESS), url)], clock=lambda: NOON, alarms=alarms)
        assert keeper.witness() is None
    assert log.checkpoints() == () and list((tmp_path / "witness").iterdir()) == []


def test_its_thread_publishes_and_witnesses_by_itself_and_once_more_at_the_end(tmp_path: Path) -> None:
    with served(witness(tmp_path)) as url:
        log, chain = opened(tmp_path / "log"), Chain()
        alarms = Alarms(clock=lambda: NOON)
        keeper = LogKeeper(
            log,
            [Witness(key(WITNESS), url)],
            clock=lambda: NOON,
            alarms=alarms,
            checkpoint_s=0.02,
            witness_s=0.05,
        )
        keeper.start()
        for size in (2, 3):
            log.add_batch(*chain.minute())
            wait(lambda size=size: [kept.size for kept in log.checkpoints()][-1:] == [size])  # type: ignore[misc]
        log.add_batch(*chain.minute())
        keeper.stop()
    assert log.published == 4


def wait(condition: Callable[[], bool]) -> None:
    """Until it is so, ten seconds at most."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_witnesses_are_those_of_the_plant_file() -> None:
    settings = WitnessSettings(name="institute.example/w1", vkey=WITNESS.vkey(), url=AWAY)
    assert witnesses_of([settings]) == (Witness(key(WITNESS), AWAY),)
    assert create_log_app is not None and Log is not None
