"""What the laboratory and the pump attendant report: daily and weekly results with a small error of their own.

Rows have the columns of DESIGN section 3. A result holds for the local days it was sampled on. Units are the ones a
laboratory writes, not all alike, so that conversion is exercised: the kiln coal in kJ/kg, CaO and the cloth's carbon
share in %. Errors stay well inside the repeatability of GB/T 213, GB/T 176 and GB/T 34615.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.simulator.noise import generator, systematic
from services.simulator.process import Composition, simulate
from services.simulator.scenario import DAY_MS, LOCAL_OFFSET_MS, MINUTE_MS, Scenario

COLUMNS: Final = (
    "sample_id", "stream", "parameter", "value", "unit", "basis", "valid_from", "valid_to", "laboratory", "method",
)  # fmt: skip
SAMPLE_COLUMNS: Final = ("sample_id", "stream", "taken_at", "taken_by")
AFTER_END_H: Final = 2
"""Results also cover the hours of live operation that follow the scenario."""
FORKLIFT_T_PER_DAY: Final = 0.42


@dataclass(frozen=True, slots=True)
class Analysis:
    """One kind of result. error: relative standard deviation of one result; unit_size: of the unit in the model's."""

    stream: str
    parameter: str
    truth: str | None  # field of Composition; None for an exact zero
    every_days: int
    error: float
    unit: str
    unit_size: float
    digits: int
    basis: str
    method: str


