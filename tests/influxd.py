"""A real influxd (InfluxDB 1.6.7 of Debian's packages) in a folder of its own, on a port the system chooses."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S = 30.0
CONFIGURATION = """
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[http]
  bind-address = "127.0.0.1:0"
  log-enabled = false
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
"""


def installed() -> str | None:
    """Path of the program, None where the package is missing."""
    return shutil.which("influxd")


@contextmanager
def running(program: str, folder: Path) -> Iterator[str]:
    """Address of an empty server; stopped at the end."""
    (folder / "influxdb.conf").write_text(CONFIGURATION.format(folder=folder))
    log = folder / "influxd.log"
    with log.open("wb") as output:
        process = subprocess.Popen([program, "-config", str(folder / "influxdb.conf")], stdout=output, stderr=output)
    try:
        yield f"http://{_listening_address(log, process)}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _listening_address(log: Path, process: subprocess.Popen[bytes]) -> str:
    """The address influxd chose, from its log: with port 0 no other process can take it in between."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        found = re.search(r"Listening on HTTP.*?addr=\"?(127\.0\.0\.1:\d+)", log.read_text())
        if found:
            return found[1]
        time.sleep(0.05)
    raise RuntimeError(f"influxd did not start:\n{log.read_text()[-2000:]}")
