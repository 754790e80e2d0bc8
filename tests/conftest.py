"""What every test may ask for: a real InfluxDB 1.6.7, started once per session (platform.md section 0)."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

from .influxd import installed, running

settings.register_profile("suite", deadline=None)  # a slow machine is no wrong result; speed is in tests/bench
settings.load_profile("suite")


@pytest.fixture(scope="session")
def influx_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an empty influxd on a free port; databases are the test's to make, under names of its own."""
    program = installed()
    if program is None:
        missing = "influxd is not installed: apt-get install influxdb"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with running(program, tmp_path_factory.mktemp("influxd")) as url:
        yield url


@pytest.fixture(scope="session")
def seed() -> ModuleType:
    """`tests/seed.py`: a month of derived rows whose sums are known by hand."""
    specification = importlib.util.spec_from_file_location("seed", Path(__file__).with_name("seed.py"))
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
