"""What is sealed of the readings, and which value stands (trust.md 2.3, 2.8 and section 8, trap 11; R33, R35, R36)."""

from __future__ import annotations

import random
import struct
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sealer.rows import Rows
from services.sealer.seal_history import FEW_KEYS, MOST_RANGES, History, ranges_of
from services.sealer.seal_lines import Points, payload, value_texts
from tanji.plant.model import Plant
from tanji.plant.point_map import point_map
from tanji.trust.canonical import format_value

from .seal_rig import MINUTE, LogDouble, header, sealing, standing
from .sealer_rig import COAL, FEED, NOON, PLANT_ID, POWER, Rig, line, plant

DUPLICATE = 4
"""Bit 2 of the flag word (quality.md section 2)."""

Found = dict[tuple[str, int], tuple[float | None, int]]


def agreed(sealer: Rig, log: LogDouble) -> Found:
    """What stands by the sealed lines, which is what the store has."""
    assert sealer.sealer.drain(20)
    found = standing(log.lines())
    assert found == {(point, at): (value, word) for point, at, value, word in sealer.stored()}
    return found


def cut(sealer: Rig) -> None:
    assert sealer.sealer.seal_now(20)


def texts(log: LogDouble) -> list[str]:
    """Sealed lines in the order of the log, without point and time."""
    return [f"{each.value_text} {each.quality}" for each in log.lines()]


def test_a_reading_becomes_the_line_of_the_format_page(tmp_path: Path) -> None:
    log = LogDouble()
    with sealing(tmp_path, log=log) as sealer:
        sealer.accept(line(FEED, NOON, 331.25))
        cut(sealer)
        ((note, data),) = log.entries
        assert data == b"kiln1.feed.mass_flow 1772323200000 331.25 0\n"
        batch = header(note)
        assert (batch.kind, batch.seq, batch.prev, batch.from_ms) == ("regular", 0, bytes(32), NOON)
        assert batch.pointmap == sha256(point_map(plant())).digest()
        assert batch.root == sha256(b"\x00" + data).digest()  # one leaf is its own root (RFC 6962)
        seal = sealer.sealer.report()["seal"]
        assert (seal["state"], seal["next_seq"], seal["points"], seal["unlogged"]) == ("ok", 1, 1, 0)
        assert b"tanji_seal_next_seq 1" in sealer.ask("GET", "/metrics")[1]


def test_without_a_signing_key_nothing_is_sealed_and_health_says_so(tmp_path: Path) -> None:
    with sealing(tmp_path, signer=None, point_map=None) as sealer:
        sealer.accept(line(FEED, NOON))
        status, report = sealer.ask("GET", "/healthz")
        assert status == 200 and report["status"] == "ok"
        assert report["seal"] == {
            "state": "off",
            "reason": "no keys: nothing is sealed",
        }
        assert not (tmp_path / "seal").exists() and not sealer.sealer.seal_now(1)


@pytest.mark.parametrize("later", ["same body", "same minute", "next batch", "late batch", "after a restart"])
def test_the_first_of_two_values_stands_in_evidence_and_store(tmp_path: Path, later: str) -> None:
    log, now = LogDouble(), [NOON]
    first, second = line(FEED, NOON, 331.25), line(FEED, NOON, 321.25)
    with sealing(tmp_path, log=log, clock=lambda: now[0]) as sealer:
        if later == "same body":
            sealer.accept(first + second)
        else:
            sealer.accept(first)
        if later == "same minute":
            sealer.accept(second)
        elif later == "next batch":
            cut(sealer)
            sealer.accept(second)
        elif later == "late batch":
            cut(sealer)
            now[0] += 10 * MINUTE
            cut(sealer)
            sealer.accept(second)
        cut(sealer)
        assert agreed(sealer, log)
    if later == "after a restart":
        now[0] += MINUTE
    with sealing(tmp_path, log=log, clock=lambda: now[0]) as sealer:
        sealer.accept(second)  # and a repeat of the one that was refused is dropped
        cut(sealer)
        assert agreed(sealer, log) == {(FEED, NOON): (331.25, 0)}
    lines = [each.text() for each in log.lines()]
    assert sorted(lines) == [
        b"kiln1.feed.mass_flow 1772323200000 321.25 4\n",
        b"kiln1.feed.mass_flow 1772323200000 331.25 0\n",
    ]
    kinds = [batch.kind for batch in log.batches() if batch.points]
    assert kinds == {"late batch": ["regular", "late"], "same body": ["regular"], "same minute": ["regular"]}.get(
        later, ["regular", "regular"]
    )


