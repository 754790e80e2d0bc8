"""The store a plant file names: its buckets are made in the background, for as long as somebody has the store open."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from tanji.cli.stores import open_store
from tanji.plant.load import load

from ..calc_jobs.conftest import PLANT


def test_nobody_asks_a_server_that_is_away_once_its_store_is_closed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    file = tmp_path / "plant.yaml"
    services = f"services: {{store: {{kind: influx, url: 'http://127.0.0.1:{port}'}}}}\n"
    file.write_text(PLANT + services, encoding="utf-8")
    before = set(threading.enumerate())
    opened = open_store(load(file), tmp_path)
    (asking,) = [thread for thread in threading.enumerate() if thread.name == "buckets" and thread not in before]
    asking.join(0.2)
    assert asking.is_alive()  # a plant starts before its server does
    opened.close()
    asking.join(30)
    assert not asking.is_alive()
