"""store_read: parsing a plant-month read back from the database, against influxdb-client's `query_data_frame`.

Both sides start from bytes in memory and are measured in CPU seconds of this process. Ours is the InfluxQL CSV of 31
days of 60 points at one minute (2.68 M rows of value and quality), through the adapter's own reader to the sorted
table. The peer's is the annotated Flux CSV of the first rows of the same data, fed through the client's own parser;
its rate does not depend on the number of rows, so a part of the month is enough and is named in the result. It is
given both forms Flux can answer in, and the faster one counts. Beside it, where influxd is installed: rows per
second of wall time through a real server. Exits 1 where either side loses a row.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import urllib3
from influxdb_client import InfluxDBClient
from influxdb_client.client.warnings import MissingPivotFunction
from measure import report

sys.path.append(str(Path(__file__).parents[1]))
import influxd

from tanji.store.influx import InfluxStore
from tanji.store.influx_http import BLOCK_BYTES
from tanji.store.influx_query import read_csv
from tanji.store.schema import MEASUREMENTS

POINTS, MINUTES, START_MS = 60, 31 * 1440, 1_772_323_200_000  # 2026-03-01T00:00:00Z
PEER_ROWS = 60_000
SERVER_MINUTES = 10_000
REPEATS = 3
READING = MEASUREMENTS["reading"]
COLUMNS = {"value": pa.float64(), "quality": pa.int64()}


def month() -> pa.Table:
    """Readings in the order the server answers: by point, then time; three decimals, as weighers have."""
    rng, rows = np.random.default_rng(31), POINTS * MINUTES
    names = pa.array([f"kiln1.meter{place:02d}.mass_flow" for place in range(POINTS)])
    return pa.table(
        {
            "time": START_MS + np.tile(np.arange(MINUTES) * 60_000, POINTS),
            "plant": pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array(["hx01"])),
            "point": pa.DictionaryArray.from_arrays(np.repeat(np.arange(POINTS, dtype=np.int32), MINUTES), names),
            "value": np.round(rng.normal(300, 20, rows), 3),
            "quality": np.where(rng.random(rows) < 0.01, 8, 0),
        }
    )


def beginning(table: pa.Table, *, minutes: int) -> pa.Table:
    """The first minutes of every point."""
    return table.filter(pc.less(table["time"], START_MS + minutes * 60_000))


def joined(*parts: pa.Array | str) -> bytes:
    """Lines of text, element by element."""
    lines = pc.binary_join_element_wise(*parts, "")
    return "".join(lines.to_pylist()).encode()


def text(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks().cast(pa.string())


def influxql_csv(table: pa.Table) -> bytes:
    """What InfluxDB 1.x and 2.x answer to the adapter's SELECT, sentinel included."""
    head, tail = b"name,tags,time,value,quality\n", b"\nname,tags,name\nmeasurements,,reading\n"
    value, quality, stamp = text(table["value"]), text(table["quality"]), text(table["time"])
    rows = joined('reading,"plant=hx01,point=', text(table["point"]), '",', stamp, ",", value, ",", quality, "\n")
    return head + rows + tail


def flux_csv(table: pa.Table, *, pivoted: bool) -> bytes:
    """Annotated CSV as InfluxDB 2.x sends it: a table per point (pivoted), or per point and field."""
    stamps = {
        ms: datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for ms in set(table["time"].to_pylist())
    }
    stamp = pa.array([stamps[ms] for ms in table["time"].to_pylist()])
    number = table["point"].combine_chunks().indices.cast(pa.string())
    edge = ",2026-03-01T00:00:00Z,2026-04-01T00:00:00Z,"
    point = text(table["point"])
    if pivoted:
        kinds = "dateTime:RFC3339," * 3 + "string,string,string,double,long"
        names = "_start,_stop,_time,_measurement,plant,point,value,quality"
        rows = joined(
            ",,",
            number,
            edge,
            stamp,
            ",reading,hx01,",
            point,
            ",",
            text(table["value"]),
            ",",
            text(table["quality"]),
            "\r\n",
        )
        return annotated(kinds, names, "true,true,false,true,true,true,false,false") + rows + b"\r\n"
    names = "_start,_stop,_time,_value,_field,_measurement,plant,point"
    pages = []
    for field, kind in (("value", "double"), ("quality", "long")):
        kinds = f"{'dateTime:RFC3339,' * 3}{kind},string,string,string,string"
        rows = joined(",,", number, edge, stamp, ",", text(table[field]), f",{field},reading,hx01,", point, "\r\n")
        pages.append(annotated(kinds, names, "true,true,false,false,true,true,true,true") + rows + b"\r\n")
    return b"".join(pages)


