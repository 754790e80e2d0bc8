"""Numbers as Prometheus reads them (its text exposition format, version 0.0.4) and as line protocol."""

from __future__ import annotations

from tanji.acquisition.line_protocol import parse
from tanji.health.alarms import AlarmCode, Alarms
from tanji.health.metrics import Metrics, Numbers


def metrics() -> Metrics:
    alarms = Alarms(clock=lambda: 0)
    alarms.set(AlarmCode.SPOOL_FULL, "full")
    found = Metrics(alarms)
    found.add(lambda: [Numbers("sealer", {"backlog_records": 7, "forwarded_total": 12, "age_s": None})])
    found.add(lambda: [Numbers("modbus", {"failures_total": 3.0}, {"device": 'a "b"\\,c d'})])
    return found


def test_the_text_is_what_prometheus_reads() -> None:
    lines = metrics().text().decode().splitlines()
    assert lines[:4] == [
        "# TYPE tanji_sealer_backlog_records gauge",
        "tanji_sealer_backlog_records 7.0",
        "# TYPE tanji_sealer_forwarded_total counter",
        "tanji_sealer_forwarded_total 12.0",
    ]
    assert 'tanji_modbus_failures_total{device="a \\"b\\"\\\\,c d"} 3.0' in lines
    assert 'tanji_alarm_active{code="SPOOL_FULL"} 1.0' in lines
    assert 'tanji_alarm_active{code="STORE_AWAY"} 0.0' in lines
    assert lines.count("# TYPE tanji_alarm_active gauge") == 1
    assert not [line for line in lines if "age_s" in line]


def test_the_lines_are_line_protocol_of_other_measurements() -> None:
    parsed = parse(metrics().lines(time_ms=1_772_323_200_000), precision="ms", arrival_ms=0)
    assert parsed.readings.num_rows == 0 and not parsed.parked
    assert parsed.others[0].line == b"sealer backlog_records=7.0,forwarded_total=12.0 1772323200000"
    assert len(parsed.others) == 2 + len(AlarmCode)
