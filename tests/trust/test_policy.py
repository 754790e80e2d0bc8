"""Trust policies and anchors: grammar, quorum, distinct keys, organisations (R33, R47; C2SP tlog-policy)."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.errors import TrustError
from tanji.trust import checkpoint
from tanji.trust.anchor_text import Witness, format_anchor, with_keyring
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.keys import VerifierKey
from tanji.trust.note import cosign, sign, signature_line
from tanji.trust.policy import Anchor, Policy
from tanji.trust.policy_file import NamedKeyring

from .material import GATEWAY, INSTITUTE, LOG, PLANT, REGISTRARS, WITNESS, key, witness

X = [witness(f"x.example/{number}") for number in (1, 2, 3)]
Y = [witness(f"y.example/{number}") for number in (1, 2, 3)]

# The example of C2SP tlog-policy with keys put in: 2 of 3 of one organisation and any of another.
EXAMPLE = "".join(
    [
        f"log {LOG.vkey()}\n\n",
        *(f"witness X{number} {each.vkey()}\n" for number, each in enumerate(X, 1)),
        "group X-witnesses 2 X1 X2 X3\n\n",
        *(f"witness Y{number} {each.vkey()}\n" for number, each in enumerate(Y, 1)),
        "group Y-witnesses any Y1 Y2 Y3\n\n",
        "group X-and-Y all X-witnesses Y-witnesses\n",
        "quorum X-and-Y\n",
    ]
)
BODY = checkpoint.format(Checkpoint(key(LOG).name, 5, bytes(range(32))))


def cosigned(*witnesses: object, time_s: int = 1_790_000_000) -> bytes:
    return sign(BODY, LOG) + b"".join(cosign(BODY, each, time_s=time_s) for each in witnesses)  # type: ignore[arg-type]


def refused(text: str) -> str:
    with pytest.raises(TrustError) as error:
        Policy.parse(text.encode())
    return error.value.rule


@pytest.mark.parametrize(
    "seen, is_enough",
    [
        (X[:2] + Y[:1], True),
        (X[1:] + Y[2:], True),
        (X + Y, True),
        (X, False),
        (Y, False),
        (X[:1] + Y, False),
        (X[:1] * 2 + Y, False),
        ([], False),
    ],
)
def test_the_quorum_of_the_specifications_example(seen: list[object], is_enough: bool) -> None:
    policy = Policy.parse(EXAMPLE.encode())
    assert policy.is_witnessed
    if is_enough:
        verified = policy.check(cosigned(*seen))
        assert verified.checkpoint.size == 5 and verified.log == key(LOG) and len(verified.times) == len(seen)
    else:
        with pytest.raises(TrustError, match="quorum"):
            policy.check(cosigned(*seen))


def test_without_a_quorum_the_log_is_enough_and_times_are_still_told() -> None:
    policy = Policy.parse(f"log {LOG.vkey()}\nwitness w {WITNESS.vkey()}\nquorum none\n".encode())
    assert not policy.is_witnessed
    assert policy.check(cosigned()).times == {}
    assert policy.check(cosigned(WITNESS, time_s=7)).times == {"w": 7}


def test_a_witness_that_signed_twice_counts_once_and_with_its_earlier_time() -> None:
    policy = Policy.parse(f"log {LOG.vkey()}\nwitness w {WITNESS.vkey()}\nquorum w\n".encode())
    note = cosigned(WITNESS, time_s=9) + cosign(BODY, WITNESS, time_s=7) + cosign(BODY, WITNESS, time_s=8)
    assert policy.check(note).times == {"w": 7}


def test_a_checkpoint_needs_a_log_of_the_policy_and_its_origin() -> None:
    policy = Policy.parse(f"log {LOG.vkey()}\nwitness w {WITNESS.vkey()}\nquorum w\n".encode())
    body = checkpoint.format(Checkpoint("other.example/log", 5, bytes(32)))
    for note, rule in (
        (sign(BODY, GATEWAY) + cosign(BODY, WITNESS, time_s=7), "note-unknown-key"),
        (BODY + b"\n" + cosign(BODY, WITNESS, time_s=7), "note-unknown-key"),
        (sign(body, LOG) + cosign(body, WITNESS, time_s=7), "checkpoint-origin"),
        (sign(b"not a checkpoint\n", LOG), "checkpoint-form"),
        (cosigned() + cosign(b"x\n", WITNESS, time_s=7), "note-signature"),
        (BODY + b"\n" + signature_line(b"x\n", LOG) + cosign(BODY, WITNESS, time_s=7), "note-signature"),
    ):
        with pytest.raises(TrustError) as error:
            policy.check(note)
        assert error.value.rule == rule


def test_a_log_key_of_the_keyring_is_taken_beside_those_of_the_policy() -> None:
    policy = Policy.parse(f"log {GATEWAY.vkey()}\nquorum none\n".encode())
    assert policy.check(cosigned(), logs=[key(LOG)]).log == key(LOG)
    same = VerifierKey.make("w", 4, key(LOG).public)
    both = Policy.parse(f"witness w {same.text}\nquorum none\n".encode())
    with pytest.raises(TrustError, match="key-twice"):
        both.check(cosigned(), logs=[key(LOG)])


def test_one_witness_key_under_two_names_is_refused() -> None:
    """Thresholds count parties, not lines: sigstore-go CVE-2026-49834."""
    twin = VerifierKey.make("other.example/w", 4, key(WITNESS).public)
    assert refused(f"witness a {WITNESS.vkey()}\nwitness b {twin.text}\ngroup g 2 a b\nquorum g\n") == "key-twice"
    assert refused(f"log {LOG.vkey()}\nlog {LOG.vkey()}\nquorum none\n") == "key-twice"
    as_witness = VerifierKey.make("w", 4, key(LOG).public)
    assert refused(f"log {LOG.vkey()}\nwitness w {as_witness.text}\nquorum w\n") == "key-twice"


W1, W2 = f"witness a {X[0].vkey()}\n", f"witness b {X[1].vkey()}\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        W1,
        f"{W1}quorum a",
        f"{W1}quorum a\nquorum a\n",
        f"{W1}quorum none\nquorum none\n",
        f"quorum a\n{W1}",
        f"{W1}quorum b\n",
        f"{W1}{W1.replace(X[0].vkey(), X[1].vkey())}quorum a\n",
        f"{W1.replace(' a ', ' none ')}quorum none\n",
        f"{W1}group g 1 b\n{W2}quorum g\n",
        f"{W1}{W2}group g 0 a b\nquorum g\n",
        f"{W1}{W2}group g 3 a b\nquorum g\n",
        f"{W1}{W2}group g 02 a b\nquorum g\n",
        f"{W1}{W2}group g -1 a b\nquorum g\n",
        f"{W1}{W2}group g some a b\nquorum g\n",
        f"{W1}{W2}group g 2 a a\nquorum g\n",
        f"{W1}{W2}group g 1 a\ngroup h 1 a\nquorum g\n",
        f"{W1}{W2}group g 1 none\nquorum g\n",
        f"{W1}{W2}group g 1 g\nquorum g\n",
        f"{W1}{W2}group a 1 b\nquorum a\n",
        f"{W1}{W2}group none 1 b\nquorum none\n",
        f"{W1}group g any\nquorum g\n",
        f"{W1}quorum\n",
        f"{W1}quorum a b\n",
        f"{W1}Quorum a\n",
        f"witness a\n{W1}quorum a\n",
        f"{W1[:-1]} http://x y\nquorum a\n",
        f"{W1}registrar institute {INSTITUTE.vkey()}\nquorum a\n",
        f"{W1}quorum a\r\n",
        f"{W1}quorum a\n\x00",
        f"{W1}quorum a \x7f\n",
        f"{W1}quorum a # of one\n",
        "# comment\n" * 40_000 + "quorum none\n",
    ],
)
def test_a_policy_that_says_less_or_more_is_refused(text: str) -> None:
    assert refused(text) == "policy-form"


def test_keys_of_the_wrong_type_are_refused() -> None:
    assert refused(f"log {WITNESS.vkey()}\nquorum none\n") == "key-form"
    assert refused(f"witness w {LOG.vkey()}\nquorum w\n") == "key-form"
    assert refused("log nonsense\nquorum none\n") == "key-form"


def test_blanks_comments_addresses_and_foreign_letters_are_taken() -> None:
    text = f"\t# 见证人\n\n  witness\t计量院 {WITNESS.vkey()}   https://w.example/ \n quorum 计量院\t\n"
    policy = Policy.parse(text.encode())
    assert policy.quorum == "计量院" and policy.witnesses["计量院"].url == "https://w.example/"
    assert Policy.parse(text.encode("gb18030").replace(b"\x80", b"")).quorum != policy.quorum, "names are opaque bytes"


def test_a_deep_policy_is_judged_without_recursion() -> None:
    names = [f"g{number}" for number in range(3_000)]
    lines = [W1, "group g0 1 a\n", *(f"group {b} all {a}\n" for a, b in itertools.pairwise(names))]
    policy = Policy.parse(("".join(lines) + f"quorum {names[-1]}\n").encode())
    policy.require(["a"])
    with pytest.raises(TrustError, match="quorum"):
        policy.require(["b"])


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_by_a_rule(data: bytes) -> None:
    for attempt in (data, data + b"\nquorum none\n", b"witness a " + data + b"\nquorum a\n"):
        try:
            Policy.parse(attempt)
        except TrustError as error:
            assert error.rule in ("policy-form", "key-form", "key-weak", "key-twice")


def test_an_anchor_is_a_policy_with_registrars() -> None:
    text = f"log {LOG.vkey()}\nregistrar institute {INSTITUTE.vkey()}\nquorum none\nregistrar plant {PLANT.vkey()}\n"
    anchor = Anchor.parse(text.encode())
    assert [each.organisation for each in anchor.registrars] == ["institute", "plant"]
    assert not anchor.is_self_registered
    assert Anchor.parse(text.replace("institute", "self-registered").encode()).is_self_registered
    for old, new, rule in (
        (f"registrar institute {INSTITUTE.vkey()}\n", "", "policy-form"),
        (f"registrar plant {PLANT.vkey()}\n", "", "policy-form"),
        ("registrar plant", "registrar institute", "policy-form"),
        ("registrar plant", "registrar self-registered", "policy-form"),
        ("registrar plant", "registrar Plant", "policy-form"),
        ("registrar plant", "registrar", "policy-form"),
        (f"log {LOG.vkey()}\n", "", "policy-form"),
        (PLANT.vkey(), INSTITUTE.vkey(), "key-twice"),
        (PLANT.vkey(), LOG.vkey(), "key-twice"),
        (PLANT.vkey(), WITNESS.vkey(), "key-form"),
        ("quorum none\n", "", "policy-form"),
    ):
        with pytest.raises(TrustError) as error:
            Anchor.parse(text.replace(old, new).encode())
        assert error.value.rule == rule, new


ANCHOR = (
    f"log {LOG.vkey()}\nquorum none\nregistrar institute {INSTITUTE.vkey()}\nregistrar plant {PLANT.vkey()}\n"
).encode()


def test_an_anchor_may_name_the_newest_keyring() -> None:
    assert Anchor.parse(ANCHOR).keyring is None, "an older anchor goes on working"
    assert Anchor.parse(ANCHOR + b"keyring 2 1500\n").keyring == NamedKeyring(2, 1500)
    assert Anchor.parse(ANCHOR + b"\n# by the institute\n keyring\t1  0 \n# end\n\n").keyring == NamedKeyring(1, 0)
    largest = 2**63 - 1
    assert Anchor.parse(ANCHOR + b"keyring %d %d\n" % (largest, largest)).keyring == NamedKeyring(largest, largest)


@pytest.mark.parametrize(
    "line",
    [
        "keyring 2",
        "keyring 2 1500 x",
        "keyring",
        "keyring 0 1500",
        "keyring 02 1500",
        "keyring 2 01500",
        "keyring 2 -1",
        "keyring +2 1500",
        "keyring 2 1.5",
        "keyring ２ 1500",
        "keyring 2 9223372036854775808",
        "keyring 9223372036854775808 2",
        "Keyring 2 1500",
        "keyring 2 1500\nkeyring 2 1500",
        "keyring 2 1500\nkeyring 3 1500",
        "keyring 2 1500\nkeyring 2 1600",
        "keyring 3 1500\nkeyring 2 1600",
        "keyring 2 1600\nkeyring 3 1500",
        f"keyring 2 1500\nwitness w {WITNESS.vkey()}",
    ],
)
def test_lines_of_keyrings_stand_in_their_form_rising_and_last(line: str) -> None:
    with pytest.raises(TrustError) as error:
        Anchor.parse(ANCHOR + f"{line}\n".encode())
    assert error.value.rule == "policy-form"


def test_the_line_of_a_keyring_is_for_anchors_and_behind_the_others() -> None:
    with pytest.raises(TrustError, match="policy-form"):
        Policy.parse(b"quorum none\nkeyring 2 1500\n")
    for line in ANCHOR.split(b"\n")[:-1]:
        moved = ANCHOR.replace(line + b"\n", b"") + b"keyring 2 1500\n" + line + b"\n"
        with pytest.raises(TrustError, match=r"line 5: policy-form: expected nothing after the lines keyring"):
            Anchor.parse(moved)


def test_an_anchor_names_several_keyrings_each_up_to_its_index() -> None:
    anchor = Anchor.parse(ANCHOR + b"keyring 2 1500\n# and since\nkeyring 4 1600\n")
    assert anchor.keyrings == (NamedKeyring(2, 1500), NamedKeyring(4, 1600))
    assert anchor.keyring == NamedKeyring(4, 1600)


def test_an_anchor_is_given_the_name_of_a_keyring_and_nothing_else_changes() -> None:
    text = "# 信任锚\n\n".encode() + ANCHOR
    first = with_keyring(text, NamedKeyring(2, 1500))
    assert first == text + b"keyring 2 1500\n"
    both = text + b"keyring 2 1500\n# end\nkeyring 3 1600\n"
    assert with_keyring(first + b"# end\n", NamedKeyring(3, 1600)) == both, "evidence of 1550 entries shows the second"
    assert with_keyring(both, NamedKeyring(3, 1550)) == text + b"keyring 2 1500\n# end\nkeyring 3 1550\n"
    assert with_keyring(both, NamedKeyring(4, 1500)) == text + b"# end\nkeyring 4 1500\n", "it asks for more than both"
    for data, named in ((b"quorum none\n", NamedKeyring(2, 0)), (text, NamedKeyring(0, 0))):
        with pytest.raises(TrustError, match="policy-form"):
            with_keyring(data, named)


def test_a_written_anchor_counts_organisations() -> None:
    witnesses = [Witness("x", key(each), "http://x") for each in X] + [Witness("y", key(Y[0]))]
    data = format_anchor(logs=[key(LOG)], witnesses=witnesses, quorum=2, registrars=REGISTRARS)
    anchor = Anchor.parse(data)
    assert anchor.registrars == REGISTRARS and anchor.policy.witnesses[key(X[0]).name].url == "http://x"
    assert anchor.policy.check(cosigned(X[0], Y[0])).times.keys() == {key(X[0]).name, key(Y[0]).name}
    with pytest.raises(TrustError, match="quorum"):
        anchor.policy.check(cosigned(*X))
    alone = format_anchor(logs=[key(LOG)], witnesses=(), quorum=0, registrars=REGISTRARS)
    assert not Anchor.parse(alone).policy.is_witnessed
    with pytest.raises(TrustError, match="policy-form"):
        format_anchor(logs=[key(LOG)], witnesses=(), quorum=1, registrars=REGISTRARS)
