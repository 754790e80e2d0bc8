"""One row of a laboratory or manual sheet as a ledger entry, or what is wrong with it (DESIGN section 3, R9, R52).

A value is converted to the units inside the code and, where the sheet gives a raw coal analysis, to the place of
weighing; outside its hard range it is refused. What it holds for is `laboratory_periods`, reading files is `sheets`.
"""

from __future__ import annotations

import math

from tanji.domain import units
from tanji.domain.limits import HARD_RANGES, Range
from tanji.errors import DomainError
from tanji.ledger.coal_analysis import MOISTURES, MOVED, RAW, Conversion, raw_text
from tanji.ledger.entries import AMOUNT, Entry, accepted_parameters, accepted_units, parameters, stock_parameters
from tanji.ledger.laboratory_periods import check_full_hours, period_of
from tanji.ledger.sheets import Refused, as_entered
from tanji.plant.model import Plant, Stream

Row = dict[str, str]
YES, NO = ("yes", "true", "1", "y", "是", "作废"), ("", "no", "false", "0", "n", "否")


def entry_of(row: Row, *, plant: Plant, source: str) -> Entry:
    """The entry a row stands for; Refused with the field, what was expected and what was got."""
    if "_" in row:
        got, _, expected = row["_"].partition(", expected ")
        raise Refused("row", expected, got)
    if not row["sample_id"]:
        raise Refused("sample_id", "the sample's number", "nothing")
    stream = plant.streams_by_id.get(row["stream"])
    if stream is None:
        known = ", ".join(entry.id for entry in plant.streams if accepted_parameters(entry))
        raise Refused("stream", f"a source stream of the plant: {known}", row["stream"] or "nothing")
    withdrawn = _withdrawn(row)
    parameter, conversion = _parameter(row, stream)
    entered, value, unit, raw, formula = 0.0, 0.0, "", "", ""
    if not withdrawn:
        entered, value, unit, raw, formula = _value(row, plant, stream, parameter, conversion)
    valid_from, valid_to = period_of(row, plant.site.timezone)
    if parameter in (AMOUNT, *stock_parameters(stream)) and not withdrawn:
        check_full_hours(row, valid_from, valid_to)
    basis = row["basis"] if withdrawn else _basis(row, parameter, conversion)
    return Entry(
        sample_id=row["sample_id"],
        stream=stream.id,
        parameter=parameter,
        value=value,
        unit=unit,
        valid_from_ms=valid_from,
        valid_to_ms=valid_to,
        basis=basis,
        laboratory=row["laboratory"],
        method=row["method"],
        entered_value=entered,
        entered_unit=row["unit"],
        source=source,
        withdrawn=withdrawn,
        period=row.get("period", ""),
        place="" if withdrawn else _place(row, stream, parameter),
        raw=raw,
        formula=formula,
        entered_by=row.get("entered_by", ""),
        reason=row.get("reason", ""),
    )


def _withdrawn(row: Row) -> bool:
    text = row.get("withdrawn", "").lower()
    if text not in (*YES, *NO):
        raise Refused("withdrawn", "yes, or nothing", row["withdrawn"])
    if text in YES and not row.get("reason"):
        raise Refused("reason", "why the result is withdrawn", "nothing")
    return text in YES


def _parameter(row: Row, stream: Stream) -> tuple[str, Conversion | None]:
    """The parameter, and how it is converted where the sheet gives a raw figure or another moisture."""
    accepted = [name for name in accepted_parameters(stream) if name in parameters()]
    raw = RAW.get(row["parameter"])
    if raw is not None and raw.parameter in accepted:
        return raw.parameter, raw
    if row["parameter"] not in accepted:
        expected = f"one of {', '.join(accepted)}" if accepted else f"none: {stream.id} takes no entries"
        raise Refused("parameter", expected, row["parameter"] or "nothing")
    moved = MOVED.get(row["parameter"]) if row.get("moisture_at_scale") else None
    return row["parameter"], moved


