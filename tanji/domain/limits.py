"""Ranges of inputs and of derived ratios (R52): what a formula refuses, what it warns of, what only diagnoses.

The ranges are data, `limits.toml`, after standard.md section 14.5; a plant overrides one by handing `hard_ranges` or
`soft_ranges`, which need hold only what differs. Hard: `require` raises in the formula; a job that works on arrays asks
`within` first and substitutes by the plant's plan. Soft: `soft` lists warnings that travel beside the figure. Derived
ratios: `diagnose` reports and never refuses. Amounts need only be finite: a scale's zero drift may go below zero, and
cutting it off there would add tonnes. A missing value (not-a-number) is neither outside nor replaced: it propagates.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tanji.errors import DomainError

Quantity: TypeAlias = float | NDArray[np.float64]
"""A value or an array of values; not-a-number means missing."""

RANGE_TOLERANCE = 1e-9
"""Relative slack at a limit: 7 % arrives as 0.07000000000000001 after conversion from percents."""


@dataclass(frozen=True, slots=True)
class Range:
    """Lowest and highest value, in `unit`, and where the two numbers come from."""

    low: float
    high: float
    unit: str
    source: str

    def __str__(self) -> str:
        unit = "" if self.unit == "1" else f" {self.unit}"
        return f"{self.low:g} to {self.high:g}{unit} ({self.source})"


HardRange: TypeAlias = Range
"""A range outside which an input is not used as measured."""

Ranges: TypeAlias = Mapping[str, Range]
"""Ranges under the names of the quantities; an override holds only those that differ."""


@dataclass(frozen=True, slots=True)
class SoftWarning:
    """An input outside its soft range: used, marked for review, listed in the report.

    `value` is the one farthest out [in `unit`], `count` how many values are out: 1 for a scalar.
    """

    input: str
    value: float
    soft: Range
    unit: str
    count: int = 1

    def __str__(self) -> str:
        return f"{self.input}: usually {self.soft}, got {self.value:.9g}"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A derived ratio outside its range: `warn` beyond the soft one, `diagnose` beyond the hard one.

    `value` is the ratio farthest out [in `unit`], `expected` the range it left, `count` how many are out.
    """

    ratio: str
    value: float
    verdict: Literal["warn", "diagnose"]
    expected: Range
    unit: str
    count: int = 1

    def __str__(self) -> str:
        return f"{self.ratio}: {self.verdict}: expected {self.expected}, got {self.value:.9g}"


def _read(section: str, kind: str) -> dict[str, Range]:
    """The `hard` or `soft` ranges of one section of `limits.toml`."""
    path = Path(__file__).with_name("limits.toml")
    tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))[section]
    return {
        name: Range(float(entry[kind][0]), float(entry[kind][1]), entry["unit"], entry["source"])
        for name, entry in tables.items()
        if kind in entry
    }


HARD_RANGES: dict[str, Range] = _read("inputs", "hard")
"""Hard range of every raw input, under its name."""

SOFT_RANGES: dict[str, Range] = _read("inputs", "soft")
"""Soft range of the raw inputs that have one."""

DIAGNOSTIC_RANGES: dict[str, dict[str, Range]] = {kind: _read("derived", kind) for kind in ("soft", "hard")}
"""Soft and hard ranges of derived ratios."""


ALUMINATE_KINDS = frozenset({"aluminate", "sulfoaluminate"})
"""Kinds of clinker with ranges of their own, `<quantity>_aluminate`."""


def require(*, hard_ranges: Ranges | None = None, **inputs: Quantity) -> None:
    """Raise DomainError if an input lies outside the hard range of its name; a missing value passes."""
    for name, value in inputs.items():
        require_range(name, value, bounds=hard_range(name, hard_ranges=hard_ranges))


def hard_range(quantity: str, *, hard_ranges: Ranges | None = None) -> Range:
    """The hard range of a quantity: the plant's own, else the default; DomainError, with the known ones, if none."""
    if hard_ranges is not None and quantity in hard_ranges:
        return hard_ranges[quantity]
    if quantity not in HARD_RANGES:
        raise DomainError(f"hard range: expected one of {', '.join(sorted(HARD_RANGES))}, got {quantity}")
    return HARD_RANGES[quantity]


def range_name(quantity: str, *, clinker_kind: str) -> str:
    """The name under which the range of a quantity stands for a kind of clinker (standard.md 14.5, last paragraph).

    Aluminate and sulfoaluminate clinkers have less CaO and a smaller factor than Portland; others share its ranges.

    >>> range_name("clinker_cao", clinker_kind="aluminate"), range_name("clinker_mgo", clinker_kind="aluminate")
    ('clinker_cao_aluminate', 'clinker_mgo')
    """
    own = f"{quantity}_aluminate"
    return own if clinker_kind in ALUMINATE_KINDS and own in HARD_RANGES else quantity


