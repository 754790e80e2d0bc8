"""Plant notes: the text and nothing else, versions in a chain, both files by digest, what changed (R33, R34)."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from tanji.errors import TrustError
from tanji.trust import note
from tanji.trust.keys import ED25519, VerifierKey
from tanji.trust.plant_note import NO_NOTE, PlantNote, changes, plant_note, read_point_map
from tanji.trust.signer import Ed25519Signer
from tanji.trust.tree import leaf_hash

MAP = (
    b'kiln1.coal.flow rate scale {"scale":"1","unit":"t/h"}\nkiln1.coal.span parameter scale {"scale":"1","unit":"1"}\n'
)
FILE = b'{"points":[{"id":"kiln1.coal.flow","scale":1.0}],"site":{"id":"p1"}}'
FIRST = plant_note("p1", point_map=MAP, plant_file=FILE, from_ms=1_772_323_200_000, before=None)
BODY = b"""tanji/plant/v1
plant p1
version 1
prev AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
from 1772323200000
"""
PREPARER, APPROVER = (Ed25519Signer(f"p1.example/{name}", bytes([n] * 32), ED25519) for n, name in ((1, "a"), (2, "b")))


def refused(body: bytes) -> str:
    with pytest.raises(TrustError) as caught:
        PlantNote.parse(body)
    return caught.value.rule


def test_the_text_has_every_field_once_in_order_and_reads_back() -> None:
    assert FIRST.body().startswith(BODY)
    assert FIRST.body().count(b"\n") == 7
    assert PlantNote.parse(FIRST.body()) == FIRST


def test_it_is_a_leaf_under_two_signatures() -> None:
    signed = note.sign(FIRST.body(), PREPARER, APPROVER)
    keys = [VerifierKey.parse(signer.vkey()) for signer in (PREPARER, APPROVER)]
    assert PlantNote.parse(note.open_leaf(signed, keys)) == FIRST
    with pytest.raises(TrustError) as caught:
        note.open_leaf(note.sign(FIRST.body(), PREPARER), keys)
    assert caught.value.rule == "note-signers"


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"plant/v1", b"plant/v2", "header-type"),
        (b"plant p1", b"plant P1", "header-field"),
        (b"version 1", b"version 01", "header-field"),
        (b"version 1", b"version 0", "plant-version"),
        (b"prev AAAA", b"prev AAA", "header-field"),
        (b"from 1772323200000", b"from -5", "header-field"),
        (b" 2\n", b"\n", "header-field"),
        (b" 2\n", b" 2 2\n", "header-field"),
        (b"version 1\n", b"", "header-field"),
        (b"from ", b"extra 1\nfrom ", "header-field"),
    ],
)
def test_another_spelling_is_refused(old: bytes, new: bytes, rule: str) -> None:
    assert old in FIRST.body()
    assert refused(FIRST.body().replace(old, new, 1)) == rule


def test_versions_follow_each_other_and_name_the_one_before() -> None:
    leaf = leaf_hash(note.sign(FIRST.body(), PREPARER, APPROVER))
    second = plant_note("p1", point_map=MAP, plant_file=FILE, from_ms=FIRST.from_ms + 1, before=FIRST, leaf=leaf)
    second.follow(FIRST, leaf=leaf)
    FIRST.follow(None)
    for wrong, rule in (
        (replace(second, version=3), "plant-version"),
        (replace(second, prev=NO_NOTE), "plant-prev"),
        (replace(second, from_ms=FIRST.from_ms - 1), "plant-version"),
    ):
        with pytest.raises(TrustError) as caught:
            wrong.follow(FIRST, leaf=leaf)
        assert caught.value.rule == rule


def test_the_time_of_a_next_version_never_goes_back() -> None:
    early = plant_note("p1", point_map=MAP, plant_file=FILE, from_ms=5, before=FIRST, leaf=bytes(32))
    assert early.from_ms == FIRST.from_ms


def test_both_files_are_those_that_were_signed() -> None:
    FIRST.check_files(MAP, FILE)
    assert FIRST.point_map == sha256(MAP).digest() and FIRST.lines == 2 and FIRST.size == len(FILE)
    for point_map, plant_file in ((MAP + b"\n", FILE), (MAP, FILE.replace(b"1.0", b"0.97"))):
        with pytest.raises(TrustError) as caught:
            FIRST.check_files(point_map, plant_file)
        assert caught.value.rule == "plant-file"
    with pytest.raises(TrustError, match="size 3"):
        replace(FIRST, lines=3).check_files(MAP, FILE)


def test_a_point_map_tells_kind_meter_and_what_the_number_means() -> None:
    points = read_point_map(MAP)
    assert points["kiln1.coal.span"].kind == "parameter"
    assert points["kiln1.coal.flow"].meter == "scale"
    assert points["kiln1.coal.flow"].told == {"scale": "1", "unit": "t/h"}
    assert read_point_map(b"") == {}


@pytest.mark.parametrize(
    "data",
    [
        MAP[:-1],
        b"".join(reversed(MAP.splitlines(keepends=True))),
        MAP.replace(b"rate", b"flow"),
        MAP.replace(b'{"scale":"1","unit":"t/h"}', b'{"unit":"t/h","scale":"1"}'),
        MAP.replace(b'"1"', b"1"),
        MAP.replace(b"kiln1.coal.flow", b"Kiln1.coal.flow"),
        MAP.replace(b"kiln1.coal.span parameter", b"kiln1.coal.flow state"),
        MAP.replace(b" scale {", b" {", 1),
        MAP.replace(b"rate scale", b"rate  scale"),
    ],
)
def test_a_point_map_has_one_form(data: bytes) -> None:
    assert data != MAP
    with pytest.raises(TrustError) as caught:
        read_point_map(data)
    assert caught.value.rule == "plant-file"


def test_changes_name_the_key_with_the_old_value_and_the_new() -> None:
    new = b'{"points":[{"id":"kiln1.coal.flow","scale":0.97},{"id":"x","unit":"t"}],"site":{"id":"p1"}}'
    assert list(changes(FILE, new)) == [
        ("points.kiln1.coal.flow.scale", "1.0", "0.97"),
        ("points.x", "", '{"id":"x","unit":"t"}'),
    ]
    assert list(changes(FILE, FILE)) == []


def test_what_is_no_json_is_refused_by_name() -> None:
    with pytest.raises(TrustError) as caught:
        list(changes(FILE, b"{"))
    assert caught.value.rule == "plant-file"
