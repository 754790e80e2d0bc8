"""Checks of source streams: each is made of points, or entries, that can be what the stream says it is.

Follows standard.md sections 2 and 11: what a kind of stream needs to be counted, where, and from what. Units that add
up are `tanji.plant.check_units`; fuels, methods and laboratory parameters are `tanji.plant.check_factors`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tanji.domain.items import Boundary, StreamKind
from tanji.errors import Finding
from tanji.plant import check_factors, check_missing, check_options, check_points, check_units
from tanji.plant.document import KeyPath
from tanji.plant.model import Stream
from tanji.plant.wiring import Wiring
from tanji.plant.wording import one_of

COUNTED = (
    StreamKind.FOSSIL_FUEL,
    StreamKind.ALTERNATIVE_FUEL,
    StreamKind.RAW_MEAL,
    StreamKind.CLINKER,
    StreamKind.ELECTRICITY_PURCHASED,
    StreamKind.HEAT_PURCHASED,
    StreamKind.HEAT_SOLD,
    StreamKind.CAPTIVE_POWER,
    StreamKind.OTHER_FACILITY,
)
"""Kinds that exist to be counted, so that a boundary must be named."""


ENTERPRISE_ONLY = (
    StreamKind.HEAT_PURCHASED,
    StreamKind.HEAT_SOLD,
    StreamKind.CAPTIVE_POWER,
    StreamKind.OTHER_FACILITY,
)
"""Kinds that are terms of the enterprise (standard.md section 2.1)."""


def check(wiring: Wiring) -> Iterator[Finding]:
    """Every fault of the streams."""
    for position, stream in wiring.streams.items():
        path = ("streams", position)
        yield from _references(wiring, path, stream)
        yield from _boundaries(wiring, path, stream)
        yield from check_factors.check(wiring, path, stream)
        yield from check_options.check(wiring, path, stream)
        yield from check_missing.check(wiring, path, stream)
        yield from _source(wiring, path, stream)
        yield from check_units.add_up(wiring, path, stream)


def _references(wiring: Wiring, path: KeyPath, stream: Stream) -> Iterator[Finding]:
    if stream.line is not None:
        yield from wiring.unknown((*path, "line"), "lines", stream.line)
    if stream.running is not None:
        yield from check_points.state(wiring, (*path, "running"), stream.running)
    seen: dict[str, KeyPath] = {}
    for key in ("points", "subtract"):
        for number, id in enumerate(getattr(stream, key)):
            here = (*path, key, number)
            yield from wiring.unknown(here, "points", id)
            if id in seen:
                where = wiring.document.where(seen[id])
                yield wiring.finding(here, "each point once in a stream", f'"{id}" again, already at {where}')
            seen.setdefault(id, here)


def _boundaries(wiring: Wiring, path: KeyPath, stream: Stream) -> Iterator[Finding]:
    if len(set(stream.boundaries)) < len(stream.boundaries):
        yield wiring.finding((*path, "boundaries"), "each boundary once", ", ".join(stream.boundaries))
    if stream.kind in COUNTED and not stream.boundaries:
        yield wiring.finding((*path, "boundaries"), f"a boundary: {one_of(None, Boundary)}", "an empty list")
    if Boundary.CLINKER in stream.boundaries and stream.kind in ENTERPRISE_ONLY:
        expected = f"enterprise only, since {stream.kind} is no part of clinker production"
        yield wiring.finding((*path, "boundaries"), expected, ", ".join(stream.boundaries))
    elif Boundary.CLINKER in stream.boundaries and stream.line is None:
        expected = "a line, since the clinker boundary is drawn per production line"
        yield wiring.finding((*path, "line"), expected, "nothing")


def _source(wiring: Wiring, path: KeyPath, stream: Stream) -> Iterator[Finding]:
    """Points, ledger entries or a stack: one of them, and the one that suits the kind."""
    if stream.kind is StreamKind.FLUE_GAS:
        if stream.flue_gas is None:
            expected = "the stack's points and area, since the kind is flue_gas"
            yield wiring.finding((*path, "flue_gas"), expected, "nothing")
        else:
            yield from check_units.stack(wiring, (*path, "flue_gas"), stream.flue_gas)
        for key in ("points", "subtract", "ledger"):
            if getattr(stream, key):
                yield wiring.finding((*path, key), "only flue_gas on a stream of kind flue_gas", f"also {key}")
        return
    if stream.flue_gas is not None:
        expected = "flue_gas on streams of kind flue_gas only"
        yield wiring.finding((*path, "flue_gas"), expected, f"flue_gas on a stream of kind {stream.kind}")
    elif stream.ledger and (stream.points or stream.subtract):
        yield wiring.finding((*path, "ledger"), "either points or ledger: true", "both, which would count it twice")
    elif not stream.points and not stream.ledger:
        got = "nothing" if not stream.subtract else "only points to subtract"
        yield wiring.finding((*path, "points"), "points that measure the amount, or ledger: true", got)
