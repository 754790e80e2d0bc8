"""The watch over the clock: steps are found against the monotonic clock, slews and long pauses are none."""

from __future__ import annotations

import pytest

from tanji.health.clock import DISTRUST_MS, FREE_DISTRUST_MS, JUMP_MS, ClockWatch, KernelClock, ask_kernel

HOUR = 3_600_000
SYNCHRONISED, FREE = KernelClock(True, 0.002, 0.05), KernelClock(False)


class Clocks:
    """A wall clock that can be set, a monotonic one that cannot, and what the kernel says."""

    def __init__(self, kernel: KernelClock = SYNCHRONISED) -> None:
        self.wall, self.steady, self.kernel = 1_772_323_200_000, 5_000, kernel
        self.watch = ClockWatch(lambda: self.wall, monotonic=lambda: self.steady, kernel=lambda: self.kernel)

    def pass_ms(self, time_ms: int) -> None:
        self.wall += time_ms
        self.steady += time_ms


@pytest.mark.parametrize("step", [HOUR, -HOUR, JUMP_MS, -JUMP_MS])
def test_a_step_is_told_once_with_its_size(step: int) -> None:
    clocks = Clocks()
    clocks.pass_ms(86_400_000)
    clocks.wall += step
    assert clocks.watch.look() == step
    assert clocks.watch.look() is None
    assert clocks.watch.numbers()["jumps_total"] == 1.0
    assert clocks.watch.numbers()["last_jump_s"] == step / 1000


def test_passing_time_and_a_slew_are_no_steps() -> None:
    clocks = Clocks()
    for _ in range(10_000):
        clocks.pass_ms(1000)
        clocks.steady += 1  # 1000 ppm, twice what adjtimex(2) slews at
        assert clocks.watch.look() is None
    assert not clocks.watch.suspect()


def test_readings_are_suspect_for_a_minute_where_a_time_service_vouches_for_the_new_time() -> None:
    clocks = Clocks()
    clocks.wall += HOUR
    assert clocks.watch.suspect()
    clocks.pass_ms(DISTRUST_MS - 1)
    assert clocks.watch.suspect()
    clocks.pass_ms(1)
    assert not clocks.watch.suspect()


def test_without_a_time_service_they_are_suspect_for_an_hour() -> None:
    clocks = Clocks(FREE)
    clocks.wall -= HOUR
    assert clocks.watch.suspect()
    clocks.pass_ms(FREE_DISTRUST_MS - 1)
    assert clocks.watch.suspect()
    clocks.pass_ms(1)
    assert not clocks.watch.suspect()


def test_setting_the_clock_right_again_is_a_step_too() -> None:
    clocks = Clocks()
    clocks.wall += HOUR
    assert clocks.watch.look() == HOUR
    clocks.wall -= HOUR
    assert clocks.watch.look() == -HOUR
    assert clocks.watch.jumps == 2


def test_whoever_looks_first_a_step_is_told_to_everybody_once() -> None:
    clocks = Clocks()
    assert clocks.watch.steps(0) == (0, None)
    clocks.wall += HOUR
    assert clocks.watch.suspect()  # the outbox looked
    assert clocks.watch.steps(0) == (1, HOUR)
    assert clocks.watch.steps(1) == (1, None)


def test_the_kernel_answers_with_an_offset_within_its_own_bound() -> None:
    state = ask_kernel()
    assert isinstance(state.synchronised, bool)
    if state.synchronised:
        assert state.offset_s is not None and abs(state.offset_s) < 0.5  # STA_NANO or not, adjtimex(2): at most 0.5 s
