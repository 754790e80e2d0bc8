"""`python -m services.witness --folder DIR --key FILE --log VKEY`: a witness as a process of its own.

It needs no plant file and no access to the plant: the institute runs it on a host of its own, and gives its own
verifier key, printed at the start, to the plant.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

import waitress

from services.witness.app import LARGEST_BODY, create_witness
from tanji.errors import TanjiError, UsageError
from tanji.trust.keys import COSIGNATURE, VerifierKey
from tanji.trust.signer import SigningKeyFile

PORT = 8192


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; 0 after SIGTERM or SIGINT, 2 if a key or the folder cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m services.witness", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, metavar="DIR", help="what was cosigned last, of each log")
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="the private key, of type 4")
    parser.add_argument(
        "--log", required=True, action="append", metavar="VKEY", help="verifier key of a log; repeatable"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=PORT, help="port, 0 for a free one (default: %(default)s)")
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        _serve(options)
    except (TanjiError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _serve(options: argparse.Namespace) -> None:
    signer = SigningKeyFile(options.key).read()
    if VerifierKey.parse(signer.vkey()).kind != COSIGNATURE:
        raise UsageError(f"{options.key}: expected a key of type 4, which cosigns, got one that signs notes")
    logs = {VerifierKey.parse(text).name: text for text in options.log}
    app = create_witness(options.folder, signer, logs, clock=lambda: time.time_ns() // 1_000_000)
    server = waitress.create_server(
        app, host=options.host, port=options.port, threads=4, max_request_body_size=LARGEST_BODY + 1, ident="tanji"
    )
    address = f"http://{server.effective_host}:{server.effective_port}"
    print(f"witness  {address}\n{signer.vkey()}", file=sys.stderr, flush=True)
    server.run()  # answers what is in hand when SystemExit comes, then returns
    server.close()


if __name__ == "__main__":
    sys.exit(main())
