"""`tanji keys`: set-up, registration, rotation, revocation, as plant and institute type them (R33)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tanji.cli.keys_setup import set_up
from tanji.cli.main import main
from tanji.plant.trust_model import TrustSettings
from tanji.trust.anchor_text import Witness
from tanji.trust.key_folder import KeyFolder
from tanji.trust.keyring import Keyring
from tanji.trust.keys import COSIGNATURE, VerifierKey
from tanji.trust.note import sign
from tanji.trust.policy import Anchor
from tanji.trust.signer import Ed25519Signer, SigningKeyFile

DEMO = Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml"
ORIGIN = "demo.tanji.example"


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    shutil.copy(DEMO, tmp_path / "plant.yaml")
    monkeypatch.chdir(tmp_path)
    return "plant.yaml"


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a verb of `tanji keys`; its exit code and what it said."""

    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["keys", *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return call


def told(said: tuple[int, str]) -> dict[str, Any]:
    assert said[0] in (0, 1), said[1]
    found: dict[str, Any] = json.loads(said[1].splitlines()[-1])
    return found


def new(say: Any, name: str, file: str, *more: str) -> str:
    return str(told(say("new", name, "--out", file, "--json", *more))["vkey"])


def test_one_command_sets_a_small_plant_up_and_says_that_nobody_else_has_looked(plant: str, say: Any) -> None:
    code, text = say("setup", "--plant", plant)
    assert code == 0 and "self-registered" in text and "自行登记" in text
    folder = KeyFolder(Path("data/keys"))
    keyring, anchor = folder.keyring(), folder.anchor()
    assert keyring is not None and keyring.plant == "demo" and anchor.is_self_registered
    assert keyring.gateways() == (f"{ORIGIN}/gw1",) and keyring.laboratories() == (f"{ORIGIN}/lab",)
    assert {line.role for line in keyring.lines} == {"gateway", "laboratory", "log", "preparer", "approver"}
    assert [each.organisation for each in keyring.registrars] == ["self-registered", "plant"]
    assert {path.name for path in Path("data/keys").iterdir()} == {
        *("anchor", "keyring-1.note", "gw1.key", "lab.key", "log.key", "prepare.key", "approve.key"),
        *("registrar-plant.key", "registrar-self-registered.key"),
    }
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in Path("data/keys").glob("*.key"))
    assert Path("data/keys").stat().st_mode & 0o777 == 0o700
    assert b"self-registered" in next(iter(folder.notes()))
    code, text = say("setup", "--plant", plant)
    assert code == 2 and "expected no keyring yet" in text
    listed = told(say("list", "--plant", plant, "--json"))
    assert listed["self_registered"] and listed["version"] == 1
    assert all(each["private_key_here"] for each in listed["keys"])
    assert "self-registered" in say("list", "--plant", plant)[1]


def test_a_set_up_that_was_cut_off_goes_on_with_the_same_keys(plant: str, say: Any) -> None:
    assert say("setup", "--plant", plant)[0] == 0
    before = {path.name: path.read_bytes() for path in Path("data/keys").iterdir()}
    for name in ("keyring-1.note", "anchor", "lab.key"):
        Path("data/keys", name).unlink()
    assert say("setup", "--plant", plant)[0] == 0
    after = {path.name: path.read_bytes() for path in Path("data/keys").iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"lab.key", "keyring-1.note"}


def test_the_institute_registers_the_keys_on_a_machine_of_its_own(plant: str, say: Any) -> None:
    vkey = new(say, "metrology.example/registrar", "institute.key")
    code, text = say("setup", "--plant", plant, "--institute", vkey)
    assert code == 0 and "waits for metrology.example/registrar" in text and "self-registered" not in text
    assert say("list", "--plant", plant)[0] == 1, "nothing is in force yet"
    there = Path("institute")  # what the plant sends: anchor and draft, no private key
    there.mkdir()
    for name in ("anchor", "keyring-1.draft"):
        shutil.copy(Path("data/keys", name), there)
    code, text = say("sign", "--keys", "institute", "--signer", "institute.key")
    assert code == 0 and "tanji/keys/v1" in text and "key gateway" in text, "the text is shown before it is signed"
    shutil.copy(there / "keyring-1.note", "data/keys")
    listed = told(say("list", "--plant", plant, "--json"))
    assert listed["version"] == 1 and not listed["self_registered"]
    anchor = Anchor.parse(Path("data/keys/anchor").read_bytes())
    assert Keyring.first(Path("data/keys/keyring-1.note").read_bytes(), anchor.registrars).version == 1