def require_range(name: str, value: Quantity, *, bounds: Range) -> None:
    """Raise DomainError, naming the input, what was expected and what was got, if `value` lies outside `bounds`."""
    outside = _outside(value, bounds)
    if outside.any():
        raise DomainError(f"{name}: expected {bounds}, got {_first(value, outside)}")


def require_finite(**amounts: Quantity) -> None:
    """Raise DomainError if an amount is infinite; a missing value passes, and so does a negative one."""
    for name, value in amounts.items():
        infinite = np.isinf(np.asarray(value, dtype=np.float64))
        if infinite.any():
            raise DomainError(f"{name}: expected a finite number, got {_first(value, infinite)}")


def within(quantity: str, values: Quantity, *, hard_ranges: Ranges | None = None) -> NDArray[np.bool_]:
    """Which values a formula would take as `quantity`: true inside the hard range, false outside and where missing."""
    array = np.asarray(values, dtype=np.float64)
    return ~(_outside(array, hard_range(quantity, hard_ranges=hard_ranges)) | np.isnan(array))


def soft(*, soft_ranges: Ranges | None = None, **inputs: Quantity) -> tuple[SoftWarning, ...]:
    """A warning for every input outside its soft range, in the order given; one without a soft range has none.

    Coal is asked under its own names, `coal_net_calorific_value` and `coal_carbon_per_energy`.

    >>> [str(warning) for warning in soft(clinker_cao=0.60, clinker_mgo=0.02)]
    ['clinker_cao: usually 0.62 to 0.68 t/t (plausible range of Tanji), got 0.6']
    """
    found = []
    for name, value in inputs.items():
        bounds = (soft_ranges or {}).get(name, SOFT_RANGES.get(name))
        if bounds is not None and (outside := _outside(value, bounds)).any():
            farthest = _farthest(value, outside, bounds)
            found.append(SoftWarning(name, farthest, bounds, bounds.unit, int(outside.sum())))
    return tuple(found)


def diagnose(
    *, soft_ranges: Ranges | None = None, hard_ranges: Ranges | None = None, **ratios: Quantity
) -> tuple[Diagnosis, ...]:
    """What derived ratios tell, one line each: nothing while inside the soft range or not defined; never refuses.

    Beyond the hard range the verdict is `diagnose`, for the whole array if one value is.

    >>> [str(line) for line in diagnose(heat_per_clinker=3.7)]
    ['heat_per_clinker: warn: expected 2.8 to 3.6 GJ/t (plausible range of Tanji), got 3.7']
    """
    ranges = {"diagnose": {**DIAGNOSTIC_RANGES["hard"], **(hard_ranges or {})}}
    ranges["warn"] = {**DIAGNOSTIC_RANGES["soft"], **(soft_ranges or {})}
    found = []
    for name, value in ratios.items():
        if name not in ranges["warn"] and name not in ranges["diagnose"]:
            raise DomainError(f"ratio: expected one of {', '.join(sorted(ranges['warn']))}, got {name}")
        for verdict in ("diagnose", "warn"):
            bounds = ranges[verdict].get(name)
            if bounds is not None and (outside := _outside(value, bounds)).any():
                farthest, count = _farthest(value, outside, bounds), int(outside.sum())
                found.append(Diagnosis(name, farthest, verdict, bounds, bounds.unit, count))
                break
    return tuple(found)


def _outside(value: Quantity, bounds: Range) -> NDArray[np.bool_]:
    array = np.asarray(value, dtype=np.float64)
    slack = RANGE_TOLERANCE * max(abs(bounds.low), abs(bounds.high))
    return np.asarray((array < bounds.low - slack) | (array > bounds.high + slack))


def _farthest(value: Quantity, outside: NDArray[np.bool_], bounds: Range) -> float:
    values = np.asarray(value, dtype=np.float64)[outside]
    distance = np.maximum(bounds.low - values, values - bounds.high)
    return float(values.flat[int(np.argmax(distance))])


def _first(value: Quantity, wrong: NDArray[np.bool_]) -> str:
    if wrong.ndim == 0:
        return f"{float(value):.9g}"
    index = int(np.flatnonzero(wrong)[0])
    return f"{float(np.asarray(value, dtype=np.float64).flat[index]):.9g} at index {index}"
