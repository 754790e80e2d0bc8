"""Sealer, log, store and audit together: what is stored is what was sealed, and whoever changes it is found (R35).

Random traffic with repeats, second values, failed reads, fills and late lines, over restarts; then a row of the
database file is changed behind everybody's back.
"""

from __future__ import annotations

import random
from pathlib import Path

import duckdb

from calc_jobs.audit import Audit
from calc_jobs.findings import AuditReport
from calc_jobs.jobs import RunReport
from calc_jobs.repair import Repair
from calc_jobs.sealed_log import SealedLog
from tanji.ledger import Ledger
from tanji.store.embedded import EmbeddedStore
from tanji.trust.keyring import NO_NOTE, seal
from tanji.trust.keyring_text import KeyLine, KeyringText
from tanji.trust.keys import ED25519, VerifierKey
from tanji.trust.log import Log
from tanji.trust.log_reader import LogReader
from tanji.trust.registrar import Registrar
from tanji.trust.signer import Ed25519Signer

from ..services.seal_rig import MINUTE, key, sealing
from ..services.sealer_rig import COAL, FEED, NOON, PLANT_ID, POWER, line, plant

SECOND = 1000
ROUNDS = 12


def signer(number: int, name: str) -> Ed25519Signer:
    return Ed25519Signer(name, bytes([number]) * 32, ED25519)


def public(of: Ed25519Signer) -> VerifierKey:
    return VerifierKey.parse(of.vkey())


INSTITUTE, PLANT = signer(91, "institute.example/registrar"), signer(92, "plant.example/registrar")
LOG = signer(93, "plant.example/log")


class Hours:
    """Jobs of a plant without streams: which hours it was asked to compute again, and why."""

    def __init__(self) -> None:
        self.computed: list[tuple[int, int, str]] = []

    def recompute(self, start_ms: int, end_ms: int, *, reason: str) -> RunReport:
        self.computed.append((start_ms, end_ms, reason))
        return RunReport(0, 1, start_ms, end_ms, 0, 0, 0, (), (), (), 0, (), 0.0)


def opened_log(folder: Path) -> Log:
    """The plant's log, with its keyring."""
    log = Log.open(folder, signer=LOG, clock=lambda: NOON)
    registrars = [Registrar("institute", public(INSTITUTE)), Registrar("plant", public(PLANT))]
    lines = [KeyLine("gateway", public(key()), 0), KeyLine("log", public(LOG), 0)]
    text = KeyringText.make(PLANT_ID, version=1, prev=NO_NOTE, registrars=registrars, lines=lines)
    log.add_note(seal(text, INSTITUTE, PLANT))
    return log


def traffic(rng: random.Random, now_ms: int) -> list[str]:
    """What comes in a minute: mostly new readings, some of everything that is not."""
    lines = []
    for point in (FEED, COAL, POWER):
        for second in range(0, 60, 5):
            value = None if rng.random() < 0.1 else round(rng.gauss(300, 20), 3)
            lines.append(line(point, now_ms + second * SECOND, value, 1024 if value is None else 0))
    again = [rng.choice(lines) for _ in range(4)]
    second_value = [line(FEED, now_ms + 5 * SECOND * rng.randrange(12), 1.25) for _ in range(2)]
    late = [line(COAL, now_ms - rng.randrange(1, 7200) * SECOND, rng.random()) for _ in range(3)]
    return [*lines, *again, *second_value, *late]


def sealed_and_stored(folder: Path) -> None:
    """Traffic over three starts of the sealer."""
    rng, now = random.Random(7), [NOON]
    for start in range(3):
        log = opened_log(folder / "log")
        with sealing(folder, log=log, clock=lambda: now[0]) as sealer:  # type: ignore[arg-type]
            for _ in range(ROUNDS):
                sealer.accept(*traffic(rng, now[0]))
                now[0] += MINUTE
                assert sealer.sealer.seal_now(20), start
            now[0] += 4 * MINUTE if start == 2 else 0
            assert sealer.sealer.seal_now(20)
        log.checkpoint()
        log.close()


def audit(folder: Path, store: EmbeddedStore) -> Audit:
    return Audit(plant(), store=store, log=SealedLog(LogReader(folder / "log")), clock=lambda: NOON)


def report(folder: Path) -> AuditReport:
    store = EmbeddedStore(folder / "tsdb.duckdb")
    try:
        return audit(folder, store).run(NOON - 3 * 3_600_000, NOON + 3 * 3_600_000)
    finally:
        store.close()


def test_what_the_sealer_stored_is_what_it_sealed_and_a_change_behind_its_back_is_found(tmp_path: Path) -> None:
    sealed_and_stored(tmp_path)
    clean = report(tmp_path)
    assert clean.differences == 0 and clean.unsealed == 0
    assert clean.rows > 3 * ROUNDS * 36 and clean.end_ms == NOON + 3 * ROUNDS * MINUTE + 4 * MINUTE - 2 * MINUTE

    with duckdb.connect(str(tmp_path / "tsdb.duckdb")) as file:
        table = f'"{PLANT_ID}_raw.reading"'
        row = file.execute(f"select sid, ts, value from {table} where value is not null order by ts limit 1").fetchone()
        assert row is not None
        changed = file.execute(f"update {table} set value = value - 9 where sid = ? and ts = ?", row[:2]).fetchall()
        assert changed == [(1,)]

    found = report(tmp_path)
    assert found.counts() == {"changed": 1, "quality": 0, "missing": 0, "added": 0}
    (difference,) = found.listed
    assert difference.time_ms == row[1]
    assert (difference.sealed or "").split(" ")[0] == repr(row[2])

    store, ledger = EmbeddedStore(tmp_path / "tsdb.duckdb"), Ledger(tmp_path / "ledger.sqlite")
    jobs = Hours()
    repair = Repair(plant(), store=store, ledger=ledger, audit=audit(tmp_path, store), jobs=jobs, clock=lambda: NOON)  # type: ignore[arg-type]
    assert repair.run(NOON - 3 * 3_600_000, NOON + 3 * 3_600_000, by="Li").left.differences == 0
    ledger.close()
    store.close()
    assert [(reason, start <= row[1] < end) for start, end, reason in jobs.computed] == [("repair", True)]
