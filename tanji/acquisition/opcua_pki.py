"""Tanji's OPC UA certificate and the server certificates it trusts, in a folder (OPC 10000-4 6.1, OPC 10000-6 6.2).

`own/` has the certificate and its private key (RSA 2048, readable by its owner alone), `trusted/` the certificates of
servers that are let in, `rejected/` those that were shown and are not. A server is trusted by its very certificate, to
the byte: an issuer is not enough, so a renewed certificate is trusted anew. Making and trusting is `tanji keys opcua`.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tanji.errors import CertificateError

KEY_BITS: Final = 2048
"""What Basic256Sha256 asks for at the least, and what every control system takes (OPC 10000-7 6.6.165)."""

MOST_REJECTED: Final = 50
"""Certificates kept for a look; a server that makes a new one at every start must not fill the disk."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a certificate says. Times in UTC ms; `fingerprint` is SHA-256 over the DER form, in hexadecimal."""

    subject: str
    application_uri: str
    hosts: tuple[str, ...]
    not_before_ms: int
    not_after_ms: int
    fingerprint: str
    path: Path | None = None


class Pki:
    """The folder. Nothing is made or changed but by `make`, `trust`, `distrust` and a rejected certificate."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "own" / "tanji.der"
        self.key = folder / "own" / "tanji.pem"
        self.certificate_pem = folder / "own" / "tanji.crt"  # the same again, for programs that read PEM only

    def make(self, *, application_uri: str, hosts: Sequence[str], days: int, now_ms: int, replace: bool) -> Facts:
        """A key and a self-signed certificate for it. An existing one stays unless `replace`."""
        if not replace and (self.key.exists() or self.certificate.exists()):
            raise CertificateError(f"{self.certificate}: expected none yet, got one: new --replace makes another")
        key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        certificate = _self_signed(key, application_uri=application_uri, hosts=hosts, days=days, now_ms=now_ms)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key.parent.mkdir(mode=0o700, exist_ok=True)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write(self.key, pem, mode=0o600)
        _write(self.certificate_pem, certificate.public_bytes(Encoding.PEM), mode=0o644)
        _write(self.certificate, certificate.public_bytes(Encoding.DER), mode=0o644)
        return self.own()

    def own(self) -> Facts:
        """Our certificate. CertificateError where there is none."""
        if not self.certificate.exists() or not self.key.exists():
            raise CertificateError(f"{self.folder}: expected a certificate of ours, got none: tanji keys opcua new")
        return facts(self.certificate.read_bytes(), path=self.certificate)

    def usable(self, *, now_ms: int) -> Facts:
        """Our certificate, if it is in force."""
        return _in_force(self.own(), now_ms=now_ms, whose="our", remedy=": tanji keys opcua new --replace")

    def trusted(self) -> tuple[Facts, ...]:
        """Certificates of servers that are let in."""
        return _listed(self.folder / "trusted")

    def rejected(self) -> tuple[Facts, ...]:
        """Certificates that servers showed and that are not trusted."""
        return _listed(self.folder / "rejected")

    def trust(self, data: bytes) -> Facts:
        """Trust this very certificate, PEM or DER."""
        der = der_of(data)
        found = facts(der)
        path = self.folder / "trusted" / f"{found.fingerprint}.der"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, der, mode=0o644)
        (self.folder / "rejected" / path.name).unlink(missing_ok=True)
        return facts(der, path=path)

    def admit(self, der: bytes, *, application_uri: str, now_ms: int) -> None:
        """Nothing, if a server that calls itself `application_uri` may show this certificate; else CertificateError."""
        shown = facts(der_of(der))
        if shown.fingerprint not in {each.fingerprint for each in self.trusted()}:
            with suppress(OSError):  # a folder that cannot be written to is no reason to say less
                self._reject(der, shown)
            short = shown.fingerprint[:16]
            raise CertificateError(
                f"expected a trusted certificate, got one of {shown.subject} with fingerprint {short}: "
                f"compare it with the server's, then tanji keys opcua trust {short}",
                fingerprint=short,
            )
        _in_force(shown, now_ms=now_ms, whose="the server's", remedy="")
        if shown.application_uri != application_uri:
            raise CertificateError(f"expected a certificate of {application_uri}, got one of {shown.application_uri}")

    def _reject(self, der: bytes, shown: Facts) -> None:
        """Keep a certificate that was not let in, for a person to look at; the oldest give way."""
        path = self.folder / "rejected" / f"{shown.fingerprint}.der"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            kept = sorted(path.parent.glob("*.der"), key=lambda each: each.stat().st_mtime)
            for old in kept[: max(0, len(kept) - MOST_REJECTED + 1)]:
                old.unlink(missing_ok=True)
            _write(path, der, mode=0o644)


def der_of(data: bytes) -> bytes:
    """DER form of the first certificate in `data`, PEM or DER."""
    try:
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_certificate(data).public_bytes(Encoding.DER)
        length = int.from_bytes(data[2:4], "big") + 4  # a server may show its whole chain, its own certificate first
        return x509.load_der_x509_certificate(data[:length]).public_bytes(Encoding.DER)
    except ValueError as error:
        raise CertificateError("expected a certificate in PEM or DER, got something else") from error


def facts(der: bytes, *, path: Path | None = None) -> Facts:
    """What a certificate in DER says."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound) as error:
        raise CertificateError("expected an OPC UA application certificate, which names its application") from error
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return Facts(
        subject=certificate.subject.rfc4514_string(),
        application_uri=uris[0] if uris else "",
        hosts=(*names.get_values_for_type(x509.DNSName), *addresses),
        not_before_ms=round(certificate.not_valid_before_utc.timestamp() * 1000),
        not_after_ms=round(certificate.not_valid_after_utc.timestamp() * 1000),
        fingerprint=hashlib.sha256(der).hexdigest(),
        path=path,
    )


def _in_force(found: Facts, *, now_ms: int, whose: str, remedy: str) -> Facts:
    if found.not_before_ms <= now_ms <= found.not_after_ms:
        return found
    span = f"{_day(found.not_before_ms)} to {_day(found.not_after_ms)}"
    raise CertificateError(f"expected {whose} certificate in force, got one for {span}{remedy}")


def _day(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d}"


def _self_signed(
    key: rsa.RSAPrivateKey, *, application_uri: str, hosts: Sequence[str], days: int, now_ms: int
) -> x509.Certificate:
    """An application instance certificate as OPC 10000-6 table 36 has it: usages, application URI and host names."""
    parts = [(NameOID.COMMON_NAME, "Tanji"), (NameOID.ORGANIZATION_NAME, application_uri)]
    name = x509.Name([x509.NameAttribute(oid, text[:64]) for oid, text in parts])
    begin = datetime.fromtimestamp(now_ms // 1000, UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    others = [x509.UniformResourceIdentifier(application_uri), *(_host(host) for host in hosts)]
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - timedelta(hours=1))  # clocks of control systems are rarely exact
        .not_valid_after(begin + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(others), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _listed(folder: Path) -> tuple[Facts, ...]:
    return tuple(facts(der_of(path.read_bytes()), path=path) for path in sorted(folder.glob("*.der")))


def _write(path: Path, data: bytes, *, mode: int) -> None:
    """Whole or not at all, with its mode from the first moment."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
