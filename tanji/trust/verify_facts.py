"""What a reader of the evidence has to weigh himself: settings that changed, results that were replaced, what is typed.

No verdicts: a belt that was calibrated anew, a sample that was measured again or a factor of the plant's own may be in
order. But whoever wants to lose tonnes and holds the plant's keys would do it here, with everything signed and logged,
so every report tells them (reference/trust.md 2.3, 2.8 and 2.9).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from tanji.errors import TrustError
from tanji.trust.batch import CONFIG, LABORATORY, Batch
from tanji.trust.canonical import read_json_line
from tanji.trust.payload import split_lines
from tanji.trust.payload_line import LaboratoryLine
from tanji.trust.plant_note import PARAMETER, MappedPoint
from tanji.trust.statement import Inputs, Period, Statement
from tanji.trust.verify_entries import BatchEntry, CorrectionEntry, StatementEntry
from tanji.trust.verify_log import FirstSeen
from tanji.trust.verify_plant import Version
from tanji.trust.verify_report import WitnessTime
from tanji.trust.verify_signers import GATEWAY, KeyHistory
from tanji.trust.verify_signers import LABORATORY as LABORATORY_ROLE
from tanji.trust.verify_source import Source
from tanji.trust.verify_told import Disputed, DisputedNote, Overlap, Revised, Setting, Silent, Unannounced

Registers = Mapping[str, Sequence[tuple[int, str]]]
"""Every value read of a meter's own settings with its time [UTC ms], by point, in order of time."""

Approved = StatementEntry | CorrectionEntry | Version
"""What preparer and approver sign."""

SILENT_MS = 3 * 3_600_000
"""Settings are read every hour; one that was not read for longer may have been another meanwhile [ms]."""
ANNOUNCED_MS = 24 * 3_600_000
"""A sample that was sealed later than this after it was taken was not announced [ms]."""
LATEST_MS = 253_402_300_799_000
"""The end of the calendar [UTC ms]."""
CLOSING_FACTOR = "closing_factor"
"""Quantity that jobs enter themselves; a recomputation believes none."""


def read_registers(source: Source, batches: Iterable[BatchEntry], there: frozenset[str]) -> Registers:
    """What config batches hold, refused second values too; payloads have been verified."""
    found: dict[str, list[tuple[int, str]]] = {}
    for each in batches:
        if each.batch.kind == CONFIG and each.payload in there:
            for line in split_lines(source.read(each.payload)):
                point, time, value, _ = line.decode("ascii").split(" ")
                if value != "-":
                    found.setdefault(point, []).append((int(time), value))
    return {point: sorted(values) for point, values in sorted(found.items())}


def changed_settings(registers: Registers) -> Iterator[Setting]:
    """Where a meter's setting came to be another."""
    for point, values in registers.items():
        for (_, old), (at_ms, new) in pairwise(values):
            if float(old) != float(new):
                yield Setting(point, at_ms, old, new)


def silent_settings(registers: Registers, points: Mapping[str, MappedPoint], period: Period) -> Iterator[Silent]:
    """Settings that were not read for hours of the period, and for how long at most."""
    for point in sorted(name for name, told in points.items() if told.kind == PARAMETER):
        times = [at_ms for at_ms, _ in registers.get(point, ()) if period.from_ms <= at_ms < period.to_ms]
        longest = max(after - before for before, after in pairwise([period.from_ms, *times, period.to_ms]))
        if not times or longest > SILENT_MS:
            yield Silent(point, longest)


def disputed(batches: Iterable[BatchEntry], keys: KeyHistory) -> Iterator[Disputed]:
    """Batches that were logged under a key before a keyring ended it at a lower number: they count until corrected.

    Else a plant could throw its bad days away by reporting a theft (reference/trust.md 2.7).
    """
    found: dict[str, list[Batch]] = {}
    for each in batches:
        batch, keyring = each.batch, keys.in_force(each.index)
        role = LABORATORY_ROLE if batch.kind == LABORATORY else GATEWAY
        key = None if keyring is None else keyring.key_for(role, batch.gateway, batch.seq)
        if key is not None and keys.newest.ended(key, batch.seq) is not None:
            found.setdefault(batch.gateway, []).append(batch)
    for name, some in sorted(found.items()):
        times = min(batch.from_ms for batch in some), max(batch.to_ms for batch in some)
        yield Disputed(name, some[0].seq, some[-1].seq, len(some), *times)


def disputed_notes(notes: Iterable[Approved], keys: KeyHistory) -> list[DisputedNote]:
    """Notes of preparer and approver that were logged under a key before a keyring ended it at a lower index.

    They count like any other until a statement that supersedes, a correction or the next plant note replaces them.
    """
    return [
        DisputedNote(each.index, *_in_short(each), key.name, until)
        for each in sorted(notes, key=lambda each: each.index)
        for key in each.signers
        if (until := keys.newest.ended(key, each.index)) is not None
    ]


def _in_short(each: Approved) -> tuple[str, str]:
    """Kind of a note, and which one it is."""
    if isinstance(each, StatementEntry):
        said = each.said
        return "statement", f"{said.period.name} {said.boundary} {said.rule_set}: {said.total_co2_t} tCO2"
    if isinstance(each, CorrectionEntry):
        return "correction", f"{each.said.line} -> {each.said.by}"
    return "plant", f"plant note {each.note.version}"


def longest_unwitnessed(times: Iterable[WitnessTime], period: Period) -> int:
    """The longest part of the period between two times a witness saw the log [ms]; some may have been left out."""
    seen = sorted({one.time_s * 1000 for one in times})
    inside = [at_ms for at_ms in seen if period.from_ms < at_ms < period.to_ms]
    return max(after - before for before, after in pairwise([period.from_ms, *inside, period.to_ms]))