def test_keys_are_registered_rotated_and_revoked_version_by_version(plant: str, say: Any) -> None:
    say("setup", "--plant", plant)
    second = new(say, f"{ORIGIN}/gw2", "gw2.key")
    made = told(say("register", "gateway", second, "--meters", "b_1,a_1", "--plant", plant, "--json"))
    assert made["version"] == 2 and made["waiting_for"] == [] and made["file"].endswith("keyring-2.note")
    next_key = new(say, f"{ORIGIN}/gw2", "gw2-next.key")
    assert say("rotate", f"{ORIGIN}/gw2", next_key, "--until", "99", "--plant", plant)[0] == 0
    assert say("revoke", f"{ORIGIN}/gw1", "--until", "7", "--plant", plant)[0] == 0
    keyring = KeyFolder(Path("data/keys")).keyring()
    assert keyring is not None and keyring.version == 4
    assert keyring.key_for("gateway", f"{ORIGIN}/gw2", 99).text == second
    assert keyring.key_for("gateway", f"{ORIGIN}/gw2", 100).text == next_key
    scopes = {line.scope for line in keyring.lines if line.key.name == f"{ORIGIN}/gw2"}
    assert scopes == {("a_1", "b_1")}
    assert keyring.keys_for("gateway", 8) == (keyring.key_for("gateway", f"{ORIGIN}/gw2", 8),)
    witness = new(say, "metrology.example/w1", "w1.key", "--witness")
    assert say("register", "witness", witness, "--from", "40", "--keys", "data/keys")[0] == 0
    assert len(KeyFolder(Path("data/keys")).keyring().lines) == 8  # type: ignore[union-attr]


def test_a_plant_that_began_alone_gets_an_institute(plant: str, say: Any) -> None:
    say("setup", "--plant", plant)
    vkey = new(say, "metrology.example/registrar", "institute.key")
    made = told(say("register", "registrar", vkey, "--organisation", "institute", "--plant", plant, "--json"))
    assert made["waiting_for"] == ["metrology.example/registrar"]
    code, text = say("revoke", f"{ORIGIN}/gw1", "--until", "7", "--plant", plant)
    assert code == 2 and "no other change under way" in text
    assert say("sign", "--plant", plant, "--signer", "institute.key")[0] == 0
    listed = told(say("list", "--plant", plant, "--json"))
    assert [each["organisation"] for each in listed["registrars"]] == ["institute", "plant"]
    assert not listed["self_registered"] and listed["draft"] is None
    third = told(say("revoke", f"{ORIGIN}/gw1", "--until", "7", "--plant", plant, "--json"))
    assert third["waiting_for"] == ["metrology.example/registrar"], "from now on nothing goes without the institute"


@pytest.mark.parametrize(
    "words, expected",
    [
        (("register", "gateway", "nonsense"), "VKEY: key-form"),
        (("rotate", f"{ORIGIN}/gw1", "nonsense", "--until", "1"), "VKEY: key-form"),
        (("register", "log", "KEY"), "--from"),
        (("register", "gateway", "KEY", "--organisation", "x"), "--organisation"),
        (("register", "gateway", "KEY", "--meters", "A-1"), "meter"),
        (("register", "registrar", "KEY"), "--organisation"),
        (("register", "registrar", "KEY", "--organisation", "x", "--from", "1"), "--from"),
        (("rotate", "nobody", "KEY", "--until", "1"), "keeps its name"),
        (("revoke", "nobody", "--until", "1"), f"{ORIGIN}/gw1"),
        (("revoke", f"{ORIGIN}/gw1", "--until", "-1"), "-1"),
        (("sign",), "draft"),
        (("register", "gateway", "KEY", "--signer", "other.key"), "registrar"),
    ],
)
def test_misuse_is_said_and_changes_nothing(plant: str, say: Any, words: tuple[str, ...], expected: str) -> None:
    say("setup", "--plant", plant)
    key = new(say, f"{ORIGIN}/other", "other.key")
    code, text = say(*(key if word == "KEY" else word for word in words), "--plant", plant)
    assert code == 2 and expected in text, text
    assert {path.name for path in Path("data/keys").glob("keyring-*")} == {"keyring-1.note"}


