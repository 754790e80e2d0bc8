"""One prepared request to a Modbus device: what to ask, how to take the answer apart, how to write the lines."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tanji.acquisition.blocks import Block, PlanLimits, plan
from tanji.acquisition.flags import Flag
from tanji.acquisition.modbus_frames import Question
from tanji.acquisition.reading_lines import ReadingLines
from tanji.acquisition.registers import RegisterLayout


@dataclass(frozen=True, slots=True)
class PolledPoint:
    """A point as a poller needs it. Reading = register value x scale + offset, period in ms."""

    id: str
    layout: RegisterLayout
    period_ms: int
    scale: float = 1.0
    offset: float = 0.0


class Request:
    """A block of registers that is asked for once a period."""

    __slots__ = (
        "_lines",
        "_points",
        "_scales",
        "block",
        "decode",
        "period_ms",
        "place",
        "plant_id",
        "question",
        "unit",
    )

    def __init__(self, block: Block, points: dict[str, PolledPoint], *, plant_id: str, period_ms: int) -> None:
        """points : the plan's points by id, those of this block among them."""
        self.block, self.period_ms, self.plant_id = block, period_ms, plant_id
        self.question = Question(block.unit_id, block.table, block.address, block.count)
        self.unit = f"unit {block.unit_id}"
        self.place = f"{self.unit} {block.table} {block.address}"
        self._points = points
        self.decode = block.decoder()
        self._lines = ReadingLines(block.points, plant_id=plant_id)
        scales = [(points[point].scale, points[point].offset) for point in block.points]
        self._scales = None if all(pair == (1, 0) for pair in scales) else scales

    def good(self, data: bytes, *, time_ms: int) -> str:
        """Lines for an answer; a register that holds no number is a failed read, the device's fault."""
        numbers = self.readings(data)
        whole = [number for number in numbers if number is not None]
        if len(whole) == len(numbers) and math.isfinite(sum(whole)):
            return self._lines.good(whole, time_ms=time_ms)
        words = [Flag.FAULT if number is None or not math.isfinite(number) else 0 for number in numbers]
        return self._lines.mixed(numbers, words, time_ms=time_ms)

    def readings(self, data: bytes) -> list[float | None]:
        """The values of the block's points as they are stored, None where a register holds no number."""
        values = self.decode(data)
        return values if self._scales is None else self._scaled(values)

    def failed(self, flag: Flag, *, time_ms: int) -> str:
        """Lines for an answer that did not come, or was a refusal."""
        return self._lines.failed(flag, time_ms=time_ms)

    def halves(self) -> tuple[Request, Request]:
        """Two requests for the same points."""
        first, second = (
            Request(half, self._points, plant_id=self.plant_id, period_ms=self.period_ms)
            for half in self.block.halves()
        )
        return first, second

    def _scaled(self, values: Sequence[float | None]) -> list[float | None]:
        assert self._scales is not None
        # The same arithmetic as registers.through_registers, so that both give the same bits.
        return [
            value if value is None or (scale == 1 and offset == 0) else value * scale + offset
            for value, (scale, offset) in zip(values, self._scales, strict=True)
        ]


def prepare(points: Iterable[PolledPoint], *, plant_id: str, limits: Mapping[int, PlanLimits]) -> tuple[Request, ...]:
    """The requests of one line, planned for each period and unit id apart; a unit without limits has the usual ones."""
    groups: dict[tuple[int, int], dict[str, PolledPoint]] = defaultdict(dict)
    for point in points:
        groups[point.period_ms, point.layout.unit_id][point.id] = point
    return tuple(
        Request(block, chosen, plant_id=plant_id, period_ms=period)
        for (period, unit), chosen in sorted(groups.items())
        for block in _blocks(chosen, limits.get(unit, PlanLimits()))
    )


def _blocks(points: Mapping[str, PolledPoint], limits: PlanLimits) -> tuple[Block, ...]:
    return plan(
        {point.id: point.layout for point in points.values()},
        max_registers=limits.max_registers,
        max_gap=limits.max_gap,
        splits=limits.splits,
        forbidden=limits.forbidden,
        alone=limits.alone,
    )
