"""The referee says the same as `tanji verify` of every bundle and every mutant: verdict and rule (R33, R35, R47).

The referee was written from docs/trust-format.md, so that where the two agree the page is enough to write a verifier
from. The bundles are those of tests/trust; each runs through both.
"""

from __future__ import annotations

import ast
import io
import random
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tanji.errors import TrustError
from tanji.trust.policy import Anchor
from tanji.trust.rules import RULES
from tanji.trust.tree import Tree
from tanji.trust.verify_bundle import verify_bundle
from tanji.trust.verify_report import State, Verdict

from ..trust import mutants, world
from . import referee

HERE = Path(__file__).parent
FAMILIES = [mutants.as_they_are, mutants.listed_anew, mutants.logged_anew, mutants.signed_anew]
PAGE = HERE.parents[1] / "docs" / "trust-format.md"


def of_tanji(path: Path, anchor: bytes | None) -> tuple[str, str]:
    """The verdicts of tanji/trust in the referee's words: a rule, nothing for ok, ? where it cannot decide."""
    report = verify_bundle(path, anchor=Anchor.parse(anchor) if anchor else None, processes=1)
    return word(report.integrity), word(report.completeness)


def word(verdict: Verdict) -> str:
    if verdict.state is State.FAILED:
        assert verdict.failure is not None
        return verdict.failure.rule
    return "" if verdict.state is State.OK else "?"


def of_referee(path: Path, anchor: bytes | None) -> tuple[str, str]:
    return referee.verify(path.read_bytes(), referee.anchor(anchor) if anchor else None)


def both(path: Path, anchor: bytes | None) -> tuple[str, str]:
    first, second = of_tanji(path, anchor), of_referee(path, anchor)
    assert first == second, f"tanji {first}, referee {second}"
    return first


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_both_verifiers_name_the_same_rule_for_every_mutant(
    family: Callable[[], Iterator[mutants.Mutant]], tmp_path: Path
) -> None:
    anchor, told = mutants.standard().anchor(), []
    for mutant in family():
        path = mutants.write_zip(tmp_path / "b.zip", mutant.members)
        first, second = of_tanji(path, anchor), of_referee(path, anchor)
        told += [] if first == second else [f"{mutant.name}: tanji {first}, referee {second}"]
    assert told == []


def test_a_sound_bundle_holds_with_its_own_anchor_and_with_the_verifier_s(tmp_path: Path) -> None:
    made = mutants.standard()
    path = made.write(tmp_path / "b.zip", made.members())
    assert both(path, made.anchor()) == both(path, None) == ("", "")


def test_a_world_without_a_witness_holds_for_who_asks_for_none(tmp_path: Path) -> None:
    made = world.build(witnessed=False)
    path = made.write(tmp_path / "b.zip", made.members())
    assert both(path, made.anchor()) == ("", "")
    assert both(path, mutants.standard().anchor()) == ("quorum", "?")


def test_a_plant_that_signed_everything_anew_fails_under_the_anchor_and_nowhere_else(tmp_path: Path) -> None:
    other = world.build(world="two")
    path = other.write(tmp_path / "b.zip", other.members())
    assert both(path, None) == ("", "")
    assert both(path, mutants.standard().anchor())[0]


def test_the_statement_that_was_superseded_is_not_the_newest(tmp_path: Path) -> None:
    made = mutants.standard()
    path = made.write(tmp_path / "b.zip", made.members(statement="statement1"))
    assert both(path, made.anchor()) == ("", "complete-newest")


@pytest.mark.parametrize("folder", ["notes/", "payload/", "keyring/", "plant/", "checkpoints/", "files/", ""])
def test_both_verifiers_say_the_same_whatever_member_is_left_out(folder: str, tmp_path: Path) -> None:
    made, told = mutants.standard(), []
    for left_out in (path for path in made.members() if path.startswith(folder) and (folder or "/" not in path)):
        members = {path: data for path, data in made.members().items() if path != left_out}
        path = mutants.write_zip(tmp_path / "b.zip", made.listed(members))
        first, second = of_tanji(path, made.anchor()), of_referee(path, made.anchor())
        told += [] if first == second else [f"without {left_out}: tanji {first}, referee {second}"]
    assert told == []


def test_every_changed_byte_of_a_bundle_is_found_by_both(tmp_path: Path) -> None:
    made, chance = mutants.standard(), random.Random(20260301)
    sound = made.write(tmp_path / "b.zip", made.members()).read_bytes()
    for at in chance.sample(range(len(sound)), 60):
        path = tmp_path / "changed.zip"
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 1 << chance.randrange(8)]) + sound[at + 1 :])
        assert both(path, made.anchor()) == ("manifest-form", "?"), f"byte {at}"
    path.write_bytes(sound + b"x")
    assert both(path, made.anchor()) == ("manifest-form", "?")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_both_verifiers_say_the_same_of_zips_packed_in_other_ways(tmp_path: Path) -> None:
    made, sound = mutants.standard(), dict(mutants.sound())
    whole, more = list(sound.items()), ("notes/000000000099.note", f"files/{'0' * 64}", "payload/999999999999.lines")
    hostile = (
        "/etc/passwd",
        "../x",
        "notes/../policy",
        "notes/1.note",
        "NOTES/000000000003.note",
        "policy\\x",
        "碳",
        "a/",
    )
    cases = {path: pack([*whole, (path, b"x")]) for path in hostile}
    cases |= {f"{path} unlisted": pack([*whole, (path, b"x")]) for path in more}
    cases |= {f"{path} listed": pack(made.listed({**made.members(), path: b"x"}).items()) for path in more}
    cases |= {"stored": pack(whole, how=zipfile.ZIP_STORED), "bzip2": pack(whole, how=zipfile.ZIP_BZIP2)}
    cases |= {"a comment": pack(whole, comment=b"hello"), "other digest": pack(whole, comment=b"sha256 " + b"0" * 64)}
    cases |= {"a member twice": pack([*whole, whole[0]]), "other order": pack(reversed(whole))}
    cases |= {"in front": b"junk" + pack(whole), "no zip": b"PK", "nothing": pack([])}
    anchor, verdicts = made.anchor(), {}
    for name, data in cases.items():
        path = tmp_path / "z.zip"
        path.write_bytes(data)
        verdicts[name] = both(path, anchor)
    assert {name for name, verdict in verdicts.items() if verdict == ("", "")} == {"stored", "other order", "in front"}
    assert {verdicts[name][0] for name in hostile} == {"manifest-path"}


