"""What a poller's outbox takes from the plant file: the sealer's secret; and the flag of a clock that was set (R36)."""

from __future__ import annotations

import time
from pathlib import Path

from tanji.acquisition.flags import Flag
from tanji.health.clock import ClockWatch, KernelClock
from tanji.health.process import ProcessHealth
from tanji.health.sending import numbers_to, sending, slowest_periods
from tanji.plant.model import Plant

from ..acquisition.sealer_double import sealer

NOON = 1_772_323_200_000
NAME = {"zh": "测", "en": "test"}


def plant(folder: Path) -> Plant:
    (folder / "token").write_text("s3cret\n")
    kiln = {"id": "kiln1", "name": NAME, "running": "a"}
    point = {"name": NAME, "kind": "rate", "unit": "t/h", "meter": "meter1"}
    return Plant.model_validate(
        {
            "tanji": 1,
            "site": {"id": "hx01", "name": NAME},
            "lines": [{"id": "line1", "name": NAME, "capacity_t_per_day": 5000, "kiln": kiln}],
            "devices": [{"id": "device1", "name": NAME, "protocol": "modbus_tcp", "host": "127.0.0.1", "period_s": 2}],
            "meters": [{"id": "meter1", "name": NAME, "kind": "control_system", "device": "device1"}],
            "points": [point | {"id": "a"}, point | {"id": "b", "period_s": 60}],
            "streams": [],
            "services": {"sealer": {"token_file": str(folder / "token")}},
        }
    )


def test_readings_carry_the_secret_and_after_a_step_of_the_clock_its_flag(tmp_path: Path) -> None:
    now, steady = [NOON], [0]
    watch = ClockWatch(lambda: now[0], monotonic=lambda: steady[0], kernel=lambda: KernelClock(True))
    health = ProcessHealth(clock=lambda: now[0], clock_watch=watch)
    with (
        sealer() as server,
        sending(plant(tmp_path), url=server.url, clock=lambda: now[0], health=health) as (outbox, shared),
    ):
        assert shared is health
        for step in (0, 3_600_000):
            now[0] += step
            outbox.put(b"reading,plant=hx01,point=a value=1,quality=0i %d\n" % now[0])
            end = time.monotonic() + 10
            while outbox.counters()["waiting"] and time.monotonic() < end:
                time.sleep(0.01)
    assert server.authorizations == ["Token s3cret"] * 2
    words = [body.partition(b"quality=")[2].partition(b"i")[0] for body in server.bodies]
    assert words == [b"0", b"%d" % Flag.CLOCK]
    assert "tanji_outbox_acknowledged_total 2.0" in health.metrics.text().decode()


def test_numbers_of_a_process_go_the_same_way_with_the_secret(tmp_path: Path) -> None:
    with sealer() as server:
        numbers_to(plant(tmp_path), url=server.url)(b"jobs executed_total=1.0 5\n")
    assert (server.authorizations, server.bodies) == (["Token s3cret"], [b"jobs executed_total=1.0 5\n"])


def test_the_slowest_point_of_a_device_says_when_it_is_silent(tmp_path: Path) -> None:
    assert slowest_periods(plant(tmp_path)) == {"device1": 60.0}
