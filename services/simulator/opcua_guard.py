"""What a simulated OPC UA server asks of its clients: certificates and a user, as the plant file says of the device.

Its own certificate is made beside Tanji's, in the folder `simulator` of `services.opcua.pki`, and is not trusted by
itself: that is for `tanji keys opcua trust`, as with a real control system. It trusts Tanji's certificate alone.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.crypto.validator import CertificateValidatorMethod
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tanji.acquisition.opcua_pki import Pki, der_of
from tanji.plant.model import OpcuaDevice, Plant

APPLICATION_URI = "urn:tanji:simulator"


class Users:
    """Lets in the user of the plant file, by password or certificate, and anybody where it names none."""

    def __init__(self, device: OpcuaDevice) -> None:
        self._name, self._password, self._certificate = device.user, None, None
        if device.password_file is not None:
            self._password = Path(device.password_file).read_text(encoding="utf-8").strip("\r\n")
        if device.user_certificate is not None:
            self._certificate = der_of(Path(device.user_certificate).read_bytes())

    @property
    def tokens(self) -> list[Any]:
        """The kinds of user the server offers to take."""
        if self._certificate is not None:
            return [ua.X509IdentityToken]
        return [ua.AnonymousIdentityToken] if self._name is None else [ua.UserNameIdentityToken]

    def get_user(
        self, iserver: Any, username: Any = None, password: Any = None, certificate: Any = None
    ) -> User | None:
        """The library asks this of every session; None refuses it."""
        shown = password.decode() if isinstance(password, bytes) else password
        if self._certificate is not None:
            known = certificate == self._certificate
        else:
            known = self._name is None or (username, shown) == (self._name, self._password)
        return User(role=UserRole.User) if known else None


def _only(pki: Pki) -> CertificateValidatorMethod:
    """Tanji's present certificate and no other, as it is at that moment."""

    async def judge(certificate: x509.Certificate, application: ua.ApplicationDescription) -> None:
        if certificate.public_bytes(Encoding.DER) != pki.certificate.read_bytes():
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)

    return judge


async def guard(server: Server, plant: Plant, device: OpcuaDevice) -> None:
    """Make a server that is not started yet ask for what the plant file says of the device."""
    if device.security == "none":
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        server.set_identity_tokens([ua.AnonymousIdentityToken])
        return
    pki = Pki(Path(plant.services.opcua.pki))
    folder = pki.folder / "simulator"
    folder.mkdir(parents=True, exist_ok=True)
    key, certificate = folder / f"{device.id}.pem", folder / f"{device.id}.der"
    uses = [ExtendedKeyUsageOID.SERVER_AUTH]
    await setup_self_signed_certificate(key, certificate, APPLICATION_URI, socket.gethostname(), uses, {})
    key.chmod(0o600)
    await server.set_application_uri(APPLICATION_URI)
    await server.load_certificate(str(certificate))
    await server.load_private_key(str(key))
    server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
    server.set_certificate_validator(_only(pki))
    server.set_identity_tokens(Users(device).tokens)
