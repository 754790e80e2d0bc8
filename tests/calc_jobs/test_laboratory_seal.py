"""The laboratory's batches: samples when taken, results when known, one chain through crashes and restored disks."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from calc_jobs import laboratory_seal
from calc_jobs.laboratory_chain import LaboratoryChain
from calc_jobs.laboratory_seal import SILENCE_MS, LaboratorySeal, sealed_basis
from tanji.errors import TrustError
from tanji.ledger import Ledger
from tanji.ledger.entries import CLOSING_FACTOR, Entry
from tanji.ledger.samples import Sample, register
from tanji.trust import note
from tanji.trust.batch import GENESIS, Batch, ChainEnd, leaf
from tanji.trust.batch_payload import check_payload
from tanji.trust.batch_signer import OneKey
from tanji.trust.keys import ED25519, VerifierKey
from tanji.trust.payload import parse_laboratory
from tanji.trust.signer import Ed25519Signer

from ..trust.fsync_shim import PowerCuts

NAME = "p1.example/lab"
SIGNER = Ed25519Signer(NAME, bytes([7] * 32), ED25519)
OTHER = Ed25519Signer(NAME, bytes([8] * 32), ED25519)
POINT_MAP = bytes([5] * 32)
T0 = 1_772_323_200_000
DAY = 86_400_000


class RememberingLog:
    """Takes batches in order, as a log does, and may be away."""

    def __init__(self, *signers: Ed25519Signer) -> None:
        self.batches: list[tuple[Batch, bytes, bytes]] = []
        self.away = False
        self._keys = [VerifierKey.parse(signer.vkey()) for signer in signers or (SIGNER,)]

    def add_batch(self, signed: bytes, payload: bytes) -> int:
        if self.away:
            raise TrustError("batch-sequence", expected="a log", got="none")
        batch = Batch.parse(note.open_note(signed, self._keys).body)
        check_payload(batch, payload)
        assert batch.seq == len(self.batches)
        assert batch.prev == (leaf(self.batches[-1][1]) if self.batches else GENESIS)
        assert batch.from_ms == (self.batches[-1][0].to_ms if self.batches else batch.sealed_ms)
        self.batches.append((batch, signed, payload))
        return len(self.batches) - 1

    def chain_end(self, gateway: str) -> ChainEnd | None:
        if self.away:
            raise TrustError("batch-sequence", expected="a log", got="none")
        if not self.batches:
            return None
        batch, signed, _ = self.batches[-1]
        return ChainEnd(batch.seq, leaf(signed), batch.to_ms, signed)

    @property
    def payloads(self) -> list[list[str]]:
        return [payload.decode().split("\n")[:-1] for _, _, payload in self.batches]


class Rig:
    """A ledger, a log and the seal between them, at a time that stands still until it is moved."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.log = folder, T0, RememberingLog()
        self.ledger = Ledger(folder / "ledger.sqlite")

    def start(self, signer: Ed25519Signer = SIGNER, *, keys: OneKey | None = None) -> LaboratorySeal:
        return LaboratorySeal(
            self.folder / "laboratory",
            keys=keys or OneKey(signer),
            ledger=self.ledger,
            batch_log=self.log,
            pointmap=POINT_MAP,
            clock=lambda: self.now,
            clock_text=lambda: "ntp 2ms",
        )

    def enter(self, *entries: Entry) -> None:
        self.ledger.enter(entries, recorded_at_ms=self.now)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    found = Rig(tmp_path)
    yield found
    found.ledger.close()


def result(value: float = 23.1, *, sample: str = "KC-1", parameter: str = "net_calorific_value") -> Entry:
    return Entry(sample, "coal", parameter, value, "GJ/t", T0, T0 + DAY, basis="as_received")


def test_a_number_is_sealed_when_it_is_taken_and_its_result_when_it_is_known(rig: Rig) -> None:
    seal = rig.start()
    register(rig.ledger, [Sample("KC 1/煤", "coal", T0)], recorded_at_ms=T0)
    assert seal.seal().batches == 1
    rig.now += 1000
    rig.enter(result(sample="KC 1/煤"))
    assert seal.seal().lines == 1
    assert rig.log.payloads == [
        [f"sample KC%201%2F%E7%85%A4 {T0}"],
        [f"result KC%201%2F%E7%85%A4 coal.net_calorific_value {T0} {T0 + DAY} 23.1 GJ%2Ft%20as_received"],
    ]
    first, second = (batch for batch, _, _ in rig.log.batches)
    assert (first.from_ms, first.to_ms, first.sealed_ms) == (T0, T0, T0)
    assert (second.from_ms, second.to_ms, second.kind) == (T0, T0 + 1000, "laboratory")


