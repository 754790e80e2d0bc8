"""The plant model: what exists in a plant and how it is wired, as frozen objects.

One plant file describes site, lines, kilns, devices, meters, points and source streams (R21, R27); every other part
of Tanji is configured from it alone. Here are the site, its lines and the plant as a whole; meters are `meter_model`,
points `point_model`, services `services_model`, devices the module of their protocol, source streams `streams`, the
plan's rules `plan`. Reading a file, with errors that name the line, is `load`; the names that other parts use are made
in `names`. Formulas and factors are not here.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from tanji.domain.items import Boundary, Indicator, RuleSetId
from tanji.plant.hj212_model import Hj212Device as Hj212Device
from tanji.plant.hj212_model import TelegramValue as TelegramValue
from tanji.plant.import_model import ImportLayout as ImportLayout
from tanji.plant.meter_model import Certificate as Certificate
from tanji.plant.meter_model import Meter as Meter
from tanji.plant.meter_model import MeterKind as MeterKind
from tanji.plant.meter_model import MeterRange as MeterRange
from tanji.plant.modbus_model import ModbusDevice as ModbusDevice
from tanji.plant.modbus_model import ModbusLine as ModbusLine
from tanji.plant.modbus_model import ModbusSerialDevice as ModbusSerialDevice
from tanji.plant.modbus_model import Register as Register
from tanji.plant.modbus_model import RegisterType as RegisterType
from tanji.plant.modbus_model import RequestLimits as RequestLimits
from tanji.plant.modbus_model import SerialRegister as SerialRegister
from tanji.plant.opcua_model import OpcuaDevice as OpcuaDevice
from tanji.plant.opcua_model import OpcuaSettings as OpcuaSettings
from tanji.plant.plan import CrossCheckPlan as CrossCheckPlan
from tanji.plant.plan import QualityPlan as QualityPlan
from tanji.plant.plan import SubstitutionRow as SubstitutionRow
from tanji.plant.point_model import PARAMETER_PERIOD_S as PARAMETER_PERIOD_S
from tanji.plant.point_model import CounterExchange as CounterExchange
from tanji.plant.point_model import Limits as Limits
from tanji.plant.point_model import Point as Point
from tanji.plant.point_model import PointKind as PointKind
from tanji.plant.records import DeviceTiming as DeviceTiming
from tanji.plant.records import Fraction as Fraction
from tanji.plant.records import Frozen as Frozen
from tanji.plant.records import Identifier as Identifier
from tanji.plant.records import Name as Name
from tanji.plant.records import PointId as PointId
from tanji.plant.sealer_model import HealthSettings as HealthSettings
from tanji.plant.sealer_model import SealerSettings as SealerSettings
from tanji.plant.services_model import EmbeddedSettings as EmbeddedSettings
from tanji.plant.services_model import InfluxSettings as InfluxSettings
from tanji.plant.services_model import Services as Services
from tanji.plant.streams import FlueGas as FlueGas
from tanji.plant.streams import Stream as Stream
from tanji.plant.trust_model import TrustSettings as TrustSettings
from tanji.plant.trust_model import WitnessSettings as WitnessSettings


class Site(Frozen):
    """The enterprise and its place."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=24)]
    name: Name
    legal_name: str = ""
    credit_code: str = ""
    timezone: str = "Asia/Shanghai"
    region: str = Field("national", description="Grid-factor region: national, central_china, hubei.")
    altitude_m: float = 0.0


class Kiln(Frozen):
    """A rotary kiln; `running` is the state point that says whether it runs (value >= 0.5)."""

    id: Identifier
    name: Name
    size: str = ""
    running: PointId


class AllowanceFacts(Frozen):
    """What decides whether a line is exempt in the national market (standard.md section 15).

    Facts about the line, so they stand in the plant file; the balance value of a year is published, so it is a record
    of the factor library.
    """

    white_cement_only: bool = False
    carbide_slag_fraction: Fraction = Field(0.0, description="Share of carbide slag in the raw materials.")
    gypsum_to_acid: bool = Field(False, description="Clinker is a by-product of acid made from gypsum.")
    closed_or_new: bool = Field(False, description="Closed or new in the year: it has a rule of its own.")


