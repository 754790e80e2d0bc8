"""The plant file's part about the chain of evidence: who signs, who witnesses, and how late data may be (R33-R36).

Key names are made here and nowhere else: `<origin>/gw1` seals what is read, `/lab` laboratory samples, `/log` signs
checkpoints, `/prepare` and `/approve` statements, `/registrar-<organisation>` keyring notes. Keys themselves are files
that `tanji keys` makes; what is signed with them is `tanji.trust`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from tanji.plant.records import Fraction, Frozen

KeyPart = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=32)]
"""Last part of a key's name, and the name of its file."""

Origin = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=96)]

RESERVED = ("log", "lab", "prepare", "approve")
"""Names of the plant's other keys; a gateway cannot have one of them."""


class WitnessSettings(Frozen):
    """A witness outside the plant that cosigns checkpoints, at the metrology institute as a rule (R35)."""

    name: Annotated[
        str, Field(pattern=r"^[^\s+]+$", max_length=160, description="Name of its key, as the vkey has it.")
    ]
    organisation: KeyPart = Field("institute", description="Who runs it; witnesses of one organisation count once.")
    vkey: str = Field(description="Its verifier key, name+hash+base64, from the witness itself.")
    url: str = Field(description="Where it takes add-checkpoint.")


class TrustSettings(Frozen):
    """Sealing, log, witnesses and publication of one plant. Without this section nothing is sealed."""

    origin: Origin = Field(description="Prefix of every key's name.")
    gateway: KeyPart = Field("gw1", description="This gateway's key; every machine that reads meters has its own.")
    keys: str = Field("keys", min_length=1, description="Folder of keys, from the data directory.")
    anchor: str = Field("anchor", min_length=1, description="File in it: policy and registrars' keys.")
    witnesses: tuple[WitnessSettings, ...] = ()
    quorum: int | None = Field(None, ge=0, description="Organisations whose cosignature is needed; none: all of them.")
    late_window_d: float = Field(3.0, ge=0, le=60, description="A figure is provisional until so many days after it.")
    late_share_limit: Fraction = Field(0.05, description="Beyond this share of late readings a figure needs approval.")
    witness_s: float = Field(300.0, ge=1, le=3600, description="How often checkpoints are witnessed, seconds.")
    audit_at: str = Field(
        "02:30",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="When the database is compared with what was sealed, every night, plant-local.",
    )
    log_url: str | None = Field(None, description="The log's service, where it is a process of its own.")

    @property
    def gateway_key(self) -> str:
        """Name of the key that seals what this gateway reads."""
        return self.key_name(self.gateway)

    def key_name(self, part: str) -> str:
        """Full name of one of the plant's keys: `lab`, `log`, `prepare`, `approve`, `registrar-plant`..."""
        return f"{self.origin}/{part}"

    def keys_dir(self, data_dir: Path) -> Path:
        """The folder of keys and keyring notes."""
        return data_dir / self.keys

    def key_file(self, data_dir: Path, part: str) -> Path:
        """The private key of one of the names."""
        return self.keys_dir(data_dir) / f"{part}.key"

    def anchor_file(self, data_dir: Path) -> Path:
        """Policy and registrars' keys, as an inspector has them too."""
        return self.keys_dir(data_dir) / self.anchor
