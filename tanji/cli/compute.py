"""`tanji compute`: the formulas as a calculator, to check Tanji against a published example.

Cases come as JSON (a file, or standard input) and are answered in JSON, or one case comes in flags and is answered in
text; either can be asked for. Exit codes: 0 answered, 1 a published figure or a stated total disagrees, 2 a case could
not be calculated. The good cases of a list are answered whatever the others are.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tanji.cli.compute_cases import NOTE_KEYS, agrees, answer_case, case_from_flags, read_json, read_quantity
from tanji.domain.catalogue import Formula, Input, find, load
from tanji.errors import InputError, UsageError

DONE, FAILED, MISUSED = 0, 1, 2

KINDS = {"numbers": "a list", "gaps": "a list, null where missing", "flag": "true or false"}
"""What an input is where it is no single number."""

EXAMPLES = """example: tanji compute F6 electricity=1000kWh EF=0.5306 --expected 530.6kg

more:
  tanji compute F2 NCV=20908kJ/kg CC=26.37tC/TJ OF=94% FC=1kg --unit kg --expected 1.9003
  tanji compute SUM parts=44372400,1013800tCO2 stated=453862000tCO2
  tanji compute cases.json
  echo '{"formula": "F6", "inputs": {"AD": {"value": 1000, "unit": "kWh"}, "EF_grid": 0.5306}}' | tanji compute -
  tanji compute --list"""


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "compute",
        help="calculate by one formula, or check a published example",
        description="Calculate by the formulas of the method, with derivation, clause and warnings.",
        epilog=EXAMPLES,
    )
    verb.add_argument(
        "what", nargs="?", metavar="FORMULA|FILE|-", help="a formula, or a JSON file of cases, or - for standard input"
    )
    setting = "NAME=VALUE[UNIT]"
    verb.add_argument("given", nargs="*", metavar=setting, help="inputs of the formula; lists with commas")
    verb.add_argument(
        "--set", action="append", default=[], dest="settings", metavar=setting, help="the same, anywhere on the line"
    )
    verb.add_argument("--unit", help="unit of the answer (default: the formula's own)")
    verb.add_argument("--expected", metavar="VALUE[UNIT]", help="the published figure; exit code 1 if it disagrees")
    verb.add_argument("--tolerance", metavar="VALUE", help="room for it (default: half of its last digit)")
    verb.add_argument("--list", action="store_true", help="every formula with inputs, units and clause")
    shape = verb.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="answer in JSON (default for cases in JSON)")
    shape.add_argument("--text", action="store_true", help="answer in text (default for flags)")
    verb.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Answer, and say with the exit code how it went."""
    if arguments.list:
        return _list(arguments.what, as_json=arguments.json)
    formula = _formula(arguments.what)
    if formula is not None:
        return _answer(_flags(formula, arguments), as_json=arguments.json)
    if arguments.given or arguments.settings or arguments.unit or arguments.expected or arguments.tolerance:
        raise UsageError("inputs, --unit, --expected and --tolerance go with a formula, not with a file of cases")
    name, text = _text(arguments.what)
    return _answer(read_json(text, name=name), as_json=not arguments.text)


def _formula(what: str | None) -> Formula | None:
    """The formula that is meant, or None if a file is."""
    if what is None or what == "-" or what.endswith(".json"):
        return None
    try:
        return find(what)
    except InputError as err:
        if Path(what).exists():
            return None
        raise UsageError(f"expected a formula, a JSON file or -; {err}") from err


def _flags(formula: Formula, arguments: argparse.Namespace) -> dict[str, Any]:
    case = case_from_flags(formula.id, [*arguments.given, *arguments.settings])
    if arguments.unit:
        case["unit"] = arguments.unit
    for key in ("expected", "tolerance"):
        if (text := getattr(arguments, key)) is not None:
            case[key] = read_quantity(text)
    return case


def _text(what: str | None) -> tuple[str, str]:
    """Name and text of the cases."""
    if what is None and sys.stdin.isatty():
        raise UsageError("expected a formula, a JSON file or -; tanji compute --list shows the formulas")
    try:
        if what in (None, "-"):
            return "standard input", sys.stdin.read()
        return str(what), Path(str(what)).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise UsageError(f"{what or '-'}: expected a readable JSON file in UTF-8, got {err}") from err


