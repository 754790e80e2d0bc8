"""A changed plant file is approved, and readings of the former one are still on their way: nothing is lost (R33, R35).

The plant note ends the former map for batches that begin after its `from` and come later in the log (trust-format 11,
step 10, batch 5), so it has to come after them, whatever crashed or was away. The rule is written here once more.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
import urllib3

from tanji.cli.keys_setup import set_up
from tanji.cli.main import main
from tanji.plant.load import load
from tanji.plant.point_map import point_map
from tanji.trust.batch import Batch
from tanji.trust.key_folder import KeyFolder
from tanji.trust.log_client import LogClient
from tanji.trust.log_reader import LogReader
from tanji.trust.note import split
from tanji.trust.payload import parse_payload
from tanji.trust.plant_note import PlantNote
from tanji.trust.signer import SigningKeyFile

from .test_keyring_comes_while_it_runs import GATEWAY, PATIENCE_S, plant_file, wait_until


def changed(old: Path) -> Path:
    """The same plant with another scale of its clinker counter."""
    text = old.read_text(encoding="utf-8")
    assert "scale: 0.1" in text
    new = old.with_name(f"changed-{old.name}")
    new.write_text(text.replace("scale: 0.1", "scale: 0.097"), encoding="utf-8")
    return new


@contextmanager
def process(*words: str | Path, port: int = 0, ends_with: signal.Signals = signal.SIGTERM) -> Iterator[str]:
    """A process until the end of the block, and its address; SIGTERM has to end it cleanly, SIGKILL does not ask."""
    command = [sys.executable, "-m", *map(str, words), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as started:
        assert started.stderr is not None
        try:
            line = next(line for line in started.stderr if line.startswith(("sealer  http://", "log  http://")))
            yield "http://" + line.split("http://")[1].split("/")[0].strip()
        finally:
            started.send_signal(ends_with)
            started.stderr.read()
            assert started.wait(PATIENCE_S) == (0 if ends_with == signal.SIGTERM else -ends_with)


def seal(plant: Path, data: Path, value: float, *, ends_with: signal.Signals = signal.SIGTERM) -> None:
    """A sealer that takes one reading under this plant file; a clean end seals it, SIGKILL leaves it in the spool."""
    with process("tanji", "seal", "--plant", plant, "--data", data, ends_with=ends_with) as url:
        now_ms = time.time_ns() // 1_000_000
        body = f"reading,plant=p1,point=kiln1.coal.mass_flow value={value},quality=0i {now_ms}".encode()
        assert urllib3.request("POST", f"{url}/write?precision=ms", body=body).status == 204


def approve(plant: Path, data: Path) -> None:
    assert main(["plant", "approve", str(plant), "--data", str(data)]) == 0


def maps_by_value(log: LogReader) -> dict[float, bytes]:
    """Map under which each reading was sealed; fails where a batch's map was not approved, or a number is missing."""
    notes: list[PlantNote] = []
    found: dict[float, bytes] = {}
    numbers: list[int] = []
    for index in range(log.size):
        entry = log.entry(index)
        if entry.startswith(b"tanji/plant/v1\n"):
            notes.append(PlantNote.parse(split(entry)[0]))
        if not entry.startswith(b"tanji/batch/v1\n"):
            continue
        batch = Batch.parse(split(entry)[0])
        assert any(
            note.point_map == batch.pointmap and (after is None or after.from_ms > batch.from_ms)
            for note, after in zip(notes, [*notes[1:], None], strict=True)
        ), f"batch {batch.seq} at {index}: its map is not approved after version {len(notes)}"
        numbers.append(batch.seq)
        found |= {float(str(line.value)): batch.pointmap for line in parse_payload(log.payload(index))}
    assert numbers == list(range(len(numbers)))
    quarantine = log.folder / "quarantine"
    assert not quarantine.exists() or not list(quarantine.iterdir())
    return found


def digest(plant: Path) -> bytes:
    return sha256(point_map(load(plant))).digest()


def test_what_a_crash_left_of_the_former_map_is_sealed_under_it_before_the_note_goes_in(tmp_path: Path) -> None:
    old, data = plant_file(tmp_path / "plant.yaml"), tmp_path / "data"
    trust = load(old).trust
    assert trust is not None
    set_up(trust, plant_id="p1", data_dir=data)
    seal(old, data, 1.0)
    approve(changed(old), data)
    seal(old, data, 2.0)  # sealed after the note was signed: what comes next begins after its `from`
    seal(old, data, 3.0, ends_with=signal.SIGKILL)
    seal(changed(old), data, 4.0)
    former, now = digest(old), digest(changed(old))
    assert maps_by_value(LogReader(data / "log")) == {1.0: former, 2.0: former, 3.0: former, 4.0: now}


@pytest.mark.parametrize("crashes", [False, True], ids=["stopped", "killed too"])
def test_a_backlog_of_the_former_map_reaches_a_log_that_was_away_before_the_note(tmp_path: Path, crashes: bool) -> None:
    plain, data = plant_file(tmp_path / "log.yaml"), tmp_path / "data"
    trust = load(plain).trust
    assert trust is not None
    set_up(trust, plant_id="p1", data_dir=data)
    keys = KeyFolder(trust.keys_dir(data))
    (tmp_path / "log" / "keys").mkdir(parents=True)
    SigningKeyFile(tmp_path / "log" / "keys" / "log.key").write(keys.key_file("log").read())
    (tmp_path / "log" / "keys" / "anchor").write_bytes(keys.anchor_file.read_bytes())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    old = plant_file(tmp_path / "plant.yaml", log_url=f"http://127.0.0.1:{port}")
    service = ("services.log", "--plant", plain, "--data", tmp_path / "log")

    with process(*service, port=port):
        seal(old, data, 1.0)
    seal(old, data, 2.0)  # the log is away
    approve(changed(old), data)
    seal(old, data, 3.0)
    seal(old, data, 4.0)
    if crashes:
        seal(old, data, 4.5, ends_with=signal.SIGKILL)
    seal(changed(old), data, 5.0)
    with (
        process("tanji", "seal", "--plant", changed(old), "--data", data),
        process(*service, port=port) as url,
        closing(LogClient(url)) as client,
    ):
        wanted = max(int(path.stem) for path in (data / "seal" / "notes").glob("*.note"))

        def is_whole() -> bool:
            end = client.chain_end(GATEWAY)
            return end is not None and end.seq >= wanted

        wait_until(is_whole)
    former, now = digest(old), digest(changed(old))
    expected = {1.0: former, 2.0: former, 3.0: former, 4.0: former, 5.0: now} | ({4.5: former} if crashes else {})
    assert maps_by_value(LogReader(tmp_path / "log" / "log")) == expected
