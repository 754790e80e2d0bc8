"""Measured values in a plant file: kind, unit, where they are read, the limits they keep, exchanges of counters (R21).

Units are declared as the device delivers them; `tanji.plant.load` refuses one that `tanji.domain.units` cannot convert.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from tanji.plant.hj212_model import TelegramValue
from tanji.plant.modbus_model import Register
from tanji.plant.records import Frozen, Identifier, Name, PointId


class Limits(Frozen):
    """Limits of the quality rules, in the point's declared unit (quality.md section 5)."""

    low: float | None = None
    high: float | None = None
    rate_per_s: float | None = Field(None, gt=0, description="Fastest change the process can make, unit per second.")
    stuck_s: float | None = Field(None, gt=0, description="A constant for this long, while it should move, is stuck.")
    stuck_tolerance: float = Field(0.0, ge=0)


PointKind = Literal["rate", "counter", "state", "concentration", "condition", "parameter"]


PARAMETER_PERIOD_S = 3600.0
"""How often a meter's own settings are read, where the plant file does not say."""


class CounterExchange(Frozen):
    """A counter went on from another count: the meter was exchanged, or its register was set (R31)."""

    at: str = Field(
        pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$",
        description="First moment of the new count, with the offset from UTC.",
    )
    last: float = Field(ge=0, description="Last register count before, read at the old meter.")
    first: float = Field(0.0, ge=0, description="Register count the new one began with.")
    reason: str = ""

    @property
    def at_ms(self) -> int:
        """First moment of the new count [UTC ms]."""
        return round(datetime.fromisoformat(self.at).timestamp() * 1000)


class Point(Frozen):
    """One measured value.

    kind: `rate` flow per time; `counter` totaliser, stored as the unscaled register count; `state` 0/1 or a code;
    `concentration` of a gas; `condition` of the gas it is measured in: velocity, temperature, pressure, humidity;
    `parameter` a setting of the meter itself (zero, span, totaliser factor, transformer ratio): read once an hour and
    sealed, so that a re-spanned meter is seen, and never part of a figure.
    Reading = register value x scale + offset, in `unit`; for a counter this applies in the activity job only.
    """

    id: PointId
    name: Name
    meter: Identifier
    kind: PointKind
    unit: str
    via: Literal["poller", "telegraf"] = "poller"
    quantity: str | None = Field(
        None, description="What of its meter's template this is, e.g. active_power. None once loaded."
    )
    modbus: Register | None = None
    opcua: str | None = Field(None, description='OPC UA node id, e.g. "ns=2;s=Kiln1.CO2".')
    hj212: TelegramValue | None = Field(None, description="Which value of the station's telegrams it is.")
    scale: float = 1.0
    offset: float = 0.0
    period_s: float | None = Field(None, gt=0)
    deadband: float | None = Field(None, gt=0, description="OPC UA subscription: changes below it are not told.")
    limits: Limits = Limits()
    rollover: Annotated[int, Field(gt=0, le=2**53)] | None = None
    rated_per_h: float | None = Field(None, gt=0, description="Counters: most that can pass in an hour, in unit.")
    exchanges: tuple[CounterExchange, ...] = Field((), description="Counters: exchanges of the meter, oldest first.")
