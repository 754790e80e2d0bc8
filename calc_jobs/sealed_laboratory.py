"""The ledger's values against the lines a laboratory sealed: a result that was altered afterwards is found (R35, R36).

Lines are played in the order of the log: a result stands in the place of the one it overlaps, a withdrawal takes back
what its sample said of a quantity. What stands in the end has to be in the ledger, and what the ledger holds from the
time on that the sealed lines begin has to be among them. A plant without a laboratory's key has nothing to compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from calc_jobs.laboratory_seal import of_entry
from tanji.errors import TrustError
from tanji.ledger.entries import Entry
from tanji.trust.payload_line import LaboratoryLine

RULE = "recompute-inputs"
WHERE = "ledger.json"


@dataclass(frozen=True, slots=True)
class SealedResults:
    """Lines of a laboratory in the order of the log; `since_ms`: what became valid earlier may be sealed before them.

    None for `since_ms` where the whole chain is there.
    """

    lines: tuple[LaboratoryLine, ...]
    since_ms: int | None


def check_ledger(entries: Iterable[Entry], sealed: SealedResults, *, window: tuple[int, int]) -> None:
    """TrustError recompute-inputs for the first value of a window [UTC ms] in which ledger and seal differ."""
    standing = {line.text().decode("ascii") for line in in_force(sealed.lines) if _within(line, window)}
    held: set[str] = set()
    for entry in entries:
        for text in of_entry(entry):
            line = LaboratoryLine.parse(text.encode("ascii"))
            if not _within(line, window):
                continue
            held.add(text)
            begun = sealed.since_ms is None or line.at_ms >= sealed.since_ms
            if text not in standing and begun:
                raise TrustError(RULE, where=WHERE, expected="values a laboratory sealed", got=text.strip())
    for text in sorted(standing - held):
        raise TrustError(RULE, where=WHERE, expected=f"the sealed value {text.strip()}", got="none or another")


def in_force(lines: Iterable[LaboratoryLine]) -> Sequence[LaboratoryLine]:
    """The results that stand after all lines."""
    known: dict[tuple[str, str], list[LaboratoryLine]] = {}
    for line in lines:
        if line.form == "sample":
            continue
        held = known.setdefault((line.sample, line.quantity), [])
        if line.form == "withdrawn":
            held.clear()
        else:
            held[:] = [one for one in held if not (one.at_ms < line.to_ms and line.at_ms < one.to_ms)]
            held.append(line)
    return [line for held in known.values() for line in held]


def _within(line: LaboratoryLine, window: tuple[int, int]) -> bool:
    return line.at_ms < window[1] and window[0] < line.to_ms
