"""`tanji keys opcua`: new, list, trust, as an admin types them (R21)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tanji.acquisition.opcua_pki import Pki
from tanji.cli.main import main
from tanji.errors import CertificateError

DEMO = Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml"
NOW = 1_772_323_200_000


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    shutil.copy(DEMO, tmp_path / "plant.yaml")
    monkeypatch.chdir(tmp_path)
    return "plant.yaml"


def keys(*words: str) -> int:
    return main(["keys", "opcua", *words])


def test_new_makes_a_certificate_once_and_list_shows_it(plant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert keys("list", "--plant", plant) == 1
    assert "tanji keys opcua new" in capsys.readouterr().out
    assert keys("new", "--plant", plant, "--host", "edge", "--json") == 0
    (own,) = json.loads(capsys.readouterr().out)["own"]
    assert own["application_uri"] == "urn:tanji:demo:opcua" and own["hosts"] == ["edge"]
    assert Path("pki/own/tanji.pem").stat().st_mode & 0o777 == 0o600
    assert keys("new", "--plant", plant) == 2
    told = capsys.readouterr().err
    assert "expected none yet" in told and "--replace" in told
    assert keys("list", "--plant", plant) == 0
    out = capsys.readouterr().out
    assert own["fingerprint"][:16] in out and "PRIVATE" not in out


def test_a_rejected_server_is_trusted_by_its_fingerprint(plant: str, capsys: pytest.CaptureFixture[str]) -> None:
    server = Pki(Path("server"))
    server.make(application_uri="urn:dcs", hosts=["dcs"], days=3650, now_ms=NOW, replace=False)
    pki = Pki(Path("pki"))
    with pytest.raises(CertificateError):
        pki.admit(server.certificate.read_bytes(), application_uri="urn:dcs", now_ms=NOW)
    print_ = server.own().fingerprint
    assert keys("trust", print_[:6], "--plant", plant) == 2, "too short to be sure"
    assert keys("trust", ":".join(print_[i : i + 2] for i in range(0, 20, 2)).upper(), "--plant", plant) == 0
    assert [each.fingerprint for each in pki.trusted()] == [print_] and not pki.rejected()
    assert keys("trust", str(server.certificate_pem), "--plant", plant, "--json") == 0
    capsys.readouterr()
    keys("list", "--plant", plant, "--json")
    listed = json.loads(capsys.readouterr().out)
    assert [each["fingerprint"] for each in listed["trusted"]] == [print_] and listed["rejected"] == []
    assert "tanji keys opcua new" in listed["fault"]


def test_what_cannot_be_trusted_is_named(plant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert keys("trust", plant, "--plant", plant) == 2
    assert f"{plant}: expected a certificate in PEM or DER" in capsys.readouterr().err
    assert keys("trust", "nothing", "--plant", plant) == 2
    told = capsys.readouterr().err
    assert f"the fingerprint of a rejected certificate, got nothing; tanji keys opcua list --plant {plant}" in told
    assert keys("new", "--plant", plant, "--days", "0") == 2
