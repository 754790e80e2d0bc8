"""Sealer and log together, both as they are: what the one makes the other takes, over restarts of either (R33, R36)."""

from __future__ import annotations

from pathlib import Path

from tanji.trust.batch import Batch, leaf
from tanji.trust.log import Log
from tanji.trust.payload import parse_payload

from ..trust.log_rig import GATEWAY, KEYRING, LOG, opened
from .seal_rig import MINUTE, header, sealing, standing
from .sealer_rig import COAL, FEED, NOON, line, wait_until


def batches(log: Log) -> list[tuple[Batch, bytes]]:
    """Batches of the log and their payloads."""
    found = [(log.entry(index), log.payload(index)) for index in log.indexes("tanji/batch/v1")]
    return [(header(note), payload) for note, payload in found]


def test_the_log_takes_what_the_sealer_makes_over_restarts_of_both(tmp_path: Path) -> None:
    now = [NOON]
    for minute in range(3):
        log = opened(tmp_path / "log", registered=minute == 0)
        with sealing(tmp_path / "data", log=log, signer=GATEWAY, clock=lambda: now[0]) as sealer:  # type: ignore[arg-type]
            now[0] = NOON + minute * 10 * MINUTE
            sealer.accept(line(FEED, now[0], float(minute)), line(COAL, NOON, float(minute)))
            assert sealer.sealer.seal_now(20)
            assert sealer.sealer.report()["seal"]["unlogged"] == 0
        found = batches(log)
        lines = [line for _, payload in found for line in parse_payload(payload)]
        assert standing(lines)[COAL, NOON] == (0.0, 0) and len(lines) == 2 * minute + 2
        assert log.chain_end("demo.example/gw1").seq == len(found) - 1  # type: ignore[union-attr]
        assert log.refused.count == 0
        log.close()
    assert [batch.kind for batch, _ in found] == ["regular", "regular", "regular", "late"]
    log = Log.open(tmp_path / "log", signer=LOG, clock=lambda: NOON)
    assert leaf(KEYRING) == log.leaf_hash(0) and log.size == 5
    log.close()


def test_a_log_without_a_keyring_is_waited_for(tmp_path: Path) -> None:
    log = opened(tmp_path / "log", registered=False)
    with sealing(tmp_path / "data", log=log, signer=GATEWAY) as sealer:  # type: ignore[arg-type]
        sealer.accept(line(FEED, NOON))
        assert not sealer.sealer.seal_now(0.5)
        wait_until(lambda: sealer.sealer.report()["seal"]["log"] != "ok")
        log.add_note(KEYRING)
        wait_until(lambda: sealer.sealer.report()["seal"]["unlogged"] == 0)
        assert log.refused.count == 0 and log.size == 2
    log.close()
