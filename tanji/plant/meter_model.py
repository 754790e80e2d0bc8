"""Metering devices in a plant file: what is calibrated, how well it measures, and where it answers (R27, R31, R32)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tanji.plant.modbus_model import RequestLimits, SerialRegister
from tanji.plant.records import Fraction, Frozen, Identifier, Name


class Certificate(Frozen):
    """The verification or calibration certificate in force, until the ledger service holds it (R31, R32).

    With a printed uncertainty it replaces the accuracy class in every budget (standard.md section 13).
    """

    number: str
    issuer: str = ""
    issued: str = Field("", pattern=r"^(\d{4}-\d{2}-\d{2})?$")
    due: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    expanded_uncertainty: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="U as printed, as a fraction of what the class is of; none: the class is the error."
    )
    coverage_factor: float = Field(2.0, gt=0, description="k as printed.")
    random_share: Fraction = Field(
        0.0, description="Share of U that is new in every reading (repeatability), U_random / U; rest: systematic."
    )


class MeterRange(Frozen):
    """Measuring range, in `unit`."""

    low: float
    high: float
    unit: str


MeterKind = Literal[
    "belt_scale",
    "rotor_scale",
    "truck_scale",
    "electricity_meter",
    "flow_meter",
    "gas_analyser",
    "velocity_meter",
    "temperature",
    "pressure",
    "humidity",
    "control_system",
]


class Meter(Frozen):
    """A metering device (碳计量装置): what is calibrated, and where it answers.

    `accuracy_class` is printed on the instrument: "0.5", "1.0", "0.5S". Its number is the maximum permissible error
    in percent of the reading, or of the span of `range` where `class_of` says so; `permissible_error` is the fraction.
    """

    id: Identifier
    name: Name
    kind: MeterKind
    device: Identifier
    unit_id: int = Field(1, ge=0, le=247, description="Modbus unit id behind the device.")
    template: Identifier | None = Field(None, description="Kind of instrument; its points need only a quantity.")
    requests: RequestLimits | None = Field(None, description="Limits of this instrument behind a gateway.")
    serial_register: SerialRegister | None = None
    accuracy_class: Annotated[str, Field(pattern=r"^\d+(\.\d+)?S?$")] | None = None
    class_of: Literal["reading", "full_scale"] = Field(
        "reading", description="What the class is a percentage of; full_scale needs a range."
    )
    model: str = ""
    manufacturer: str = ""
    serial: str = ""
    range: MeterRange | None = None
    node: Identifier | None = None
    certificate: Certificate | None = None

    @property
    def permissible_error(self) -> float | None:
        """Maximum permissible error as a fraction of what the class is of [1]; None where no class is declared."""
        return None if self.accuracy_class is None else float(self.accuracy_class.rstrip("S")) / 100