def pack(items: Iterable[tuple[str, bytes]], *, comment: bytes = b"", how: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for path, data in items:
            archive.writestr(path, data)
        archive.comment = comment
    return out.getvalue()


def scrambled(data: bytes, chance: random.Random) -> bytes:
    """One byte, line or number changed, repeated or gone."""
    lines, numbers = data.split(b"\n"), list(re.finditer(rb"[0-9]+", data))
    at, line = chance.randrange(len(data) or 1), chance.randrange(len(lines))
    if chance.random() < 0.5 and numbers:
        found, by = chance.choice(numbers), chance.choice([-60_000, -1, 1, 4, 60_000, 1_800_000])
        return data[: found.start()] + str(max(0, int(found[0]) + by)).encode() + data[found.end() :]
    ways = (
        data[:at] + data[at + 1 :],
        data[:at] + chance.choice([b" ", b"0", b"A", b"=", b"\n"]) + data[at:],
        b"\n".join([*lines[:line], *lines[line + 1 :]]),
        b"\n".join([*lines[:line], chance.choice(lines), *lines[line:]]),
    )
    return chance.choice(ways)


def test_both_verifiers_say_the_same_of_texts_scrambled_at_random_and_signed_anew(tmp_path: Path) -> None:
    made, chance, told, judged = mutants.standard(), random.Random(6), [], 0
    targets = [*made.labels, *(f"payload {label}" for label in made.labels if ":" in label), "pointmap2", "plantfile2"]
    for number in range(120):
        target = chance.choice(targets)
        try:
            other = world.build(tamper={target: lambda data: scrambled(data, chance)})
        except (TrustError, ValueError):
            continue  # what comes after it could not be made
        path = mutants.write_zip(tmp_path / "b.zip", other.listed(other.members()))
        first, second = of_tanji(path, made.anchor()), of_referee(path, made.anchor())
        told += [] if first == second else [f"{number}, {target}: tanji {first}, referee {second}"]
        judged += 1
    assert told == []
    assert judged > 100


def test_the_referee_s_tree_has_the_known_roots_and_proves_every_leaf_of_every_size() -> None:
    # leaves and roots of sizes 0 to 8 shared by implementations of Certificate Transparency (RFC 6962)
    known = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
    leaves = [referee.sha(b"\0" + bytes.fromhex(one)) for one in known]
    assert referee.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert referee.root(leaves[:3]).hex() == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
    assert referee.root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    tree = Tree()
    entries = [bytes([number]) for number in range(70)]
    for entry in entries:
        tree.append(entry)
    for size in range(1, 71):
        head = SimpleNamespace(size=size, root=tree.root(size))
        for index in range(size):
            path = tree.inclusion(index, size)
            referee.included(entries[index], index, path, head)
            for wrong in (path[:-1] if path else [bytes(32)], [*path, bytes(32)]):
                with pytest.raises(referee.Fault, match="proof-length"):
                    referee.included(entries[index], index, wrong, head)


def test_the_referee_is_a_command_that_says_which_rule_failed(tmp_path: Path) -> None:
    made = mutants.standard()
    path, anchor = made.write(tmp_path / "b.zip", made.members()), tmp_path / "anchor"
    anchor.write_bytes(made.anchor())
    command = [sys.executable, str(HERE / "referee.py"), str(path)]
    told = subprocess.run([*command, "--anchor", str(anchor)], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout == "integrity: ok\ncompleteness: ok\n"
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.startswith("trust anchor: from this bundle, NOT independent\n")
    older = made.write(tmp_path / "older.zip", made.members(statement="statement1"))
    command[2] = str(older)
    told = subprocess.run([*command, "--anchor", str(anchor)], capture_output=True, text=True, check=False, timeout=60)
    assert (told.returncode, told.stdout) == (1, "integrity: ok\ncompleteness: failed: complete-newest\n")


def test_the_referee_shares_no_code_with_tanji_and_stays_small() -> None:
    for path in HERE.glob("referee*.py"):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        outside = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
        assert outside <= {"nacl", "referee_texts"}
        assert text.count("\n") < 250, path.name


def test_page_verifier_and_referee_know_the_same_rules() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## 10 Rules")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.split("\n") if line.startswith("|")][2:]
    listed = {rule.strip() for row in rows for rule in row.split(",")}
    assert listed == set(RULES)
    code = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("referee*.py"))
    strings = {node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)}
    recomputed = {"recompute-approved", "recompute-inputs", "recompute-results"}
    assert listed - strings == {"key-file", "sm2-signature", *recomputed}
