"""`tanji compute`: the door through which anyone checks Tanji against a published example (R58)."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis
import pytest
from hypothesis import strategies as st

from tanji.cli.compute_cases import answer_case
from tanji.cli.main import main
from tanji.domain import catalogue
from tanji.errors import InputError

VECTORS = Path(__file__).parents[1] / "domain" / "vectors"
EXAMPLES = {entry["id"]: entry for entry in json.loads((VECTORS / "examples.json").read_text(encoding="utf-8"))}
HAND = json.loads((VECTORS / "hand_calculations.json").read_text(encoding="utf-8"))
KEYS = ["formula", "value", "unit", "clause", "derivation", "warnings"]
NOT_INPUTS = ("fuel", "region", "company", "year", "published_intensity", "gross_cementitious")
"""Entries of the published examples that say what a figure is about and enter no calculation."""

Ask = Callable[..., "Reply"]


class Reply(NamedTuple):
    code: int
    out: Any
    err: str


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Ask on standard input, as JSON, or with the words of a command line."""

    def asked(*words: str, cases: Any = None) -> Reply:
        if cases is not None:
            text = cases if isinstance(cases, str) else json.dumps(cases, ensure_ascii=False)
            monkeypatch.setattr(sys, "stdin", io.StringIO(text))
            words = words or ("-",)
        code = main(["compute", *words])
        printed = capsys.readouterr()
        is_json = printed.out.startswith(("{", "["))
        return Reply(code, json.loads(printed.out) if is_json else printed.out, printed.err)

    return asked


def example(id: str, formula: str, unit: str | None, tolerance: float, **renamed: str) -> dict[str, Any]:
    """A published example as a case; its one expected figure is compared within the tolerance of standard.md 16."""
    entry = EXAMPLES[id]
    inputs = {renamed.get(name, name): value for name, value in entry["inputs"].items() if name not in NOT_INPUTS}
    (expected,) = entry["expected"].values()
    case = {"id": id, "source": entry["source"], "formula": formula, "inputs": inputs, "expected": expected}
    return case | {"tolerance": tolerance} | ({} if unit is None else {"unit": unit})


PUBLISHED = [
    *(example(id, "F2", "kgCO2", 5e-5) for id in ("FUEL-01", "FUEL-03", "FUEL-05", "FUEL-07", "FUEL-10")),
    example("PROC-01", "EF_CLI", None, 5e-4),
    example("PROC-05", "F1C", "kgCO2/t clinker", 0.005),
    example("ELEC-01", "CHANGE", "%", 0.05),
    example("ELEC-05", "CHANGE", "%", 0.05),
    example("COMP-03", "DISCLOSED", None, 1),
    example("COMP-07", "DISCLOSED", None, 1),
    example("GNR-01", "CLINKER_RATIO", "%", 0.5),
]
WRONG_IN_PRINT = example("COMP-08", "DISCLOSED", None, 1)


def test_every_published_example_is_asked_here():
    assert {case["id"] for case in [*PUBLISHED, WRONG_IN_PRINT]} == set(EXAMPLES)


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["id"])
def test_a_published_example_agrees_within_its_rounding(ask, case):
    reply = ask(cases=case)
    assert reply.code == 0
    assert reply.out["check"]["consistent"] is True
    assert reply.out["value"] == pytest.approx(case["expected"], abs=case["tolerance"])
    assert reply.err == ""


def test_a_misprinted_total_is_reported_as_inconsistent(ask):
    reply = ask(cases=WRONG_IN_PRINT)
    assert reply.code == 1
    assert reply.out["value"] == 45386200.0
    assert reply.out["check"]["consistent"] is False
    assert reply.out["check"]["difference"] == 408475800.0
    assert reply.err == "tanji compute: COMP-08: inconsistent: published 453862000 tCO2, calculated 45386200 tCO2\n"


def test_a_misprinted_total_may_be_stated_as_an_input_as_well(ask):
    reply = ask("SUM", "--set", "parts=44372400,1013800tCO2", "--set", "stated=453862000tCO2")
    assert reply.code == 1
    assert "consistent: False" in reply.out


def test_the_chinese_ratio_misses_the_published_clinker_factor(ask):
    case = example("PROC-01", "F4E", None, 5e-4, CaO_fraction="FR1")
    del case["inputs"]["ratio_CO2_CaO"]
    reply = ask(cases={**case, "inputs": {**case["inputs"], "FR2": 0}})
    assert (reply.code, reply.out["check"]["consistent"]) == (1, False)


