"""Nothing secret in logs, messages, representations or command lines (R33)."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from tanji.cli.main import main
from tanji.errors import TrustError
from tanji.trust.canonical import decode64, encode64
from tanji.trust.keyring_text import KeyLine
from tanji.trust.keys import VerifierKey
from tanji.trust.policy import Anchor, Policy
from tanji.trust.signer import Ed25519Signer, SigningKeyFile

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")  # RFC 8032 test 1
SIGNER = Ed25519Signer("plant.example/gw1", SEED, 1)


def private_line(tmp_path: Path) -> str:
    file = SigningKeyFile(tmp_path / "made.key")
    file.write(SIGNER)
    return file.path.read_text()


def material(line: str) -> str:
    """The secret part of a key line; it may hold a `+` itself."""
    return line.strip().split("+", 4)[4]


def spellings(line: str) -> tuple[str, ...]:
    """Every spelling in which a careless message might show the key."""
    secret = material(line)
    return (
        secret,
        secret[4:40],
        SEED.hex(),
        SEED.hex()[8:40],
        encode64(SEED)[:40],
        repr(SEED)[2:40],
        str(list(SEED))[1:40],
    )


def assert_silent(line: str, *texts: str) -> None:
    for text in texts:
        assert not any(secret in text for secret in spellings(line)), text


def test_no_representation_of_a_signer_shows_its_key(tmp_path: Path) -> None:
    line = private_line(tmp_path)
    assert_silent(line, repr(SIGNER), str(SIGNER), f"{SIGNER}", repr([SIGNER]), SIGNER.vkey())
    assert not hasattr(SIGNER, "__dict__"), "vars() would show it"


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace("PRIVATE", "PRIVATE "),
        lambda line: line + "\n",
        lambda line: line + line,
        lambda line: line.replace("\n", "=\n"),
        lambda line: line[:-2] + "\n",
        lambda line: line[:-6] + "\n",
        lambda line: line.replace("plant.example/gw1", "plant.example/gw2"),
        lambda line: line.replace("plant.example/gw1", "plant example"),
        lambda line: line.replace("PRIVATE+KEY+", ""),
        lambda line: line.replace("+A", "+B"),
        lambda line: "\0" + line,
        lambda line: line * 100,
    ],
)
def test_no_message_about_a_damaged_key_file_shows_it(tmp_path: Path, change: Callable[[str], str]) -> None:
    line = private_line(tmp_path)
    file = tmp_path / "damaged.key"
    file.touch(0o600)
    file.write_text(change(line))
    with pytest.raises(TrustError) as refused:
        SigningKeyFile(file).read()
    assert_silent(line, *map(str, refused.value.args), "".join(traceback.format_exception(refused.value)))


def test_a_private_key_in_the_place_of_a_public_one_is_not_repeated(tmp_path: Path) -> None:
    line = private_line(tmp_path)
    for act in (
        lambda: VerifierKey.parse(line),
        lambda: VerifierKey.parse(line.strip()),
        lambda: KeyLine.parse(f"key gateway {line.strip()} 0 - *"),
        lambda: KeyLine.parse(f"key {line.strip()} 0 - *"),
        lambda: Policy.parse(f"log {line}quorum none\n".encode()),
        lambda: Policy.parse(line.encode()),
        lambda: Anchor.parse(f"registrar plant {line}quorum none\n".encode()),
        lambda: Anchor.parse(f"registrar {line}quorum none\n".encode()),
        lambda: decode64(line, rule="key-form"),
    ):
        with pytest.raises(TrustError) as refused:
            act()
        assert_silent(line, "".join(traceback.format_exception(refused.value)))


def test_the_command_shows_public_keys_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "gw2.key"
    assert main(["keys", "new", "plant.example/gw2", "--out", str(file)]) == 0
    line = file.read_text()
    seed = decode64(material(line), rule="key-form")[1:]
    said = capsys.readouterr()
    assert said.out.strip() == SigningKeyFile(file).read().vkey()
    assert main(["keys", "new", "plant.example/gw2", "--out", str(file)]) == 2, "it is there already"
    assert main(["keys", "register", "gateway", line.strip(), "--keys", str(tmp_path)]) == 2
    again = capsys.readouterr()
    for text in (said.out, said.err, again.out, again.err, caplog.text):
        assert encode64(seed)[:40] not in text and seed.hex() not in text
        assert material(line) not in text


def test_no_verb_takes_a_private_key_on_its_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("new", "setup", "register", "rotate", "revoke", "sign", "list"):
        with pytest.raises(SystemExit):
            main(["keys", verb, "--help"])
        said = capsys.readouterr().out.partition("example:")[0]
        assert "SEED" not in said and "SECRET" not in said
        assert "--signer" not in said or "--signer FILE" in said, "a file, never the key"
