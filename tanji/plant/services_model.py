"""The section `services` of a plant file: where the parts listen and which store they use (DESIGN section 4)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tanji.plant.opcua_model import OpcuaSettings
from tanji.plant.records import Frozen
from tanji.plant.sealer_model import HealthSettings, SealerSettings


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
