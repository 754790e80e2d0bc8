"""Keyring notes: registrars, continuity, validity by numbers, rotation, loss (R33; trust.md 2.1, 2.7)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.errors import TrustError
from tanji.trust.keyring import Keyring, required, seal
from tanji.trust.keyring_draft import Draft
from tanji.trust.keyring_text import KeyLine, KeyringText
from tanji.trust.note import sign
from tanji.trust.registrar import Registrar
from tanji.trust.signer import Ed25519Signer
from tanji.trust.tree import leaf_hash

from .material import (
    GATEWAY,
    INSTITUTE,
    LINES,
    LOG,
    PLANT,
    PLATFORM,
    REGISTRARS,
    WITNESS,
    first_note,
    first_text,
    key,
    signer,
)

NEW_INSTITUTE = signer("metrology.example/registrar-2")
NEW_GATEWAY = Ed25519Signer(key(GATEWAY).name, bytes(range(32)), 1)
FIRST = Keyring.first(first_note(), REGISTRARS)


def following(**changes: object) -> KeyringText:
    return first_text(**({"version": 2, "prev": FIRST.leaf} | changes))


def rule_of(note: bytes) -> str:
    with pytest.raises(TrustError) as error:
        FIRST.next(note)
    return error.value.rule


def test_the_first_keyring_is_that_of_the_anchor() -> None:
    assert (FIRST.plant, FIRST.version, FIRST.leaf) == ("demo", 1, leaf_hash(first_note()))
    assert FIRST.gateways() == (key(GATEWAY).name,) and FIRST.laboratories() == ("plant.example/lab",)
    assert FIRST.text.body == KeyringText.parse(FIRST.text.body).body
    for note, rule in (
        (seal(first_text(), INSTITUTE, PLATFORM), None),
        (seal(first_text(), PLANT, INSTITUTE), "keyring-anchor"),
        (seal(first_text(), PLANT, PLATFORM), "keyring-anchor"),
        (seal(first_text(), INSTITUTE, LOG), "keyring-anchor"),
        (seal(first_text(), INSTITUTE, INSTITUTE), "keyring-anchor"),
        (seal(first_text(), INSTITUTE), "note-signers"),
        (seal(first_text(), INSTITUTE, PLANT, PLATFORM), "keyring-quorum"),
        (seal(first_text(), INSTITUTE, PLANT, LOG), "keyring-quorum"),
        (seal(first_text(registrars=REGISTRARS[:2]), INSTITUTE, PLANT), "keyring-anchor"),
        (seal(first_text(registrars=REGISTRARS[::-1]), INSTITUTE, PLANT), None),
        (seal(first_text(version=2), INSTITUTE, PLANT), "keyring-version"),
        (seal(first_text(prev=bytes(range(32))), INSTITUTE, PLANT), "keyring-prev"),
        (first_note().replace(b"power_1", b"power_2"), "note-signature"),
    ):
        if rule is None:
            assert Keyring.first(note, REGISTRARS).version == 1
            continue
        with pytest.raises(TrustError) as error:
            Keyring.first(note, REGISTRARS)
        assert error.value.rule == rule


def test_an_invented_plant_fails_under_the_anchor() -> None:
    institute, plant = signer("metrology.example/registrar-x"), signer("plant.example/registrar-x")
    registrars = (Registrar("institute", key(institute)), Registrar("plant", key(plant)))
    note = seal(first_text(registrars=registrars), institute, plant)
    assert Keyring.first(note, registrars).version == 1, "consistent with its own keys"
    with pytest.raises(TrustError, match="keyring-anchor"):
        Keyring.first(note, REGISTRARS)


def test_plant_and_platform_together_cannot_enrol_a_gateway() -> None:
    text = following(lines=[*LINES, KeyLine("gateway", key(signer("plant.example/gw2")), 0)])
    assert rule_of(seal(text, PLANT, PLATFORM)) == "keyring-quorum"
    assert rule_of(seal(text, PLATFORM, PLANT)) == "keyring-quorum"
    assert rule_of(seal(text, INSTITUTE, GATEWAY)) == "keyring-quorum"
    assert FIRST.next(seal(text, INSTITUTE, PLATFORM)).gateways() == ("plant.example/gw1", "plant.example/gw2")


def test_versions_follow_each_other() -> None:
    assert FIRST.next(seal(following(), INSTITUTE, PLANT)).version == 2
    assert rule_of(seal(following(version=3), INSTITUTE, PLANT)) == "keyring-version"
    assert rule_of(seal(following(version=1), INSTITUTE, PLANT)) == "keyring-version"
    assert rule_of(seal(following(prev=bytes(32)), INSTITUTE, PLANT)) == "keyring-prev"
    other = KeyringText.make("other", version=2, prev=FIRST.leaf, registrars=REGISTRARS, lines=LINES)
    assert rule_of(seal(other, INSTITUTE, PLANT)) == "keyring-continuity"
    again = FIRST.next(seal(following(), INSTITUTE, PLANT))
    with pytest.raises(TrustError, match="keyring-version"):
        again.next(seal(following(), INSTITUTE, PLANT))


def test_lines_stay_and_only_an_open_end_is_closed() -> None:
    gateway, *others = LINES
    closed = replace(gateway, until=99)
    second = FIRST.next(seal(following(lines=[closed, *others]), INSTITUTE, PLANT))
    for lines in (
        others,
        [replace(gateway, first=1), *others],
        [replace(gateway, scope=("belt_1",)), *others],
        [replace(gateway, scope=None), *others],
        [replace(gateway, role="laboratory", scope=None), *others[1:]],
    ):
        assert rule_of(seal(following(lines=lines), INSTITUTE, PLANT)) == "keyring-continuity"
    for changed in (gateway, replace(gateway, until=100), replace(gateway, until=98)):
        text = first_text(version=3, prev=second.leaf, lines=[changed, *others])
        with pytest.raises(TrustError, match="keyring-continuity"):
            second.next(seal(text, INSTITUTE, PLANT))


def test_a_gateway_goes_on_under_a_new_key_of_its_name() -> None:
    gateway, *others = LINES
    lines = [replace(gateway, until=99), KeyLine("gateway", key(NEW_GATEWAY), 100, None, gateway.scope), *others]
    second = FIRST.next(seal(following(lines=lines), INSTITUTE, PLANT))
    name = key(GATEWAY).name
    assert second.key_for("gateway", name, 0) == second.key_for("gateway", name, 99) == key(GATEWAY)
    assert second.key_for("gateway", name, 100) == second.key_for("gateway", name, 10**9) == key(NEW_GATEWAY)
    assert second.gateways() == (name,)


def test_a_key_is_in_force_between_its_numbers_and_in_its_role() -> None:
    gateway, *others = LINES
    ended = FIRST.next(seal(following(lines=[replace(gateway, until=99), *others]), INSTITUTE, PLANT))
    for role, name, number in (
        ("gateway", key(GATEWAY).name, 100),
        ("gateway", "plant.example/gw2", 0),
        ("laboratory", key(GATEWAY).name, 0),
        ("gateway", key(LOG).name, 0),
    ):
        with pytest.raises(TrustError, match="batch-key"):
            ended.key_for(role, name, number)
    assert ended.keys_for("log", 7) == (key(LOG),) and ended.keys_for("gateway", 100) == ()
    with pytest.raises(TrustError, match="note-unknown-key"):
        ended.key_for("log", "x", 0, rule="note-unknown-key")


def test_one_key_has_one_name_and_one_role() -> None:
    renamed = Ed25519Signer("plant.example/other", GATEWAY._secret[:32], 1)
    for extra in (
        KeyLine("laboratory", key(GATEWAY), 0),
        KeyLine("gateway", key(renamed), 0),
        KeyLine("gateway", key(PLANT), 0),
        KeyLine("gateway", key(NEW_GATEWAY), 0),
        KeyLine("approver", key(signer("plant.example/log")), 0),
        KeyLine("approver", key(Ed25519Signer(key(PLANT).name, bytes(32), 1)), 0),
    ):
        with pytest.raises(TrustError, match="key-twice"):
            first_text(lines=[*LINES, extra])
    for registrars in (
        (*REGISTRARS, Registrar("other", key(PLANT))),
        (*REGISTRARS, Registrar("other", key(Ed25519Signer(key(PLANT).name, bytes(32), 1)))),
    ):
        with pytest.raises(TrustError, match="key-twice"):
            first_text(registrars=registrars)


def test_registrars_are_changed_by_the_old_and_the_new_together() -> None:
    registrars = (Registrar("institute", key(NEW_INSTITUTE)), Registrar("platform", key(PLATFORM)))
    text = following(registrars=registrars)
    for signers, rule in (
        ((INSTITUTE, PLANT, NEW_INSTITUTE, PLATFORM), None),
        ((INSTITUTE, PLATFORM, NEW_INSTITUTE), None),
        ((INSTITUTE, PLATFORM), "keyring-quorum"),
        ((INSTITUTE, PLANT, NEW_INSTITUTE), "keyring-quorum"),
        ((INSTITUTE, PLANT, PLATFORM, NEW_INSTITUTE), "keyring-quorum"),
        ((INSTITUTE, PLATFORM, NEW_INSTITUTE, PLATFORM), "keyring-quorum"),
        ((INSTITUTE, PLATFORM, NEW_INSTITUTE, PLANT), "keyring-quorum"),
        ((NEW_INSTITUTE, PLATFORM), "keyring-quorum"),
    ):
        if rule is None:
            assert FIRST.next(seal(text, *signers)).registrars == registrars
        else:
            assert rule_of(seal(text, *signers)) == rule, signers
    assert required(REGISTRARS, registrars, [key(PLATFORM)]) == (key(INSTITUTE), key(PLATFORM), key(NEW_INSTITUTE))


def test_a_bad_third_signature_is_found_too() -> None:
    registrars = (Registrar("institute", key(NEW_INSTITUTE)), Registrar("platform", key(PLATFORM)))
    good = seal(following(registrars=registrars), INSTITUTE, PLATFORM, NEW_INSTITUTE)
    other = seal(following(), INSTITUTE, PLATFORM, NEW_INSTITUTE)
    lines = [*good.split(b"\n")[:-2], other.split(b"\n")[-2], b""]
    assert rule_of(b"\n".join(lines)) == "note-signature"


def test_an_institute_takes_the_place_of_a_self_registered_plant() -> None:
    own = signer("plant.example/registrar-self-registered")
    registrars = (Registrar("self-registered", key(own)), Registrar("plant", key(PLANT)))
    first = Keyring.first(seal(first_text(registrars=registrars), own, PLANT), registrars)
    text = first_text(version=2, prev=first.leaf, registrars=REGISTRARS[:2])
    second = first.next(seal(text, own, PLANT, INSTITUTE))
    assert [each.organisation for each in second.registrars] == ["institute", "plant"]


BODY = first_text().body.decode()
KEY_LINE = LINES[2].text


@pytest.mark.parametrize(
    "old, new, rule",
    [
        ("tanji/keys/v1", "tanji/keys/v2", "header-type"),
        ("plant demo\n", "", "header-field"),
        ("plant demo", "plant Demo", "header-field"),
        ("plant demo", "plant " + "x" * 25, "header-field"),
        ("plant demo\nversion 1\n", "version 1\nplant demo\n", "header-field"),
        ("version 1", "version 01", "header-field"),
        ("version 1", "version", "header-field"),
        ("version 1", "version  1", "header-field"),
        ("prev AAAA", "prev AAA", "header-field"),
        ("prev ", "prev  ", "header-field"),
        ("registrar institute", "registrar Institute", "header-field"),
        ("registrar institute ", "registrar institute  ", "header-field"),
        ("registrar institute", "registrar other", "header-field"),
        ("registrar plant", "registrar institute", "header-field"),
        (f"registrar plant {PLANT.vkey()}\nregistrar platform {PLATFORM.vkey()}\n", "", "header-field"),
        (KEY_LINE, KEY_LINE.replace("key log", "key master"), "header-field"),
        (KEY_LINE, KEY_LINE.replace("key log", "keys log"), "header-field"),
        (KEY_LINE, KEY_LINE.replace(" 0 - *", " 0 -"), "header-field"),
        (KEY_LINE, KEY_LINE.replace(" 0 - *", " 0 - * *"), "header-field"),
        (KEY_LINE, KEY_LINE.replace(" 0 - *", " 00 - *"), "header-field"),
        (KEY_LINE, KEY_LINE.replace(" 0 - *", " 5 4 *"), "header-field"),
        (KEY_LINE, KEY_LINE.replace(" 0 - *", " 0 open *"), "header-field"),
        (KEY_LINE, KEY_LINE.replace(" 0 - *", " 0 - belt_1"), "header-field"),
        (KEY_LINE, f"{KEY_LINE}\n{KEY_LINE}", "header-field"),
        ("belt_1,power_1", "power_1,belt_1", "header-field"),
        ("belt_1,power_1", "belt_1,belt_1", "header-field"),
        ("belt_1,power_1", "belt_1,", "header-field"),
        ("belt_1,power_1", "belt-1", "header-field"),
        (KEY_LINE, KEY_LINE.replace(LOG.vkey(), WITNESS.vkey()), "key-form"),
        (PLATFORM.vkey(), WITNESS.vkey(), "key-form"),
        (KEY_LINE, KEY_LINE.replace("+", "-"), "key-form"),
        ("\nkey", "\n\nkey", "header-field"),
    ],
)
def test_a_keyring_text_has_one_spelling(old: str, new: str, rule: str) -> None:
    body = BODY.replace(old, new, 1)
    assert body != BODY
    with pytest.raises(TrustError) as error:
        KeyringText.parse(body.encode())
    assert error.value.rule == rule


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_no_keyring(data: bytes) -> None:
    for act in (KeyringText.parse, lambda note: Keyring.first(note, REGISTRARS), FIRST.next):
        with pytest.raises(TrustError):
            act(data)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=6), st.integers(0, 60))
def test_for_every_number_there_is_at_most_one_key_of_a_name(spans: list[tuple[int, int]], number: int) -> None:
    made = [Ed25519Signer("plant.example/gw9", bytes([place]) * 32, 1) for place in range(len(spans))]
    lines = [
        KeyLine("gateway", key(each), first, first + width) for each, (first, width) in zip(made, spans, strict=True)
    ]
    try:
        text = first_text(lines=lines)
    except TrustError as error:
        assert error.rule == "key-twice"
        assert any(a != b and a.covers(b.first) for a in lines for b in lines)
    else:
        assert sum(line.covers(number) for line in text.lines) <= 1


def test_a_draft_waits_for_every_registrar_and_then_gives_the_note() -> None:
    registrars = (Registrar("institute", key(NEW_INSTITUTE)), Registrar("platform", key(PLATFORM)))
    draft = Draft(following(registrars=registrars), REGISTRARS)
    everybody = (
        "metrology.example/registrar",
        "one of plant.example/registrar, platform.example/registrar",
        "metrology.example/registrar-2",
        "platform.example/registrar",
    )
    assert draft.waiting_for() == everybody
    with pytest.raises(TrustError, match="keyring-quorum"):
        draft.complete()
    for each, left in ((PLATFORM, 2), (NEW_INSTITUTE, 1), (INSTITUTE, 0)):
        draft = Draft.parse(draft.signed(each).data, REGISTRARS)
        assert len(draft.waiting_for()) == left
    assert draft.complete() == seal(draft.text, INSTITUTE, PLATFORM, NEW_INSTITUTE)
    assert draft.signed(INSTITUTE).complete() == draft.complete(), "signing again changes nothing"
    assert FIRST.next(draft.complete()).version == 2


def test_a_draft_takes_good_signatures_of_registrars_only() -> None:
    draft = Draft(following(), REGISTRARS)
    with pytest.raises(TrustError, match="note-unknown-key"):
        draft.signed(LOG)
    with pytest.raises(TrustError, match="note-unknown-key"):
        Draft.parse(sign(draft.text.body, LOG), REGISTRARS)
    with pytest.raises(TrustError, match="note-signature"):
        Draft.parse(draft.signed(PLANT).data.replace(b"version 2", b"version 3"), REGISTRARS)
    with pytest.raises(TrustError, match="note-form"):
        Draft.parse(draft.text.body, REGISTRARS)
