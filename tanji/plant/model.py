"""The plant model: what exists in a plant and how it is wired, as frozen objects.

One plant file describes site, lines, kilns, devices, meters, points and source streams (R21, R27); every other part
of Tanji is configured from it alone. Source streams are `tanji.plant.streams`, the plan's rules `tanji.plant.plan`.
Reading a file, with errors that name the line, is `tanji.plant.load`; the names that other parts use are made in
`tanji.plant.names`. Formulas and factors are not here.

Units are declared per point as the device delivers them; `tanji.plant.load` refuses a unit that `tanji.domain.units`
cannot convert to the internal ones (t, MWh, GJ, s, °C, Pa, Nm³, fractions).
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from tanji.domain.items import Boundary, Indicator, RuleSetId
from tanji.plant.hj212_model import Hj212Device as Hj212Device
from tanji.plant.hj212_model import TelegramValue as TelegramValue
from tanji.plant.import_model import ImportLayout as ImportLayout
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
from tanji.plant.records import DeviceTiming as DeviceTiming
from tanji.plant.records import Fraction as Fraction
from tanji.plant.records import Frozen as Frozen
from tanji.plant.records import Identifier as Identifier
from tanji.plant.records import Name as Name
from tanji.plant.records import PointId as PointId
from tanji.plant.sealer_model import HealthSettings as HealthSettings
from tanji.plant.sealer_model import SealerSettings as SealerSettings
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


class CarbonNode(Frozen):
    """A node of the carbon flow diagram (碳流图) that meters are attached to (R27)."""

    id: Identifier
    name: Name


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


class InfluxSettings(Frozen):
    """An InfluxDB 1.x, 2.x or openGemini server. The token is read from a file, never written here."""

    kind: Literal["influx"]
    url: str
    org: str = "plant"
    token_file: str | None = None


class EmbeddedSettings(Frozen):
    """The embedded DuckDB store in the data directory."""

    kind: Literal["embedded"] = "embedded"


class Services(Frozen):
    """Where the parts listen, and which store they use. Loopback by default: there is no login yet."""

    sealer_host: str = "127.0.0.1"
    sealer_port: int = Field(8186, ge=0, le=65535)
    pages_host: str = "127.0.0.1"
    pages_port: int = Field(8080, ge=0, le=65535)
    hj212_host: str = "127.0.0.1"
    hj212_port: int = Field(9212, ge=0, le=65535, description="Where HJ 212 stations report to.")
    store: Annotated[EmbeddedSettings | InfluxSettings, Field(discriminator="kind")] = EmbeddedSettings()
    sealer: SealerSettings = SealerSettings()
    health: HealthSettings = HealthSettings()
    opcua: OpcuaSettings = OpcuaSettings()
    host_metrics_s: float | None = Field(10.0, gt=0, description="How often Telegraf tells how its machine is.")

    @property
    def sealer_url(self) -> str:
        """Where senders on the same machine find the sealer."""
        return f"{self.sealer.scheme}://{self.sealer_host}:{self.sealer_port}"


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
