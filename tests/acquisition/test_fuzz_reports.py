"""The fuzz run of `tests/bench/fuzz_reports.py` in short; in full it takes a million inputs for each parser."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[1] / "bench" / "fuzz_reports.py"


def bench() -> ModuleType:
    specification = importlib.util.spec_from_file_location("fuzz_reports", BENCH)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("parser", bench().PARSERS)
def test_spoilt_inputs_neither_crash_nor_hang_a_parser(parser: str) -> None:
    assert bench().main(["--inputs", "400", "--parser", parser]) == 0
