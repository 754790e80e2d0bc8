"""The approved plan in the plant model: validity, missing data, and the comparison with the stack (R21, R52, R55)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tanji.plant.records import Fraction, Frozen


class SubstitutionRow(Frozen):
    """One row of the table of substitution (HJ 75-2017 tables 4 and 5, quality.md 7.3); the first that matches wins."""

    capture_min: Fraction = Field(description="Lowest capture rate of the quarter the row is for.")
    hours_max: Annotated[int, Field(ge=1)] | None = Field(None, description="Longest run of invalid hours; none: any.")
    lookback_valid_hours: int = Field(ge=0, description="Valid hours looked back on; 0: no automatic value.")


class QualityPlan(Frozen):
    """The approved plan's rules for validity and missing data (quality.md section 7)."""

    valid_minutes_per_hour: float = Field(45, gt=0, le=60)
    valid_share_per_minute: Fraction = 0.75
    lookback_valid_hours: int = Field(24, ge=1)
    maximum_gap_s: float = Field(90, gt=0, description="A longer hole between two readings is a gap.")
    substitution: tuple[SubstitutionRow, ...] = (
        SubstitutionRow(capture_min=0.90, hours_max=24, lookback_valid_hours=180),
        SubstitutionRow(capture_min=0.90, lookback_valid_hours=720),
        SubstitutionRow(capture_min=0.75, lookback_valid_hours=2160),
        SubstitutionRow(capture_min=0.0, lookback_valid_hours=0),
    )


class CrossCheckPlan(Frozen):
    """Calculation against flue-gas measurement (standard.md section 14.5, last rows)."""

    warn: Fraction = 0.05
    diagnose: Fraction = 0.15
