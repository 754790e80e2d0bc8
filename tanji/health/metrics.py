"""The numbers of a process: as text for Prometheus, and as lines for the `health` series of the store.

A part of the product (sealer, poller, jobs ...) gives its numbers when asked; a name that ends in `_total` only ever
grows. The same names serve both: `backlog_age_s` of part `sealer` is `tanji_sealer_backlog_age_s` for Prometheus and
the field `backlog_age_s` of the row `part=sealer` in `<plant>_health` for Grafana.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tanji.health.alarms import AlarmCode, Alarms


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers of one part, or of one thing in it: labels name the device. None is a number there is not yet."""

    part: str
    values: Mapping[str, float | int | None]
    labels: Mapping[str, str] = field(default_factory=dict)


Source = Callable[[], Iterable[Numbers]]


class Metrics:
    """Every source of a process."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms
        self._lock = threading.Lock()
        self._sources: list[Source] = []

    def add(self, source: Source) -> None:
        """Ask this source too from now on."""
        with self._lock:
            self._sources.append(source)

    def numbers(self) -> list[Numbers]:
        """What all sources say now, and which alarms are active."""
        with self._lock:
            sources = list(self._sources)
        found = [numbers for source in sources for numbers in source()]
        active = {alarm.code for alarm in self._alarms.active()}
        found += [Numbers("alarm", {"active": float(code in active)}, {"code": code.value}) for code in AlarmCode]
        return found

    def text(self) -> bytes:
        """The exposition format of Prometheus, version 0.0.4."""
        series: dict[str, list[str]] = {}
        for numbers in self.numbers():
            labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(numbers.labels.items()))
            for name, value in numbers.values.items():
                if value is not None and math.isfinite(value):
                    full = f"tanji_{numbers.part}_{name}"
                    shown = f"{full}{{{labels}}}" if labels else full
                    series.setdefault(full, []).append(f"{shown} {float(value)!r}\n")
        kinds = {True: "counter", False: "gauge"}
        parts = (f"# TYPE {name} {kinds[name.endswith('_total')]}\n{''.join(rows)}" for name, rows in series.items())
        return "".join(parts).encode()

    def lines(self, *, time_ms: int) -> bytes:
        """Line protocol, time in ms, for the sealer, which takes it unsealed to the health bucket."""
        rows = []
        for numbers in self.numbers():
            key = ",".join([numbers.part, *(f"{name}={_tag(value)}" for name, value in sorted(numbers.labels.items()))])
            fields = ",".join(
                f"{name}={float(value)!r}"
                for name, value in numbers.values.items()
                if value is not None and math.isfinite(value)
            )
            if fields:
                rows.append(f"{key} {fields} {time_ms}\n")
        return "".join(rows).encode()


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _tag(text: str) -> str:
    return text.replace("\\", "/").replace(",", r"\,").replace("=", r"\=").replace(" ", r"\ ") or "-"
