"""The plant file's part about the sealer's disk and door, and where processes tell how they are."""

from __future__ import annotations

from pydantic import Field

from tanji.plant.records import Frozen

MEGABYTE = 1_000_000


class SealerSettings(Frozen):
    """Limits of the spool and of what is parked, who may write, and when a device's clock is off."""

    spool_limit_mb: int = Field(
        51_200, ge=16, description="Most the spool may take; forwarded segments give way first, then senders wait."
    )
    disk_reserve_mb: int = Field(256, ge=0, description="With less than this free on the disk, senders wait.")
    parked_limit_mb: int = Field(256, ge=1, description="Beyond this parked lines are only counted, by reason.")
    retain_days: float | None = Field(None, gt=0, description="How long forwarded segments stay; none: to the limit.")
    token_file: str | None = Field(None, description="File with the token, or user:password, that senders must show.")
    tls_certificate: str | None = Field(None, description="PEM file with the certificate; HTTPS if it is there.")
    tls_key: str | None = Field(None, description="PEM file with the certificate's key.")
    device_clock_s: float = Field(60.0, gt=0, description="A device whose times are further ahead has a wrong clock.")

    @property
    def scheme(self) -> str:
        """http or https."""
        return "http" if self.tls_certificate is None else "https"


class HealthSettings(Frozen):
    """Where the processes without a door of their own answer /healthz and /metrics; 0 takes a free port."""

    host: str = "127.0.0.1"
    modbus_poller: int = Field(8187, ge=0, le=65535)
    opcua_poller: int = Field(8188, ge=0, le=65535)
    hj212_receiver: int = Field(8189, ge=0, le=65535)
    jobs: int = Field(8190, ge=0, le=65535)
