"""The ledger as one line of canonical JSON: devices with their certificates, entries in force, own factor records.

A statement names its digest, so that "which certificate, which laboratory result was valid when this tonne was counted"
is answered without the plant (R31, R34). The same ledger gives the same bytes; numbers are text, as Python spells a
float. `restore` makes a ledger of an export in which the jobs compute the same figures.
"""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import date
from pathlib import Path
from typing import Any

from tanji.domain.factors import Factor
from tanji.domain.items import RuleSetId
from tanji.errors import TrustError
from tanji.ledger import Ledger, factor_editions
from tanji.ledger.entries import CLOSING_FACTOR, Entry
from tanji.plant.model import Meter, Plant
from tanji.trust.canonical import json_line, read_json_line

FORMAT = "tanji/ledger/v1"
RULE = "recompute-inputs"
NUMBERS = ("value", "entered_value")
LEFT_OUT = ("id", "superseded_by", "withdrawn")
"""Of an entry: what a ledger numbers by itself; only entries in force are written."""


def export(plant: Plant, ledger: Ledger) -> bytes:
    """The ledger as of now; one line of JSON that ends."""
    said = {
        "format": FORMAT,
        "plant": plant.site.id,
        "meters": [_meter(meter) for meter in sorted(plant.meters, key=lambda meter: meter.id)],
        "entries": [_plain(entry) for entry in ledger.entries()],
        "factors": [_record(factor) for factor in factor_editions.library_in_force(ledger).factors if factor.own],
    }
    return json_line(said, rule=RULE) + b"\n"


def certificates(plant: Plant) -> list[tuple[str, str, str]]:
    """Meter, number and last day of every certificate, by meter."""
    found = [(meter.id, meter.certificate) for meter in plant.meters]
    return sorted((meter, held.number, held.due) for meter, held in found if held is not None)


def restore(data: bytes, path: Path) -> Ledger:
    """A ledger file with the entries and factor records of an export.

    Factors that close a month are left out, whoever entered them: the jobs make them from stocktake and hours.
    """
    said = read(data)
    wanted = [entry for entry in entries(data) if entry.parameter != CLOSING_FACTOR]
    ledger = Ledger(path)
    try:
        ledger.enter(wanted, recorded_at_ms=0)
        if len(ledger.entries()) != len(wanted):
            raise TrustError(RULE, where="ledger.json", expected="every result once", got="one that replaces another")
        factor_editions.add(ledger, [_factor(one) for one in said["factors"]], by="export", recorded_at_ms=0)
    except (KeyError, TypeError, ValueError) as error:
        ledger.close()
        raise TrustError(RULE, where="ledger.json", expected="entries and factors", got=repr(error)) from error
    except BaseException:
        ledger.close()
        raise
    return ledger


def entries(data: bytes) -> list[Entry]:
    """The entries of an export, in its order."""
    try:
        return [_entry(one) for one in read(data)["entries"]]
    except (KeyError, TypeError, ValueError) as error:
        raise TrustError(RULE, where="ledger.json", expected="entries", got=repr(error)) from error


def read(data: bytes) -> dict[str, Any]:
    """What an export says; TrustError if it is none."""
    said = read_json_line(data.removesuffix(b"\n"), rule=RULE, where="ledger.json")
    keys = {"format", "plant", "meters", "entries", "factors"}
    if not isinstance(said, dict) or said.keys() != keys or said["format"] != FORMAT:
        raise TrustError(RULE, where="ledger.json", expected=f"an export, {FORMAT}", got=repr(data[:60]))
    return said


def _plain(record: Entry) -> dict[str, Any]:
    said = {name: value for name, value in asdict(record).items() if name not in LEFT_OUT}
    return {name: _text(value) if name in NUMBERS else value for name, value in said.items()}


def _entry(said: dict[str, Any]) -> Entry:
    known = {field.name for field in fields(Entry)} - set(LEFT_OUT)
    if said.keys() != known:
        raise KeyError(f"an entry of {', '.join(sorted(said))}")
    return Entry(**{name: _number(value) if name in NUMBERS else value for name, value in said.items()})


def _record(factor: Factor) -> dict[str, Any]:
    return {name: _json(value) for name, value in asdict(factor).items()}


def _factor(said: dict[str, Any]) -> Factor:
    given = dict(said)
    for name in ("valid_from", "valid_to", "verified_on"):
        given[name] = None if given[name] is None else date.fromisoformat(given[name])
    given["rulesets"] = tuple(RuleSetId(name) for name in given["rulesets"])
    for name in ("value", "relative_uncertainty"):
        given[name] = _number(given[name])
    return Factor(**given)


def _meter(meter: Meter) -> dict[str, Any]:
    names = ("id", "name", "kind", "model", "manufacturer", "serial", "accuracy_class", "class_of", "range",
             "certificate")  # fmt: skip
    said = meter.model_dump(mode="json", include=set(names))
    return {name: _json(value) for name, value in said.items()}


def _json(value: Any) -> Any:
    """JSON without floats: a float is its shortest text."""
    if isinstance(value, dict):
        return {name: _json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    return _text(value) if isinstance(value, float) else value


def _text(value: float | None) -> str | None:
    return None if value is None else repr(float(value))


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)
