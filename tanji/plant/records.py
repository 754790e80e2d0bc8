"""What every record of the plant model shares: immutable, strict, with ids of one form and names in two languages."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

PointId = Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$", max_length=96)]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=48)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Frozen(BaseModel):
    """Base of every record: immutable, numbers are finite, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Name(Frozen):
    """What people read, Chinese first."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class DeviceTiming(Frozen):
    """How often a device is asked and how long it may take."""

    id: Identifier
    name: Name
    period_s: float = Field(1.0, gt=0, le=3600)
    timeout_s: float = Field(1.0, gt=0, le=60)
