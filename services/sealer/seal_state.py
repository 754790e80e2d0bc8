"""How sealing is: for `/healthz`, `/metrics` and the alarms; and how the clock was, for the notes (trust.md 2.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tanji.health.alarms import AlarmCode, Alarms
from tanji.health.clock import KernelClock
from tanji.health.metrics import Numbers

NO_KEY = "batch-key"
WHAT_TO_DO = (
    "put the private key that goes on into the folder of keys, and register it with `tanji keys register` or "
    "`tanji keys rotate`; both are taken up without a restart"
)

if TYPE_CHECKING:
    from services.sealer.sealing import Sealing

BEHIND_MS = 180_000
"""A minute that is not sealed this long after its end is worth an alarm [ms]."""

AHEAD_MS = 120_000
"""A clock that is further behind the last batch than this makes every new reading late [ms]."""


class ClockState:
    """What a note says of the clock."""

    def __init__(self, kernel: Callable[[], KernelClock], monotonic: Callable[[], float]) -> None:
        """monotonic : a clock that is never set [s]."""
        self._kernel, self._monotonic = kernel, monotonic
        self._synchronised_at = monotonic()

    def text(self) -> str:
        """Source and offset, or how long nothing has disciplined the clock."""
        state, now = self._kernel(), self._monotonic()
        if state.synchronised:
            self._synchronised_at = now
            return f"ntp {round(abs(state.offset_s or 0.0) * 1000)}ms"
        return f"free-run {max(0, round(now - self._synchronised_at))}s"


def state_of(sealing: Sealing | None) -> dict[str, Any]:
    """What `/healthz` says about sealing."""
    if sealing is None:
        return {"state": "off", "reason": "no keys: nothing is sealed"}
    chain, sender, held = sealing.chain, sealing.sender, sealing.held
    state = "forbidden" if sealing.forbidden else "held" if held else "failing" if sealing.failing else "ok"
    return {
        "state": state,
        "reason": sealing.forbidden or (str(held) if held else sealing.failing),
        "gateway": chain.gateway,
        "next_seq": chain.seq,
        "sealed_to_ms": chain.from_ms,
        "waiting": sealing.waiting,
        "unlogged": sealing.unlogged,
        "log": "none" if sender is None else sender.refused or sender.away or "ok",
        **sealing.sums,
    }


def numbers_of(sealing: Sealing, *, now_ms: int) -> Numbers:
    """The part `seal` of the metrics."""
    sender = sealing.sender
    values: dict[str, float | int | None] = {f"{name}_total": count for name, count in sealing.sums.items()}
    values |= {
        "up": float(sealing.forbidden is None and sealing.held is None and sealing.failing is None),
        "next_seq": sealing.chain.seq,
        "sealed_age_s": (now_ms - sealing.chain.from_ms) / 1000,
        "waiting_records": sealing.waiting,
        "unlogged_batches": sealing.unlogged,
        "log_up": None if sender is None else float(sender.away is None and sender.refused is None),
    }
    return Numbers("seal", values)


def judge(sealing: Sealing, alarms: Alarms, *, now_ms: int) -> None:
    """Raise and end the alarms of sealing by what is so now."""
    sender, ahead = sealing.sender, sealing.chain.from_ms - now_ms
    alarms.update(AlarmCode.SEAL_FORBIDDEN, sealing.forbidden)
    held = sealing.held
    text = f"{held}; {WHAT_TO_DO}" if held is not None and held.rule == NO_KEY else None
    alarms.update(AlarmCode.KEY_UNREGISTERED, text, subject=sealing.chain.gateway)
    failing = sealing.failing
    if failing is None and sealing.forbidden is None and -ahead > BEHIND_MS:
        failing = f"everything since {shown(sealing.chain.from_ms)} is still to be sealed"
    alarms.update(AlarmCode.SEAL_FAILING, failing)
    text = f"the clock is {ahead / 1000:.0f} s behind the last batch, so every reading is sealed as late"
    alarms.update(AlarmCode.SEAL_AHEAD, text if ahead > AHEAD_MS else None)
    alarms.update(AlarmCode.LOG_AWAY, None if sender is None else sender.away)
    alarms.update(AlarmCode.LOG_REFUSES, None if sender is None else sender.refused)


def shown(time_ms: int) -> str:
    """A time for people [UTC ms]."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