def _value(
    row: Row, plant: Plant, stream: Stream, name: str, conversion: Conversion | None
) -> tuple[float, float, str, str, str]:
    """Value as entered, value and unit inside the code, the raw analysis and the formula it was converted by."""
    text, parameter = row["value"], parameters()[name]
    percent = text.endswith("%")  # a cell that Excel shows as a percentage
    try:
        entered = float(text.rstrip("% ").replace("_", "?"))  # float() would take 1_0 for ten
    except ValueError:
        raise Refused("value", "a number", text or "nothing") from None
    if not math.isfinite(entered):
        raise Refused("value", "a finite number", text)
    value, unit = _inside_unit(row, entered, accepted_units(stream, parameter), percent=percent)
    got = as_entered(value, unit, row)
    if conversion is not None:
        _inside(HARD_RANGES.get(conversion.raw), value, got)
        value, raw = _converted(row, value, conversion)
        got = f"{units.written(value, unit)} by {conversion.formula}"
        given = raw, f"{conversion.formula}, docs/method.md"
    else:
        given = "", ""
    kind = next((line.clinker_kind for line in plant.lines if line.id == stream.line), "portland")
    bounds = parameter.hard_range(stream, clinker_kind=kind)
    if bounds is None and value < 0:
        raise Refused("value", "an amount of zero or more", text)
    _inside(bounds, value, got)
    return entered, value, unit, *given


def _inside_unit(row: Row, entered: float, kept: tuple[str, ...], *, percent: bool) -> tuple[float, str]:
    """A value and its unit inside the code; a unit that the parameter is kept in stays as it is."""
    if row["unit"] in kept and not percent:
        return entered, row["unit"]
    try:
        unit = units.conversion(row["unit"])
    except DomainError:
        unit = None
    if unit is None or unit.internal_unit not in kept or (percent and row["unit"] != "%"):
        fits = [one for one, known in units.CONVERSIONS.items() if known.internal_unit in kept or one in kept]
        expected = "%, since the cell is shown as a percentage" if percent else f"one of {', '.join(fits)}"
        raise Refused("unit", expected, row["unit"] or "nothing")
    return float(unit.to_internal(entered)), unit.internal_unit


def _inside(bounds: Range | None, value: float, got: str) -> None:
    if bounds is not None and not bounds.low - _slack(bounds.low) <= value <= bounds.high + _slack(bounds.high):
        raise Refused("value", str(bounds), got)


def _slack(limit: float) -> float:
    return abs(limit) * 1e-9  # 7 % arrives as 0.07000000000000001


def _converted(row: Row, value: float, conversion: Conversion) -> tuple[float, str]:
    """The value at the place of weighing, and the raw analysis; every moisture it needs has to be there."""
    given = {name: _fraction(row, name) for name in MOISTURES if row.get(name)}
    for name in conversion.needs:
        if name not in given:
            raise Refused(name, f"a value too, since {conversion.raw} is converted by {conversion.formula}", "nothing")
    try:
        return conversion.convert(value, given), raw_text(conversion, value, given)
    except DomainError as error:
        name, _, said = str(error).partition(": expected ")
        expected, _, got = said.partition(", got ")
        field = {"moisture_as_received": "moisture_total"}.get(name, name)
        raise Refused(field, expected, got) from error


def _fraction(row: Row, name: str) -> float:
    """A share with its unit in the cell (`9 %`), or in the column moisture_unit; a bare number could be either."""
    text = row[name]
    unit = "%" if text.endswith("%") else row.get("moisture_unit", "")
    expected = "a number with its unit, like 9 %, or a column moisture_unit that says % or 1"
    if unit not in ("%", "1"):
        raise Refused(name, expected, text)
    try:
        value = float(text.rstrip("% ").replace("_", "?"))
    except ValueError:
        raise Refused(name, expected, text) from None
    if not math.isfinite(value):
        raise Refused(name, expected, text)
    return float(units.conversion(unit).to_internal(value))


def _basis(row: Row, parameter: str, conversion: Conversion | None) -> str:
    accepted = parameters()[parameter].bases if conversion is None else (conversion.basis,)
    if row["basis"] not in accepted:
        expected = f"one of {', '.join(basis or '(empty)' for basis in accepted)}"
        raise Refused("basis", expected, row["basis"] or "nothing")
    return row["basis"] if conversion is None else "as_received"


def _place(row: Row, stream: Stream, parameter: str) -> str:
    """Where the result's moisture holds: one place, one moisture (standard.md section 3); a mismatch is an error."""
    place, bases = row.get("place", ""), parameters()[parameter].bases
    if place and stream.weighed_at is None:
        raise Refused("place", f"nothing, since {stream.id} has no weighed_at in the plant file", place)
    if stream.weighed_at is None or (not place and bases != ("as_received",)):
        return place
    if place != stream.weighed_at:
        raise Refused("place", f"{stream.weighed_at}, where {stream.id} is weighed", place or "nothing")
    return place