def annotated(kinds: str, names: str, group: str) -> bytes:
    lines = (f"#datatype,string,long,{kinds}", f"#group,false,false,{group}", f"#default,_result,{',' * 8}")
    return "".join(f"{line}\r\n" for line in (*lines, f",result,table,{names}")).encode()


def peer_parses(payload: bytes) -> int:
    """Rows of the data frame influxdb-client makes of a Flux answer; only the socket is replaced."""
    with InfluxDBClient("http://127.0.0.1:1", token="-", org="-") as client:
        api = client.query_api()
        answer = urllib3.HTTPResponse(io.BytesIO(payload), status=200, preload_content=False)
        api._query_api.post_query = lambda **_: answer
        frames = api.query_data_frame("from(bucket: ...)")
    return sum(len(frame) for frame in (frames if isinstance(frames, list) else [frames]))


def best_cpu_s(work: Callable[[], object]) -> float:
    """Least CPU time of several runs [s]."""
    costs = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        costs.append(time.process_time() - start)
    return min(costs)


def blocks(payload: bytes) -> Iterator[bytes]:
    """The payload in the pieces the adapter reads."""
    return (payload[start : start + BLOCK_BYTES] for start in range(0, len(payload), BLOCK_BYTES))


def through_a_server(table: pa.Table) -> dict[str, object]:
    """Rows per second of wall time, written to and read back from a real influxd."""
    program = influxd.installed()
    if program is None:
        return {"server": "influxd is not installed"}
    with tempfile.TemporaryDirectory() as folder, influxd.running(program, Path(folder)) as url:
        store = InfluxStore(url)
        store.ensure_bucket("hx01_raw")
        start = time.perf_counter()
        store.write("hx01_raw", "reading", table)
        written = time.perf_counter()
        back = store.read("hx01_raw", "reading")
        read = time.perf_counter()
        store.close()
        if not back.equals(table):
            raise SystemExit("store_read: the server's rows differ from what was written")
        version = store.server().version
    rates = {
        "server_write_rows_per_s": table.num_rows / (written - start),
        "server_read_rows_per_s": table.num_rows / (read - written),
    }
    return {"server": version, "server_rows": table.num_rows} | {name: round(rate) for name, rate in rates.items()}


def main() -> None:
    """Measure both sides and print one line of JSON."""
    warnings.simplefilter("ignore", MissingPivotFunction)
    table = month()
    payload = influxql_csv(table)
    parsed = read_csv(blocks(payload), READING, COLUMNS)
    if parsed is None or not parsed.equals(table):
        raise SystemExit("store_read: the parsed month differs from the one serialised")
    ours = table.num_rows / best_cpu_s(lambda: read_csv(blocks(payload), READING, COLUMNS))
    part = beginning(table, minutes=PEER_ROWS // POINTS)
    peers = {}
    for form, pivoted in (("pivoted", True), ("by_field", False)):
        flux = flux_csv(part, pivoted=pivoted)
        if peer_parses(flux) != PEER_ROWS * (1 if pivoted else 2):
            raise SystemExit(f"store_read: the peer lost rows ({form})")
        peers[form] = PEER_ROWS / best_cpu_s(lambda flux=flux: peer_parses(flux))
    peer = max(peers.values())
    report(
        "store_read",
        value=round(ours),
        unit="readings per CPU second",
        peer="influxdb-client query_data_frame",
        peer_value=round(peer),
        ratio=round(ours / peer, 1),
        rows=table.num_rows,
        bytes=len(payload),
        peer_rows=PEER_ROWS,
        peer_pivoted=round(peers["pivoted"]),
        peer_by_field=round(peers["by_field"]),
        **through_a_server(beginning(table, minutes=SERVER_MINUTES)),
    )


if __name__ == "__main__":
    main()
