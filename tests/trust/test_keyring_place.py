"""Where the newest keyring is in a log, as witnesses saw it (R33)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.errors import TrustError
from tanji.trust.keyring import Keyring
from tanji.trust.keyring_place import newest_logged, require_signed
from tanji.trust.policy import Anchor
from tanji.trust.policy_file import NamedKeyring
from tanji.trust.verify_batches import verify_batches

from . import mutants
from .test_log_world import replayed
from .test_verify_batches import log_folder
from .world import World, build


def anchor(of: World, keyring: str = "") -> Anchor:
    return Anchor.parse(of.anchor(keyring))


def test_the_folder_of_a_log_shows_its_newest_keyring(tmp_path: Path) -> None:
    made = build()
    folder = log_folder(made, tmp_path / "log")
    for keyring in ("", "1 0", "2 400"):
        found = newest_logged(folder, anchor(made, keyring))
        assert (found.named, found.size) == (NamedKeyring(2, 15), 22)
    with pytest.raises(TrustError, match="complete-keyring: expected keyring 2 or later up to log index 14"):
        newest_logged(folder, anchor(made, "2 14"))  # it was late, which nobody forgives by asking where it is
    require_signed(found, None)
    require_signed(found, found.keyring)
    assert verify_batches(folder, anchor=anchor(made, "2 15")).exit_code == 0
    unshown = verify_batches(folder, anchor=anchor(made, "2 14"))
    assert unshown.completeness.failure is not None and unshown.completeness.failure.rule == "complete-keyring"


def test_what_no_witness_has_seen_is_not_there_yet(tmp_path: Path) -> None:
    """The only cosigned checkpoint has 7 entries; the second keyring is entry 15."""
    made = build()
    log = replayed(made, tmp_path)
    log.checkpoint()
    log.add_cosigned(made.kept[0][2], witnesses=[made.keys.key("witness")])
    log.close()
    found = newest_logged(tmp_path, anchor(made))
    assert (found.named, found.size) == (NamedKeyring(1, 0), 7)
    second = Keyring.first(made.notes[0], anchor(made).registrars).next(made.notes[made.labels["keyring2"]])
    with pytest.raises(TrustError, match=r"complete-keyring: expected keyring 2, which is signed.*up to log size 7"):
        require_signed(found, second)


def test_a_rewritten_log_beside_what_the_witness_saw_shows_nothing(tmp_path: Path) -> None:
    """Another history of the same length, under checkpoints that were cosigned before it was rewritten."""
    true, rewritten = build(), build(tamper={"gw1:1": lambda body: body.replace(b"ntp 2ms", b"ntp 3ms")})
    log = replayed(rewritten, tmp_path)
    log.checkpoint()
    log.close()
    true.checkpoint(time_s=1_772_400_000)
    (tmp_path / "checkpoints").mkdir(exist_ok=True)
    for size, time_s, note in true.kept:
        (tmp_path / "checkpoints" / f"{size:012d}-{time_s}.note").write_bytes(note)
    with pytest.raises(TrustError, match="proof-root"):
        newest_logged(tmp_path, anchor(true))


def test_an_index_is_shown_by_a_proof_and_not_by_the_name_of_a_file(tmp_path: Path) -> None:
    members = dict(mutants.sound())
    for ending in ("note", "tlog-proof"):
        members[f"keyring/000000000014.{ending}"] = members.pop(f"keyring/000000000015.{ending}")
    with pytest.raises(TrustError, match="proof-form"):
        newest_logged(mutants.write_zip(tmp_path / "b.zip", members), anchor(mutants.standard()))
