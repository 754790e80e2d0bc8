"""Golden plant files: good ones load, bad ones of one fault each say what a person needs to know (R21).

A message was read and judged before it became `expected.txt`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.errors import PlantError
from tanji.plant.load import load

GOLDEN = Path(__file__).parent / "golden"
BAD = sorted(path.parent for path in (GOLDEN / "bad").glob("*/plant.yaml"))
GOOD = sorted((GOLDEN / "good").glob("*.yaml"))


def test_there_are_enough_bad_files() -> None:
    assert len(BAD) >= 25, "issue 3 asks for at least 25"


@pytest.mark.parametrize("folder", BAD, ids=lambda folder: folder.name)
def test_a_fault_is_told_as_expected(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(PlantError) as caught:
        load("plant.yaml")
    assert f"{caught.value}\n" == (folder / "expected.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", BAD, ids=lambda folder: folder.name)
def test_a_finding_has_a_line_of_the_file_it_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(PlantError) as caught:
        load(Path("plant.yaml"))
    for finding in caught.value.findings:
        assert 1 <= finding.line <= len(Path(finding.file).read_bytes().splitlines())


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_a_good_file_loads(path: Path) -> None:
    assert load(path).site.id
