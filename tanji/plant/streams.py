"""Source streams of the plant model: what is counted, from which points or entries, by which formula (R21).

Which options suit a kind is checked by `tanji.plant.check_streams` and its neighbours; formulas are `tanji.domain`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tanji.domain.items import Boundary, Method, MissingRule, StreamKind
from tanji.plant.records import Frozen, Identifier, Name, PointId


class FlueGas(Frozen):
    """The points and constants of a stack measurement (standard.md section 11)."""

    co2: PointId
    velocity: PointId
    temperature: PointId
    pressure: PointId
    humidity: PointId
    oxygen: PointId | None = None
    area_m2: float = Field(gt=0)
    velocity_field_factor: float = Field(1.0, gt=0)
    basis: Literal["dry", "wet"] = "dry"
    pitot: bool = Field(False, description="The velocity comes from a pitot tube and the gas density at that moment.")


class Stream(Frozen):
    """A source stream: which points and laboratory parameters feed which emission item of which boundary.

    The amount is the sum of `points` less the sum of `subtract`, or the manual entries of `ledger` (parameter
    `amount`, spread evenly over the hours an entry holds for). `laboratory` lists the parameters the laboratory
    reports for this stream; one that is missing takes what the plan's rule says and counts as substituted.
    """

    id: PointId
    name: Name
    kind: StreamKind
    line: Identifier | None = Field(None, description="Production line; none means the whole site.")
    boundaries: tuple[Boundary, ...]
    fuel: str | None = Field(None, description="Key of the factor library, e.g. bituminous_coal.")
    method: Method | None = None
    variant: Identifier | None = Field(
        None, description="Which default of the factor library, where it has several: coal_gangue for raw meal."
    )
    heat_carrier: Literal["hot_water", "steam"] | None = Field(
        None, description="Heat that is weighed in t of water or steam instead of metered in GJ."
    )
    meal_clinker_ratio: float | None = Field(
        None, gt=0, description="Dry raw meal per clinker, for the organic carbon of a line without a meal scale."
    )
    points: tuple[PointId, ...] = ()
    subtract: tuple[PointId, ...] = ()
    ledger: bool = False
    running: PointId | None = Field(None, description="State point that gates this stream; default: the line's kiln.")
    moisture: float = Field(
        0.0, ge=0, le=0.9, description="Moisture where it is weighed, a fraction; dry amount = amount x (1 - moisture)."
    )
    weighed_at: Identifier | None = Field(
        None, description="Where it is weighed; a laboratory sheet that names another place is refused."
    )
    laboratory: tuple[str, ...] = ()
    stock: bool = Field(
        False, description="Month by stocktake: the amount itself with ledger: true, else the closing of the points."
    )
    missing: dict[str, MissingRule] = Field(
        {}, description="What stands in for missing data, by amount or laboratory parameter."
    )
    flue_gas: FlueGas | None = None

    def __hash__(self) -> int:
        return hash((self.id, self.kind))  # the rules are a mapping, which has no hash

    def missing_rule(self, quantity: str) -> MissingRule:
        """What stands in for a missing value: what the plan says, else the mean for an amount, the library for others.

        quantity : `amount`, or a laboratory parameter.
        """
        usual = MissingRule.MEAN_OF_VALID if quantity == "amount" else MissingRule.REFERENCE_VALUE
        return self.missing.get(quantity, usual)
