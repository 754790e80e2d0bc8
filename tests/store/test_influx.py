"""The traps of the InfluxDB family (platform.md 1.7 and 1.9), on the real 1.6.7 and on staged answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest
import urllib3

from tanji.errors import StoreRefused, StoreUnavailable
from tanji.store import influx_http
from tanji.store.influx import InfluxStore
from tanji.store.influx_query import SENTINEL

from .loopback import Answer, Request, serve

ROW = pa.table({"time": [1000], "plant": ["hx01"], "point": ["a"], "value": [1.5], "quality": [0]})
INFLUX_1, INFLUX_2 = {"X-Influxdb-Version": "1.6.7"}, {"X-Influxdb-Version": "v2.9.1"}
OPENGEMINI = {"X-Geminidb-Version": "v1.5.2"}
HEADER = b"name,tags,time,value,quality\n"
SENTINEL_BLOCK = b"\nname,tags,name\nmeasurements,,reading\n"


@pytest.fixture
def influx(influx_url: str) -> Iterator[InfluxStore]:
    opened = InfluxStore(influx_url)
    yield opened
    opened.close()


@pytest.fixture
def bucket(influx: InfluxStore, new_bucket: Callable[[InfluxStore], str]) -> str:
    return new_bucket(influx)


def behind_the_back(url: str, bucket: str, lines: str) -> int:
    """Write as somebody who knows no schema; returns the HTTP status."""
    answer = urllib3.request("POST", f"{url}/write?db={bucket}&precision=ms", body=lines.encode(), retries=False)
    return answer.status


def test_the_server_answers_a_failed_statement_in_csv_with_200_and_nothing(influx_url: str, bucket: str) -> None:
    """The reason for the sentinel: should this fail, a newer server has mended trap 1."""
    behind_the_back(influx_url, bucket, 'reading,plant=hx01,point=a value="text" 1')
    fields = {"db": bucket, "q": "SELECT mean(value) FROM reading"}
    answer = urllib3.request("POST", f"{influx_url}/query", fields=fields, headers={"Accept": "application/csv"})
    assert (answer.status, answer.data.strip()) == (200, b"")


def test_a_statement_error_hidden_by_csv_is_raised_with_the_servers_text(
    influx: InfluxStore, influx_url: str, bucket: str
) -> None:
    behind_the_back(influx_url, bucket, 'reading,plant=hx01,point=a value="text" 1')
    with pytest.raises(StoreRefused, match=r"unsupported (mean|min|max) iterator type"):
        influx.windows(bucket, "reading", "value", start_ms=0, end_ms=10, width_ms=1)


def test_a_missing_database_is_no_empty_answer(influx: InfluxStore) -> None:
    for ask in (influx.read, influx.latest, influx.count):
        with pytest.raises(StoreUnavailable, match="database not found: never_made"):
            ask("never_made", "reading")
    with pytest.raises(StoreUnavailable, match=r"HTTP 404.*database not found"):
        influx.write("never_made", "reading", ROW)


def test_a_type_conflict_that_somebody_else_caused_is_refused_with_the_servers_text(
    influx: InfluxStore, influx_url: str, bucket: str
) -> None:
    assert behind_the_back(influx_url, bucket, "reading,plant=hx01,point=a value=1i 1") == 204
    with pytest.raises(StoreRefused, match=r"HTTP 400.*field type conflict"):
        influx.write(bucket, "reading", ROW)


def test_making_a_bucket_twice_does_no_harm(influx: InfluxStore, bucket: str) -> None:
    influx.write(bucket, "reading", ROW)
    influx.ensure_bucket(bucket)
    assert influx.count(bucket, "reading") == 1
    with pytest.raises(StoreRefused, match="bucket"):
        influx.ensure_bucket("with/slash")


def test_an_answer_of_many_blocks_is_whole(influx: InfluxStore, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 45_000
    time = list(range(0, size * 1000, 1000))
    rows = {"time": time, "plant": ["hx01"] * size, "point": [f"p{k % 3}" for k in range(size)]}
    influx.write(bucket, "reading", pa.table(rows | {"value": [k / 7 for k in range(size)], "quality": [0] * size}))
    whole = influx.read(bucket, "reading")
    monkeypatch.setattr(influx_http, "BLOCK_BYTES", 50_000)
    assert influx.read(bucket, "reading") == whole
    assert whole.num_rows == size


def staged(
    version: dict[str, str], query: Callable[[Request], Answer], log: list[Request]
) -> Callable[[Request], Answer]:
    def answer(request: Request) -> Answer:
        log.append(request)
        return Answer(204, headers=version) if request.path == "/ping" else query(request)

    return answer


def asks_for_csv(request: Request) -> bool:
    return request.headers["Accept"] == "application/csv"


def test_without_the_sentinel_the_statement_is_asked_again_alone_in_json() -> None:
    log: list[Request] = []
    rows = {
        "tags": {"plant": "hx01", "point": "a"},
        "columns": ["time", "value", "quality"],
        "values": [[1, 100, None]],
    }

    def query(request: Request) -> Answer:
        whole = json.dumps({"results": [{"statement_id": 0, "series": [rows]}]}).encode()
        return Answer(body=HEADER if asks_for_csv(request) else whole)

    with serve(staged(INFLUX_1, query, log)) as url:
        table = InfluxStore(url).read("hx01_raw", "reading")
    assert table.to_pylist() == [{"time": 1, "plant": "hx01", "point": "a", "value": 100.0, "quality": None}]
    first, second = (request.form["q"][0] for request in log[1:])
    assert first == second + SENTINEL
    assert log[1].form["epoch"] == ["ms"]


def test_an_answer_cut_short_is_never_taken_for_a_whole_one() -> None:
    body = HEADER + b'reading,"plant=hx01,point=a",1,2.5,0\n' + SENTINEL_BLOCK

    def query(_: Request) -> Answer:
        return Answer(body=body, cut_short=True)

    with serve(staged(INFLUX_1, query, [])) as url, pytest.raises(StoreUnavailable, match="expected an answer"):
        InfluxStore(url).read("hx01_raw", "reading")


def test_a_header_that_comes_again_with_a_chunk_is_no_row() -> None:
    line = b'reading,"plant=hx01,point=a",%d,2.5,0\n'
    body = HEADER + line % 1 + HEADER + line % 2 + SENTINEL_BLOCK
    with serve(staged(INFLUX_1, lambda _: Answer(body=body), [])) as url:
        assert InfluxStore(url).read("hx01_raw", "reading").column("time").to_pylist() == [1, 2]


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, StoreRefused), (413, StoreRefused), (422, StoreRefused)]
    + [(status, StoreUnavailable) for status in (401, 403, 404, 429, 500, 502, 503)],
)
@pytest.mark.parametrize("version", [INFLUX_1, INFLUX_2, OPENGEMINI])
def test_an_answer_says_whether_the_bytes_may_be_sent_again(
    version: dict[str, str], status: int, error: type[Exception]
) -> None:
    log: list[Request] = []
    with serve(staged(version, lambda _: Answer(status, b'{"error":"because"}'), log)) as url:
        store = InfluxStore(url, token="t")
        with pytest.raises(error, match=f"HTTP {status}.*because"):
            store.write("hx01_raw", "reading", ROW)
        store.close()
    assert len(log) == 2  # asked once: repeating is the caller's, who holds the bytes


@pytest.mark.parametrize(
    ("version", "path", "target"),
    [
        (INFLUX_1, "/write", {"db": ["hx01_raw"]}),
        ({"X-Influxdb-Version": "1.8.10"}, "/api/v2/write", {"bucket": ["hx01_raw/autogen"]}),
        (INFLUX_2, "/api/v2/write", {"bucket": ["hx01_raw"], "org": ["plant"]}),
        (OPENGEMINI, "/write", {"db": ["hx01_raw"]}),
    ],
)
def test_bytes_go_to_the_path_the_server_has(version: dict[str, str], path: str, target: dict[str, list[str]]) -> None:
    log: list[Request] = []
    with serve(staged(version, lambda _: Answer(204), log)) as url:
        store = InfluxStore(url, token="secret")
        store.write("hx01_raw", "reading", ROW)
        store.close()
    sent = log[-1]
    assert sent.path == path
    assert sent.query.items() >= (target | {"precision": ["ms"]}).items()
    assert sent.body == b"reading,plant=hx01,point=a value=1.5,quality=0i 1000\n"
    assert sent.headers["Authorization"] == "Token secret"


def test_a_user_and_password_go_as_basic_to_a_1x_server() -> None:
    log: list[Request] = []
    with serve(staged(INFLUX_1, lambda _: Answer(204), log)) as url:
        InfluxStore(url, token="user:password").write("hx01_raw", "reading", ROW)
    assert log[-1].headers["Authorization"] == "Basic dXNlcjpwYXNzd29yZA=="  # RFC 7617: base64 of user:password


def gemini(*, counts: list[int] | str, csv: bytes) -> Callable[[Request], Answer]:
    def query(request: Request) -> Answer:
        if asks_for_csv(request):
            assert "SHOW MEASUREMENTS" not in request.form["q"][0]
            return Answer(body=csv)
        series = [{"columns": ["time", "count", "count_1"], "values": [[0, *counts]]}]
        result = {"error": counts} if isinstance(counts, str) else {"series": series}
        return Answer(body=json.dumps({"results": [result]}).encode())

    return query


def test_opengemini_is_asked_how_many_rows_there_are_because_its_csv_hides_errors() -> None:
    line = b'reading,"plant=hx01,point=a",1,2.5,0\n'
    with serve(staged(OPENGEMINI, gemini(counts=[1, 1], csv=HEADER + line), [])) as url:
        assert InfluxStore(url).read("hx01_raw", "reading").num_rows == 1
    with serve(staged(OPENGEMINI, gemini(counts=[2, 1], csv=HEADER + line), [])) as url:
        with pytest.raises(StoreUnavailable, match="expected at least 2 rows, got 1"):
            InfluxStore(url).read("hx01_raw", "reading")
    with serve(staged(OPENGEMINI, gemini(counts=[2, 1], csv=b""), [])) as url:
        with pytest.raises(StoreUnavailable, match="expected at least 1 rows, got 0"):
            InfluxStore(url).latest("hx01_raw", "reading")


def test_opengemini_is_asked_when_the_newest_row_was_because_it_limits_all_series_together() -> None:
    # of a the newest value is at 5 and the newest word at 9, of b both are at 7; a has a row at 7 too
    lines = {
        'last("value")': b'reading,"plant=hx01,point=a",5,1.5\nreading,"plant=hx01,point=b",7,2.5\n',
        'last("quality")': b'reading,"plant=hx01,point=a",9,4\nreading,"plant=hx01,point=b",7,0\n',
        "time >= 9000000": b'reading,"plant=hx01,point=a",9,,4\n',
        "time >= 7000000": b'reading,"plant=hx01,point=a",7,1.0,0\nreading,"plant=hx01,point=b",7,2.5,0\n',
    }

    def query(request: Request) -> Answer:
        text = request.form["q"][0]
        if not asks_for_csv(request):
            series = [{"columns": ["time", "count"], "values": [[0, 1]]}]
            return Answer(body=json.dumps({"results": [{"series": series}]}).encode())
        assert "LIMIT" not in text
        (part,) = [part for part in lines if part in text]
        field = part[6:-2] if part.startswith("last") else "value,quality"
        return Answer(body=f"name,tags,time,{field}\n".encode() + lines[part])

    with serve(staged(OPENGEMINI, query, [])) as url:
        rows = InfluxStore(url).latest("hx01_raw", "reading").to_pylist()
    told = [(row["point"], row["time"], row["value"], row["quality"]) for row in rows]
    assert told == [("a", 9, None, 4), ("b", 7, 2.5, 0)]


def test_opengeminis_errors_are_told_from_a_measurement_nobody_wrote_yet() -> None:
    with serve(staged(OPENGEMINI, gemini(counts="measurement not found", csv=b""), [])) as url:
        assert InfluxStore(url).read("hx01_raw", "reading").num_rows == 0
        assert InfluxStore(url).count("hx01_raw", "reading") == 0
    with serve(staged(OPENGEMINI, gemini(counts="database not found: hx01_raw", csv=b""), [])) as url:
        with pytest.raises(StoreUnavailable, match="database not found"):
            InfluxStore(url).read("hx01_raw", "reading")


def test_a_store_may_be_made_while_the_server_is_down() -> None:
    with serve(lambda _: Answer(204, headers=INFLUX_1)) as url:
        pass
    store = InfluxStore(url)
    with pytest.raises(StoreUnavailable):
        store.write("hx01_raw", "reading", ROW)


@pytest.mark.parametrize("there", [False, True])
def test_a_bucket_is_made_through_the_api_on_2x(there: bool) -> None:
    log: list[Request] = []
    organisation = {"id": "0123456789abcdef", "name": "plant"}
    bucket = {"id": "fedcba9876543210", "name": "hx01_raw", "orgID": organisation["id"], "retentionRules": []}

    def query(request: Request) -> Answer:
        found = {"orgs": [organisation], "buckets": [bucket] if there or request.method == "POST" else []}
        body = bucket if request.method == "POST" else found
        return Answer(
            201 if request.method == "POST" else 200, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )

    with serve(staged(INFLUX_2, query, log)) as url:
        store = InfluxStore(url, token="t")
        store.ensure_bucket("hx01_raw")
        store.close()
    made = [json.loads(request.body) for request in log if request.method == "POST"]
    assert [(body["name"], body["orgID"]) for body in made] == ([] if there else [("hx01_raw", organisation["id"])])


def test_two_thousand_points_fit_one_question(influx: InfluxStore, bucket: str) -> None:
    names = [f"kiln1.meter{place:04d}" for place in range(2000)]
    columns = {"time": [1000] * 2000, "plant": ["hx01"] * 2000, "point": names, "value": [0.5] * 2000}
    influx.write(bucket, "reading", pa.table(columns))
    assert influx.read(bucket, "reading", where={"point": names}).num_rows == 2000


def test_a_bucket_that_another_process_makes_at_the_same_moment_is_no_fault() -> None:
    made: list[str] = []

    def answer(request: Request) -> Answer:
        json_headers = {"Content-Type": "application/json", **INFLUX_2}
        if request.path == "/api/v2/orgs":
            return Answer(body=b'{"orgs": [{"id": "0000000000000001", "name": "plant"}]}', headers=json_headers)
        if request.path == "/api/v2/buckets" and request.method == "POST":
            made.append("by the other one")
            return Answer(422, b'{"code": "conflict", "message": "bucket already exists"}', json_headers)
        if request.path == "/api/v2/buckets":
            found = [{"name": "hx01_raw", "retentionRules": []}] if made else []
            return Answer(body=json.dumps({"buckets": found}).encode(), headers=json_headers)
        return Answer(204, headers=INFLUX_2)

    with serve(answer) as url:
        store = InfluxStore(url, token="t")
        store.ensure_bucket("hx01_raw")
        store.close()
    assert made == ["by the other one"]


def test_a_bucket_that_this_token_may_not_make_is_named_with_what_to_do() -> None:
    def answer(request: Request) -> Answer:
        empty = {"/api/v2/orgs": b'{"orgs": []}', "/api/v2/buckets": b'{"buckets": []}'}.get(request.path)
        headers = {"Content-Type": "application/json", **INFLUX_2}
        return Answer(204, headers=INFLUX_2) if empty is None else Answer(body=empty, headers=headers)

    with serve(answer) as url:
        store = InfluxStore(url, token="t", org="plant")
        with pytest.raises(StoreUnavailable, match=r"expected bucket hx01_raw.*organisation plant"):
            store.ensure_bucket("hx01_raw")
        store.close()


def test_a_server_that_cannot_delete_says_so() -> None:
    error = {"results": [{"statement_id": 0, "error": "unsupported command: DELETE"}]}

    def answer(request: Request) -> Answer:
        if request.path == "/ping":
            return Answer(204, headers=OPENGEMINI)
        return Answer(body=json.dumps(error).encode())

    where = {"plant": ["hx01"], "point": ["a"]}
    with serve(answer) as url:
        store = InfluxStore(url)
        with pytest.raises(StoreRefused, match="unsupported command: DELETE"):
            store.delete("hx01_raw", "reading", start_ms=0, end_ms=1, where=where)
        store.close()


def test_a_deletion_names_its_rows_by_bound_values_and_closed_times() -> None:
    asked: list[Request] = []

    def answer(request: Request) -> Answer:
        asked.append(request)
        return Answer(204, headers=INFLUX_2) if request.path == "/ping" else Answer(body=b'{"results":[{}]}')

    with serve(answer) as url:
        store = InfluxStore(url, token="t")
        store.delete("hx01_raw", "reading", start_ms=5, end_ms=9, where={"plant": ["hx01"], "point": ["a"]})
        store.close()
    (form,) = [request.form for request in asked if request.path == "/query"]
    tags = '("plant" = $plant_0) AND ("point" = $point_0)'
    assert form["q"] == [f'DELETE FROM "reading" WHERE time >= 5000000 AND time <= 8000000 AND {tags}']
    assert json.loads(form["params"][0]) == {"plant_0": "hx01", "point_0": "a"}
