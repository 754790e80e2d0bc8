"""What a real Telegraf takes of a core for the points of a plant, in the same run. TANJI_TELEGRAF names the program.

It gets the configuration that Tanji renders for it and posts to a server that counts the lines and keeps nothing.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

from tanji.plant.model import ModbusDevice, Plant
from tanji.plant.telegraf import render

SETTLE_S = 4.5


class Counting(BaseHTTPRequestHandler):
    """Takes every body, chunked and compressed as Telegraf sends them."""

    protocol_version = "HTTP/1.1"
    lines = 0

    def do_POST(self) -> None:
        """Count the lines of one body."""
        body = self._chunked() if "chunked" in self.headers.get("Transfer-Encoding", "") else self._plain()
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        Counting.lines += body.count(b"\n")
        self.send_response(204)
        self.end_headers()

    def _plain(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _chunked(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def share(plant: Plant, addresses: dict[str, tuple[str, int]], *, seconds: int) -> tuple[float, int] | None:
    """Share of one core over `seconds`, and lines that came; None where no Telegraf is named."""
    program = os.environ.get("TANJI_TELEGRAF")
    if not program:
        return None
    server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "telegraf.conf"
        path.write_text(render(moved(plant, addresses), sealer_url=url).replace(":8080", "127.0.0.1:0"), "utf-8")
        with (Path(folder) / "log").open("wb") as log:
            running = subprocess.Popen([program, "--config", str(path)], stdout=log, stderr=log)
        try:
            return _measured(psutil.Process(running.pid), seconds)
        finally:
            running.kill()
            running.wait()
            server.shutdown()
            server.server_close()


def _measured(process: psutil.Process, seconds: int) -> tuple[float, int]:
    time.sleep(SETTLE_S)
    before, lines, started = process.cpu_times(), Counting.lines, time.perf_counter()
    time.sleep(seconds)
    after, wall = process.cpu_times(), time.perf_counter() - started
    return (after.user + after.system - before.user - before.system) / wall, Counting.lines - lines


def moved(plant: Plant, addresses: dict[str, tuple[str, int]]) -> Plant:
    """The plant with every point read by Telegraf, its devices where they are served."""
    devices = []
    for device in plant.devices:
        assert isinstance(device, ModbusDevice)
        host, port = addresses[device.id]
        devices.append(device.model_copy(update={"host": host, "port": port}))
    points = tuple(point.model_copy(update={"via": "telegraf"}) for point in plant.points)
    services = plant.services.model_copy(update={"host_metrics_s": None})
    return plant.model_copy(update={"devices": tuple(devices), "points": points, "services": services})
