"""Every verb: help with an example, exit codes, and mistakes people make answered in one line (DESIGN section 5)."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tanji.cli.main import VERBS, main, parser

from .conftest import COMMAND, Call


def leaves(root: argparse.ArgumentParser, words: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """Every verb, and every verb of a verb."""
    if words:
        yield list(words)
    for action in root._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, part in action.choices.items():
                yield from leaves(part, (*words, name))


WORDS = list(leaves(parser()))
TRACE = "Traceback"


def help_of(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stopped:
        main([*words, "--help"])
    assert stopped.value.code == 0
    return capsys.readouterr().out


def examples_of(text: str) -> list[str]:
    """The commands after `example: ` on its line, or on the lines below `examples:`."""
    first, *more = text[text.index("\nexample") + 1 :].splitlines()
    beside = first.partition(":")[2].strip()
    return [beside] if beside else [line.strip() for line in more if line.startswith("  tanji ")]


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_the_examples_of_the_help_are_on_one_line_each_and_are_understood(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    examples = examples_of(help_of(words, capsys))
    assert examples
    for command in (part for example in examples for part in example.split(" > ")[0].split(" && ")):
        name, *arguments = shlex.split(command)
        assert name == "tanji"
        parsed = parser().parse_args(arguments)
        assert parsed.verb == words[0]


def test_the_first_help_names_every_verb_an_example_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of([], capsys)
    for verb in VERBS:
        assert f"\n    {verb} " in text
    assert "\n  tanji demo\n" in text and "exit codes: 0 done" in text


def test_every_part_that_answers_a_machine_has_json() -> None:
    data = [["plant", "schema"], ["plant", "init"], ["plant", "points"], ["plant", "telegraf"]]  # their output is data
    groups = [words[:-1] for words in WORDS]
    for words in WORDS:
        part = parser()
        for word in words:
            (action,) = (action for action in part._actions if isinstance(action, argparse._SubParsersAction))
            part = action.choices[word]
        if words not in groups and words not in data:
            assert any("--json" in action.option_strings for action in part._actions), words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "VERB"),
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["run"], "--plant"),
        (["run", "--plant", "missing.yaml"], "missing.yaml:1: the file: expected a plant file that can be read"),
        (["run", "--plant", "."], "is a directory"),
        (["run", "--plant", "plant.yaml", "--data", "plant.yaml"], "plant.yaml: expected a data directory, got a file"),
        (["run", "--plant", "plant.yaml", "--data", "plant.yaml/x"], "plant.yaml/x: expected a data directory that"),
        (["run", "--plant", "plant.yaml", "--data", "/proc/x"], "/proc/x: expected a data directory that can be made"),
        (["run", "--plant", "plant.yaml", "--port", "99999"], "expected a port from 0 (a free one) to 65535"),
        (["run", "--plant", "plant.yaml", "--port", "http"], "expected a port"),
        (["seal", "--plant", "plant.yaml", "--data", "plant.yaml"], "expected a data directory, got a file"),
        (["jobs", "--plant", "plant.yaml", "--data", "plant.yaml", "--once"], "expected a data directory, got a file"),
        (["jobs", "--plant", "plant.yaml", "--data", "broken", "--once"], "ledger.sqlite: expected a ledger that can"),
        (["poll", "--plant", "plant.yaml", "--sealer", "sealer:8186"], "--sealer: expected an address such as"),
        (["ledger"], "PART"),
        (["ledger", "import", "missing.csv", "--plant", "plant.yaml"], "missing.csv: no such file"),
        (["ledger", "import", ".", "--plant", "plant.yaml"], "is a directory"),
        (["ledger", "serve", "--plant", "plant.yaml", "--data", "plant.yaml"], "expected a data directory, got a file"),
        (["plant", "init", "plant.yaml"], "exists already"),
        (["plant", "init", "no/where.yaml"], "cannot be written"),
        (["demo", "--days", "0"], "expected at least 1"),
        (["demo", "--out", "plant.yaml"], "expected a data directory, got a file"),
        (["demo", "--out", "."], "expected nothing or the data of an earlier demonstration"),
        (["bench", "nothing"], "no benchmark 'nothing'; there are: audit_day, backlog_drain"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_message_and_exit_code_2(
    plant_file: Path,
    tmp_path: Path,
    words: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious").touch()
    (tmp_path / "broken" / "ledger.sqlite").mkdir(parents=True)
    monkeypatch.chdir(plant_file.parent)
    assert exit_code(words) == 2
    out, err = capsys.readouterr()
    assert out == "" and said in err and TRACE not in err
    assert (tmp_path / "data" / "precious").exists()


def exit_code(words: list[str]) -> int:
    """What the command would end with, in this process; handlers of signals are put back."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        return main(words)
    except SystemExit as stopped:  # how argparse ends
        assert isinstance(stopped.code, int)
        return stopped.code
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/usr/bin/setpriv").exists(), reason="root may write everywhere")
def test_a_data_directory_of_somebody_else_is_said(tmp_path: Path, plant_file: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o555)
    drop = ["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    words = ["run", "--plant", str(plant_file), "--data", str(theirs)]
    done = subprocess.run([*drop, *COMMAND, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "may write to, got permission denied" in done.stderr


@pytest.mark.parametrize("verb", ["run", "seal", "ledger serve"])
def test_a_port_in_use_is_said_with_the_way_out(tanji: Call, plant_file: Path, verb: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = tanji(*verb.split(), "--plant", plant_file, "--port", str(port))
    assert done.returncode == 2 and TRACE not in done.stderr
    assert f"got 127.0.0.1:{port}: address already in use" in done.stderr and "--port" in done.stderr


def test_an_address_of_another_machine_is_said(tanji: Call, plant_file: Path) -> None:
    done = tanji("run", "--plant", plant_file, "--host", "203.0.113.1")
    assert done.returncode == 2 and TRACE not in done.stderr
    assert "pages: expected an address to listen on, got 203.0.113.1:0: cannot assign" in done.stderr


def test_a_reader_that_went_away_is_no_error(tmp_path: Path) -> None:
    command = f"{shlex.join(COMMAND)} plant schema | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
