"""Payloads of many batches at once, in several processes, and the one rule that looks across them.

A batch's payload is judged by `tanji.trust.batch.check_payload`; here is what makes a plant-day quick (`verify_lines`
for payloads that are plainly in order, processes of their own for large evidence) and the rule that the first sealed
value of a point and time stands (reference/trust.md 2.8): over all payloads, in the order of the log, at most one value
of a point and time has no flag DUPLICATE. Whether a payload has to be there is `verify_complete`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from operator import lt

from tanji.errors import TrustError
from tanji.trust.batch import LABORATORY, REGULAR, Batch
from tanji.trust.batch_payload import MARGIN_MS, check_payload
from tanji.trust.payload import parse_laboratory, split_lines
from tanji.trust.payload_line import DUPLICATE, LaboratoryLine
from tanji.trust.plant_note import PARAMETER
from tanji.trust.tree import root_of_lines
from tanji.trust.verify_lines import Span, quick_spans
from tanji.trust.verify_processes import spread
from tanji.trust.verify_report import Failure
from tanji.trust.verify_source import Opener, Source

LARGE = 200_000
"""Below so many lines in all, starting processes takes longer than checking [line]."""

CHUNKS = 8
"""Pieces of work for each process: few enough to start quickly, enough that none waits for another."""

Scope = tuple[str, ...] | None
"""Meters a key may speak for; None for every one."""
Kinds = Mapping[tuple[bytes, Scope], Mapping[str, str]]
"""Kind of every point a key may seal, by digest of the point map and scope of the key, where the maps are there."""
Window = tuple[int, int]
"""Times [ms] from the first, included, to the second, excluded."""
Bounds = dict[int, dict[str, list[Window]]]
"""Per payload and point: first and last time [ms], both included, that need a second look."""


@dataclass(frozen=True, slots=True)
class Task:
    """One payload to be checked. period : of the statement. late : the part of it that was witnessed late, if known.

    early : the part of it that was still to come when the payload was witnessed, if known.
    is_there : a batch without lines needs no member for its payload.
    """

    index: int
    path: str
    batch: Batch
    period: Window | None = None
    late: Window | None = None
    is_there: bool = True
    scope: Scope = None
    early: Window | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A payload that is in order. `repeated` are the points with several lines of one time."""

    index: int
    path: str
    lines: int
    in_period: int
    late: int
    early: int
    spans: tuple[Span, ...]
    repeated: frozenset[str]
    laboratory: tuple[LaboratoryLine, ...]


Outcome = tuple[list[Checked], Failure | None]
"""Payloads in order up to the first that breaks a rule, and which rule; errors do not cross processes."""


def check_payloads(opener: Opener, tasks: Sequence[Task], kinds: Kinds, *, processes: int) -> list[Checked]:
    """Every payload in the order of the tasks; the first one that breaks a rule is raised."""
    total = sum(task.batch.points for task in tasks)
    if processes < 2 or total < LARGE:
        with opener.open() as source:
            found, fault = _check_some(source, tasks, kinds)
    else:
        found, fault = _in_processes(opener, tasks, kinds, processes=processes, total=total)
    with opener.open() as source:
        _check_first_values(source, found)
    if fault is not None:
        raise TrustError(fault.rule, where=fault.where, expected=fault.expected, got=fault.got)
    return found


def _in_processes(opener: Opener, tasks: Sequence[Task], kinds: Kinds, *, processes: int, total: int) -> Outcome:
    chunks: list[list[Task]] = [[]]
    lines = 0
    for task in tasks:
        chunks[-1].append(task)
        lines += task.batch.points
        if lines * processes * CHUNKS >= total * len(chunks):
            chunks.append([])
    found: list[Checked] = []
    with closing(spread(partial(_check_piece, opener, kinds), chunks, processes=processes)) as outcomes:
        for some, fault in outcomes:
            found += some
            if fault is not None:
                return found, fault
    return found, None


def _check_piece(opener: Opener, kinds: Kinds, tasks: Sequence[Task]) -> Outcome:
    with opener.open() as source:
        return _check_some(source, tasks, kinds)


def _check_some(source: Source, tasks: Iterable[Task], kinds: Kinds) -> Outcome:
    found = []
    for task in tasks:
        try:
            data = source.read(task.path) if task.is_there else b""
            found.append(check_one(task, data, kinds.get((task.batch.pointmap, task.scope))))
        except TrustError as error:
            got = f"{error.got} ({error.where})" if error.where else error.got
            return found, Failure(error.rule, task.path, error.expected, got)
    return found, None