@pytest.mark.parametrize("cuts", [False, True])
def test_a_value_fills_a_failed_read_and_a_second_one_does_not(tmp_path: Path, cuts: bool) -> None:
    log = LogDouble()
    with sealing(tmp_path, log=log) as sealer:
        for value, word in ((None, 1024), (None, 1024), (None, 2048), (5.0, 0), (6.0, 0), (None, 1024), (5.0, 0)):
            sealer.accept(line(FEED, NOON, value, word))
            if cuts:
                cut(sealer)
        cut(sealer)
        assert agreed(sealer, log) == {(FEED, NOON): (5.0, 0)}
        assert sorted(texts(log)) == ["- 1024", "- 2052", "5.0 0", "6.0 4"]


def test_quality_alone_makes_another_reading(tmp_path: Path) -> None:
    log = LogDouble()
    with sealing(tmp_path, log=log) as sealer:
        sealer.accept(line(FEED, NOON, 5.0, 8), line(FEED, NOON, 5.0, 0))
        cut(sealer)
        assert agreed(sealer, log) == {(FEED, NOON): (5.0, 8)} and sorted(texts(log)) == ["5.0 4", "5.0 8"]


def test_zero_and_negative_zero_are_two_values(tmp_path: Path) -> None:
    log = LogDouble()
    with sealing(tmp_path, log=log) as sealer:
        sealer.accept(line(FEED, NOON, "-0.0"), line(FEED, NOON, "0.0"))
        cut(sealer)
        assert texts(log) == ["-0.0 0", "0.0 4"]
        ((_, _, value, _),) = sealer.stored()
        assert struct.pack("<d", value) == struct.pack("<d", -0.0)


def test_a_senders_duplicate_flag_means_nothing(tmp_path: Path) -> None:
    log = LogDouble()
    with sealing(tmp_path, log=log) as sealer:
        sealer.accept(line(FEED, NOON, 5.0, DUPLICATE | 8))
        cut(sealer)
        assert agreed(sealer, log) == {(FEED, NOON): (5.0, 8)}


def many_kinds() -> Plant:
    """Feed is a rate, coal a counter, power a parameter of its meter."""
    made = plant().model_dump(mode="json")
    for point in made["points"]:
        point["kind"] = {FEED: "rate", COAL: "counter", POWER: "parameter"}[point["id"]]
    return Plant.model_validate(made)


def test_counters_are_whole_numbers_and_settings_have_batches_of_their_own(tmp_path: Path) -> None:
    made = many_kinds()
    log = LogDouble(maps=(point_map(made),))
    old = NOON - 3 * MINUTE
    with sealing(tmp_path, log=log, made=made) as sealer:
        sealer.accept(
            line(FEED, NOON, 100), line(COAL, NOON, 100), line(COAL, NOON + 1, "-0.0"), line(COAL, NOON + 2, 2.0**53)
        )
        sealer.accept(
            line(POWER, NOON, 50.5), line(FEED, old, 7), line(POWER, old, 50.5), line(COAL, NOON + 3, None, 8)
        )
        cut(sealer)
        assert [(batch.kind, batch.seq, batch.points) for batch in log.batches()] == [
            ("regular", 0, 5),
            ("late", 1, 1),
            ("config", 2, 2),
        ]
        assert [data.decode().splitlines() for _, data in log.entries] == [
            [
                f"{COAL} {NOON} 100 0",
                f"{COAL} {NOON + 1} 0 0",
                f"{COAL} {NOON + 2} 9007199254740992 0",
                f"{COAL} {NOON + 3} - 8",
                f"{FEED} {NOON} 100.0 0",
            ],
            [f"{FEED} {old} 7.0 0"],
            [f"{POWER} {old} 50.5 0", f"{POWER} {NOON} 50.5 0"],
        ]
        assert agreed(sealer, log)[COAL, NOON + 1] == (0.0, 0)


