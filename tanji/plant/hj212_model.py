"""The HJ 212 part of the plant model: stations that report by telegram, and which of their values is a point.

Telegrams are `tanji.acquisition.hj212`; taking them is the HJ 212 receiver's.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tanji.plant.records import DeviceTiming, Frozen

FactorCode = Annotated[str, Field(pattern=r"^[0-9A-Za-z_.]{1,20}$")]

TelegramKind = Literal[
    "rtd", "zs_rtd",
    "minute_avg", "minute_min", "minute_max", "minute_cou", "minute_zs_avg", "minute_zs_min", "minute_zs_max",
    "hour_avg", "hour_min", "hour_max", "hour_cou", "hour_zs_avg", "hour_zs_min", "hour_zs_max",
    "day_avg", "day_min", "day_max", "day_cou", "day_zs_avg", "day_zs_min", "day_zs_max",
]  # fmt: skip


class Hj212Device(DeviceTiming):
    """A monitoring station that reports by HJ 212-2017 or HJ/T 212-2005: it calls, Tanji listens (`services`).

    `period_s` is how often it reports present values; `timeout_s` how long the parts of one telegram may take.
    """

    protocol: Literal["hj212"]
    mn: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,32}$", description="The station's number MN, in quotes.")]
    password_file: str = Field(min_length=1, description="File whose first line is the station's password PW.")
    ignore: tuple[FactorCode, ...] = Field((), description="Factor codes that are of no use here and are not kept.")
    period_s: float = Field(60.0, gt=0, le=86400)
    timeout_s: float = Field(10.0, gt=0, le=600)
    clock_tolerance_s: float = Field(120.0, gt=0, description="A value further in the future than this is flagged.")


class TelegramValue(Frozen):
    """Which value of a station's telegrams a point is: the factor's code, and the present value or one of a period.

    Codes are those of HJ 524 with HJ 212-2017 (a05001 is CO2, a19001 O2), or those of HJ/T 212-2005. `rtd` comes with
    command 2011, `minute_` with 2051, `hour_` with 2061, `day_` with 2031; `zs_` is converted to the reference oxygen
    (折算). The time is the telegram's DataTime, which for a period is its beginning.
    """

    code: FactorCode
    kind: TelegramKind = "rtd"