def test_nothing_new_is_no_batch_until_an_hour_has_passed(rig: Rig) -> None:
    seal = rig.start()
    assert seal.seal().batches == 1, "the first batch says that the chain has begun"
    rig.now += SILENCE_MS - 1
    assert seal.seal().batches == 0
    rig.now += 1
    assert seal.seal().batches == 1
    assert seal.seal(even_nothing=True).batches == 1
    assert rig.log.payloads == [[], [], []]


def test_a_correction_of_a_result_is_sealed_after_it_and_never_beside_it(rig: Rig) -> None:
    rig.enter(result(23.1))
    rig.enter(result(23.4))
    rig.ledger.withdraw("KC-1", by="Li", reason="wrong container", recorded_at_ms=T0 + 9)
    rig.start().seal()
    forms = [[line.form for line in parse_laboratory(payload)] for _, _, payload in rig.log.batches]
    assert forms == [["result"], ["result"], ["withdrawn"]]
    assert rig.log.payloads[2] == [f"withdrawn KC-1 coal.net_calorific_value {T0 + 9}"]


def test_what_jobs_entered_themselves_is_not_the_laboratorys(rig: Rig) -> None:
    rig.enter(result(), result(1.02, sample="k", parameter=CLOSING_FACTOR))
    assert rig.start().seal().lines == 1


def test_the_unit_is_sealed_with_the_value() -> None:
    plain = Entry("D-1", "diesel", "amount", 0.4, "t", T0, T0 + DAY)
    assert sealed_basis(plain) == "t"
    assert sealed_basis(result()) == "GJ/t as_received"


def test_a_log_that_is_away_gets_everything_in_order_when_it_is_back(rig: Rig) -> None:
    seal = rig.start()
    rig.log.away = True
    rig.enter(result())
    told = seal.seal()
    assert told.fault is not None and told.batches == 0, "whether the chain goes on where the log's ends is not known"
    rig.log.away = False
    assert seal.seal().fault is None
    rig.log.away = True
    rig.enter(result(sample="KC-2"))
    assert seal.seal().waiting == 1
    rig.enter(result(sample="KC-3"))
    rig.now += 5
    seal.seal()
    rig.log.away = False
    assert seal.seal().waiting == 0
    assert [len(lines) for lines in rig.log.payloads] == [1, 1, 1]


@pytest.mark.parametrize("torn", ["note not written", "log not told", "nothing lost"])
def test_a_crash_repeats_the_same_bytes_under_the_same_number(rig: Rig, torn: str) -> None:
    rig.enter(result())
    rig.log.away = True
    seal = rig.start()
    seal._agreed = True  # as if the log went away after the start
    seal.seal()
    (path,) = (rig.folder / "laboratory" / "notes").iterdir()
    before = path.read_bytes()
    if torn == "note not written":
        path.unlink()
    rig.log.away, rig.now = False, T0 + 77_000
    rig.start().seal()
    assert rig.log.batches[0][1] == before
    assert len(rig.log.batches) == 1


def test_a_restored_disk_signs_nothing_and_says_why(rig: Rig) -> None:
    rig.enter(result())
    rig.start().seal()
    shutil.copytree(rig.folder / "laboratory", rig.folder / "image")
    rig.enter(result(sample="KC-2"))
    rig.start().seal()
    shutil.rmtree(rig.folder / "laboratory")
    (rig.folder / "image").rename(rig.folder / "laboratory")
    rig.enter(result(sample="KC-3"))
    told = rig.start().seal()
    assert told.batches == 0 and "the log has batches up to 1" in str(told.fault)
    assert len(rig.log.batches) == 2
    shutil.rmtree(rig.folder / "laboratory")
    assert "this data directory up to -1" in str(rig.start().seal().fault), "an empty one is behind too"


def test_a_sheet_of_many_results_is_sealed_in_pieces(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laboratory_seal, "MOST_LINES", 2)
    rig.enter(*(result(sample=f"KC-{number}") for number in range(5)))
    told = rig.start().seal()
    assert (told.lines, told.batches, told.waiting) == (5, 3, 0)
    assert [len(lines) for lines in rig.log.payloads] == [2, 2, 1]
    assert rig.start().seal().lines == 0


def test_a_copy_that_has_signed_something_else_does_not_go_on(rig: Rig) -> None:
    rig.enter(result())
    rig.start().seal()
    shutil.copytree(rig.folder / "laboratory", rig.folder / "copy")
    rig.enter(result(sample="KC-2"))
    rig.start().seal()
    logged = rig.log.batches.pop()
    shutil.rmtree(rig.folder / "laboratory")
    (rig.folder / "copy").rename(rig.folder / "laboratory")
    rig.now += 1
    rig.start().seal()  # with another time, so other bytes under the same number
    rig.log.batches[1:] = [logged]
    rig.enter(result(sample="KC-3"))
    told = rig.start().seal()
    assert told.batches == 0 and "batch 1 of p1.example/lab is another than the one" in str(told.fault)
    assert len(rig.log.batches) == 2