def _answer(cases: Any, *, as_json: bool) -> int:
    """Answer one case or a list of them; what could not be calculated is named on standard error."""
    several = isinstance(cases, list)
    if several and not cases:
        raise UsageError("expected at least one case, got an empty list")
    answers: list[dict[str, Any]] = []
    for number, case in enumerate(cases if several else [cases], start=1):
        place = f"case {number}: " if several else ""
        try:
            answer = answer_case(case)
        except InputError as err:
            for fault in err.faults:
                print(f"tanji compute: {place}{fault}", file=sys.stderr)
            answer = _refusal(case, err)
        else:
            if not agrees(answer):
                print(f"tanji compute: {place}{_disagreement(answer)}", file=sys.stderr)
        answers.append(answer)
    if as_json:
        print(json.dumps(answers if several else answers[0], ensure_ascii=False, indent=2, allow_nan=False))
    elif texts := [_as_text(answer) for answer in answers if "error" not in answer]:
        print("\n\n".join(texts))
    if any("error" in answer for answer in answers):
        return MISUSED
    return DONE if all(agrees(answer) for answer in answers) else FAILED


def _refusal(case: Any, err: InputError) -> dict[str, Any]:
    formula = case.get("formula") if isinstance(case, Mapping) else None
    known = {key: case[key] for key in NOTE_KEYS if key in case} if isinstance(case, Mapping) else {}
    faults = [{"field": fault.field, "expected": fault.expected, "got": fault.got} for fault in err.faults]
    return {**known, "formula": formula if isinstance(formula, str) else None, "error": str(err), "faults": faults}


def _disagreement(answer: Mapping[str, Any]) -> str:
    name = answer.get("id", answer["formula"])
    check = answer.get("check") or answer["details"]
    computed, stated = check.get("computed", answer["value"]), check.get("expected", check.get("stated"))
    shown = "not defined" if computed is None else f"{computed:.10g}"
    unit = f" {check.get('unit', answer['unit'])}".removesuffix(" 1")
    return f"{name}: inconsistent: published {stated:.10g}{unit}, calculated {shown}{unit}"


def _as_text(answer: Mapping[str, Any]) -> str:
    formula = load()[answer["formula"]]
    lines = [f"{formula.id}  {formula.title_en}  {formula.title_zh}", *answer["derivation"].split("\n")]
    if "sum" in answer:
        lines.append(f"sum = {answer['sum']:.10g} {answer['unit']}")
    lines += [f"{key}: {_shown(value)}" for key, value in answer.get("details", {}).items() if value is not None]
    lines.append(f"source: {answer['clause']}")
    lines += [f"warning: {warning}" for warning in answer["warnings"]]
    if "check" in answer:
        check = answer["check"]
        verdict = "agrees" if check["consistent"] else "INCONSISTENT"
        difference = "" if check["difference"] is None else f", difference {check['difference']:.4g}"
        unit = f" {check['unit']}".removesuffix(" 1")
        lines.append(
            f"published: {check['expected']:.10g}{unit} within {check['tolerance']:.4g}{difference}: {verdict}"
        )
    return "\n  ".join(lines)


def _shown(value: Any) -> str:
    """A detail without the noise of binary fractions."""
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _list(what: str | None, *, as_json: bool) -> int:
    formulas: Sequence[Formula] = list(load().values()) if what is None else [find(what)]
    if as_json:
        print(json.dumps([_entry(formula) for formula in formulas], ensure_ascii=False, indent=2))
        return DONE
    for formula in formulas:
        print(f"{formula.id}  {formula.title_en}  {formula.title_zh}\n  {formula.printed}  [{formula.unit}]")
        for entry in formula.inputs:
            print(f"    {_described(entry, formula)}")
        print(f"  source: {formula.clause}" + (f"\n  note: {formula.note}" if formula.note else ""))
    return DONE


def _described(entry: Input, formula: Formula) -> str:
    """One line about an input, for people."""
    units = " or ".join(dict.fromkeys(filter(None, (system[entry.name] for system in formula.systems))))
    said = [f"{entry.label}  {entry.name_zh}", f"[{units}]" if units else "", KINDS.get(entry.kind, "")]
    if entry.choices:
        said.append(f"one of {', '.join(entry.choices)}")
    if not entry.required:
        said.append("optional" if entry.default in (None, ()) else f"default {_shown(entry.default)}")
    return "  ".join(filter(None, said))


def _entry(formula: Formula) -> dict[str, Any]:
    inputs = [
        {
            "symbol": entry.symbol,
            "name": entry.name,
            "name_zh": entry.name_zh,
            "aliases": list(entry.aliases),
            "unit": entry.unit,
            "dimension": entry.dimension,
            "required": entry.required,
            "default": list(entry.default) if isinstance(entry.default, tuple) else entry.default,
            "kind": entry.kind,
            "choices": list(entry.choices),
        }
        for entry in formula.inputs
    ]
    titles = {"id": formula.id, "formula": formula.id, "title": formula.title_en, "title_zh": formula.title_zh}
    result = {"result": formula.result, "unit": formula.unit, "expression": formula.printed, "clause": formula.clause}
    systems = [dict(system) for system in formula.systems[1:]]
    return {**titles, **result, "mark": formula.mark, "inputs": inputs, "other_units": systems, "note": formula.note}