@pytest.mark.parametrize("option", ["--institute", "--approver"])
def test_a_public_key_that_is_none_is_named_by_its_option_and_makes_nothing(plant: str, say: Any, option: str) -> None:
    code, text = say("setup", "--plant", plant, option, "nonsense")
    assert code == 2 and f"{option}: key-form" in text, text
    assert not Path("data/keys").exists()


def test_a_name_that_is_taken_is_refused_with_the_way_it_can_go_on(plant: str, say: Any) -> None:
    """gw1's key is in force: rotate. Ended at 7, the next key of the name begins at 8."""
    say("setup", "--plant", plant)
    name, key = f"{ORIGIN}/gw1", new(say, f"{ORIGIN}/gw1", "next.key")
    code, text = say("register", "gateway", key, "--plant", plant)
    assert code == 2 and f"tanji keys rotate {name} {key} --until" in text, text
    assert say("revoke", name, "--until", "7", "--plant", plant)[0] == 0
    code, text = say("register", "gateway", key, "--plant", plant)
    assert code == 2 and "expected --from 8" in text and name in text, text
    assert say("register", "gateway", key, "--from", "8", "--plant", plant)[0] == 0
    keyring = KeyFolder(Path("data/keys")).keyring()
    assert keyring is not None and keyring.key_for("gateway", name, 8).text == key


def test_where_there_is_nothing_to_work_on_it_is_said(plant: str, say: Any) -> None:
    assert say("list", "--plant", plant)[0] == 2
    assert say("setup")[0] == 2 and say("list")[0] == 2
    assert say("list", "--plant", plant, "--keys", "data/keys")[0] == 2
    text = Path(plant).read_text(encoding="utf-8")
    head, _, rest = text.partition("\ntrust:\n")
    Path(plant).write_text(head + "\n" + rest[rest.index("\nservices:") :], encoding="utf-8")
    code, said = say("setup", "--plant", plant)
    assert code == 2 and "section `trust`" in said


def test_a_keyring_somebody_put_into_the_folder_is_refused(plant: str, say: Any) -> None:
    say("setup", "--plant", plant)
    log = SigningKeyFile(Path("data/keys/log.key")).read()
    Path("data/keys/keyring-2.note").write_bytes(sign(b"tanji/keys/v1\n", log, log))
    code, text = say("list", "--plant", plant)
    assert code == 2 and "keyring-quorum" in text


def test_sm2_stands_beside_a_statement(tmp_path: Path, say: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    monkeypatch.chdir(tmp_path)
    Path("statement.note").write_bytes(b"tanji/statement/v1\n{}\n")
    assert say("sm2", "new", "--out", "a.key", "--public", "a.pub")[0] == 0
    assert say("sm2", "new", "--out", "a.key", "--public", "b.pub")[0] == 2
    assert say("sm2", "check", "statement.note", "--public", "a.pub")[0] == 3
    assert told(say("sm2", "sign", "statement.note", "--signer", "a.key", "--json")) == {"file": "statement.sm2"}
    code, text = say("sm2", "check", "statement.note", "--public", "a.pub")
    assert code == 0 and "SM2" in text
    Path("statement.note").write_bytes(b"tanji/statement/v1\n{ }\n")
    assert say("sm2", "check", "statement.note", "--public", "a.pub")[0] == 1


@pytest.mark.parametrize(("quorum", "needed"), [(None, 2), (1, 1), (0, None)])
def test_witnesses_of_one_organisation_count_once(tmp_path: Path, quorum: int | None, needed: int | None) -> None:
    seen = [
        Witness(organisation, VerifierKey.parse(Ed25519Signer(name, bytes([seed]) * 32, COSIGNATURE).vkey()))
        for seed, (organisation, name) in enumerate([("institute", "a/w1"), ("institute", "a/w2"), ("park", "b/w1")], 1)
    ]
    trust = TrustSettings(origin="plant.example", quorum=quorum)
    made = set_up(trust, plant_id="demo", data_dir=tmp_path, witnesses=seen)
    policy = Anchor.parse(made.anchor.read_bytes()).policy
    assert policy.is_witnessed == (needed is not None)
    if needed is not None:
        assert (policy.groups[policy.quorum].threshold, len(policy.groups[policy.quorum].members)) == (needed, 2)
