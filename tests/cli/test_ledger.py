"""`tanji ledger`: dry run, import, withdrawal and the factor library from the command line (R30, R52)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tanji.cli.main import main
from tanji.cli.stores import open_ledger

PLANT = Path(__file__).parents[1] / "plant" / "golden" / "good" / "whole_standard.yaml"
HEADER = "sample_id,stream,parameter,value,unit,basis,valid_from,valid_to,laboratory,method,place\n"
GOOD = "C-1,line1.coal,net_calorific_value,23100,kJ/kg,as_received,2026-03-01,2026-03-01,lab,GB,truck_scale\n"
RECORD = "quantity,applies_to,value,unit,document,valid_from,confidence\n"


@pytest.fixture
def tanji(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs one part of the verb; the exit code, what it printed, what it complained of."""

    def run(*words: str) -> tuple[int, str, str]:
        where = ["--plant", str(PLANT), "--data", str(tmp_path / "data")]
        code = main(["ledger", *words, *where])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def write(folder: Path, text: str, name: str = "lab.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_a_dry_run_prints_each_row_and_makes_no_ledger(tanji: Any, tmp_path: Path) -> None:
    file = write(tmp_path, HEADER + GOOD + GOOD.replace("C-1", "C-2").replace("23100", "x"))
    code, out, err = tanji("import", file, "--dry-run")
    assert code == 1 and not (tmp_path / "data" / "ledger.sqlite").exists()
    first, last = out.splitlines()
    assert first == (
        "lab.csv:2: enter C-1 line1.coal net_calorific_value 23.1 GJ/t, holds 2026-03-01 00:00 to 2026-03-02 00:00"
    )
    assert last == "lab.csv: 2 rows: 1 to enter, 1 refused; nothing was written"
    assert err.startswith("lab.csv:3: value: expected a number")


def test_an_import_and_its_withdrawal(tanji: Any, tmp_path: Path) -> None:
    file = write(tmp_path, HEADER + GOOD)
    assert tanji("import", file)[0] == 0
    code, out, _ = tanji("import", write(tmp_path, HEADER + GOOD.replace("23100", "23200")), "--dry-run", "--json")
    assert code == 0 and json.loads(out)["planned"][0]["action"] == "correct"
    with pytest.raises(SystemExit, match="2"):
        tanji("withdraw", "C-1", "--by", " ", "--reason", "wrong container")
    code, out, _ = tanji("withdraw", "C-1", "--by", "Li", "--reason", "wrong container")
    assert code == 0 and out.startswith("withdrawn: line1.coal net_calorific_value 23.1 GJ/t, holds 2026-03-01")
    code, out, err = tanji("withdraw", "C-1", "--by", "Li", "--reason", "again", "--json")
    assert code == 1 and json.loads(out)["withdrawn"] == [] and "got none" in err


def test_factors_are_listed_added_superseded_and_approved(tanji: Any, tmp_path: Path) -> None:
    code, out, err = tanji("factors", "list", "--quantity", "clinker_process_factor", "--on", "2026-06-01")
    assert code == 0 and all(line.startswith("* cets_2024_clinker.") for line in out.splitlines())
    assert "unverified" in err
    row = "clinker_process_factor,portland,{},tCO2/t,own study,2026-01-01,T\n"
    code, out, _ = tanji("factors", "add", write(tmp_path, RECORD + row.format(0.52), "own.csv"), "--by", "Li")
    assert code == 0 and out.startswith("entered: * own.clinker_process_factor.portland.20260101  0.52 tCO2/t")
    code, out, _ = tanji("factors", "add", write(tmp_path, RECORD + row.format(0.53), "own.csv"), "--by", "Li")
    assert code == 0 and out.startswith("new edition: ")
    name = "own.clinker_process_factor.portland.20260101"
    code, out, _ = tanji("factors", "approve", name, "--by", "Chen", "--on", "2026-06-01")
    assert code == 0 and "verified by Chen on 2026-06-01" in out
    code, out, _ = tanji("factors", "list", "--all", "--quantity", "clinker_process_factor", "--json")
    found = [record for record in json.loads(out)["factors"] if record["id"] == name]
    assert [(record["value"], record["verified"], record["superseded"]) for record in found] == [
        (0.53, True, False), (0.52, False, True),
    ]  # fmt: skip


def test_a_refused_record_and_an_unknown_id_are_said(tanji: Any, tmp_path: Path) -> None:
    row = "clinker_process_factor,portland,0.9,tCO2/t,own study,2026-01-01,T\n"
    code, out, err = tanji("factors", "add", write(tmp_path, RECORD + row, "own.csv"), "--json")
    assert code == 1 and json.loads(out)["entered"] == [] and "own.csv:2: value: expected 0 to 0.6" in err
    code, _, err = tanji("factors", "list", "--quantity", "grid")
    assert code == 2 and "--quantity: expected one of " in err and err.rstrip().endswith("got grid")
    code, _, err = tanji("factors", "approve", "nothing", "--by", "Chen")
    assert code == 2 and "expected the id of a record" in err


def test_a_sample_is_registered_when_it_is_taken_and_listed_until_it_has_a_result(tanji: Any, tmp_path: Path) -> None:
    take = ("sample", "take", "C-1", "--stream", "line1.coal", "--by", "Li Na", "--at", "2026-03-01T08:00")
    code, _, err = tanji(*take)
    assert code == 2 and "without a ledger" in err and not (tmp_path / "data").exists()  # nobody would seal it there
    open_ledger(tmp_path / "data").close()
    assert tanji(*take)[:2] == (0, "C-1: registered\n")
    assert tanji(*take)[:2] == (0, "C-1: known already\n")
    code, _, err = tanji(*take[:-1], "2026-03-01T09:00")
    assert code == 1 and "no other sample" in err
    code, out, _ = tanji("sample", "list", "--without-result", "0")
    assert code == 1 and out.splitlines() == [
        "C-1  line1.coal  2026-03-01 08:00  Li Na",
        "1 samples without a result, older than 0 d",
    ]
    assert tanji("import", write(tmp_path, HEADER + GOOD))[0] == 0
    assert tanji("sample", "list", "--without-result", "0")[0] == 0
    code, out, _ = tanji("sample", "list", "--json")
    assert code == 0 and json.loads(out)[0]["sample_id"] == "C-1"


def test_samples_come_from_a_sheet_and_a_bad_row_is_named(tanji: Any, tmp_path: Path) -> None:
    rows = "C-1,line1.coal,2026-03-01T08:00,Li\nC-2,nowhere,2026-03-01T08:00,Li\n"
    sheet = write(tmp_path, "sample_id,stream,taken_at,taken_by\n" + rows, "taken.csv")
    open_ledger(tmp_path / "data").close()
    code, out, err = tanji("sample", "import", sheet)
    assert code == 1 and out.endswith("1 registered, 0 known, 1 refused\n") and "taken.csv:3: stream" in err
    code, _, err = tanji("sample", "take", "C-3", "--stream", "nowhere", "--by", "Li")
    assert code == 2 and "stream: expected" in err
