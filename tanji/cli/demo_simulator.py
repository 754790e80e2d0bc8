"""The simulator as the demo sees it: another process, met only through protocols."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tanji.cli.demo_process import finish
from tanji.cli.polling import Addresses
from tanji.errors import TanjiError

DAY_MS = 86_400_000


class SimulatorProcess:
    """Starts `python -m services.simulator` for one scenario."""

    def __init__(self, plant_file: Path, *, seed: int, start_ms: int, end_ms: int) -> None:
        self._scenario = [
            f"--plant={plant_file}",
            f"--seed={seed}",
            f"--start={datetime.fromtimestamp(start_ms / 1000, UTC).isoformat()}",
            f"--days={(end_ms - start_ms) / DAY_MS!r}",
        ]

    @contextmanager
    def history(self, sealer_url: str) -> Iterator[Callable[[], bool]]:
        """Post the past to the sealer; yields a function that says whether it still runs."""
        process = self._start("history", f"--post={sealer_url}")
        try:
            yield lambda: process.poll() is None
        finally:
            finish(process)
        if process.returncode != 0:
            raise TanjiError(f"the simulator's history ended with exit code {process.returncode}")

    @contextmanager
    def serving(self) -> Iterator[Addresses]:
        """Serve the devices on free ports; yields where they answer."""
        process = self._start("serve", "--free-ports", "--host=127.0.0.1")
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise TanjiError(f"the simulator did not start (exit code {process.wait()})")
            ready = json.loads(line)
            modbus = {name: (str(host), int(port)) for name, (host, port) in ready["devices"].items()}
            yield Addresses(modbus=modbus, opcua=ready["endpoints"])
        finally:
            finish(process)

    def _start(self, verb: str, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "services.simulator", verb, *self._scenario, *options]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
