"""Readings a second that `tanji import` brings into a plant with the embedded store: logger CSV and line protocol.

Through a sealer of its own, on disk and stored when it ends. The peer only reads the same rows with `csv` and turns
their cells into floats.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import sys
import tempfile
import time
from pathlib import Path

from tanji.cli.main import main as tanji

sys.path.insert(0, str(Path(__file__).parent))
from measure import report  # type: ignore[import-not-found]  # beside this file

PLANT = Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml"
POINTS = 20
T0 = 1_767_225_600


def rates(plant: Path) -> list[str]:
    """Points that take any number."""
    from tanji.plant.load import load

    return [point.id for point in load(plant).points if point.kind != "counter"][:POINTS]


def write(folder: Path, points: list[str], *, rows: int) -> tuple[Path, Path]:
    """The same readings in both forms."""
    table, lines = folder / "log.csv", folder / "log.lp"
    with table.open("w", encoding="utf-8") as out:
        out.write(",".join(["time", *points]) + "\n")
        for row in range(rows):
            cells = (f"{row % 977 + number / 8:.4f}" for number in range(len(points)))
            out.write(time.strftime("%Y-%m-%d %H:%M:%S,", time.gmtime(T0 + row * 10)) + ",".join(cells) + "\n")
    with lines.open("w", encoding="utf-8") as out:
        for row in range(rows):
            for number, point in enumerate(points):
                value = f"{row % 977 + number / 8:.4f}"
                out.write(f"reading,plant=demo,point={point} value={value},quality=0i {T0 + row * 10 + 1}000000000\n")
    return table, lines


def imported(file: Path, data: Path) -> tuple[int, float]:
    """Readings and seconds of one import."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = tanji(["import", str(file), "--plant", str(PLANT), "--data", str(data), "--zone", "UTC", "--json"])
    result = json.loads(out.getvalue())
    if code != 0:
        raise SystemExit(f"{file.name}: {result}")
    return int(result["readings"]), float(result["seconds"])


def main() -> int:
    """Measure; 1 if a reading was refused."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=25_000, help=f"rows of {POINTS} readings")
    rows = options.parse_args().rows
    points = rates(PLANT)
    with tempfile.TemporaryDirectory() as folder:
        table, lines = write(Path(folder), points, rows=rows)
        begun = time.process_time()
        with table.open(encoding="utf-8", newline="") as text:
            read = csv.reader(text)
            next(read)
            count = sum(len([float(cell) for cell in row[1:]]) for row in read)
        peer = count / (time.process_time() - begun)
        for name, file in (("csv", table), ("lines", lines)):
            readings, seconds = imported(file, Path(folder) / name)
            if readings != rows * len(points):
                print(f"{name}: expected {rows * len(points)} readings, got {readings}", file=sys.stderr)
                return 1
            rate = readings / seconds
            report(
                f"import_{name}",
                value=round(rate),
                unit="readings/s",
                peer="csv.reader and float alone",
                peer_value=round(peer),
                ratio=round(rate / peer, 3),
                readings=readings,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
