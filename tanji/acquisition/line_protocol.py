"""Line protocol in: a body to a table of readings, the lines of other measurements, and the lines to park.

Follows InfluxData's grammar exactly (`tanji.acquisition.line_grammar`). Two readers agree on every body both take:
whole columns at a time (`tanji.acquisition.line_columns`) for the plain bodies that make up nearly all traffic, and
line by line (`tanji.acquisition.line_scanner`), which knows the whole grammar and is the judge. Whether a plant or
point exists is the sealer's business, not this module's.
"""

from __future__ import annotations

from tanji.acquisition import line_columns, line_scanner
from tanji.acquisition.parsed_lines import PRECISIONS, SCHEMA, OtherLine, ParkedLine, Parsed
from tanji.errors import LineProtocolError

__all__ = ["PRECISIONS", "SCHEMA", "OtherLine", "ParkedLine", "Parsed", "parse"]


def parse(body: bytes, *, precision: str = "ns", arrival_ms: int, park_faults: bool = False) -> Parsed:
    """Read a body. Times are floored to ms; a line without time gets `arrival_ms` [UTC ms].

    A line of measurement `reading` must have exactly the tags plant and point and no other field than value (a float
    or integer) and quality (an integer flag word, 0 if absent); one that does not is parked with its reason. A body
    that is not line protocol from its first line to its last raises LineProtocolError, naming the line; with
    `park_faults`, as the sealer reads, a line whose parts stand where they should, but one of which is no value (`nan`,
    65 bits, half a time), is parked instead, so that it costs only itself.
    """
    if precision not in PRECISIONS:
        raise LineProtocolError(f"line 0: expected a precision, one of {', '.join(PRECISIONS)}, got {precision!r}")
    parsed = line_columns.read(body, precision=precision)
    if parsed is not None:
        return parsed
    return line_scanner.read(body, precision=precision, arrival_ms=arrival_ms, park_faults=park_faults)