@pytest.mark.parametrize("name", ["published.json", "hand_calculations.json"])
def test_a_file_of_cases_is_answered_in_its_order(ask, name):
    cases = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    reply = ask(str(VECTORS / name))
    assert reply.code == 0
    assert [answer["formula"] for answer in reply.out] == [catalogue.find(case["formula"]).id for case in cases]
    assert all(answer["check"]["consistent"] for answer in reply.out)


def test_the_whole_list_of_examples_in_a_process(tmp_path):
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([*PUBLISHED, WRONG_IN_PRINT], ensure_ascii=False), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tanji", "compute", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1  # COMP-08
    verdicts = {answer["id"]: answer["check"]["consistent"] for answer in json.loads(done.stdout)}
    assert [id for id, consistent in verdicts.items() if not consistent] == ["COMP-08"]
    assert len(verdicts) == len(EXAMPLES)


def test_inputs_may_stand_behind_the_formula_as_words(ask):
    """By hand: 7500 x 0.002 x 44/12 = 55 t; a clinker factor without substitutes: 5000 x 0.535 = 2675 t."""
    assert ask("F5", "Q=7500", "FR0=0.002", "--json").out["value"] == pytest.approx(55.0)
    reply = ask("G2", "Q=5000", "--set", "EF=0.535", "--json").out
    assert reply["value"] == pytest.approx(2675.0)
    assert reply["derivation"].splitlines()[-1] == "E = 5000 × 0.535 − 0 = 2675 tCO2"


def test_the_example_of_the_issue_says_what_it_lacks(ask):
    reply = ask(cases={"formula": "F2", "inputs": {"NCV": {"value": 20908, "unit": "kJ/kg"}, "OF": 0.94}})
    assert reply.code == 2
    assert [fault["field"] for fault in reply.out["faults"]] == ["FC (fuel_amount)", "CC (carbon_per_energy)"]
    assert "FC (fuel_amount): expected a value in t, got none" in reply.err
    assert "CC (carbon_per_energy): expected a value in tC/GJ, got none" in reply.err


def test_the_example_of_the_issue_with_all_inputs_is_answered(ask):
    inputs = {"FC": 1, "NCV": {"value": 20908, "unit": "kJ/kg"}, "CC": 0.02637, "OF": 0.94}
    reply = ask(cases={"formula": "F2", "inputs": inputs})
    assert reply.code == 0
    assert list(reply.out) == KEYS
    assert reply.out["value"] == pytest.approx(1.900298849, rel=1e-9)  # 20.908 x 0.02637 x 0.94 x 44/12
    assert (reply.out["formula"], reply.out["unit"], reply.out["warnings"]) == ("F2", "tCO2", [])
    assert "clause not yet checked against the official text" in reply.out["clause"]
    assert reply.out["derivation"].startswith("E = FC × NCV × CC × OF × 44/12\n")