class Line(Frozen):
    """A clinker production line."""

    id: Identifier
    name: Name
    clinker_kind: Literal["portland", "white_portland", "sulfoaluminate", "aluminate"] = "portland"
    capacity_t_per_day: float = Field(gt=0)
    kiln: Kiln
    allowance: AllowanceFacts = AllowanceFacts()


Device = Annotated[ModbusDevice | ModbusSerialDevice | OpcuaDevice | Hj212Device, Field(discriminator="protocol")]


class CarbonNode(Frozen):
    """A node of the carbon flow diagram (碳流图) that meters are attached to (R27)."""

    id: Identifier
    name: Name


class Plant(Frozen):
    """A whole plant. Cross references are checked by `tanji.plant.load`, which also knows the lines of the file."""

    tanji: Literal[1] = Field(description="Version of the plant file's format.")
    site: Site
    lines: tuple[Line, ...]
    nodes: tuple[CarbonNode, ...] = ()
    devices: tuple[Device, ...]
    meters: tuple[Meter, ...]
    points: tuple[Point, ...] = ()
    point_table: str | None = Field(None, description="CSV or XLSX file beside this one with more points.")
    streams: tuple[Stream, ...]
    rulesets: tuple[RuleSetId, ...] = (RuleSetId.GBT32151_8, RuleSetId.CETS_AG_02_01)
    compliance: tuple[Boundary, RuleSetId] = (Boundary.CLINKER, RuleSetId.CETS_AG_02_01)
    quality: QualityPlan = QualityPlan()
    cross_check: CrossCheckPlan = CrossCheckPlan()
    targets: dict[Indicator, Annotated[float, Field(gt=0)]] = Field(
        {}, description="The plant's own targets; tCO2 per tonne is of the compliance boundary and rule set."
    )
    cement_electricity: tuple[PointId, ...] = Field(
        (), description="Electricity streams of the cement stage (GB 16780), for kWh per tonne of cement."
    )
    services: Services = Services()
    trust: TrustSettings | None = Field(None, description="The chain of evidence; without it nothing is sealed.")
    imports: tuple[ImportLayout, ...] = Field((), description="How logger files are laid out, for tanji import.")

    @cached_property
    def points_by_id(self) -> dict[str, Point]:
        """Every point under its id."""
        return {point.id: point for point in self.points}

    @cached_property
    def metered_points(self) -> tuple[Point, ...]:
        """Every point that is measured; the meters' own parameters are not."""
        return tuple(point for point in self.points if point.kind != "parameter")

    @cached_property
    def meters_by_id(self) -> dict[str, Meter]:
        """Every meter under its id."""
        return {meter.id: meter for meter in self.meters}

    @cached_property
    def devices_by_id(self) -> dict[str, Device]:
        """Every device under its id."""
        return {device.id: device for device in self.devices}

    @cached_property
    def streams_by_id(self) -> dict[str, Stream]:
        """Every source stream under its id."""
        return {stream.id: stream for stream in self.streams}

    def device_of(self, point: Point) -> Device:
        """The device a point is read from."""
        return self.devices_by_id[self.meters_by_id[point.meter].device]

    def period_s(self, point: Point) -> float:
        """How often a point is read [s]: its own period, else an hour for a parameter, else its device's."""
        usual = PARAMETER_PERIOD_S if point.kind == "parameter" else self.device_of(point).period_s
        return point.period_s or usual

    @cached_property
    def slowest_periods_s(self) -> dict[str, float]:
        """By device id, the longest period of its points [s]; parameters count where there is nothing else."""
        periods: dict[str, float] = {}
        for points in (self.metered_points, self.points):
            seen = frozenset(periods)
            for point in points:
                device = self.device_of(point).id
                if device not in seen:
                    periods[device] = max(periods.get(device, 0.0), self.period_s(point))
        return periods

    def running_point(self, stream: Stream) -> str | None:
        """The state point that gates a stream: its own, else its line's kiln; None for a site stream without one."""
        if stream.running is not None:
            return stream.running
        return next((line.kiln.running for line in self.lines if line.id == stream.line), None)
