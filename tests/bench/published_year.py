"""A year of daily statements as a plant publishes them: signed by two, logged among the batches of every minute, each
handed over with a proof under a witnessed checkpoint. What verify_year and its test verify."""

from __future__ import annotations

import random
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sealed_day import ANCHOR, APPROVER, GATEWAY, LOG, PREPARER, START, WITNESS, key, keyring_note

from tanji.trust import checkpoint, note, proof
from tanji.trust.canonical import encode64
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.keyring import Keyring
from tanji.trust.policy import Anchor
from tanji.trust.proof import TlogProof
from tanji.trust.statement import (
    FINAL,
    FactorsUsed,
    GatewayRange,
    Inputs,
    LedgerUsed,
    Manifest,
    MethodUsed,
    Period,
    PlantFileUsed,
    Quality,
    Result,
    RulesUsed,
    Statement,
    format_statement,
    total,
)
from tanji.trust.tree import Tree
from tanji.trust.verify_statement import verify_statement

DAYS, DAY_MS, BATCHES_A_DAY = 365, 86_400_000, 1440
NOTHING = sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class PublishedYear:
    """Where the statements lie, with the keyring note, and how many entries their log has."""

    folder: Path
    days: int
    entries: int


def publish_year(folder: Path, *, days: int = DAYS, batches: int = BATCHES_A_DAY) -> PublishedYear:
    """Publish a statement for each of so many days; batches of the minutes are leaves without content here."""
    folder.mkdir(parents=True)
    rng, tree = random.Random(365), Tree()
    (folder / "keyring.note").write_bytes(keyring_note())
    tree.append(keyring_note())
    for day in range(days):
        for _ in range(batches):
            tree.append_hash(rng.randbytes(32))
        entry = note.sign(format_statement(statement(day, tree)), PREPARER, APPROVER)
        index = tree.append(entry)
        body = checkpoint.format(Checkpoint(key(LOG).name, tree.size, tree.root()))
        head = note.sign(body, LOG) + note.cosign(body, WITNESS, time_s=START // 1000 + (day + 4) * 86_400)
        (folder / f"{day:03d}.note").write_bytes(entry)
        logged = TlogProof(index, tuple(tree.inclusion(index)), head)
        (folder / f"{day:03d}.tlog-proof").write_bytes(proof.format(logged))
    return PublishedYear(folder, days, tree.size)


def statement(day: int, tree: Tree) -> Statement:
    """What is published of a day: three items, numbers of a plant of 5,000 t of clinker."""
    start = START + day * DAY_MS
    results = (
        result("coal", "fossil_fuel", f"{1650 + day / 8:.6f}", "t", f"{3900 + day / 4:.6f}"),
        result("clinker", "process", f"{5000 + day / 8:.6f}", "t", f"{2625 + day / 16:.6f}"),
        result("power", "electricity", f"{410 + day / 32:.6f}", "MWh", f"{220 + day / 64:.6f}"),
    )
    results = tuple(sorted(results, key=lambda one: (one.line, one.stream, one.item, one.method)))
    return Statement(
        plant="demo",
        period=Period(from_ms=start, to_ms=start + DAY_MS, name=f"day {day}"),
        boundary="enterprise",
        rule_set="cets_ag_02_01",
        results=results,
        total_co2_t=total(results),
        total_u_rel="0.025000",
        inputs=Inputs(
            origin=key(LOG).name,
            size=tree.size,
            root=encode64(tree.root()),
            from_ms=start - DAY_MS,
            to_ms=start + 2 * DAY_MS,
            gateways=(GatewayRange(key(GATEWAY).name, day * BATCHES_A_DAY, (day + 1) * BATCHES_A_DAY - 1),),
            manifest=Manifest(count=0, root=encode64(sha256(b"").digest())),
        ),
        method=MethodUsed(name="tanji", version="0.1.0", commit="unknown", sha256=NOTHING),
        rules=RulesUsed(id="cets_ag_02_01", sha256=NOTHING),
        factors=FactorsUsed(sha256=NOTHING),
        plant_file=PlantFileUsed(sha256=NOTHING, point_map=NOTHING),
        ledger=LedgerUsed(sha256=NOTHING, certificates=()),
        quality=Quality(
            captured="0.998000", substituted_hours=0, missing_hours=0, anomalies_open=0, late_share="0.001000"
        ),
        status=FINAL,
        supersedes=None,
        reason="",
        witnessed=True,
    )


def result(stream: str, item: str, activity: str, unit: str, co2_t: str) -> Result:
    """One line of a statement."""
    return Result(
        line="line1",
        stream=stream,
        item=item,
        method="calculated",
        activity=activity,
        activity_unit=unit,
        factor=None,
        factor_unit="tCO2/t",
        co2_t=co2_t,
        u_rel="0.020000",
        substituted="0.000000",
    )


def verify(year: PublishedYear) -> None:
    """What is timed: every statement of the year from its files, and that they follow each other day by day.

    TrustError at the first one that was altered; SystemExit where a day is missing.
    """
    anchor = Anchor.parse(ANCHOR)
    keyring = Keyring.first((year.folder / "keyring.note").read_bytes(), anchor.registrars)
    next_ms = START
    for path in sorted(year.folder.glob("*.tlog-proof")):
        entry = path.with_suffix(".note").read_bytes()
        said, verified = verify_statement(entry, path.read_bytes(), anchor, keyring)
        if said.period.from_ms != next_ms or not verified.times:
            raise SystemExit(f"verify_year: {path.name}: expected a witnessed statement from {next_ms} ms on")
        next_ms = said.period.to_ms
    if next_ms != START + year.days * DAY_MS:
        raise SystemExit(f"verify_year: expected statements up to {START + year.days * DAY_MS} ms, got {next_ms}")
