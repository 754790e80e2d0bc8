"""Whether what the pages show is sealed and witnessed, in one sentence each (R33, R35).

The state is given by the process that seals; pages that are alone in theirs say where to look. A figure that nobody
outside the plant has witnessed is shown as such: the plant could rewrite it if it owned every key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tanji.plant.model import Plant
from tanji.report import numbers
from tanji.report.words import Words


@dataclass(frozen=True, slots=True)
class SealState:
    """How far the evidence has come [UTC ms]. reason : why nothing is sealed, None where it is.

    entries : of the log; None where the log is another process's, which knows what was witnessed. witnessed_ms,
    witnessed_entries : of the newest checkpoint with a quorum. witnesses : who is to witness, empty where nobody is.
    """

    reason: str | None
    sealed_to_ms: int | None = None
    entries: int | None = 0
    witnesses: tuple[str, ...] = ()
    witnessed_ms: int | None = None
    witnessed_entries: int = 0


def sentences(plant: Plant, state: Callable[[], SealState] | None, words: Words) -> tuple[str, ...]:
    """What to say about the evidence behind the page."""
    if plant.trust is None:
        return (words("seal.unsealed"), words("seal.unwitnessed"))
    if state is None:
        return (words("seal.elsewhere"),)
    now = state()
    zone = plant.site.timezone
    if now.reason is not None:
        sealed = words("seal.faulty", reason=now.reason)
    elif now.sealed_to_ms is None:
        sealed = words("seal.not_yet")
    elif now.entries is None:
        sealed = words("seal.sealed_elsewhere", time=numbers.local_time(now.sealed_to_ms, zone))
    else:
        time = numbers.local_time(now.sealed_to_ms, zone)
        sealed = words("seal.sealed", time=time, entries=numbers.count(now.entries))
    if now.entries is None:
        return (sealed, words("seal.log_elsewhere", url=plant.trust.log_url))
    if not now.witnesses:
        return (sealed, words("seal.unwitnessed"))
    if now.witnessed_ms is None:
        return (sealed, words("seal.not_witnessed_yet", names=", ".join(now.witnesses)))
    time = numbers.local_time(now.witnessed_ms, zone)
    shown = {"time": time, "entries": numbers.count(now.witnessed_entries), "names": ", ".join(now.witnesses)}
    return (sealed, words("seal.witnessed", **shown))
