"""The import contract: who may import whom (DESIGN section 1). Reads the sources with ast and runs none of them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
THIN = {"services", "calc_jobs", "ledger_api"}
ALLOWED = {
    "domain": set(),
    "acquisition": set(),
    "trust": set(),
    "plant": {"domain"},
    "quality": {"domain", "plant", "acquisition"},  # the flag word lives where devices are read: decision 0002
    "store": {"domain"},
    "ledger": {"domain", "plant"},
    "report": {"domain", "plant", "ledger", "quality"},  # when a period has a total at all: decision 0005
    "health": {"acquisition", "plant"},  # one way to the sealer for every process, watched: decision 0007
}
"""Anything may import tanji.errors; tanji.cli is the composition root and may import everything."""

TRUST_MAY_IMPORT = {"nacl", "tanji", *sys.stdlib_module_names}
"""Evidence is verified with PyNaCl and the standard library alone, so that a stranger can audit what verifies it."""

SIMULATOR_FORBIDDEN = "tanji.domain"
"""The simulator knows the true tonnes by its own mass balance, or it would check the formulas against themselves."""


def imported(path: Path, *, typing_too: bool = True) -> Iterator[str]:
    """Every module a file imports; relative imports are a fault."""
    for node in runtime_nodes(ast.parse(path.read_text(encoding="utf-8")), typing_too=typing_too):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def runtime_nodes(tree: ast.AST, *, typing_too: bool) -> Iterator[ast.AST]:
    """Nodes of a module; without `typing_too`, those under `if TYPE_CHECKING:` are left out."""
    for node in ast.iter_child_nodes(tree):
        guarded = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        if guarded and not typing_too:
            continue
        yield node
        yield from runtime_nodes(node, typing_too=typing_too)


def test_library_packages_import_only_what_they_may() -> None:
    for path in ROOT.glob("tanji/**/*.py"):
        owner = path.relative_to(ROOT / "tanji").parts[0]
        if owner in ("cli", "__main__.py"):
            continue
        for top, *rest in (name.split(".") for name in imported(path, typing_too=False)):
            assert top not in THIN, f"{path} imports {top}"
            if top == "tanji":
                assert {*rest[:1]} <= {owner, "errors"} | ALLOWED.get(owner, set()), f"{path} imports tanji.{rest[0]}"


def test_evidence_needs_pynacl_and_the_standard_library_alone() -> None:
    files = list((ROOT / "tanji" / "trust").glob("**/*.py"))
    assert files, "no tanji/trust found"
    for path in files:
        for top, *rest in (name.split(".") for name in imported(path)):
            assert top in TRUST_MAY_IMPORT, f"{path} imports {top}"
            assert top != "tanji" or rest[0] in ("trust", "errors"), f"{path} imports tanji.{rest[0]}"


def test_thin_folders_import_the_library_and_never_each_other() -> None:
    for path in (p for folder in THIN for p in ROOT.glob(f"{folder}/**/*.py")):
        folder, *inner = path.relative_to(ROOT).parts
        for top, *rest in (name.split(".") for name in imported(path)):
            own = top == folder and (folder != "services" or rest[:1] == inner[:1])  # a service is a folder of its own
            assert top not in THIN or own, f"{path} imports {'.'.join([top, *rest])}"
            assert [top, *rest][:2] != ["tanji", "cli"], f"{path} imports the composition root"


def test_the_simulator_never_sees_the_formulas_it_is_compared_with() -> None:
    files = list((ROOT / "services" / "simulator").glob("**/*.py"))
    assert files, "no simulator found"
    for path in files:
        for name in imported(path):
            assert not name.startswith(SIMULATOR_FORBIDDEN), f"{path} imports {name}"
        assert "factors.toml" not in path.read_text(encoding="utf-8"), f"{path} names the factor library"


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_every_room_of_the_house_exists_and_says_what_it_is_for(package: str) -> None:
    source = (ROOT / "tanji" / package / "__init__.py").read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(source)), f"tanji/{package}/__init__.py has no docstring"
