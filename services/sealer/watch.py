"""The sealer watches itself: alarms every second, and its numbers for `/metrics` and the health series (R39, R52)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from services.sealer.counters import Counters
from services.sealer.device_clock import DeviceClocks
from services.sealer.forward import Forwarder
from services.sealer.parked import Parked
from services.sealer.room import free_on_disk
from services.sealer.seal_state import judge, numbers_of
from services.sealer.sealing import Sealing
from services.sealer.spool import Spool
from tanji.health.alarms import AlarmCode, Alarms
from tanji.health.clock import JUMP_MS, ClockWatch
from tanji.health.metrics import Numbers
from tanji.health.periodic import Periodic

LOOK_S = 1.0
STOP_S = 5.0
EVENT_MS = 3_600_000
"""How long something that happened once stays an alarm [ms]: long enough for whoever looks in every hour."""


class Watch:
    """Looks at the parts of one sealer, every second from `start` to `stop`."""

    def __init__(
        self,
        *,
        spool: Spool,
        parked: Parked,
        forwarder: Forwarder,
        counters: Counters,
        device_clocks: DeviceClocks,
        alarms: Alarms,
        clock_watch: ClockWatch,
        clock: Callable[[], int],
        reserve_bytes: int,
        sealing: Sealing | None,
    ) -> None:
        """clock : UTC now [ms]. reserve_bytes : what must stay free on the disk. sealing : None where there is none."""
        self._spool, self._parked, self._forwarder, self._counters = spool, parked, forwarder, counters
        self._device_clocks, self._alarms, self._clock_watch = device_clocks, alarms, clock_watch
        self._clock, self._reserve, self._sealing = clock, reserve_bytes, sealing
        self._seen = dict.fromkeys(("parked", "refused", "refused_bodies", "unauthorised", "released"), 0)
        self._steps = 0
        self._looking = Periodic(
            self.look, period_s=LOOK_S, name="sealer-watch", fault="the sealer could not look at itself"
        )

    def start(self) -> None:
        """Begin to look; what an earlier process left is told at once."""
        torn = self._spool.torn
        if torn is not None:
            text = f"{torn.segment} ended in {torn.length} bytes of a body nobody was told of; they are in parked/"
            self._alarms.set(AlarmCode.SPOOL_TORN, text, for_ms=EVENT_MS)
        self._looking.start()

    def stop(self) -> None:
        """End."""
        self._looking.stop(within_s=STOP_S)

    def look(self) -> None:
        """Raise and end alarms by what is so now."""
        alarms, spool, forwarder = self._alarms, self._spool, self._forwarder
        alarms.update(AlarmCode.SPOOL_FULL, spool.full)
        alarms.update(AlarmCode.SPOOL_FAILED, spool.failure)
        alarms.update(AlarmCode.SPOOL_DAMAGED, forwarder.damaged)
        alarms.update(AlarmCode.STORE_AWAY, None if forwarder.writer.denied else forwarder.writer.away)
        alarms.update(AlarmCode.STORE_DENIES, forwarder.writer.denied)
        free = free_on_disk(spool.folder)
        low = f"{free} bytes are free, {self._reserve} are kept in reserve" if free < 2 * self._reserve else None
        alarms.update(AlarmCode.DISK_LOW, low)
        counted = self._parked.counted
        alarms.update(AlarmCode.PARKED_FULL, f"{counted} lines were only counted" if counted else None)
        state = self._clock_watch.state()
        alarms.update(AlarmCode.CLOCK_FREE, None if state.synchronised else "no time service disciplines the clock")
        self._steps, step = self._clock_watch.steps(self._steps)
        if step is not None:
            text = f"the clock was set by {step / 1000:+.3f} s (steps from {JUMP_MS} ms are told)"
            alarms.set(AlarmCode.CLOCK_JUMPED, text, for_ms=EVENT_MS)
        self._look_at_events()
        self._device_clocks.judge()
        if self._sealing is not None:
            judge(self._sealing, alarms, now_ms=self._clock())

    def numbers(self) -> list[Numbers]:
        """The sealer, its clock, and its devices."""
        spool, forwarder = self._spool, self._forwarder
        values: dict[str, float | int | None] = {
            f"{name}_total": count for name, count in self._counters.snapshot().items() if name != "accepted"
        }
        values |= {
            "backlog_records": forwarder.backlog,
            "backlog_age_s": forwarder.backlog_age_ms / 1000,
            "store_up": float(forwarder.writer.state == "ok"),
            "spool_bytes": spool.used,
            "spool_released_total": spool.released,
            "disk_free_bytes": free_on_disk(spool.folder),
            "parked_bytes": self._parked.used,
            "parked_counted_total": self._parked.counted,
            "health_written_total": forwarder.health.written,
            "health_dropped_total": forwarder.health.dropped,
        }
        if forwarder.last_forward_ms is not None:
            values["last_forward_age_s"] = (self._clock() - forwarder.last_forward_ms) / 1000
        return [
            Numbers("sealer", values),
            Numbers("clock", self._clock_watch.numbers()),
            *self._device_clocks.numbers(),
            *([] if self._sealing is None else [numbers_of(self._sealing, now_ms=self._clock())]),
        ]

    def _look_at_events(self) -> None:
        counts = self._counters.snapshot() | {"released": self._spool.released}
        told = (
            ("parked", AlarmCode.LINES_PARKED, "{} lines were parked: see {}"),
            ("refused", AlarmCode.STORE_REFUSES, "{} readings were refused by the store and parked: see {}"),
            ("refused_bodies", AlarmCode.BODY_REFUSED, "{} bodies were refused"),
            ("unauthorised", AlarmCode.TOKEN_REFUSED, "{} requests came without the token"),
            ("released", AlarmCode.SPOOL_RELEASED, "{} forwarded segments made room for new ones"),
        )
        for name, code, text in told:
            more, self._seen[name] = counts[name] - self._seen[name], counts[name]
            if more > 0:
                self._alarms.set(code, text.format(counts[name], _shown(self._parked.folder)), for_ms=EVENT_MS)


def _shown(folder: Path) -> str:
    return folder.name + "/"
