"""How a client of an OPC UA server is let in: certificates on both sides, and a user (OPC 10000-4 5.4 to 5.6, 6.1).

The server's certificate comes over an open channel and is judged by `tanji.acquisition.opcua_pki` before anything else
is sent; the channel is then encrypted to that very certificate, so nobody between can put another in its place. Secrets
are read from their files at every connection, and stand in no message.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from asyncua import Client, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.crypto.uacrypto import CertProperties
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tanji.acquisition.opcua_pki import Pki, der_of
from tanji.errors import CertificateError
from tanji.plant.model import OpcuaDevice

MODE = ua.MessageSecurityMode.SignAndEncrypt

EXPLAINED = {
    ua.StatusCodes.BadUserAccessDenied: "the user or its password",
    ua.StatusCodes.BadIdentityTokenRejected: "the user or its password",
    ua.StatusCodes.BadIdentityTokenInvalid: "this kind of user",
    ua.StatusCodes.BadCertificateUntrusted: "our certificate: it has to be trusted there",
    ua.StatusCodes.BadSecurityChecksFailed: "our certificate: it has to be trusted there",
    ua.StatusCodes.BadCertificateTimeInvalid: "a certificate that is not in force",
    ua.StatusCodes.BadCertificateUriInvalid: "our application URI",
    ua.StatusCodes.BadTooManySessions: "another session",
}
"""What a server refuses, by status code."""


class Identity:
    """What one plant shows to one server."""

    def __init__(self, device: OpcuaDevice, *, pki: Pki, application_uri: str, clock: Callable[[], int]) -> None:
        """clock : UTC now [ms]."""
        self._device, self._pki, self._uri, self._clock = device, pki, application_uri, clock

    async def show(self, client: Client) -> None:
        """Make a fresh client ready to connect. CertificateError if it must not."""
        device = self._device
        client.application_uri = self._uri
        if device.security == "none":
            return
        self._pki.usable(now_ms=self._clock())
        client.certificate_validator = self._still_admitted
        offered = await client.connect_and_get_server_endpoints()
        endpoint = client.find_endpoint(offered, MODE, SecurityPolicyBasic256Sha256.URI)
        self._judge(endpoint.ServerCertificate or b"", endpoint.Server)
        await client.set_security(
            SecurityPolicyBasic256Sha256,
            certificate=self._pki.certificate,
            private_key=self._pki.key,
            server_certificate=CertProperties(der_of(endpoint.ServerCertificate or b""), "der"),
            mode=MODE,
        )
        await self._name_user(client)

    async def _name_user(self, client: Client) -> None:
        device = self._device
        if device.user is not None and device.password_file is not None:
            client.set_user(device.user)
            client.set_password(_secret(device.password_file))
        elif device.user_certificate is not None and device.user_key is not None:
            await client.load_client_certificate(device.user_certificate)
            await client.load_private_key(Path(device.user_key))

    def _judge(self, der: bytes, server: ua.ApplicationDescription) -> None:
        self._pki.admit(der, application_uri=server.ApplicationUri, now_ms=self._clock())

    async def _still_admitted(self, certificate: x509.Certificate, server: ua.ApplicationDescription) -> None:
        """Also when the library reconnects by itself, perhaps months later."""
        try:
            self._judge(certificate.public_bytes(Encoding.DER), server)
        except CertificateError as error:
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted) from error


def told(error: BaseException) -> str:
    """A failed connection in words that name what to do, where they can."""
    if isinstance(error, CertificateError):
        return str(error)
    if isinstance(error, ua.UaStatusCodeError) and error.code in EXPLAINED:
        return f"the server refuses {EXPLAINED[error.code]} ({type(error).__name__})"
    if isinstance(error, ua.UaError) and "No matching endpoints" in str(error):
        return "the server offers no endpoint that is secured as the plant file says"
    return f"does not accept a connection: {error!r}"


def _secret(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CertificateError(f"{file}: expected a file with the user's password: {type(error).__name__}") from None
