"""One monitoring station: who it is, which of its values are points, and what was counted of it.

Values of the plant file's points are scaled as declared (counters are not); values of other factors are handed on under
a name that is no point, so that the sealer parks them durably with the reason, unless the plant file ignores the code.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from tanji.acquisition.flags import Flag
from tanji.acquisition.hj212 import Telegram
from tanji.acquisition.hj212_data import Measured, report
from tanji.acquisition.hj212_parts import Delivery, Parts
from tanji.acquisition.line_format import series
from tanji.errors import UsageError
from tanji.plant.model import Hj212Device, Plant
from tanji.plant.names import unknown_factor

COUNTED = (
    "telegrams",  # whole telegrams and parts that passed number and password
    "answered",
    "refused_password",
    "values",  # of the plant file's points
    "unknown_values",  # of factors it says nothing of: parked by the sealer
    "ignored_values",  # of codes it ignores, or of kinds it does not ask for
    "unreadable",  # telegrams whose data area says no time
    "incomplete",  # telegrams in parts that were not whole in time
    "not_kept",  # telegrams the sealer did not take
    "other_commands",
)


@dataclass(frozen=True, slots=True)
class Target:
    """The point a value belongs to, as line protocol names it."""

    series: str
    scale: float
    offset: float


@dataclass(slots=True)
class Station:
    """A station of the plant file, and its state."""

    device: Hj212Device
    password: str
    plant_id: str
    zone: ZoneInfo
    targets: Mapping[tuple[str, str], Target]
    parts: Parts
    counts: Counter[str] = field(default_factory=Counter)
    last_success_ms: int | None = None
    offset_ms: int | None = None
    """Arrival less DataTime of the latest present values [ms]: network and station clock."""

    @property
    def id(self) -> str:
        """The device's id in the plant file."""
        return self.device.id

    def admits(self, telegram: Telegram) -> bool:
        """Whether the password is right; takes as long for a wrong one."""
        return hmac.compare_digest(telegram.pw.encode("utf-8", "surrogateescape"), self.password.encode())

    def lines(self, delivery: Delivery, *, now_ms: int) -> tuple[bytes, tuple[str, ...]]:
        """A delivery as line protocol in ms, and what was odd about it. Raises TelegramError if it has no time."""
        first = delivery.telegrams[0]
        found = report(
            delivery.groups,
            command=first.cn,
            edition=first.edition,
            zone=self.zone,
            data_time=delivery.data_time,
            whole=delivery.whole,
        )
        if first.cn == "2011":
            self.offset_ms = now_ms - found.time_ms
        latest_ms = now_ms + round(self.device.clock_tolerance_s * 1000)
        text = "".join(self._line(entry, latest_ms=latest_ms) for entry in found.measured)
        return text.encode(), found.remarks

    def _line(self, entry: Measured, *, latest_ms: int) -> str:
        target = self.targets.get((entry.code, entry.kind))
        known = target is not None
        if target is None:
            if entry.code in self.device.ignore or any(code == entry.code for code, _ in self.targets):
                self.counts["ignored_values"] += 1
                return ""
            target = Target(series(self.plant_id, unknown_factor(self.device.mn, entry.code, entry.kind)), 1.0, 0.0)
        self.counts["values" if known else "unknown_values"] += 1
        word = entry.quality | (Flag.CLOCK if entry.time_ms > latest_ms else 0)
        if entry.value is None:
            return f"{target.series} quality={int(word)}i {entry.time_ms}\n"
        value = entry.value * target.scale + target.offset
        return f"{target.series} value={value!r},quality={int(word)}i {entry.time_ms}\n"

    def health(self) -> dict[str, int | None]:
        """Counts since the start, last success [UTC ms], and the offset of the station's clock [ms]."""
        counts = {name: self.counts[name] for name in COUNTED}
        return {"last_success_ms": self.last_success_ms, "offset_ms": self.offset_ms, **counts}


def stations(plant: Plant, *, passwords: Mapping[str, str] | None = None) -> dict[str, Station]:
    """The HJ 212 stations of a plant by their number MN.

    passwords : by device id; what is not named is read from the plant file's `password_file`. Raises UsageError.
    """
    known = passwords or {}
    zone = ZoneInfo(plant.site.timezone)
    found: dict[str, Station] = {}
    for device in plant.devices:
        if isinstance(device, Hj212Device):
            found[device.mn] = Station(
                device=device,
                password=known[device.id] if device.id in known else read_password(device),
                plant_id=plant.site.id,
                zone=zone,
                targets=dict(_targets(plant, device)),
                parts=Parts(timeout_ms=round(device.timeout_s * 1000)),
            )
    return found


def _targets(plant: Plant, device: Hj212Device) -> Iterable[tuple[tuple[str, str], Target]]:
    for point in plant.points:
        if point.hj212 is None or plant.device_of(point) is not device:
            continue
        counter = point.kind == "counter"  # stored as the unscaled count
        scaling = (1.0, 0.0) if counter else (point.scale, point.offset)
        yield (point.hj212.code, point.hj212.kind), Target(series(plant.site.id, point.id), *scaling)


def read_password(device: Hj212Device) -> str:
    """A station's password: the first line of its file. UsageError names key and file, never the content."""
    key = f"devices[{device.id}].password_file"
    try:
        lines = Path(device.password_file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "bytes that are no text"
        raise UsageError(f"{key}: expected a file with the password, got {device.password_file}: {reason}") from error
    password = lines[0].strip() if lines else ""
    if not password:
        raise UsageError(f"{key}: expected the password in the first line of {device.password_file}, got nothing")
    return password
