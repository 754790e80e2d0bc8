"""The command as people start it: a process, a terminal or a pipe, an exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SAMPLE = Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml"
COMMAND = (sys.executable, "-m", "tanji.cli.main")
TIMEOUT_S = 120.0

Call = Callable[..., subprocess.CompletedProcess[str]]
Started = tuple[subprocess.Popen[str], dict[str, Any]]


@pytest.fixture
def tanji(tmp_path: Path) -> Call:
    """Run the command in an empty directory, its output in pipes."""

    def call(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, words)], cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S
        )

    return call


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Any]:
    """Start a verb with --json that stays; gives the process and the first line it said."""

    @contextmanager
    def started(*words: str | Path) -> Iterator[Started]:
        with (tmp_path / "stderr.log").open("w") as log:
            process = subprocess.Popen(
                [*COMMAND, *map(str, words), "--json"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, (tmp_path / "stderr.log").read_text()
            yield process, json.loads(line)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    return started


@pytest.fixture
def plant_file(tmp_path: Path) -> Path:
    """The demo plant, listening on free ports and sealing nothing, which needs no keys; its devices do not answer."""
    path = tmp_path / "plant.yaml"
    text = SAMPLE.read_text(encoding="utf-8").replace("trust:\n  origin: demo.tanji.example\n", "")
    path.write_text(text.replace("_port: 8186", "_port: 0").replace("_port: 8080", "_port: 0"), encoding="utf-8")
    return path
