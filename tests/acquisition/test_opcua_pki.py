"""Tanji's OPC UA certificate: what OPC 10000-6 6.2.2 asks of it, who may read its key, and which servers are let in."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from tanji.acquisition.opcua_pki import MOST_REJECTED, Pki, der_of, facts
from tanji.errors import CertificateError

NOW = 1_772_323_200_000  # 2026-03-01 00:00 UTC
DAY = 86_400_000
URI = "urn:tanji:hx01:opcua"


def made(folder: Path, *, uri: str = URI, days: int = 30) -> Pki:
    pki = Pki(folder)
    pki.make(application_uri=uri, hosts=["edge", "10.0.0.5"], days=days, now_ms=NOW, replace=False)
    return pki


def test_the_certificate_is_an_application_instance_certificate_and_its_key_is_private(tmp_path: Path) -> None:
    pki = made(tmp_path / "pki")
    certificate = x509.load_der_x509_certificate(pki.certificate.read_bytes())
    key = load_pem_private_key(pki.key.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey) and key.key_size == 2048
    assert certificate.public_key() == key.public_key()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [URI]
    assert names.get_values_for_type(x509.DNSName) == ["edge"]
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and usage.content_commitment and usage.key_encipherment and usage.data_encipherment
    extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(extended) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert pki.key.stat().st_mode & 0o777 == 0o600 and pki.key.parent.stat().st_mode & 0o777 == 0o700
    own = pki.own()
    assert own.hosts == ("edge", "10.0.0.5") and own.not_after_ms == NOW + 30 * DAY
    assert der_of(pki.certificate_pem.read_bytes()) == pki.certificate.read_bytes()


def test_a_certificate_is_replaced_only_on_purpose(tmp_path: Path) -> None:
    pki = made(tmp_path)
    before = pki.own().fingerprint
    with pytest.raises(CertificateError, match="expected none yet"):
        made(tmp_path)
    assert pki.own().fingerprint == before
    pki.make(application_uri=URI, hosts=["edge"], days=1, now_ms=NOW, replace=True)
    assert pki.own().fingerprint != before and pki.key.stat().st_mode & 0o777 == 0o600


def test_a_missing_or_expired_certificate_of_ours_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="tanji keys opcua new"):
        Pki(tmp_path / "none").usable(now_ms=NOW)
    pki = made(tmp_path / "pki")
    assert pki.usable(now_ms=NOW + 30 * DAY)
    with pytest.raises(CertificateError, match=r"our certificate in force, got one for .* to 2026-03-31: .*--replace"):
        pki.usable(now_ms=NOW + 30 * DAY + 1000)


def test_only_the_very_certificate_is_admitted_while_it_is_in_force_and_by_its_own_application(tmp_path: Path) -> None:
    pki = made(tmp_path / "pki")
    server = made(tmp_path / "server", uri="urn:dcs")
    der = server.certificate.read_bytes()
    with pytest.raises(CertificateError, match="expected a trusted certificate") as caught:
        pki.admit(der, application_uri="urn:dcs", now_ms=NOW)
    (shown,) = pki.rejected()
    assert shown.fingerprint[:16] in str(caught.value)
    trusted = pki.trust(server.certificate_pem.read_bytes())
    assert trusted.fingerprint == facts(der).fingerprint and pki.rejected() == ()
    pki.admit(der, application_uri="urn:dcs", now_ms=NOW)
    pki.admit(der + pki.certificate.read_bytes(), application_uri="urn:dcs", now_ms=NOW)  # its chain behind it
    with pytest.raises(CertificateError, match="the server's certificate in force"):
        pki.admit(der, application_uri="urn:dcs", now_ms=NOW + 31 * DAY)
    with pytest.raises(CertificateError, match="a certificate of urn:other, got one of urn:dcs"):
        pki.admit(der, application_uri="urn:other", now_ms=NOW)
    renewed = made(tmp_path / "renewed", uri="urn:dcs")
    with pytest.raises(CertificateError, match="expected a trusted certificate"):
        pki.admit(renewed.certificate.read_bytes(), application_uri="urn:dcs", now_ms=NOW)


@pytest.mark.parametrize(
    "data", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nxx\n", b"\x30\x82\xff\xff" * 9]
)
def test_what_is_no_certificate_is_refused_in_words(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(CertificateError, match="in PEM or DER"):
        Pki(tmp_path).trust(data)
    with pytest.raises(CertificateError):
        Pki(tmp_path).admit(data, application_uri="urn:dcs", now_ms=NOW)


def test_rejected_certificates_do_not_fill_the_disk(tmp_path: Path) -> None:
    pki, server = Pki(tmp_path / "pki"), made(tmp_path / "server", uri="urn:dcs")
    folder = pki.folder / "rejected"
    folder.mkdir(parents=True)
    for number in range(MOST_REJECTED + 5):
        (folder / f"{number:04d}.der").write_bytes(server.certificate.read_bytes())
    with pytest.raises(CertificateError):
        pki.admit(server.certificate.read_bytes(), application_uri="urn:dcs", now_ms=NOW)
    assert len(list(folder.glob("*.der"))) == MOST_REJECTED


def test_the_public_form_is_pem_too(tmp_path: Path) -> None:
    pem = made(tmp_path).certificate_pem.read_bytes()
    assert x509.load_pem_x509_certificate(pem).public_bytes(Encoding.PEM) == pem
