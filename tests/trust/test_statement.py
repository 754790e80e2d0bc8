"""A statement has one spelling: every other one is refused, and says which field it was (reference/trust.md 2.5).

The canonical form is compared with `rfc8785`, an independent implementation; sums with whole numbers of millionths.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tanji.errors import TrustError
from tanji.trust import statement
from tanji.trust.statement import TYPE_LINE, fixed, format_statement, parse

HASH = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
DAY = 1_772_323_200_000

RESULT = {
    "line": "line1", "stream": "coal", "item": "fossil_fuel", "method": "heat_content", "activity": "480.000000",
    "activity_unit": "t", "factor": "2.000000", "factor_unit": "tCO2/t", "co2_t": "960.000000",
    "u_rel": "0.010000", "substituted": "0.041667",
}  # fmt: skip
GIVEN: dict[str, Any] = {
    "plant": "demo",
    "period": {"from_ms": DAY, "to_ms": DAY + 86_400_000, "name": "2026-03-01"},
    "boundary": "clinker",
    "rule_set": "gbt32151_8",
    "results": [RESULT, {**RESULT, "stream": "waste", "co2_t": "-0.500000", "activity": None, "factor": None}],
    "total_co2_t": "959.500000",
    "total_u_rel": None,
    "inputs": {
        "origin": "demo.example/log", "size": 40, "root": HASH, "from_ms": DAY - 3_600_000,
        "to_ms": DAY + 90_000_000, "manifest": {"count": 48, "root": HASH},
        "gateways": [
            {"gateway": "demo.example/gw1", "first_seq": 0, "last_seq": 12},
            {"gateway": "demo.example/lab", "first_seq": None, "last_seq": None},
        ],
    },
    "method": {"name": "tanji", "version": "0.1.0", "commit": "unknown", "sha256": DIGEST},
    "rules": {"id": "gbt32151_8", "sha256": DIGEST},
    "factors": {"sha256": DIGEST},
    "plant_file": {"sha256": DIGEST, "point_map": DIGEST},
    "ledger": {"sha256": DIGEST, "certificates": [{"meter": "scale", "number": "证 2026-001", "due": "2027-03-01"}]},
    "quality": {
        "captured": "0.990000", "substituted_hours": 1, "missing_hours": 0, "anomalies_open": 3,
        "late_share": "0.000000",
    },
    "status": "provisional",
    "supersedes": None,
    "reason": "",
    "witnessed": True,
}  # fmt: skip


def body(said: dict[str, Any]) -> bytes:
    return TYPE_LINE + rfc8785.dumps(said) + b"\n"


def altered(change: Callable[[dict[str, Any]], None]) -> bytes:
    said = copy.deepcopy(GIVEN)
    change(said)
    return body(said)


def test_what_is_formatted_reads_back_and_is_canonical_json() -> None:
    found = parse(body(GIVEN))
    assert format_statement(found) == body(GIVEN)
    assert found.results[1].co2_t == "-0.500000" and found.inputs.gateways[1].first_seq is None
    assert found.subject == (DAY, DAY + 86_400_000, "clinker", "gbt32151_8")


FIELDS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "plant": (lambda s: s.update(plant="Demo"), "plant"),
    "boundary": (lambda s: s.update(boundary="site"), "boundary"),
    "half an hour": (lambda s: s["period"].update(to_ms=DAY + 1_800_000), "period"),
    "backwards": (lambda s: s["period"].update(to_ms=DAY), "period"),
    "name": (lambda s: s["period"].update(name="a\nb"), "period.name"),
    "five decimals": (lambda s: s["results"][0].update(co2_t="960.00000"), "results[0].co2_t"),
    "exponent": (lambda s: s["results"][0].update(activity="4.8e2"), "results[0].activity"),
    "minus zero": (lambda s: s["results"][0].update(factor="-0.000000"), "results[0].factor"),
    "plus": (lambda s: s["results"][0].update(co2_t="+960.000000"), "results[0].co2_t"),
    "leading zero": (lambda s: s["results"][0].update(co2_t="0960.000000"), "results[0].co2_t"),
    "number": (lambda s: s["results"][0].update(co2_t=960), "results[0].co2_t"),
    "no tonnes": (lambda s: s["results"][0].update(co2_t=None), "results[0].co2_t"),
    "share above one": (lambda s: s["results"][0].update(substituted="1.000001"), "results[0].substituted"),
    "negative uncertainty": (lambda s: s["results"][0].update(u_rel="-0.010000"), "results[0].u_rel"),
    "another order": (lambda s: s["results"].reverse(), "results"),
    "a result twice": (lambda s: s["results"].append(s["results"][1]), "results"),
    "total": (lambda s: s.update(total_co2_t="930.700000"), "total_co2_t"),
    "total off by a gram": (lambda s: s.update(total_co2_t="959.500001"), "total_co2_t"),
    "size as text": (lambda s: s["inputs"].update(size="40"), "inputs.size"),
    "size as truth": (lambda s: s["inputs"].update(size=True), "inputs.size"),
    "negative size": (lambda s: s["inputs"].update(size=-1), "inputs.size"),
    "hexadecimal root": (lambda s: s["inputs"].update(root=DIGEST), "inputs.root"),
    "spare bits": (lambda s: s["inputs"].update(root=HASH[:-2] + "V="), "inputs.root"),
    "window": (lambda s: s["inputs"].update(from_ms=DAY + 1), "inputs.from_ms"),
    "window ends early": (lambda s: s["inputs"].update(to_ms=DAY), "inputs.from_ms"),
    "chains unsorted": (lambda s: s["inputs"]["gateways"].reverse(), "inputs.gateways"),
    "half a range": (lambda s: s["inputs"]["gateways"][0].update(last_seq=None), "inputs.gateways"),
    "range backwards": (lambda s: s["inputs"]["gateways"][0].update(first_seq=13), "inputs.gateways"),
    "other rules": (lambda s: s["rules"].update(id="cets_ag_02_01"), "rules.id"),
    "upper-case digest": (lambda s: s["factors"].update(sha256=DIGEST.upper()), "factors.sha256"),
    "status": (lambda s: s.update(status="approved"), "status"),
    "supersedes": (lambda s: s.update(supersedes=DIGEST), "supersedes"),
    "supersedes without reason": (lambda s: s.update(supersedes=HASH), "reason"),
    "missing without reason": (lambda s: s["quality"].update(missing_hours=1), "reason"),
    "witnessed": (lambda s: s.update(witnessed="yes"), "witnessed"),
    "no reason key": (lambda s: s.__delitem__("reason"), ""),
    "one key more": (lambda s: s.update(note="x"), ""),
    "one key more inside": (lambda s: s["quality"].update(note="x"), "quality"),
    "no object": (lambda s: s.update(method="tanji"), "method"),
    "no list": (lambda s: s.update(results={}), "results"),
    "line separator": (lambda s: s.update(reason="a\u2028b"), "reason"),
}


@pytest.mark.parametrize("name", [*FIELDS])
def test_a_field_that_is_not_as_it_must_be_is_named(name: str) -> None:
    change, where = FIELDS[name]
    with pytest.raises(TrustError) as error:
        parse(altered(change))
    assert (error.value.rule, error.value.where) == ("statement-field", where)


@pytest.mark.parametrize(
    "data",
    [
        b"tanji/statement/v2\n" + body(GIVEN).removeprefix(TYPE_LINE),
        body(GIVEN)[:-1],
        body(GIVEN) + b"\n",
        body(GIVEN).replace(b"\n{", b"\n\n{"),
        body(GIVEN).replace(b'{"boundary"', b'{ "boundary"'),
        body(GIVEN).replace(b'"boundary":"clinker",', b'"boundary":"clinker","boundary":"clinker",'),
        body(GIVEN).replace(b'"size":40', b'"size":40.0'),
        body(GIVEN).replace(b'"size":40', b'"size":4e1'),
        TYPE_LINE + json.dumps(GIVEN, separators=(",", ":")).encode() + b"\n",
        TYPE_LINE + b"[]\n",
        TYPE_LINE + b"NaN\n",
        TYPE_LINE + b"\xff\n",
        TYPE_LINE,
        b"",
    ],
)
def test_another_spelling_of_the_same_content_is_refused(data: bytes) -> None:
    with pytest.raises(TrustError) as error:
        parse(data)
    assert error.value.rule == "statement-form"


@given(st.decimals(-(10**12), 10**12, places=9))
def test_a_printed_quantity_is_within_half_a_millionth_and_half_goes_to_even(value: Decimal) -> None:
    text = fixed(value)
    assert abs(Decimal(text) - value) <= Decimal("0.0000005")
    assert text == f"{round(value * 10**6) / Decimal(10**6):.6f}".replace("-0.000000", "0.000000")


def test_zero_has_no_sign_and_halves_go_to_even() -> None:
    assert [fixed(value) for value in (0.0, -0.0, -1e-9, *map(Decimal, ("5e-7", "1.5e-6", "2.5e-6")))] == [
        "0.000000", "0.000000", "0.000000", "0.000000", "0.000002", "0.000002",
    ]  # fmt: skip


@given(st.lists(st.integers(-(10**17), 10**17), max_size=30))
def test_a_total_is_the_exact_sum_of_what_is_printed(millionths: list[int]) -> None:
    results = tuple(
        statement.Result(**{**RESULT, "co2_t": fixed(Decimal(one).scaleb(-6))})  # type: ignore[arg-type]
        for one in millionths
    )
    assert statement.total(results) == fixed(Decimal(sum(millionths)).scaleb(-6))
