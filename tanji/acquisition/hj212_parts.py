"""Telegrams that came in parts (PNUM, PNO): what can be kept at once, what has to wait for the rest.

A station that waits for an answer sends the next part only after it, so a part that can be understood by itself is
handed on alone. One that cannot, because the time stands in another part or because a factor is cut in two, waits for
its fellows, in whatever order they come, and is not answered until all of it is kept. What is not whole in time is
given up: a station that was not answered sends it again; of one that never waits for answers, what came is used.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tanji.acquisition.hj212 import Group, Telegram
from tanji.acquisition.hj212_data import factors, plain

MOST_OPEN: Final = 64
"""Telegrams in parts at a time and station; the oldest gives way. One station sends a handful in its worst minute."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What may be kept now: the data of one or several parts, and the telegrams to answer once it is kept."""

    telegrams: tuple[Telegram, ...]
    groups: tuple[Group, ...]
    data_time: str = ""
    whole: bool = True


@dataclass(slots=True)
class _Open:
    """A telegram of which not all parts have come, or which was whole a moment ago."""

    since_ms: int
    count: int
    data_time: str = ""
    parts: dict[int, Telegram] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)

    @property
    def is_whole(self) -> bool:
        """Whether all parts are there, and the time."""
        return len(self.parts) == self.count and bool(self.data_time)

    def alone(self, number: int) -> Delivery:
        """One part by itself."""
        self.waiting.discard(number)
        return Delivery((self.parts[number],), self.parts[number].groups, self.data_time)

    def joined(self) -> Delivery:
        """All that is there in order: a factor that was cut is one again. Only what waited is to be answered.

        Of parts that are not whole, what was handed on alone is not told again: its marks would seem lost.
        """
        told = self.parts if self.is_whole else self.waiting
        groups = tuple(group for number in sorted(told) for group in self.parts[number].groups)
        telegrams = tuple(self.parts[number] for number in sorted(self.waiting))
        return Delivery(telegrams, groups, self.data_time, self.is_whole)


class Parts:
    """The telegrams in parts of one station."""

    def __init__(self, *, timeout_ms: int) -> None:
        """timeout_ms : how long the parts of one telegram may take. [ms]"""
        self._timeout_ms = timeout_ms
        self._open: OrderedDict[Key, _Open] = OrderedDict()

    def add(self, telegram: Telegram, *, now_ms: int) -> Iterator[Delivery]:
        """Take a telegram; everything that can be kept because of it, itself included."""
        number, count = telegram.part
        if count == 1:
            yield Delivery((telegram,), telegram.groups)
            return
        state = self._state(telegram, count=count, now_ms=now_ms)
        state.data_time = state.data_time or plain(telegram.groups).get("DataTime", "")
        state.parts[number] = telegram
        state.waiting.add(number)
        if state.data_time:
            for other in sorted(state.waiting):
                if not _is_cut(state.parts[other]):
                    yield state.alone(other)
        if state.waiting and state.is_whole:
            yield state.joined()  # they stay: a part that comes again is answered again

    def expired(self, *, now_ms: int) -> Iterator[Delivery]:
        """Telegrams given up: `whole` is False, and those whose station waits for an answer are not to be kept."""
        while self._open:
            key, state = next(iter(self._open.items()))
            if now_ms - state.since_ms < self._timeout_ms and len(self._open) <= MOST_OPEN:
                return
            del self._open[key]
            if state.waiting and not state.is_whole:
                yield state.joined()

    def _state(self, telegram: Telegram, *, count: int, now_ms: int) -> _Open:
        own = telegram.qn or plain(telegram.groups).get("DataTime", "")
        key = (own, telegram.st, telegram.cn, str(count))
        state = self._open.get(key)
        if state is None:
            state = self._open[key] = _Open(now_ms, count)
        return state


def _is_cut(telegram: Telegram) -> bool:
    """Whether the part begins or ends inside a factor, so that a value and its mark stand in different parts."""
    number, count = telegram.part
    found = factors(telegram.groups)
    if not found:
        return False
    begins_inside = number > 1 and not found[0].has_value
    lacks_mark = not found[-1].marked and (len(found) == 1 or any(factor.marked for factor in found))
    return begins_inside or (number < count and (lacks_mark or not found[-1].has_value))
