"""The plant model: what exists in a plant and how it is wired, as frozen objects.

One plant file describes site, lines, kilns, devices, meters, points and source streams (R21, R27); every other part
of Tanji is configured from it alone. Reading a file, with errors that name the line, is `tanji.plant.load`; the names
that other parts use are made in `tanji.plant.names`. Formulas and factors are not here.

Units are declared per point as the device delivers them; `tanji.plant.load` refuses a unit that `tanji.domain.units`
cannot convert to the internal ones (t, MWh, GJ, s, °C, Pa, Nm³, fractions).
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tanji.domain.items import Boundary, Method, RuleSetId, StreamKind

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


class Line(Frozen):
    """A clinker production line."""

    id: Identifier
    name: Name
    clinker_kind: Literal["portland", "white_portland", "sulfoaluminate", "aluminate"] = "portland"
    capacity_t_per_day: float = Field(gt=0)
    kiln: Kiln


class DeviceTiming(Frozen):
    """How often a device is asked and how long it may take."""

    id: Identifier
    name: Name
    period_s: float = Field(1.0, gt=0, le=3600)
    timeout_s: float = Field(1.0, gt=0, le=60)


class ModbusDevice(DeviceTiming):
    """A Modbus TCP server: one instrument, or a gateway with several unit ids behind it."""

    protocol: Literal["modbus_tcp"]
    host: str
    port: int = Field(502, ge=1, le=65535)
    max_registers: int = Field(125, ge=1, le=125, description="Most registers the device answers at once.")
    max_gap: int = Field(16, ge=0, le=124, description="Unused registers that may be read to save a request.")


class OpcuaDevice(DeviceTiming):
    """An OPC UA server, usually the control system."""

    protocol: Literal["opcua"]
    endpoint: str = Field(pattern=r"^opc\.tcp://")


Device = Annotated[ModbusDevice | OpcuaDevice, Field(discriminator="protocol")]


class Certificate(Frozen):
    """The verification or calibration certificate in force, until the ledger service holds it (R31, R32)."""

    number: str
    issuer: str = ""
    issued: str = Field("", pattern=r"^(\d{4}-\d{2}-\d{2})?$")
    due: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")


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
    in percent of the reading; `permissible_error` is the fraction.
    """

    id: Identifier
    name: Name
    kind: MeterKind
    device: Identifier
    unit_id: int = Field(1, ge=0, le=247, description="Modbus unit id behind the device.")
    accuracy_class: Annotated[str, Field(pattern=r"^\d+(\.\d+)?S?$")] | None = None
    model: str = ""
    manufacturer: str = ""
    serial: str = ""
    range: MeterRange | None = None
    node: Identifier | None = None
    certificate: Certificate | None = None

    @property
    def permissible_error(self) -> float | None:
        """Maximum permissible error as a fraction of the reading [1]; None where no class is declared."""
        return None if self.accuracy_class is None else float(self.accuracy_class.rstrip("S")) / 100


RegisterType = Literal["bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]


class Register(Frozen):
    """Where a Modbus point lives. `order` is the order of the bytes on the wire, A being the most significant."""

    table: Literal["holding", "input", "coil", "discrete"] = "holding"
    address: int = Field(ge=0, le=65535, description="Zero-based address as on the wire, not 40001.")
    type: RegisterType = "uint16"
    order: Literal["ABCD", "CDAB", "BADC", "DCBA"] = "ABCD"
    bit: Annotated[int, Field(ge=0, le=15)] | None = None


class Limits(Frozen):
    """Limits of the quality rules, in the point's declared unit (quality.md section 5)."""

    low: float | None = None
    high: float | None = None
    rate_per_s: float | None = Field(None, gt=0, description="Fastest change the process can make, unit per second.")
    stuck_s: float | None = Field(None, gt=0, description="A constant for this long, while it should move, is stuck.")
    stuck_tolerance: float = Field(0.0, ge=0)


PointKind = Literal["rate", "counter", "state", "concentration", "condition"]


class Point(Frozen):
    """One measured value.

    kind: `rate` flow per time; `counter` totaliser, stored as the unscaled register count; `state` 0/1 or a code;
    `concentration` of a gas; `condition` of the gas it is measured in: velocity, temperature, pressure, humidity.
    Reading = register value x scale + offset, in `unit`; for a counter this applies in the activity job only.
    """

    id: PointId
    name: Name
    meter: Identifier
    kind: PointKind
    unit: str
    via: Literal["poller", "telegraf"] = "poller"
    modbus: Register | None = None
    opcua: str | None = Field(None, description='OPC UA node id, e.g. "ns=2;s=Kiln1.CO2".')
    scale: float = 1.0
    offset: float = 0.0
    period_s: float | None = Field(None, gt=0)
    limits: Limits = Limits()
    rollover: Annotated[int, Field(gt=0, le=2**53)] | None = None
    rated_per_h: float | None = Field(None, gt=0, description="Counters: most that can pass in an hour, in unit.")


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


class Stream(Frozen):
    """A source stream: which points and laboratory parameters feed which emission item of which boundary.

    The amount is the sum of `points` less the sum of `subtract`, or the manual entries of `ledger` (parameter
    `amount`, spread evenly over the hours an entry holds for). `laboratory` lists the parameters the laboratory
    reports for this stream; one that is missing takes the plan's default and counts as substituted.
    """

    id: PointId
    name: Name
    kind: StreamKind
    line: Identifier | None = Field(None, description="Production line; none means the whole site.")
    boundaries: tuple[Boundary, ...]
    fuel: str | None = Field(None, description="Key of the factor library, e.g. bituminous_coal.")
    method: Method | None = None
    points: tuple[PointId, ...] = ()
    subtract: tuple[PointId, ...] = ()
    ledger: bool = False
    running: PointId | None = Field(None, description="State point that gates this stream; default: the line's kiln.")
    moisture: Fraction = Field(0.0, description="Moisture where it is weighed; dry amount = amount x (1 - moisture).")
    laboratory: tuple[str, ...] = ()
    flue_gas: FlueGas | None = None


class QualityPlan(Frozen):
    """The approved plan's rules for validity and missing data (quality.md section 7)."""

    valid_minutes_per_hour: float = Field(45, gt=0, le=60)
    valid_share_per_minute: Fraction = 0.75
    lookback_valid_hours: int = Field(24, ge=1)
    maximum_gap_s: float = Field(90, gt=0, description="A longer hole between two readings is a gap.")


class CrossCheckPlan(Frozen):
    """Calculation against flue-gas measurement (standard.md section 14.5, last rows)."""

    warn: Fraction = 0.05
    diagnose: Fraction = 0.15


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
    store: Annotated[EmbeddedSettings | InfluxSettings, Field(discriminator="kind")] = EmbeddedSettings()


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
    services: Services = Services()

    @cached_property
    def points_by_id(self) -> dict[str, Point]:
        """Every point under its id."""
        return {point.id: point for point in self.points}

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
        """How often a point is read [s]: its own period, else its device's."""
        return point.period_s or self.device_of(point).period_s

    def running_point(self, stream: Stream) -> str | None:
        """The state point that gates a stream: its own, else its line's kiln; None for a site stream without one."""
        if stream.running is not None:
            return stream.running
        return next((line.kiln.running for line in self.lines if line.id == stream.line), None)
