"""The health of a process that reads devices or computes: what it is asked for, watched every second.

One object per process: it owns alarms, numbers and the watch over the clock, or shares those of a sealer in the same
process. It knows outboxes and pollers only by the numbers they give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tanji.health.alarms import AlarmCode, Alarms
from tanji.health.clock import ClockWatch
from tanji.health.endpoint import HealthEndpoint, Reporter
from tanji.health.metrics import Metrics, Numbers
from tanji.health.periodic import Periodic

LOOK_S: Final = 1.0
STOP_S: Final = 5.0
AWAY_S: Final = 30.0
"""A body that has waited this long for its acknowledgement means that the sealer is away: two of its longest pauses."""

EVENT_MS: Final = 3_600_000
SILENT_PERIODS: Final = 10
Values = Mapping[str, float | int | None]


@dataclass(frozen=True, slots=True)
class AuditHealth:
    """What is told about the audits of the database: a sentence for each of two alarms, or None; and numbers."""

    differs: str | None
    missed: str | None
    values: Values


class ProcessHealth:
    """Start it when everything is added, stop it at the end."""

    def __init__(
        self,
        *,
        clock: Callable[[], int],
        alarms: Alarms | None = None,
        metrics: Metrics | None = None,
        clock_watch: ClockWatch | None = None,
    ) -> None:
        """clock : UTC now [ms]. alarms, metrics, clock_watch : those of the sealer in the same process."""
        self._clock = clock
        self._shared = metrics is not None
        self.alarms = alarms or Alarms(clock=clock)
        self.metrics = metrics or Metrics(self.alarms)
        self.clock_watch = clock_watch or ClockWatch(clock)
        self._steps = 0
        self._looks: list[Callable[[], None]] = []
        self._endpoint: HealthEndpoint | None = None
        self._reporter: Reporter | None = None
        self.address: tuple[str, int] | None = None
        self._looking = Periodic(
            self.look, period_s=LOOK_S, name="health-watch", fault="the process could not look at itself"
        )
        if not self._shared:
            self.metrics.add(lambda: [Numbers("clock", self.clock_watch.numbers())])
            self._looks.append(self._look_at_clock)

    def add_outbox(self, numbers: Callable[[], Values], *, sender: str = "") -> None:
        """Watch what waits for the sealer. sender : tells this outbox from another one of the process."""
        self.metrics.add(lambda: [Numbers("outbox", numbers(), {"sender": sender} if sender else {})])
        dropped = 0.0

        def look() -> None:
            nonlocal dropped
            now = numbers()
            age = now["oldest_age_s"] or 0.0
            text = f"readings have waited {age:.0f} s for the sealer" if age > AWAY_S else None
            self.alarms.update(AlarmCode.SEALER_AWAY, text, subject=sender)
            total = float(now["dropped_total"] or 0)
            if total > dropped:
                text = f"{total:.0f} bodies were given up; a failed read marks the gap of every point"
                self.alarms.set(AlarmCode.READINGS_DROPPED, text, subject=sender, for_ms=EVENT_MS)
            dropped = total

        self._looks.append(look)

    def add_devices(
        self, part: str, health: Callable[[], Mapping[str, Values]], *, periods_s: Mapping[str, float]
    ) -> None:
        """Watch a poller's devices. periods_s : by device id, the longest period of its points [s]."""
        begun_ms = self._clock()

        def age_s(values: Values) -> float | None:
            last = values.get("last_success_ms")
            return None if last is None else (self._clock() - last) / 1000

        def numbers() -> list[Numbers]:
            found = []
            for device, values in health().items():
                named = dict(_named(name, value) for name, value in values.items() if name != "last_success_ms")
                found.append(Numbers(part, named | {"last_success_age_s": age_s(values)}, {"device": device}))
            return found

        def look() -> None:
            for device, values in health().items():
                age = age_s(values)
                age = (self._clock() - begun_ms) / 1000 if age is None else age
                patience = max(60.0, SILENT_PERIODS * periods_s.get(device, 0.0))
                text = f"no answer for {age:.0f} s" if age > patience else None
                self.alarms.update(AlarmCode.DEVICE_SILENT, text, subject=device)

        self.metrics.add(numbers)
        if not self._shared:  # in one process with the sealer, its arrivals tell which devices are silent
            self._looks.append(look)

    def add_jobs(self, events: Callable[[], Mapping[str, int]]) -> None:
        """Watch the schedule of the jobs: how often a run was executed, failed, skipped."""
        self.metrics.add(lambda: [Numbers("jobs", {f"{name}_total": count for name, count in events().items()})])
        failed = executed = 0

        def look() -> None:
            nonlocal failed, executed
            now = events()
            if now.get("failed", 0) > failed:
                self.alarms.set(AlarmCode.JOBS_FAILED, "the last run of the jobs failed and is tried again")
            elif now.get("executed", 0) > executed:
                self.alarms.clear(AlarmCode.JOBS_FAILED)
            failed, executed = now.get("failed", 0), now.get("executed", 0)

        self._looks.append(look)

    def add_audit(self, told: Callable[[], AuditHealth]) -> None:
        """Watch the audits of the database: what differs, and whether one was missed or came to no result."""
        self.metrics.add(lambda: [Numbers("audit", told().values)])

        def look() -> None:
            now = told()
            self.alarms.update(AlarmCode.AUDIT_DIFFERS, now.differs)
            self.alarms.update(AlarmCode.AUDIT_MISSED, now.missed)

        self._looks.append(look)

    def add_laboratory(self, fault: Callable[[], str | None], values: Callable[[], Values]) -> None:
        """Watch the sealing of laboratory samples. fault : why some are not sealed, None where all are."""
        self.metrics.add(lambda: [Numbers("laboratory", values())])
        self._looks.append(lambda: self.alarms.update(AlarmCode.LABORATORY_UNSEALED, fault()))

    def start(
        self, address: tuple[str, int] | None = None, *, hand_over: Callable[[bytes], object] | None = None
    ) -> None:
        """Begin to watch; answer /healthz and /metrics at `address`, and hand the numbers over as line protocol."""
        if address is not None:
            self._endpoint = HealthEndpoint(self.metrics, report=self.report)
            self.address = self._endpoint.start(*address)
        if hand_over is not None:
            self._reporter = Reporter(self.metrics, hand_over=hand_over, clock=self._clock)
            self._reporter.start()
        self._looking.start()

    def stop(self) -> None:
        """End."""
        if self._reporter is not None:
            self._reporter.stop()
        if self._endpoint is not None:
            self._endpoint.stop()
        self._looking.stop(within_s=STOP_S)

    def look(self) -> None:
        """Raise and end alarms by what is so now."""
        for look in list(self._looks):
            look()

    def report(self) -> dict[str, Any]:
        """The answer of `/healthz`: degraded while an alarm is active, failed while one of them is critical."""
        active = self.alarms.active()
        critical = any(alarm.severity == "critical" for alarm in active)
        status = "failed" if critical else "degraded" if active else "ok"
        return {"status": status, "alarms": [alarm.as_json() for alarm in active], "clock": self.clock_watch.numbers()}

    def _look_at_clock(self) -> None:
        self._steps, step = self.clock_watch.steps(self._steps)
        if step is not None:
            text = f"the clock was set by {step / 1000:+.3f} s; readings carry the flag CLOCK"
            self.alarms.set(AlarmCode.CLOCK_JUMPED, text, for_ms=EVENT_MS)
        free = not self.clock_watch.state().synchronised
        self.alarms.update(AlarmCode.CLOCK_FREE, "no time service disciplines the clock" if free else None)


def _named(name: str, value: float | int | None) -> tuple[str, float | int | None]:
    """A number as metrics name it: counts end in `_total`, times are in seconds."""
    if name.endswith("_ms"):
        return f"{name.removesuffix('_ms')}_s", None if value is None else value / 1000
    return f"{name}_total", value
