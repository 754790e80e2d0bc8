"""Blocks overlapped on two cores give the figures of one block, in order, and an error loses nothing."""

from __future__ import annotations

import pytest

from calc_jobs import jobs
from calc_jobs.hourly import HourlyJob
from tanji.errors import StoreUnavailable

HOURS = 12


def filled(rig, *, after_h: int = HOURS):
    """Half a day with a dead hour, outliers, a stop and a laboratory value for some of it."""
    rig.normal(HOURS, without=("coal",))
    rig.put("coal", [20.0 + 0.01 * (-1) ** minute for minute in range(200)])
    rig.put("coal", [None] * 130 + [500.0] * 5 + [21.0 + 0.02 * (-1) ** m for m in range(385)], at_min=200)
    rig.put("k1.running", [0.0] * 40, at_min=500)
    rig.enter(23.4, from_h=0, to_h=5, basis="as_received")
    rig.now_ms += after_h * 3_600_000 + 60_000
    return rig


def everything(rig) -> dict[str, list[dict]]:
    found = rig.everything()
    return {name: sorted(rows, key=lambda row: sorted((key, str(value)) for key, value in row.items()))
            for name, rows in found.items()}  # fmt: skip


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hours a block."""
    monkeypatch.setattr(jobs, "ROWS_PER_BLOCK", 1200)


@pytest.fixture
def in_one(rig_class, plant, tmp_path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[dict]]:
    """The figures of the same data computed as one block."""
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "ROWS_PER_BLOCK", 10_000_000)
        rig = filled(rig_class(plant, tmp_path / "one"))
        rig.run()
        found = everything(rig)
        rig.close()
    return found


@pytest.mark.usefixtures("small_blocks")
def test_many_blocks_give_the_figures_of_one(rig, in_one) -> None:
    seen: list[float] = []
    filled(rig).jobs().run_once(progress=seen.append)
    assert len(seen) > 3 and seen == sorted(seen) and seen[-1] == HOURS
    assert everything(rig) == in_one


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("stage", ["fetch", "work", "commit"])
def test_an_error_in_the_middle_ends_the_run_and_the_next_one_finishes_it(
    rig, in_one, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(rig)
    original, calls = getattr(HourlyJob, stage), []

    def failing(self, *arguments):
        calls.append(stage)
        if len(calls) == 3:
            raise StoreUnavailable("the store went away")
        return original(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(HourlyJob, stage, failing)
        with pytest.raises(StoreUnavailable):
            rig.run()
    assert rig.jobs().pending_hours()  # the watermark has not moved
    rig.run()
    assert everything(rig) == in_one and not rig.jobs().pending_hours()
