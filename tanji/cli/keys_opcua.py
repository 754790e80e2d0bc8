"""`tanji keys opcua`: Tanji's certificate for OPC UA servers, and the server certificates it trusts.

The folder is `services.opcua.pki` of the plant file; what a certificate has to be is `tanji.acquisition.opcua_pki`.
"""

from __future__ import annotations

import argparse
import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tanji.acquisition.opcua_pki import Facts, Pki
from tanji.cli.clock import now_ms
from tanji.errors import CertificateError, UsageError
from tanji.plant.load import load
from tanji.plant.names import opcua_application_uri

DAYS = 730
"""How long a certificate of ours is in force: as long as a control system's is between two overhauls [day]."""

SHORTEST = 8
"""Fewest hexadecimal digits of a fingerprint that name a certificate."""

EXAMPLE = """example:
  tanji keys opcua new --plant plant.yaml
  tanji keys opcua list --plant plant.yaml
  tanji keys opcua trust 3f9a01c2b45d6e78 --plant plant.yaml"""


def register(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `opcua` and its own verbs to `tanji keys`."""
    opcua = kinds.add_parser(
        "opcua",
        help="make and trust the certificates of OPC UA",
        description="Make Tanji's certificate, trust those of servers.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    own = opcua.add_subparsers(dest="keys_verb", required=True, metavar="VERB")
    new = _add(own, "new", "make Tanji's certificate and private key", new_certificate)
    new.add_argument("--days", type=int, default=DAYS, help="how long it is in force (default: %(default)s)")
    new.add_argument("--host", action="append", help="name or address of this machine (default: its host name)")
    new.add_argument("--replace", action="store_true", help="replace the present one; every server has to trust anew")
    trust = _add(own, "trust", "trust the certificate of a server", trust_certificate)
    trust.add_argument("certificate", help="file in PEM or DER, or the fingerprint of one that was rejected")
    _add(own, "list", "list Tanji's certificate, the trusted and the rejected ones", list_certificates)


def _add(own: Any, name: str, text: str, func: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = own.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.set_defaults(func=func)
    return parser


def new_certificate(arguments: argparse.Namespace) -> int:
    """Make a certificate; 2 if there is one and it is not to be replaced."""
    plant = load(arguments.plant)
    if arguments.days < 1:
        raise UsageError(f"--days: expected at least 1, got {arguments.days}")
    made = Pki(Path(plant.services.opcua.pki)).make(
        application_uri=opcua_application_uri(plant.site.id),
        hosts=arguments.host or [socket.gethostname()],
        days=arguments.days,
        now_ms=now_ms(),
        replace=arguments.replace,
    )
    _show(arguments, {"own": [made]})
    return 0


def trust_certificate(arguments: argparse.Namespace) -> int:
    """Trust a certificate by file, or a rejected one by the beginning of its fingerprint."""
    pki, named = Pki(Path(load(arguments.plant).services.opcua.pki)), arguments.certificate
    if Path(named).is_file():
        try:
            data = Path(named).read_bytes()
        except OSError as error:
            raise UsageError(f"{named}: cannot be read: {error.strerror}") from error
    else:
        wanted = named.replace(":", "").lower()
        found = [each for each in pki.rejected() if len(wanted) >= SHORTEST and each.fingerprint.startswith(wanted)]
        if len(found) != 1 or found[0].path is None:
            raise UsageError(
                f"expected a file, or the fingerprint of a rejected certificate, got {named}; "
                f"tanji keys opcua list --plant {arguments.plant} shows them"
            )
        data = found[0].path.read_bytes()
    try:
        trusted = pki.trust(data)
    except CertificateError as error:
        raise CertificateError(f"{named}: {error}") from error
    _show(arguments, {"trusted": [trusted]})
    return 0


def list_certificates(arguments: argparse.Namespace) -> int:
    """All certificates; 1 if ours is missing or not in force."""
    pki = Pki(Path(load(arguments.plant).services.opcua.pki))
    try:
        own, fault = [pki.own()], None
        pki.usable(now_ms=now_ms())
    except CertificateError as error:
        own, fault = ([pki.own()] if pki.certificate.exists() else []), str(error)
    _show(arguments, {"own": own, "trusted": list(pki.trusted()), "rejected": list(pki.rejected())}, fault=fault)
    return 0 if fault is None else 1


def _show(arguments: argparse.Namespace, groups: dict[str, list[Facts]], *, fault: str | None = None) -> None:
    if arguments.json:
        shown: dict[str, Any] = {name: [_as_json(each) for each in several] for name, several in groups.items()}
        print(json.dumps(shown | {"fault": fault}, ensure_ascii=False))
        return
    for name, several in groups.items():
        for each in several:
            print(f"{name:<9} {each.fingerprint[:16]}  until {_day(each.not_after_ms)}  {each.application_uri}")
            print(f"          {each.subject}; {', '.join(each.hosts) or 'no host names'}; {each.path}")
    if fault is not None:
        print(fault)


def _as_json(each: Facts) -> dict[str, Any]:
    return {
        "fingerprint": each.fingerprint,
        "subject": each.subject,
        "application_uri": each.application_uri,
        "hosts": list(each.hosts),
        "not_before_ms": each.not_before_ms,
        "not_after_ms": each.not_after_ms,
        "path": str(each.path),
    }


def _day(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d}"
