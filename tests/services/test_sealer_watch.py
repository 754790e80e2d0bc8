"""The sealer tells of itself: alarms, /metrics, and rows of the health series that Grafana reads (R39, R46)."""

from __future__ import annotations

from pathlib import Path

from services.sealer.sealer import Sealer
from tanji.plant.names import health_bucket

from .sealer_rig import FEED, NOON, PLANT_ID, Rig, line, rig, wait_until


def codes(sealer: Sealer) -> set[str]:
    return {alarm["code"] for alarm in sealer.report()["alarms"]}


def number(sealer: Rig, name: str) -> float:
    """A number of /metrics."""
    _, text = sealer.ask("GET", "/metrics")
    (found,) = [row.split()[1] for row in text.decode().splitlines() if row.startswith(f"tanji_{name} ")]
    return float(found)


def test_metrics_tell_backlog_age_counts_and_devices(tmp_path: Path) -> None:
    now = [NOON]
    with rig(tmp_path, clock=lambda: now[0], monotonic=lambda: 0) as sealer:
        sealer.accept(line(FEED, NOON))
        assert number(sealer, "sealer_store_up") == 1
        assert number(sealer, "sealer_forwarded_total") == 1 and number(sealer, "sealer_backlog_age_s") == 0
        sealer.store.down.set()
        sealer.post(line(FEED, NOON + 1) + "garbage,point=x value=1 1\n")
        now[0] += 90_000
        wait_until(lambda: number(sealer, "sealer_retried_total") > 0)
        assert number(sealer, "sealer_backlog_records") == 1 and number(sealer, "sealer_backlog_age_s") == 90
        assert number(sealer, "sealer_store_up") == 0
        assert number(sealer, "sealer_spool_bytes") == sum(p.stat().st_size for p in (tmp_path / "spool").glob("*.seg"))
        _, text = sealer.ask("GET", "/metrics")
        assert b'tanji_device_last_value_age_s{device="device1"} 90.0\n' in text
        assert b"# TYPE tanji_clock_jumps_total counter\n" in text
        wait_until(lambda: {"STORE_AWAY", "CLOCK_JUMPED", "DEVICE_SILENT"} <= codes(sealer.sealer))
        assert b'tanji_alarm_active{code="STORE_AWAY"} 1.0\n' in sealer.ask("GET", "/metrics")[1]
        sealer.store.down.clear()
        wait_until(lambda: "STORE_AWAY" not in codes(sealer.sealer))


def test_the_age_of_the_backlog_is_that_of_its_oldest_reading_over_segments_and_restarts(tmp_path: Path) -> None:
    now = [NOON]
    with rig(tmp_path, clock=lambda: now[0]) as sealer:
        sealer.accept(line(FEED, NOON))
        sealer.store.down.set()
        now[0] = NOON + 120_000
        sealer.post(line(FEED, NOON + 1))
        now[0] = NOON + 300_000
        sealer.post(line(FEED, NOON + 2))
        assert number(sealer, "sealer_backlog_age_s") == 180
    with rig(tmp_path, clock=lambda: now[0]) as sealer:
        assert sealer.sealer.drain(20)
        assert number(sealer, "sealer_backlog_age_s") == 0


def test_the_numbers_become_rows_of_the_health_series(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.sealer._offer(sealer.sealer.metrics.lines(time_ms=NOON))
        bucket = health_bucket(PLANT_ID)
        wait_until(lambda: sealer.store.inner.count(bucket, "health") > 0)
        rows = sealer.store.inner.read(bucket, "health").to_pylist()
        by_part = {row["part"]: row for row in rows}
        assert by_part["sealer"]["backlog_records"] == 0.0 and by_part["sealer"]["time"] == NOON
        assert by_part["alarm,code=SPOOL_FULL"]["active"] == 0.0
        assert "device,device=device1" in by_part and "clock" in by_part


def test_what_happened_is_told_for_an_hour(tmp_path: Path) -> None:
    now = [NOON]
    with rig(tmp_path, clock=lambda: now[0], monotonic=lambda: now[0]) as sealer:
        sealer.post(line("no.such.point", NOON))
        sealer.post(b"no line")
        wait_until(lambda: {"LINES_PARKED", "BODY_REFUSED"} <= codes(sealer.sealer))
        now[0] += 3_600_000
        assert not {"LINES_PARKED", "BODY_REFUSED"} & codes(sealer.sealer)