def check_one(task: Task, data: bytes, kinds: Mapping[str, str] | None) -> Checked:
    """One payload against its batch; TrustError names the rule. kinds : None where the point map is not there."""
    if kinds is not None and (quick := _quick(task, data, kinds)) is not None:
        return quick
    check_payload(task.batch, data, kinds=kinds)
    if task.batch.kind == LABORATORY:
        events = parse_laboratory(data)
        return Checked(task.index, task.path, len(events), 0, 0, 0, (), frozenset(), events)
    return _slow(task, data)


def _quick(task: Task, data: bytes, kinds: Mapping[str, str]) -> Checked | None:
    """The result if the payload is plainly in order; None leaves the question to `check_payload`."""
    batch = task.batch
    if batch.kind != REGULAR or data.count(b"\r"):  # the others are few, and have rules of their own
        return None
    lines = data.splitlines(keepends=True)
    if len(lines) != batch.points or not data.endswith(b"\n") or root_of_lines(lines) != batch.root:
        return None
    spans = quick_spans(data, lines, kinds)
    if spans is None or any(kinds[span.point] == PARAMETER for span in spans):
        return None
    low, high = batch.from_ms - MARGIN_MS, batch.to_ms + MARGIN_MS
    if not all(low <= span.first_ms and span.last_ms < high for span in spans):
        return None
    return _counted(task, lines, spans)


def _counted(
    task: Task, lines: Sequence[bytes], spans: Sequence[Span], repeated: frozenset[str] = frozenset()
) -> Checked:
    in_period, late, early = (_within(spans, lines, window) for window in (task.period, task.late, task.early))
    return Checked(task.index, task.path, len(lines), in_period, late, early, tuple(spans), repeated, ())


def _within(spans: Sequence[Span], lines: Sequence[bytes], window: Window | None) -> int:
    """How many lines are within the window."""
    if window is None or window[0] >= window[1]:
        return 0
    low, high = window
    if all(span.last_ms < low or span.first_ms >= high for span in spans):
        return 0
    if all(low <= span.first_ms and span.last_ms < high for span in spans):
        return len(lines)
    return sum(low <= int(line.split(b" ", 2)[1]) < high for line in lines)


def _slow(task: Task, data: bytes) -> Checked:
    """What the quick way gives, for a payload that `check_payload` found in order."""
    times: dict[str, list[int]] = defaultdict(list)
    lines = split_lines(data)
    for line in lines:
        point, time, _ = line.split(b" ", 2)
        times[point.decode("ascii")].append(int(time))
    spans = tuple(Span(point, min(found), max(found), len(found)) for point, found in times.items())
    repeated = frozenset(point for point, found in times.items() if len(set(found)) != len(found))
    return _counted(task, lines, spans, repeated)


def _check_first_values(source: Source, found: Sequence[Checked]) -> None:
    """Raise at the first payload with a second value of a point and time that claims to be the first."""
    bounds = _overlaps(found)
    standing: dict[tuple[bytes, bytes], str] = {}
    for checked in found:
        if checked.index not in bounds:
            continue
        for line in split_lines(source.read(checked.path)):
            point, time, value, quality = line[:-1].split(b" ")
            windows = bounds[checked.index].get(point.decode("ascii"), ())
            if value == b"-" or int(quality) & DUPLICATE or not any(low <= int(time) <= high for low, high in windows):
                continue
            if (point, time) in standing:
                expected = f"the flag DUPLICATE on a value after the one in {standing[point, time]}"
                got = line[:-1].decode("ascii")
                raise TrustError("payload-first-value", where=checked.path, expected=expected, got=got)
            standing[point, time] = checked.path


def _overlaps(found: Sequence[Checked]) -> Bounds:
    """Times of points that another payload, or a second line of the same one, may hold too."""
    bounds: Bounds = defaultdict(lambda: defaultdict(list))
    by_point: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for checked in found:
        for span in checked.spans:
            by_point[span.point].append((span.first_ms, span.last_ms, checked.index))
            if span.point in checked.repeated:
                bounds[checked.index][span.point].append((span.first_ms, span.last_ms))
    for point, spans in by_point.items():
        spans.sort()
        if not all(map(lt, (last for _, last, _ in spans), (first for first, _, _ in spans[1:]))):
            _mark(bounds, point, spans)
    return bounds


def _mark(bounds: Bounds, point: str, spans: Sequence[tuple[int, int, int]]) -> None:
    """Both sides of every overlap of spans (first, last, payload), which come sorted."""
    open_spans: list[tuple[int, int, int]] = []
    for first, last, index in spans:
        open_spans = [one for one in open_spans if one[1] >= first]
        for _, other_last, other in open_spans:
            both = (first, min(last, other_last))
            bounds[index][point].append(both)
            bounds[other][point].append(both)
        open_spans.append((first, last, index))
