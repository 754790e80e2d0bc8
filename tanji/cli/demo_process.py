"""Ending the processes that a demonstration has started."""

from __future__ import annotations

import subprocess

STOP_TIMEOUT_S = 10.0


def finish(process: subprocess.Popen[str]) -> None:
    """Stop a process that still runs; kill it if it does not listen."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
