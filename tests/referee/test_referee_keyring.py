"""The referee and `tanji verify` ask for the keyring that an anchor names, of the same evidence by the same rule (R33).

The plant that hides one, and the bundles, are those of tests/trust.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ..trust import mutants, world, world_revoked
from .test_referee import both


@pytest.mark.parametrize(
    ("keyring", "expected"),
    [("", ("", "")), ("2 15", ("", "")), ("2 22", ("", "")), ("1 0", ("", "")), ("1 21", ("", "")), ("3 22", ("", ""))]
    + [("1 0\nkeyring 2 15\nkeyring 3 22", ("", ""))]
    + [(unshown, ("?", "complete-keyring")) for unshown in ("2 14", "3 15", "3 21", "2 0", "2 14\nkeyring 3 22")]
    + [(wrong, ("policy-form", "?")) for wrong in ("2", "0 15", "02 15", "2 15 x", "2 -1", "2 15\nquorum none")]
    + [(f"2 15\nkeyring {lower}", ("policy-form", "?")) for lower in ("2 16", "3 15", "1 16", "3 14")],
)
def test_the_keyring_that_the_anchor_names_is_asked_of_evidence_that_is_long_enough(
    keyring: str, expected: tuple[str, str], tmp_path: Path
) -> None:
    """Keyring 2 is entry 15 of 22. The anchor stands in the bundle as well: a plant may name its own."""
    made = world.build(tamper={"policy": lambda data: data + f"keyring {keyring}\n".encode() if keyring else data})
    path = made.write(tmp_path / "b.zip", made.members())
    assert both(path, None) == expected
    if expected[0] != "policy-form":
        path = mutants.standard().write(tmp_path / "b.zip", mutants.standard().members())
        assert both(path, made.anchor(keyring)) == expected


@pytest.mark.parametrize("hides", [True, False])
@pytest.mark.parametrize("obeys", [True, False])
def test_a_plant_that_hides_the_end_of_a_key_is_found_by_both(obeys: bool, hides: bool, tmp_path: Path) -> None:
    made = world_revoked.revoked(obeys=obeys)
    path = mutants.write_zip(tmp_path / "b.zip", world_revoked.handed_over(made, hides=hides))
    unnamed, named = both(path, made.anchor()), both(path, made.anchor(f"2 {world_revoked.REVOKING}"))
    assert both(path, made.anchor(f"2 {world_revoked.REVOKING}\nkeyring 3 5000")) == named
    if hides:
        assert named == ("?", "complete-keyring")
    else:
        assert named == unnamed == (("", "") if obeys else ("note-unknown-key", "?"))
    if hides and not obeys:
        assert unnamed == ("", "")