def test_one_bad_case_does_not_lose_the_others(ask):
    good = {"formula": "F6", "inputs": {"AD": 1000, "EF": 0.5}}
    reply = ask(cases=[good, {"id": "X", "formula": "F6", "inputs": {"AD": "much", "EF": 0.5}}, 17, good])
    assert reply.code == 2
    assert [answer.get("value") for answer in reply.out] == [500.0, None, None, 500.0]
    assert reply.out[1]["id"] == "X"
    assert reply.out[1]["faults"] == [
        {"field": "AD (electricity)", "expected": "a number in MWh", "got": "'much'"},
    ]
    assert reply.err.splitlines() == [
        "tanji compute: case 2: AD (electricity): expected a number in MWh, got 'much'",
        'tanji compute: case 3: case: expected an object with "formula" and "inputs", got a number',
    ]


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({"AD": 1}, "EF_grid (grid_factor)"),
        ({"AD": 1, "EF": 0.5, "year": 2023}, "year"),
        ({"AD": {"value": 1, "unit": "GJ"}, "EF": 0.5}, "AD (electricity)"),
        ({"AD": True, "EF": 0.5}, "AD (electricity)"),
        ({"AD": 1, "EF": 53.06}, "EF_grid (grid_factor)"),
        ({"AD": None, "EF": 0.5}, "AD (electricity)"),
        ({"AD": {"value": 1, "unit": "kWh", "year": 2023}, "EF": 0.5}, "AD (electricity)"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(ask, inputs, field):
    reply = ask(cases={"formula": "F6", "inputs": inputs})
    assert reply.code == 2
    assert reply.out["faults"][0]["field"] == field
    assert f"tanji compute: {field}: expected" in reply.err
    assert "Traceback" not in reply.err


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(ask, number):
    reply = ask(cases='{"formula": "F6", "inputs": {"EF": 0.5, "AD": ' + number + "}}")
    assert (reply.code, reply.out["faults"][0]["field"]) == (2, "AD (electricity)")


@pytest.mark.parametrize(
    ("case", "field"),
    [
        ({"inputs": {}}, "formula"),
        ({"formula": "F99", "inputs": {}}, "formula"),
        ({"formula": 2, "inputs": {}}, "formula"),
        ({"formula": "F6"}, "inputs"),
        ({"formula": "F6", "inputs": [1]}, "inputs"),
        ({"formula": "F6", "inputs": {"AD": 1, "EF": 0.5}, "unit": 3}, "unit"),
        ({"formula": "F6", "inputs": {"AD": 1, "EF": 0.5}, "unit": "GJ"}, "unit"),
        ({"formula": "F6", "inputs": {"AD": 1, "EF": 0.5}, "answer": 3}, "answer"),
        ({"formula": "F6", "inputs": {"AD": 1, "EF": 0.5}, "tolerance": 3}, "expected"),
        ({"formula": "F6", "inputs": {"AD": 1, "EF": 0.5}, "expected": "3"}, "expected"),
        ({"formula": "F6", "inputs": {"AD": 1, "EF": 0.5}, "expected": {"value": 1, "unit": "GJ"}}, "expected"),
        ({"formula": "F6", "inputs": {"AD": 1, "EF": 0.5}, "expected": 1, "tolerance": -1}, "tolerance"),
        ({"formula": "F8", "inputs": {"E": [1, 2], "output": [1, 2]}, "expected": 1}, "expected"),
    ],
)
def test_a_malformed_case_is_named_by_its_field(ask, case, field):
    reply = ask(cases=case)
    assert (reply.code, reply.out["faults"][0]["field"]) == (2, field)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "standard input:1:2: expected JSON"),
        ("", "standard input:1:1: expected JSON"),
        ('{"formula": "F6", "formula": "F7"}', "formula: expected once in an object, got it twice"),
        ("[]", "expected at least one case, got an empty list"),
        ("[" * 100_000, "JSON nested without end"),
    ],
)
def test_text_that_holds_no_cases_is_a_usage_error(ask, text, message):
    reply = ask(cases=text)
    assert (reply.code, reply.out) == (2, "")
    assert message in reply.err


def test_the_byte_order_mark_of_a_spreadsheet_does_not_matter(ask):
    assert ask(cases='\ufeff{"formula": "F6", "inputs": {"AD": 1, "EF": 0.5}}').out["value"] == 0.5


def test_a_file_that_is_not_there_is_a_usage_error(ask, tmp_path):
    reply = ask(str(tmp_path / "none.json"))
    assert reply.code == 2
    assert "expected a readable JSON file" in reply.err


def test_the_tolerance_of_a_printed_figure_is_half_of_its_last_digit(ask):
    case = {"formula": "F2EF", "inputs": {"CC": 0.02618, "OF": 0.99}}  # 0.0950334
    assert ask(cases={**case, "expected": 0.09503}).code == 0
    assert ask(cases={**case, "expected": 0.09504}).code == 1
    assert ask(cases='{"formula": "F6", "inputs": {"AD": 1, "EF": 0.53}, "expected": 0.530}').code == 0


def test_a_published_figure_may_have_a_unit_of_its_own(ask):
    case = {"formula": "F6", "inputs": {"AD": 1, "EF": 0.5}, "expected": {"value": 500, "unit": "kg"}}
    reply = ask(cases=case)
    assert reply.code == 0
    assert (reply.out["unit"], reply.out["check"]["computed"]) == ("tCO2", 500.0)


def test_flags_are_answered_in_text_with_the_numbers_and_the_source(ask):
    reply = ask("F2", "--set", "NCV=20908kJ/kg", "--set", "CC=26.37tC/TJ", "--set", "OF=94%", "--set", "FC=1 kg")
    assert reply.code == 0
    assert "  NCV = 20908 kJ/kg = 20.908 GJ/t\n" in reply.out
    assert "  E = 0.001 × 20.908 × 0.02637 × 0.94 × 44/12 = 0.001900298849 tCO2\n" in reply.out
    assert "化石燃料燃烧" in reply.out


def test_flags_compare_with_a_published_figure(ask):
    words = ("f6", "--set", "electricity=1万kWh", "--set", "EF=0.5703", "--unit", "kg", "--expected")
    assert ask(*words, "5703").code == 0
    reply = ask(*words, "5704")
    assert reply.code == 1
    assert "INCONSISTENT" in reply.out
    assert ask(*words, "5710kg", "--tolerance", "10").code == 0
    assert ask(*words, "many").code == 2


