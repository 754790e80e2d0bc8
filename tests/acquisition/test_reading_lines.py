"""Lines of a fixed set of points."""

from __future__ import annotations

import math

from tanji.acquisition.line_protocol import parse
from tanji.acquisition.reading_lines import ReadingLines

LINES = ReadingLines(["a.x", "b"], plant_id="hx01")


def test_good_values_keep_their_bits_and_integers_stay_floats_for_the_store() -> None:
    text = LINES.good([0.1, 7], time_ms=5)
    assert text == (
        "reading,plant=hx01,point=a.x value=0.1,quality=0i 5\nreading,plant=hx01,point=b value=7,quality=0i 5\n"
    )


def test_failed_reads_have_a_word_and_no_value() -> None:
    assert LINES.failed(1024, time_ms=5).splitlines()[1] == "reading,plant=hx01,point=b quality=1024i 5"


def test_mixed_lines_leave_out_what_is_no_number() -> None:
    text = LINES.mixed([math.inf, -0.0], [2048, 32768], time_ms=5)
    rows = parse(text.encode(), precision="ms", arrival_ms=0).readings.to_pylist()
    assert [(row["value"], row["quality"]) for row in rows] == [(None, 2048), (0.0, 32768)]
    assert math.copysign(1, rows[1]["value"]) == -1
