"""How the files of a logger are laid out, so that `tanji import` needs to be told only once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tanji.plant.records import Frozen, Identifier

Column = Annotated[str, Field(min_length=1, max_length=200)]


class ImportLayout(Frozen):
    """One kind of logger file: CSV with a column for each point (`columns`) or a row for each value (`point`, `value`).

    Values are in the unit of their point; those of counters are unscaled counts.
    """

    id: Identifier
    time: Column = Field("time", description="Column with the time.")
    time_format: str = Field("", description="epoch_s, epoch_ms or %Y-%m-%d %H:%M:%S and such; empty: a usual form.")
    zone: str = Field("", description="Zone of times that name none; empty: the plant's.")
    delimiter: Literal["", ",", ";", "tab"] = ""
    decimal: Literal[".", ","] = "."
    missing: tuple[str, ...] = Field((), description="Words for no value, like NaN; an empty cell always is none.")
    columns: dict[Column, str] = Field({}, description="Point by column; with point and value: point by name.")
    point: str = Field("", description="Column with the point, where every row is one value.")
    value: str = Field("", description="Column with its value.")
    quality: str = Field("", description="Column with its flag word, a whole number.")
