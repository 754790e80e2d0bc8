"""The OPC UA part of the plant model: servers, how to be let in, and how their values are read.

Certificates are made and trusted by `tanji keys opcua`; the folder that holds them is `services.opcua.pki`. Reading is
the OPC UA poller's, or Telegraf's for points marked `via: telegraf`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tanji.plant.records import DeviceTiming, Frozen


class OpcuaDevice(DeviceTiming):
    """An OPC UA server, usually the control system. A user is named by a password or by a certificate."""

    protocol: Literal["opcua"]
    endpoint: str = Field(pattern=r"^opc\.tcp://")
    security: Literal["none", "basic256sha256"] = Field("none", description="basic256sha256 signs and encrypts.")
    user: str | None = Field(None, min_length=1, description="User name; its password is in password_file.")
    password_file: str | None = Field(None, description="File with the user's password, nothing else.")
    user_certificate: str | None = Field(None, description="PEM or DER file of a user known by certificate.")
    user_key: str | None = Field(None, description="PEM file with that certificate's private key.")
    read: Literal["poll", "subscription"] = Field("poll", description="subscription: the server tells what changes.")
    times: Literal["cycle", "source"] = Field(
        "cycle", description="Time of a polled reading: start of the cycle, or the server's source timestamp."
    )
    audit_s: float = Field(60.0, gt=0, le=3600, description="How often a subscription is checked by reading.")
    history: bool = Field(False, description="Whether the server keeps history that a gap can be filled from.")
    history_s: float = Field(3600.0, gt=0, le=86400, description="How long a gap waits for it before it is recorded.")


class OpcuaSettings(Frozen):
    """What Tanji shows to every OPC UA server."""

    pki: str = Field("pki", description="Folder of Tanji's OPC UA certificate and of the server certificates trusted.")