ANALYSES: Final = (
    Analysis("line1.kiln_coal", "net_calorific_value", "coal_calorific_value", 1, 0.002, "kJ/kg", 1e-3, 0,
             "as_received", "GB/T 213"),
    Analysis("line1.calciner_coal", "net_calorific_value", "coal_calorific_value", 1, 0.002, "GJ/t", 1.0, 3,
             "as_received", "GB/T 213"),
    Analysis("line1.clinker", "clinker_cao", "clinker_cao", 1, 0.001, "%", 1e-2, 2, "", "GB/T 176"),
    Analysis("line1.clinker", "clinker_mgo", "clinker_mgo", 1, 0.005, "1", 1.0, 5, "", "GB/T 176"),
    Analysis("line1.clinker", "clinker_cao_non_carbonate", None, 1, 0.0, "1", 1.0, 1, "", "GB/T 176"),
    Analysis("line1.clinker", "clinker_mgo_non_carbonate", None, 1, 0.0, "1", 1.0, 1, "", "GB/T 176"),
    Analysis("line1.raw_meal", "raw_meal_organic_carbon", "meal_organic_carbon", 7, 0.01, "1", 1.0, 6, "dry",
             "GB/T 27974"),
    Analysis("line1.domestic_waste", "calorific_value", "waste_calorific_value", 7, 0.004, "GJ/t", 1.0, 3,
             "as_received", "GB/T 34615"),
    Analysis("line1.domestic_waste", "non_biomass_energy_fraction", "waste_fossil_energy", 7, 0.004, "1", 1.0, 4, "",
             "GB/T 34615"),
    Analysis("line1.cloth_strips", "calorific_value", "cloth_calorific_value", 7, 0.004, "GJ/t", 1.0, 3,
             "as_received", "GB/T 34615"),
    Analysis("line1.cloth_strips", "non_biomass_carbon_fraction", "cloth_fossil_carbon", 7, 0.004, "%", 1e-2, 2, "",
             "GB/T 34615"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class DailyAmounts:
    """Tonnes of each local day, spread evenly over it."""

    first_day_ms: int
    tonnes: NDArray[np.float64]

    def amount(self, start_ms: int, end_ms: int) -> float:
        """Tonnes in [start, end)."""
        begin = self.first_day_ms + np.arange(self.tonnes.size) * DAY_MS
        share = (np.minimum(end_ms, begin + DAY_MS) - np.maximum(start_ms, begin)).clip(0) / DAY_MS
        return float((share * self.tonnes).sum())


def forklift_diesel(scenario: Scenario) -> DailyAmounts:
    """Diesel pumped into forklifts and loaders, to the kilogram, as it is booked."""
    first, count = _days(scenario)
    drawn = generator(scenario.seed, "forklift diesel").normal(FORKLIFT_T_PER_DAY, 0.05, count)
    return DailyAmounts(first_day_ms=first, tonnes=np.round(np.clip(drawn, 0.2, 0.7), 3))


def laboratory_rows(scenario: Scenario) -> list[dict[str, str]]:
    """All laboratory results and manual entries of the scenario, in the columns of the drop folder."""
    first, count = _days(scenario)
    composition, noons = _daily(scenario)
    rows: list[dict[str, str]] = []
    for analysis in ANALYSES:
        name = f"{analysis.stream} {analysis.parameter}"
        lasting = systematic(scenario.seed, name, bound=analysis.error / 4)
        shocks = generator(scenario.seed, name).standard_normal(count).clip(-3, 3)
        for number, day in enumerate(range(0, count, analysis.every_days)):
            true = 0.0 if analysis.truth is None else float(getattr(composition, analysis.truth)[noons[day]])
            found = true * (1 + lasting + analysis.error * shocks[number]) / analysis.unit_size
            last = min(day + analysis.every_days, count) - 1
            rows.append(_row(analysis, _date(first, day), _date(first, last), f"{found:.{analysis.digits}f}"))
    for day, tonnes in enumerate(forklift_diesel(scenario).tonnes):
        date = _date(first, day)
        rows.append(_forklift_row(date, tonnes))
    return rows


def laboratory_csv(scenario: Scenario) -> str:
    """The rows as a file for the drop folder."""
    sheet = io.StringIO(newline="")
    writer = csv.DictWriter(sheet, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(laboratory_rows(scenario))
    return sheet.getvalue()


def samples_csv(scenario: Scenario) -> str:
    """When each of the samples was taken, as a file for the drop folder: at eight in the morning of its first day."""
    sheet = io.StringIO(newline="")
    writer = csv.DictWriter(sheet, SAMPLE_COLUMNS, lineterminator="\n")
    writer.writeheader()
    streams = {analysis.stream for analysis in ANALYSES}
    rows = {row["sample_id"]: row for row in laboratory_rows(scenario) if row["stream"] in streams}
    for row in rows.values():
        taken = datetime.fromisoformat(f"{row['valid_from']}T08:00:00+08:00").timestamp() * 1000
        moment = datetime.fromtimestamp(min(taken, scenario.end_ms) / 1000, UTC)
        values = (row["sample_id"], row["stream"], moment.isoformat(), row["laboratory"])
        writer.writerow(dict(zip(SAMPLE_COLUMNS, values, strict=True)))
    return sheet.getvalue()


def _row(analysis: Analysis, first: str, last: str, value: str) -> dict[str, str]:
    place = analysis.stream.partition(".")[2].replace("_", "-")
    return {
        "sample_id": f"{place}-{first.replace('-', '')}",
        "stream": analysis.stream,
        "parameter": analysis.parameter,
        "value": value,
        "unit": analysis.unit,
        "basis": analysis.basis,
        "valid_from": first,
        "valid_to": last,
        "laboratory": "厂化验室",
        "method": analysis.method,
    }


def _forklift_row(date: str, tonnes: float) -> dict[str, str]:
    return {
        "sample_id": f"forklift-{date.replace('-', '')}",
        "stream": "site.forklift_diesel",
        "parameter": "amount",
        "value": f"{tonnes:.3f}",
        "unit": "t",
        "basis": "",
        "valid_from": date,
        "valid_to": date,
        "laboratory": "供应处",
        "method": "加油台账",
    }


def _days(scenario: Scenario) -> tuple[int, int]:
    """Beginning of the first local day [ms UTC] and how many days the results cover."""
    first = (scenario.origin_ms + LOCAL_OFFSET_MS) // DAY_MS * DAY_MS - LOCAL_OFFSET_MS
    return first, -(-(scenario.end_ms + AFTER_END_H * 3_600_000 - first) // DAY_MS)


@lru_cache(maxsize=4)
def _daily(scenario: Scenario) -> tuple[Composition, list[int]]:
    """True compositions and the step at the end of each local day, where the day's value stands."""
    first, count = _days(scenario)
    steps = [int((first + (day + 1) * DAY_MS - scenario.origin_ms) // MINUTE_MS) - 1 for day in range(count)]
    return simulate(scenario, minutes=steps[-1] + 1).composition, steps


def _date(first_ms: int, day: int) -> str:
    moment = datetime.fromtimestamp((first_ms + LOCAL_OFFSET_MS) / 1000, UTC) + timedelta(days=day)
    return moment.date().isoformat()