def test_flags_take_lists_words_and_yes_or_no(ask):
    reply = ask(
        "G2", "--set", "Q=5000", "--set", "EF=0.535", "--set", "m_j=100,40t", "--set", "D_j=0.48,0.215", "--json"
    )
    assert reply.out["value"] == pytest.approx(2618.4)  # 2675 - 48 - 8.6
    words = ("Vp=15", "F=12.56", "ts=100", "P=101325", "Xsw=8%", "basis=wet")
    assert ask("FLOW", *(word for flag in words for word in ("--set", flag))).code == 0
    words = ("u_bought=5", "u_exported=3", "u_nf=1", "same=false")
    assert ask("U_NET", *(word for flag in words for word in ("--set", flag))).code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("F99",), "expected an id or title that tanji compute --list shows, like F2, got 'F99'"),
        (("F6", "--set", "AD"), "inputs: expected NAME=VALUE or NAME=VALUEUNIT, got 'AD'"),
        (("F6", "--set", "AD=1", "--set", "AD=2"), "inputs: expected AD once, got it twice"),
        (("-", "--set", "AD=1"), "go with a formula, not with a file of cases"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(ask, words, message):
    reply = ask(*words)
    assert reply.code == 2
    assert message in reply.err


def test_a_refusal_in_text_prints_nothing_but_the_reason(ask):
    reply = ask("F6", "--set", "AD=1GJ", "--set", "EF=0.5")
    assert (reply.code, reply.out) == (2, "")
    assert reply.err == (
        "tanji compute: AD (electricity): expected a unit of the dimension of MWh (electricity), got GJ (heat)\n"
    )


def test_the_list_gives_every_formula_with_its_inputs_units_and_clause(ask):
    reply = ask("--list", "--json")
    assert reply.code == 0
    assert [entry["id"] for entry in reply.out] == list(catalogue.load())
    for entry in reply.out:
        assert {"formula", "title", "title_zh", "unit", "clause", "expression", "inputs"} <= set(entry)
        for given in entry["inputs"]:
            assert {"symbol", "name", "name_zh", "unit", "required", "kind"} <= set(given)


def test_the_list_can_be_read_by_people(ask):
    reply = ask("--list")
    assert reply.code == 0
    assert (
        "F2  Fossil fuel, by heat content  化石燃料燃烧（热值法）\n  E = FC × NCV × CC × OF × 44/12  [tCO2]\n"
        in reply.out
    )
    assert "    NCV (net_calorific_value)  收到基低位发热量  [GJ/t or GJ/1e4Nm3 or GJ/1e4m3]\n" in reply.out
    assert len(reply.out.split("source: ")) == len(catalogue.load()) + 1


def test_one_formula_can_be_listed(ask):
    assert ask("g2", "--list").out.startswith("G2  ")
    assert [entry["id"] for entry in ask("碳酸盐分解", "--list", "--json").out] == ["F4"]


def test_a_listed_formula_can_be_asked_by_what_the_list_says(ask):
    for entry in ask("--list", "--json").out:
        reply = ask(cases={"formula": entry["id"], "inputs": {}})
        lacking = {fault["field"] for fault in reply.out["faults"]}
        assert lacking == {
            given["symbol"] if given["symbol"] == given["name"] else f"{given['symbol']} ({given['name']})"
            for given in entry["inputs"]
            if given["required"]
        }


def test_the_examples_of_the_help_can_be_copied(ask):
    assert ask(cases='{"formula": "F6", "inputs": {"AD": {"value": 1000, "unit": "kWh"}, "EF_grid": 0.5306}}').code == 0
    first = "F2 --set NCV=20908kJ/kg --set CC=26.37tC/TJ --set OF=94% --set FC=1kg --unit kg --expected 1.9003"
    assert ask(*first.split()).code == 0
    assert ask(*"F6 --set electricity=1000kWh --set EF=0.5306 --expected 530.6kg".split()).code == 0


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from([0, 1, 0.5, 1e300, -1]),
)
QUANTITY = st.one_of(
    ODD,
    st.lists(ODD, max_size=3),
    st.fixed_dictionaries({"value": ODD, "unit": st.sampled_from(["t", "kg", "GJ/t", "%", "tCO2", "1", "x", "", "K"])}),
)
"""What somebody may write for an input: numbers, words, lists, half a quantity."""


@hypothesis.settings(max_examples=500, deadline=None)
@hypothesis.given(data=st.data(), case=st.sampled_from(HAND))
def test_whatever_is_written_gets_an_answer_or_a_reason(data, case):
    odd = data.draw(st.dictionaries(st.sampled_from([*case["inputs"], "other"]), QUANTITY, max_size=2))
    try:
        found = answer_case({**case, "inputs": case["inputs"] | odd})
    except InputError as refused:
        assert all(fault.field and fault.expected for fault in refused.faults)
    else:
        json.dumps(found, allow_nan=False)