def test_a_clock_that_is_set_back_does_not_turn_time_round(rig: Rig) -> None:
    rig.enter(result())
    rig.start().seal()
    rig.now -= 60_000
    rig.enter(result(sample="KC-2"))
    told = rig.start().seal()
    assert (told.fault, told.waiting) == (None, 0)
    assert [(batch.from_ms, batch.to_ms) for batch, _, _ in rig.log.batches] == [(T0, T0), (T0, T0)]


def test_a_new_key_goes_on_where_the_old_one_ended(rig: Rig) -> None:
    rig.log = RememberingLog(SIGNER, OTHER)
    rig.enter(result())
    rig.start().seal()
    shutil.rmtree(rig.folder / "laboratory")
    told = rig.start(OTHER).seal()
    assert told.fault is None and len(rig.log.batches) == 2


class BoundedKey(OneKey):
    """A key for the numbers below `end` alone, as a keyring says."""

    end = 2**63

    def signer_for(self, seq: int) -> Ed25519Signer:
        if seq >= self.end:
            raise TrustError("batch-key", expected=f"a key in force for {seq}", got="none")
        return SIGNER


def test_what_was_signed_reaches_the_log_when_no_key_may_sign_any_more(rig: Rig) -> None:
    keys = BoundedKey(SIGNER)
    seal = rig.start(keys=keys)
    seal.seal()
    rig.log.away = True
    rig.enter(result())
    assert seal.seal().waiting == 1
    rig.log.away, keys.end = False, 2
    rig.enter(result(sample="KC-2"))
    told = seal.seal()
    assert (told.batches, told.waiting, len(rig.log.batches)) == (0, 0, 2)
    assert told.fault is not None and "a key in force for 2" in told.fault


def test_files_that_the_log_has_go_but_for_the_newest(rig: Rig) -> None:
    seal = rig.start()
    for number in range(4):
        rig.enter(result(sample=f"KC-{number}"))
        seal.seal()
    left = sorted(path.name for path in (rig.folder / "laboratory" / "cuts").iterdir())
    assert left == [f"{3:012d}"]
    assert LaboratoryChain(rig.folder / "laboratory", keys=OneKey(SIGNER)).last is not None


def test_without_a_log_everything_is_kept(rig: Rig) -> None:
    seal = LaboratorySeal(
        rig.folder / "laboratory",
        keys=OneKey(SIGNER),
        ledger=rig.ledger,
        batch_log=None,
        pointmap=POINT_MAP,
        clock=lambda: rig.now,
        clock_text=lambda: "free-run 12s",
    )
    rig.enter(result())
    seal.seal()
    rig.enter(result(sample="KC-2"))
    assert seal.seal().waiting == 2


def test_one_number_that_cannot_be_sealed_keeps_nothing_else_from_it(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    before_1970 = Entry("OLD", "coal", "net_calorific_value", 23.0, "GJ/t", -5, 10)
    rig.enter(before_1970, result())
    assert rig.start().seal().lines == 1
    assert "sample OLD cannot be sealed" in caplog.text


@pytest.mark.parametrize("lucky", [False, True])
def test_after_a_power_cut_at_any_moment_the_chain_goes_on_with_the_same_bytes(
    rig: Rig, tmp_path: Path, lucky: bool
) -> None:
    rng = random.Random(20260301)
    with PowerCuts(tmp_path / "laboratory", lucky=lucky) as shim:
        seal = rig.start()
        for number in range(6):
            rig.enter(result(sample=f"KC-{number}"))
            rig.now += 1000
            assert seal.seal().fault is None
            shim.acknowledge(len(rig.log.batches))
    whole = list(rig.log.batches)
    for number, cut in enumerate(shim.cuts):
        left = tmp_path / f"left{number}" / "laboratory"
        left.parent.mkdir()
        (cut.build_lucky(left, rng) if lucky else cut.build(left))
        rig.folder, rig.now = left.parent, T0 + 99_000
        for taken in {max(cut.acknowledged, default=0), min(max(cut.acknowledged, default=0) + 1, len(whole))}:
            rig.log = RememberingLog()
            rig.log.batches = whole[:taken]
            again = shutil.copytree(left, tmp_path / f"again{number}-{taken}" / "laboratory")
            rig.folder = again.parent
            told = rig.start().seal()
            if told.fault is None:
                assert [each[1] for each in rig.log.batches[:taken]] == [each[1] for each in whole[:taken]]
                sealed = {line for lines in rig.log.payloads for line in lines}
                assert len(sealed) == 6, "nothing that was entered is left unsealed"
            else:
                assert taken > max(cut.acknowledged, default=0), "the log cannot have what was not on disk before"
