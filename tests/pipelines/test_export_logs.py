"""Export, and that what was exported imports as the same logs."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.export_logs import export_logs, how_to_write
from pipelines.home import Home
from tests.conftest import Cli
from tests.pipelines.import_probe import import_files, logs_of, make_store, run_here
from transforms.core.errors import ParameterInvalid
from transforms.core.interval import Interval
from transforms.core.log_group import LogGroup
from transforms.formats.event_times import LogSettings
from transforms.formats.json_lines import JsonLines
from transforms.formats.readers import reader_of
from transforms.formats.records import Chunk
from transforms.formats.rendering import json_lines

FAR = 2**61
STRANGE = [
    {"a": "", "A": "x", "a b": 'q"\\\n\t\x00\x1f', "é日": "日本 😀", "": "empty name", "__topic__": "t", "__tag__:pod": "p", "~row": "~"},
    {"n": "1.50", "obj": '{"x": [1, 2.50]}', "null": "null", "csv": 'a,b\r\n"c"'},
    {},
    {"a": "only"},
]
TIMES = [(1_700_000_000, 123_456_789), (-2, 750_000_000), (0, 0), (-1, 500_000_000)]


@pytest.fixture
def filled(home: Home) -> Home:
    make_store(home)
    make_store(home, "copy")
    store = home.open_logstore("default", "web")
    for part in (slice(0, 2), slice(2, 4)):
        store.append([LogGroup.from_logs(STRANGE[part], [s for s, _ in TIMES[part]], [n for _, n in TIMES[part]])])
    return home


def exported(home: Home, **options: object) -> bytes:
    out = io.BytesIO()
    export_logs(home.open_logstore("default", "web"), out, received_before_us=FAR, **options)  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize(("format", "compression"), [
    ("jsonl", "none"), ("jsonl", "gzip"), ("jsonl", "zstd"), ("csv", "none"), ("csv", "zstd"), ("parquet", "none"),
])  # fmt: skip
def test_round_trip(filled: Home, tmp_path: Path, format: str, compression: str) -> None:
    file = tmp_path / f"x.{format}"
    file.write_bytes(exported(filled, format=format, compression=compression))
    assert import_files(filled, file, store="copy").dead == {}
    assert logs_of(filled, "copy") == logs_of(filled)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=6), max_size=4), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(-(10**11), 10**11), st.integers(0, 999_999_999)), min_size=8, max_size=8),
)
def test_json_lines_read_back(logs: list[dict[str, str]], times: list[tuple[int, int]]) -> None:
    for log in logs:
        log.pop("__time__", None)
    times = times[: len(logs)]
    data = json_lines(LogGroup.from_logs(logs, [s for s, _ in times], [n for _, n in times]))
    reader = reader_of("jsonl", LogSettings(0), 1 << 20)
    batch = reader.parse(Chunk(data, 0, 1), "x")
    assert batch.dead == []
    found = [(s, n, log) for group in batch.groups
             for s, n, log in zip(group.seconds.to_pylist(), group.table["~time_ns"].to_pylist(), group.to_logs(), strict=True)]  # fmt: skip
    key = repr
    assert sorted(found, key=key) == sorted(((s, n, log) for (s, n), log in zip(times, logs, strict=True)), key=key) or sorted(
        (s, n, sorted(log.items())) for s, n, log in found
    ) == sorted((s, n, sorted(log.items())) for (s, n), log in zip(times, logs, strict=True))
    assert JsonLines(1 << 20).parse(Chunk(data, 0, 1)).bad == []


def test_what_is_written(filled: Home) -> None:
    lines = [json.loads(line, parse_float=str, parse_int=str) for line in exported(filled, receive_time=True).splitlines()]
    assert {line["__time__"] for line in lines} == {"1700000000.123456789", "-1.25", "0", "-0.5"}
    assert all("." in line["__tag__:__receive_time__"] for line in lines)
    rows = list(csv.DictReader(io.StringIO(exported(filled, format="csv").decode(), newline="")))
    assert len(rows) == 4
    assert pq.read_table(io.BytesIO(exported(filled, format="parquet", receive_time=True))).num_rows == 4
    assert exported(filled, times=Interval.of(0, 1)) == b'{"__time__": 0}\n'
    assert gzip.decompress(exported(filled, compression="gzip")) == exported(filled)
    assert zstandard.ZstdDecompressor().decompressobj().decompress(exported(filled, compression="zstd")) == exported(filled)


def test_an_empty_store(home: Home) -> None:
    make_store(home)
    assert exported(home) == b""
    assert exported(home, format="csv") == b"__time__\n"
    assert pq.read_table(io.BytesIO(exported(home, format="parquet"))).num_rows == 0


@pytest.mark.parametrize(("name", "said", "expected"), [
    ("a.b.csv.gz", (None, None), ("csv", "gzip")), ("x.parquet", (None, None), ("parquet", "none")), ("x.log.zst", (None, None), ("text", "zstd")),
    ("x.txt", (None, None), ("text", "none")), ("x.json", (None, None), ("jsonl", "none")), ("X.NDJSON.GZ", (None, None), ("jsonl", "gzip")),
    ("x", (None, None), ("jsonl", "none")), ("", (None, None), ("jsonl", "none")), ("x.gz", (None, None), ("jsonl", "gzip")),
    ("x.xlsx", ("csv", None), ("csv", "none")), ("x.csv", ("text", "gzip"), ("text", "gzip")), ("x.csv.gz", (None, "gzip"), ("csv", "gzip")),
])  # fmt: skip
def test_names_tell_formats(name: str, said: tuple[str | None, str | None], expected: tuple[str, str]) -> None:
    assert how_to_write(name, *said) == expected


@pytest.mark.parametrize(("name", "said", "words"), [
    ("x.xlsx", (None, None), [".xlsx", ".jsonl, .ndjson, .json, .csv, .parquet, .txt, .log", "--format"]),
    ("x.cvs.gz", (None, None), [".cvs", "did you mean .csv?"]), ("x.csv.gz", (None, "zstd"), [".gz", "zstd"]),
    ("x.zst", ("csv", "none"), [".zst", "none"]), ("x.parquet.gz", (None, None), ["inside", ".gz"]), ("x.gz", ("parquet", None), ["inside"]),
])  # fmt: skip
def test_names_that_tell_nothing_or_contradict(name: str, said: tuple[str | None, str | None], words: list[str]) -> None:
    with pytest.raises(ParameterInvalid) as caught:
        how_to_write(name, *said)
    text = f"{caught.value} {caught.value.hint}"
    assert [word for word in words if word not in text] == []


def test_command_line(filled: Home, cli: Cli, tmp_path: Path) -> None:
    done = cli("export", "web", "--from", "0", "--to", "1")
    assert (done.stdout, done.code) == ('{"__time__": 0}\n', 0)
    assert done.stderr == "exported 1 log\n"
    target = tmp_path / "x.csv.gz"
    assert run_here(filled, "export", "web", "-o", target).stderr == f"exported 4 logs to {target}\n"
    assert gzip.decompress(target.read_bytes()) == exported(filled, format="csv")
    assert list(tmp_path.glob(".x*")) == []
    assert run_here(filled, "export", "web", "-o", tmp_path / "no" / "x").code == 3
    assert run_here(filled, "export", "webb").code == 2
    refused = run_here(filled, "export", "web", "-o", tmp_path / "x.xlsx")
    assert refused.code == 2
    assert ".parquet" in refused.stderr
    assert not (tmp_path / "x.xlsx").exists()
    text = run_here(filled, "export", "web", "--format", "text")
    assert text.stdout == ""
    assert "left out 4 logs" in text.stderr


def test_times_are_in_the_zone_of_queries(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(*options: str) -> str:
        return run_here(filled, "export", "web", *options).stdout

    monkeypatch.delenv("LOGSLUICE_TIME_ZONE", raising=False)
    zero = ("--from", "1970-01-01T08:00:00", "--to", "1970-01-01T08:00:01")
    assert found(*zero) == '{"__time__": 0}\n'
    assert found(*zero, "--time-zone", "UTC") == ""
    assert found("--from", "1970-01-01T00:00:00Z", "--to", "1970-01-01T00:00:01Z") == '{"__time__": 0}\n'
    monkeypatch.setenv("LOGSLUICE_TIME_ZONE", "Europe/Paris")
    assert found(*zero) == ""
    assert found("--from", "1970-01-01T01:00:00", "--to", "1970-01-01T01:00:01") == '{"__time__": 0}\n'