def expired_certificates(said: Statement) -> Iterator[str]:
    """Certificates whose last day was over before the period was, in any time zone."""
    last_day = datetime.fromtimestamp(min(said.period.to_ms, LATEST_MS) // 1000 - 86_400, UTC).date().isoformat()
    for one in said.ledger.certificates:
        if one.due and one.due < last_day:
            yield f"{one.meter}: {one.number}, {one.due}"


def overlapping(statements: Sequence[StatementEntry], entry: StatementEntry) -> Iterator[Overlap]:
    """Statements by the same rules about another period that has hours of this one: which of them is shown to whom?"""
    mine = entry.said
    for each in statements:
        said, period = each.said, each.said.period
        same_rules = (said.boundary, said.rule_set) == (mine.boundary, mine.rule_set)
        overlaps = period.from_ms < mine.period.to_ms and mine.period.from_ms < period.to_ms
        if same_rules and overlaps and said.subject != mine.subject:
            yield Overlap(each.index, period.name, period.from_ms, period.to_ms, said.total_co2_t)


def revised_results(laboratory: Mapping[int, Sequence[LaboratoryLine]]) -> Iterator[Revised]:
    """Results of one sample and quantity that were replaced or withdrawn, in the order of the log."""
    held: dict[tuple[str, str], list[LaboratoryLine]] = {}
    for index, lines in sorted(laboratory.items()):
        for line in lines:
            if line.form == "sample":
                continue
            known = held.setdefault((line.sample, line.quantity), [])
            withdrawn = line.form == "withdrawn"
            gone = [one for one in known if withdrawn or (one.at_ms < line.to_ms and line.at_ms < one.to_ms)]
            known[:] = [one for one in known if one not in gone] + ([] if withdrawn else [line])
            new = None if withdrawn else _value(line)
            if gone or withdrawn:
                yield Revised(index, line.sample, line.quantity, ", ".join(map(_value, gone)) or None, new)


def unannounced_samples(
    laboratory: Mapping[int, Sequence[LaboratoryLine]], batches: Iterable[BatchEntry], seen: FirstSeen
) -> Iterator[Unannounced]:
    """Results whose sample had not been sealed when it was taken: somebody may have chosen among several."""
    sealed = {each.index: each.batch.sealed_ms for each in batches if each.batch.kind == LABORATORY}
    taken: dict[str, tuple[int, int, int]] = {}
    told: set[str] = set()
    for index, lines in sorted(laboratory.items()):
        time_s = seen.time_s(index)
        for line in lines:
            if line.form == "sample":
                taken.setdefault(line.sample, (index, line.at_ms, sealed[index] if time_s is None else time_s * 1000))
        for sample in dict.fromkeys(line.sample for line in lines if line.form == "result"):
            at, taken_ms, seen_ms = taken.get(sample, (index, None, None))
            late = taken_ms is None or seen_ms is None or seen_ms - taken_ms > ANNOUNCED_MS
            if sample not in told and (at == index or late):
                told.add(sample)
                yield Unannounced(index, sample, taken_ms, seen_ms)


def unsealed_values(ledger: bytes, laboratory: Mapping[int, Sequence[LaboratoryLine]], inputs: Inputs) -> list[str]:
    """Values of the ledger in the time the method looked at that no laboratory sealed in this evidence."""
    sealed = {line.text() for lines in laboratory.values() for line in lines}
    found = []
    for each in _records(ledger, "entries"):
        try:
            low, high, quantity = each["valid_from_ms"], each["valid_to_ms"], f"{each['stream']}.{each['parameter']}"
            if each["parameter"] == CLOSING_FACTOR or low >= inputs.to_ms or high <= inputs.from_ms:
                continue
            basis = f"{each['unit']} {each['basis']}".rstrip()
            line = LaboratoryLine("result", each["sample_id"], low, quantity, high, each["value"], basis)
            if line.text() not in sealed:
                found.append(f"{quantity} {_measured(line)}, {line.sample}, {low} to {high}")
        except (KeyError, TypeError, AttributeError, ValueError):
            found.append(f"{each!r:.200}")
    return found


def own_factors(ledger: bytes) -> list[str]:
    """Factor records of the plant's own: nobody sealed them, preparer and approver alone stand for them."""
    names = ("id", "quantity", "applies_to", "value", "unit", "document", "valid_from", "valid_to")
    return [", ".join(str(each.get(name)) for name in names) for each in _records(ledger, "factors")]


def _records(ledger: bytes, name: str) -> list[dict[str, Any]]:
    try:
        said = read_json_line(ledger.removesuffix(b"\n"), rule="recompute-inputs", where="ledger.json")
    except TrustError:
        return [{"id": "ledger.json cannot be read"}]
    rows = said.get(name, []) if isinstance(said, dict) else []
    return [each for each in rows if isinstance(each, dict)] if isinstance(rows, list) else []


def _value(line: LaboratoryLine) -> str:
    return f"{_measured(line)} {line.at_ms} to {line.to_ms}"


def _measured(line: LaboratoryLine) -> str:
    """Value, unit and basis as people read them: a share beside its percentage; the unit `1` is never written."""
    unit, _, basis = line.basis.partition(" ")
    if unit != "1":
        return f"{line.value} {line.basis}".rstrip()
    share = float(line.value)
    percentage = f"({share * 100:.12g} %)" if 0 < abs(share) <= 1 else ""
    return " ".join(filter(None, (line.value, percentage, basis)))