def test_what_has_no_line_is_parked_at_the_door(tmp_path: Path) -> None:
    log = LogDouble()
    with sealing(tmp_path, log=log, made=many_kinds()) as sealer:
        sealer.accept(
            line(COAL, NOON, -1),
            line(COAL, NOON, -0.5),
            line(COAL, NOON, 2.0**53 + 2),
            line(FEED, -1, 1),
            line(FEED, NOON),
        )
        cut(sealer)
        reasons = [entry["reason"].split(":")[0] for entry in sealer.parked()]
        assert reasons == ["no count", "no count", "no count", "impossible time"]
        assert agreed(sealer, log) == {(FEED, NOON): (1.0, 0)}


def test_of_a_counter_with_decimals_the_complete_counts_are_sealed_and_stored(tmp_path: Path) -> None:
    log = LogDouble()
    with sealing(tmp_path, log=log, made=many_kinds()) as sealer:
        sealer.accept(line(COAL, NOON, 1.5), line(COAL, NOON + 1, 2.0**53), line(COAL, NOON + 2, -0.0))
        sealer.accept(line(FEED, NOON, 1.5))
        cut(sealer)
        assert agreed(sealer, log) == {
            (COAL, NOON): (1.0, 0),
            (COAL, NOON + 1): (2.0**53, 0),
            (COAL, NOON + 2): (0.0, 0),
            (FEED, NOON): (1.5, 0),
        }
        assert sealer.parked() == []


def test_lines_are_in_the_order_of_bytes_even_where_numbers_have_another(tmp_path: Path) -> None:
    log = LogDouble()
    with sealing(tmp_path, log=log) as sealer:
        sealer.accept(line(FEED, 9), line(FEED, 10), line(FEED, 100), line(COAL, 5), line(FEED, 999), line(FEED, 1000))
        cut(sealer)
        assert agreed(sealer, log)  # the log checks the order
        assert [each.time_ms for each in log.lines() if each.point == FEED] == [10, 100, 1000, 9, 999]


def test_points_are_in_the_order_of_bytes_where_one_begins_like_another(tmp_path: Path) -> None:
    names = ("kiln1.a", "kiln1.a.b", "kiln1.a0", "kiln1.a_b", "kiln1.aa")
    log = LogDouble()
    with sealing(tmp_path, log=log, points=names) as sealer:
        sealer.accept(*(line(name, NOON) for name in reversed(names)))
        cut(sealer)
        assert len(log.lines()) == 5  # the log checks the order


def test_a_plant_of_unknown_senders_seals_what_telegraf_and_pollers_sent_alike(tmp_path: Path) -> None:
    log = LogDouble()
    with sealing(tmp_path, log=log) as sealer:
        nanoseconds = f"reading,point={FEED},plant={PLANT_ID} value=1,quality=0i {NOON}000999\n"  # as Telegraf does
        assert sealer.post(nanoseconds, "/api/v2/write?precision=ns&bucket=x")[0] == 204
        assert sealer.post(line(COAL, NOON), "/write?precision=ms")[0] == 204
        assert sealer.post(f"cpu usage=1 {NOON}\n")[0] == 204  # host metrics are no evidence
        cut(sealer)
        assert [each.point for each in log.lines()] == [COAL, FEED]
        assert agreed(sealer, log) == {(FEED, NOON): (1.0, 0), (COAL, NOON): (1.0, 0)}


def model(readings: list[tuple[str, int, float | None, int]]) -> tuple[Found, set[str]]:
    """The rule of trust.md 2.3 and 2.8 reading by reading: what stands, and every line that is sealed."""
    stands: Found = {}
    lines: dict[tuple[str, int], set[tuple[float | None, int]]] = {}
    for point, at, value, word in readings:
        sealed = lines.setdefault((point, at), set())
        if (value, word) in sealed:
            continue
        fills = value is not None and stands.get((point, at), (0.0, 0))[0] is None
        if not sealed or fills:
            stands[point, at] = value, word
            sealed.add((value, word))
        else:
            sealed.add((value, word | DUPLICATE))
    texts = {
        f"{point} {at} {format_value(value, is_counter=False)} {word}"
        for (point, at), sealed in lines.items()
        for value, word in sealed
    }
    return stands, texts


