"""A laboratory or manual value as a frozen record, and what the ledger knows about each parameter.

Which parameters exist, their unit inside the code and the bases they may be given on are in `parameters.toml`; their
hard ranges are those of `tanji.domain.limits` (standard.md section 14.5). Reading files is in `laboratory_csv`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from tanji.domain.items import StreamKind
from tanji.domain.limits import HARD_RANGES, Range, range_name
from tanji.plant import check_units
from tanji.plant.model import Stream

AMOUNT = "amount"
"""Parameter of a manual entry that says how much of a stream there was."""
BURNT = (StreamKind.FOSSIL_FUEL, StreamKind.CAPTIVE_POWER, StreamKind.OTHER_FACILITY)
"""Kinds of stream that burn fossil fuel."""
CALIBRATION, OUT_OF_CONTROL = "calibration", "out_of_control"
"""Entries of a stack: when it was calibrated, and how long it was out of control (失控)."""
CLOSING_FACTOR = "closing_factor"
"""k of a closed month: its official amount over the sum of its hours (standard.md section 9); written by the jobs."""
COAL_FUELS = "coal_"
"""Prefix under which `tanji.domain.limits` keeps the narrower ranges of coal."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What the ledger accepts for one parameter: units inside the code, bases, hard range of the value."""

    name: str
    units: tuple[str, ...]
    bases: tuple[str, ...]
    coal_fuels: tuple[str, ...]

    def hard_range(self, stream: Stream, *, clinker_kind: str = "portland") -> Range | None:
        """Hard range for a stream; coal has narrower ones, aluminate clinkers their own. None for an amount."""
        if stream.kind in BURNT and stream.fuel in self.coal_fuels:
            narrow = HARD_RANGES.get(COAL_FUELS + self.name)
            if narrow is not None:
                return narrow
        return HARD_RANGES.get(range_name(self.name, clinker_kind=clinker_kind))


UNIT_OF = {"mass": "t", "volume": "m3", "normal_volume": "Nm3", "energy": "MWh", "heat": "GJ"}
"""The unit used inside the code for what a stream can be counted in."""


def accepted_units(stream: Stream, parameter: Parameter) -> tuple[str, ...]:
    """Units inside the code that a value may be in for a stream: an amount in what the stream is counted in, a
    calorific value per tonne or per 10^4 Nm3 as its fuel is; never the other one (standard.md section 3).
    """
    amounts = [UNIT_OF[dimension] for dimension in check_units.dimensions(stream)]
    if set(parameter.units) & set(UNIT_OF.values()):
        return tuple(unit for unit in parameter.units if unit in amounts)
    if parameter.name == "net_calorific_value":
        return ("GJ/1e4Nm3",) if "Nm3" in amounts else ("GJ/t",)
    return parameter.units


@dataclass(frozen=True, slots=True)
class Entry:
    """One value for a stream, holding for [valid_from_ms, valid_to_ms) [UTC ms]; `unit` is one used inside the code.

    `id` and `superseded_by` are given by the ledger; 0 and None before it is entered. `raw` is the analysis a value was
    converted from (JSON, units inside the code) and `formula` how; `place` is where the material is weighed; `period`
    says batch, day or month; a row that is `withdrawn` takes back the value it supersedes.
    """

    sample_id: str
    stream: str
    parameter: str
    value: float
    unit: str
    valid_from_ms: int
    valid_to_ms: int
    basis: str = ""
    laboratory: str = ""
    method: str = ""
    entered_value: float | None = None
    entered_unit: str = ""
    source: str = ""
    recorded_at_ms: int = 0
    id: int = 0
    superseded_by: int | None = None
    withdrawn: bool = False
    period: str = ""
    place: str = ""
    raw: str = ""
    formula: str = ""
    entered_by: str = ""
    reason: str = ""

    @property
    def identity(self) -> tuple[str, str, str, int, int]:
        """What makes two entries the same one, entered again or corrected."""
        return self.sample_id, self.stream, self.parameter, self.valid_from_ms, self.valid_to_ms


@cache
def parameters() -> dict[str, Parameter]:
    """Every parameter the ledger takes, under its name."""
    text = resources.files("tanji.ledger").joinpath("parameters.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    coal = tuple(data["coal_fuels"])
    return {
        name: Parameter(name, tuple(entry["units"]), tuple(entry["bases"]), coal)
        for section in ("parameters", "stock", "stack")
        for name, entry in data[section].items()
    }


def accepted_parameters(stream: Stream) -> tuple[str, ...]:
    """Parameters that a plant file lets the ledger hold for a stream."""
    own = stream.laboratory
    if stream.stock:
        own = (*own, *stock_parameters(stream))
    elif stream.ledger:
        own = (*own, AMOUNT)
    return (*own, CALIBRATION, OUT_OF_CONTROL) if stream.kind is StreamKind.FLUE_GAS else own


def stock_parameters(stream: Stream) -> tuple[str, ...]:
    """What a stocktake states, all of it: a plant without sales says 0 (standard.md section 9)."""
    if stream.kind is StreamKind.CLINKER:
        return ("clinker_to_mill", "clinker_dispatched", "opening_stock", "closing_stock", "clinker_bought")
    return ("purchase_amount", "opening_stock", "closing_stock", "sold_amount")
