"""Entry point of the `tanji` command: one file per verb, exit codes as DESIGN section 5 has them.

0 done, 1 the check failed, 2 usage or configuration error, 3 cannot decide. An expected error is one line on standard
error; anything else is a defect and keeps its traceback. A file or directory that cannot be used is expected.
"""

from __future__ import annotations

import argparse
import importlib
import keyword
import logging
import sys
from collections.abc import Sequence

from tanji import __version__
from tanji.cli.options import Parser
from tanji.errors import PlantError, StoreUnavailable, TanjiError

VERBS = (
    "demo", "run", "plant", "poll", "receive", "seal", "import", "keys", "jobs", "audit", "ledger", "calc", "compute",
    "publish", "approve", "bundle", "correct", "verify", "bench",
)  # fmt: skip
"""Every verb, in the order a newcomer meets them; each is a module of this package."""

DONE, FAILED, MISUSED, UNDECIDED = 0, 1, 2, 3

EPILOG = """examples:
  tanji demo
  tanji plant init plant.yaml && tanji plant check plant.yaml
  tanji run --plant plant.yaml --data /var/lib/tanji

exit codes: 0 done, 1 the check failed, 2 usage or configuration error, 3 cannot decide"""


def parser(verbs: Sequence[str] = VERBS) -> argparse.ArgumentParser:
    """The command line with `verbs`; a verb's module adds its own part."""
    root = Parser(
        prog="tanji",
        description="Tanji (碳计): carbon metering for cement plants, from device registers to tonnes.",
        epilog=EPILOG,
    )
    root.add_argument("--version", action="version", version=f"tanji {__version__}")
    parts = root.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in verbs:
        module = f"tanji.cli.{verb}_" if keyword.iskeyword(verb) else f"tanji.cli.{verb}"
        importlib.import_module(module).register(parts)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    asked = [word for word in words[:1] if word in VERBS]  # the other verbs need not be imported, which takes seconds
    arguments = parser(asked or VERBS).parse_args(words)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        code: int = arguments.func(arguments)
    except PlantError as error:
        print(error, file=sys.stderr)
        return MISUSED
    except StoreUnavailable as error:
        print(f"tanji: {error}", file=sys.stderr)
        return UNDECIDED
    except TanjiError as error:
        print(f"tanji: {error}", file=sys.stderr)
        return MISUSED
    except BrokenPipeError:
        sys.stderr.close()
        return DONE
    except OSError as error:
        if error.filename is None:
            raise
        print(f"tanji: {error.filename}: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        return MISUSED
    except KeyboardInterrupt:
        print("tanji: interrupted", file=sys.stderr)
        return FAILED
    return code


if __name__ == "__main__":
    sys.exit(main())