def test_a_thousand_readings_of_few_times_follow_the_rule_whatever_the_cuts_and_restarts(tmp_path: Path) -> None:
    rng = random.Random(20260301)
    log, now, sent = LogDouble(), [NOON], []
    for _ in range(5):
        with sealing(tmp_path, log=log, clock=lambda: now[0]) as sealer:
            for _ in range(10):
                body = [
                    (
                        rng.choice((FEED, COAL)),
                        NOON + rng.randrange(12),
                        rng.choice((None, 1.0, 2.0)),
                        rng.choice((0, 8)),
                    )
                    for _ in range(20)
                ]
                sent += body
                sealer.accept(*(line(*each) for each in body))
                if rng.random() < 0.4:
                    cut(sealer)
                now[0] += rng.choice((0, 1000, 5 * MINUTE))
            cut(sealer)
            stands, lines = model(sent)
            assert agreed(sealer, log) == stands
    assert {each.text().decode().strip() for each in log.lines()} == lines
    assert len(log.lines()) == len(lines)


def rows(values: list[float]) -> Rows:
    size = len(values)
    return Rows(
        np.zeros(size, np.int32),
        np.arange(NOON, NOON + size),
        np.array(values),
        np.ones(size, bool),
        np.zeros(size, np.int64),
    )


POINT = Points((FEED,), np.zeros(1, bool), np.zeros(1, bool))

FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(-(10**12), 10**12, places=3).map(float),
    st.integers(-(10**17), 10**17).map(float),
    st.integers(-320, 308).map(lambda power: float(f"1e{power}")),
)


@settings(max_examples=300)
@given(st.lists(FLOATS, min_size=1, max_size=50))
def test_the_text_of_a_value_is_what_repr_writes(values: list[float]) -> None:
    assert value_texts(rows(values), POINT).to_pylist() == [repr(value) for value in values]


def test_the_text_of_a_million_random_bit_patterns_is_what_repr_writes() -> None:
    values = np.random.default_rng(20260301).integers(0, 2**64, 1_000_000, np.uint64).view(np.float64)
    values = values[np.isfinite(values)].tolist()
    assert value_texts(rows(values), POINT).to_pylist() == list(map(repr, values))


def test_a_payload_of_nothing_is_empty() -> None:
    nothing = payload(rows([]), POINT)
    assert (nothing.data, nothing.lines) == (b"", []) and nothing.root == sha256(b"").digest()


def test_one_wrong_clock_does_not_make_a_batch_meet_all_others() -> None:
    times = np.array([NOON, NOON + 1000, 4_000_000_000_000, 5, NOON + 500_000])
    assert ranges_of(times) == ((5, 5), (NOON, NOON + 500_000), (4_000_000_000_000, 4_000_000_000_000))
    far = np.arange(1000) * 10_000_000
    found = ranges_of(far)
    assert len(found) == MOST_RANGES and found[0][0] == 0 and found[-1][1] == 9_990_000_000
    assert all(any(first <= time <= last for first, last in found) for time in far.tolist())


@pytest.mark.parametrize("size", [1, FEW_KEYS, FEW_KEYS + 1, 60])
def test_what_was_sealed_is_found_whether_few_or_many_are_asked_for(size: int) -> None:
    rng = random.Random(size)
    files = {}
    history = History(files.__getitem__)
    for seq in range(3):
        made = {f"a.{point} {NOON + rng.randrange(40)} {rng.randrange(3)}.0 0\n" for point in "bcd" for _ in range(40)}
        files[seq] = "".join(sorted(made)).encode()
        times = np.array([int(line.split()[1]) for line in made])
        history.add(seq, ranges_of(times), digest=sha256(files[seq]).digest())
    keys = [f"a.{rng.choice('bcde')} {NOON + rng.randrange(-5, 45)} ".encode() for _ in range(size)]
    found = history.find(keys, np.array([int(key.split()[1]) for key in keys]))
    for key in keys:
        expected = [
            line[len(key) :]
            for seq in range(3)
            for line in files[seq].splitlines(keepends=True)
            if line.startswith(key)
        ]
        assert found.get(key, []) == expected
