"""Import: formats, compressions, inputs, times, dead letters, repeats."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from pipelines.home import Home
from pipelines.imports.import_inputs import find_inputs
from tests.conftest import Cli
from tests.pipelines.import_probe import dead_letters, import_files, logs_of, make_store, run_here
from transforms.core.errors import NotFound, ParameterInvalid

LOGS = [{"__time__": "1700000000.5", "a": "1", "b": "x"}, {"__time__": "1700000001", "a": "2", "c d": "y\nz"}]
EXPECTED = {
    (1_700_000_000, 500_000_000, frozenset({("a", "1"), ("b", "x")})): 1,
    (1_700_000_001, 0, frozenset({("a", "2"), ("c d", "y\nz")})): 1,
}


@pytest.fixture
def store(home: Home) -> Home:
    make_store(home)
    return home


def written(format: str, path: Path) -> bytes:
    if format == "jsonl":
        return "".join(json.dumps(log) + "\n" for log in LOGS).encode()
    if format == "csv":
        return b'__time__,a,b,c d\r\n1700000000.5,1,x,\r\n1700000001,2,,"y\nz"'
    pq.write_table(pa.Table.from_pylist(LOGS, schema=pa.schema([(name, pa.string()) for name in ("__time__", "a", "b", "c d")])), path)
    return path.read_bytes()


def packed(data: bytes, compression: str) -> bytes:
    half = len(data) // 2
    if compression == "gzip":
        return gzip.compress(data[:half]) + gzip.compress(data[half:])
    if compression == "zstd":
        return zstandard.compress(data[:half]) + zstandard.compress(data[half:])
    return data


@pytest.mark.parametrize(("format", "compression"), [
    ("jsonl", ""), ("jsonl", "gzip"), ("jsonl", "zstd"), ("csv", ""), ("csv", "gzip"), ("csv", "zstd"), ("parquet", ""),
])  # fmt: skip
def test_formats_and_compressions(store: Home, tmp_path: Path, format: str, compression: str) -> None:
    file = tmp_path / f"x.{format}"  # the name does not tell the compression
    file.write_bytes(packed(written(format, file), compression))
    report = import_files(store, file)
    assert logs_of(store) == EXPECTED
    assert (report.logs, report.dead) == (2, {})


@pytest.mark.parametrize("compression", ["", "gzip", "zstd"])
def test_text_lines_with_a_time_pattern(store: Home, tmp_path: Path, compression: str) -> None:
    file = tmp_path / "access.log"
    file.write_bytes(
        packed(b'\xef\xbb\xbfh - [10/Oct/2000:13:55:36 -0700] "GET /"\r\n\r\nbroken\nh - [10/Oct/2000:13:55:37 -0700]', compression)
    )
    report = import_files(store, file, format="text", time_pattern=r"\[([^\]]+)\]", time_format="%d/%b/%Y:%H:%M:%S %z")
    assert logs_of(store) == {
        (971_211_336, 0, frozenset({("content", 'h - [10/Oct/2000:13:55:36 -0700] "GET /"')})): 1,
        (971_211_337, 0, frozenset({("content", "h - [10/Oct/2000:13:55:37 -0700]")})): 1,
    }
    assert [(letter["line"], letter["reason"], letter["raw"]) for letter in dead_letters(report)] == [(3, "no-time", "broken")]


def test_parquet_types(store: Home, tmp_path: Path) -> None:
    table = pa.table({
        "t": pa.array([1_700_000_000_123_456_789, None], pa.timestamp("ns", "Europe/Paris")), "i": pa.array([1, 2], pa.int16()),
        "f": [1.5, None], "b": [True, False], "l": [[1, 2], []], "s": [{"x": "é"}, {"x": None}], "y": [b"\xff", b"ok"],
        "d": pa.array(["a", "b"]).dictionary_encode(),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "x.parquet")
    report = import_files(store, tmp_path / "x.parquet", time_field="t")
    fields = {
        "t": "2023-11-14T22:13:20.123456789Z",
        "i": "1",
        "f": "1.5",
        "b": "true",
        "l": "[1, 2]",
        "s": '{"x": "é"}',
        "y": "/w==",
        "d": "a",
    }
    assert logs_of(store) == {(1_700_000_000, 123_456_789, frozenset(fields.items())): 1}
    assert [(letter["line"], letter["reason"]) for letter in dead_letters(report)] == [(2, "no-time")]


def test_folders_are_walked_in_order_without_hidden_files(store: Home, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    for name in ("b/2.jsonl", "a.jsonl", ".git/x.jsonl", "b/.hidden"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps({"__time__": 1, "name": name}))
    inputs, hidden = find_inputs([str(folder), str(folder / "a.jsonl")])
    assert [found.name for found in inputs] == [str(folder / "a.jsonl"), str(folder / "b/2.jsonl")]
    assert hidden == 2
    report = import_files(store, folder)
    assert (report.files, report.hidden, report.logs) == (2, 2, 2)


def test_empty_inputs(store: Home, tmp_path: Path) -> None:
    for name in ("x.jsonl", "x.csv", "x.log"):
        (tmp_path / name).write_bytes(b"")
    report = import_files(store, tmp_path / "x.jsonl", tmp_path / "x.csv")
    assert (report.logs, report.dead, logs_of(store)) == (0, {}, {})
    assert import_files(store, tmp_path / "x.log", format="text").logs == 0
    (tmp_path / "empty").mkdir()
    with pytest.raises(ParameterInvalid):
        import_files(store, tmp_path / "empty")
    with pytest.raises(NotFound):
        import_files(store, tmp_path / "none")
    with pytest.raises(ParameterInvalid, match="format"):
        import_files(store, tmp_path / "x.log")


def test_constants_are_for_logs_without_their_own(store: Home, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"__time__": 1, "__topic__": "own", "__tag__:host": "h1"}\n{"__time__": 2}\n')
    import_files(store, tmp_path / "x.jsonl", topic="t", source="s", tags={"host": "h0"})
    assert logs_of(store) == {
        (1, 0, frozenset({("__topic__", "own"), ("__tag__:host", "h1"), ("__source__", "s")})): 1,
        (2, 0, frozenset({("__topic__", "t"), ("__tag__:host", "h0"), ("__source__", "s")})): 1,
    }


def test_times(store: Home, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"t": "2024-03-31 02:30:00"}\n{"t": "1700000000123"}\n{"t": null}\n{"t": "soon"}\n')
    report = import_files(store, tmp_path / "x.jsonl", time_field="t", time_zone="Europe/Paris")
    assert {(seconds, part) for seconds, part, _ in logs_of(store)} == {(1_711_848_600, 0), (1_700_000_000, 123_000_000)}
    assert report.dead == {"no-time": 2}


def test_logs_without_time_get_the_start_of_the_import(store: Home, tmp_path: Path) -> None:
    before = time.time()
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    import_files(store, tmp_path / "x.jsonl")
    (first, part), *others = {(seconds, part) for seconds, part, _ in logs_of(store)}
    assert not others
    assert before - 1 <= first + part / 1e9 <= time.time()


def test_every_kind_of_dead_letter(store: Home, tmp_path: Path) -> None:
    lines = [
        b'{"__time__": 1}',
        b"nope",
        b"[1]",
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b'{"__time__": "x"}',
        b'{"a": "' + b"x" * 300_000 + b'"}',
        b'{"__time__": 2}',
    ]
    file = tmp_path / "x.jsonl"
    file.write_bytes(b"\r\n".join(lines))
    report = import_files(store, file, max_line_bytes=1_000, dead_letters=tmp_path / "sub" / "dead")
    assert report.logs == 2
    assert report.dead == {"not-json": 1, "not-an-object": 1, "not-utf8": 1, "not-unicode": 1, "no-time": 1, "too-long": 1}
    letters = dead_letters(report)
    assert [letter["line"] for letter in letters] == [2, 3, 4, 5, 6, 7]
    data = file.read_bytes()
    for letter, line in zip(letters, lines[1:7], strict=True):
        assert data[letter["offset"] :].startswith(line)
        assert letter["file"] == str(file)
    assert letters[0]["raw"] == "nope"
    assert letters[2]["raw_base64"]
    assert letters[5]["truncated"] >= 300_000
    assert len(letters[5]["raw"]) < 300_000


def test_mended_dead_letters_are_imported(store: Home, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"__time__": 1, "a": 1\n{"__time__": 2}\n')
    (tmp_path / "x.csv").write_text("__time__,a\n3,b,c\n")
    report = import_files(store, tmp_path / "x.jsonl", tmp_path / "x.csv")
    assert report.dead == {"not-json": 1, "too-many-fields": 1}
    assert report.dead_letters is not None
    text = report.dead_letters.read_text()
    mended = tmp_path / "mended"
    mended.write_text(text.replace('\\"a\\": 1"', '\\"a\\": 1}"').replace("3,b,c", "3,b") + "no letter\n")
    again = import_files(store, mended, format="dead-letters")
    assert (again.logs, again.dead) == (2, {"not-json": 1})
    assert set(logs_of(store)) == {(1, 0, frozenset({("a", "1")})), (2, 0, frozenset()), (3, 0, frozenset({("a", "b")}))}


def test_a_repeated_import_does_nothing(store: Home, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"__time__": 1}\nnope\n')
    first = import_files(store, file)
    version = store.open_logstore("default", "web").version()
    second = import_files(store, file)
    assert second.repeated
    assert (second.logs, second.dead, second.dead_letters) == (first.logs, first.dead, first.dead_letters)
    assert store.open_logstore("default", "web").version() == version
    third = import_files(store, file, again=True)
    assert not third.repeated
    assert sum(logs_of(store).values()) == 2
    assert len(dead_letters(third)) == 1


@pytest.mark.parametrize("damage", ["cut", "garbage"])
@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor(write_checksum=True).compress])
def test_damaged_files_say_so(store: Home, tmp_path: Path, damage: str, pack: object) -> None:
    import random

    noise = random.Random(1)
    whole = pack("".join(json.dumps({"__time__": i, "n": noise.random()}) + "\n" for i in range(30_000)).encode())  # type: ignore[operator]
    file = tmp_path / "x.jsonl"
    file.write_bytes(whole[: len(whole) // 2] if damage == "cut" else whole[:200] + b"\x00" * 200 + whole[400:])
    with pytest.raises(ParameterInvalid) as caught:
        import_files(store, file)
    assert caught.value.code == "InputDamaged"
    if damage == "cut":
        found = logs_of(store)
        assert 5_000 < len(found) < 30_000
        assert {seconds for seconds, _, _ in found} == set(range(len(found)))


def test_not_a_parquet_file(store: Home, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ParameterInvalid):
        import_files(store, tmp_path / "x.parquet")


def test_ten_thousand_names(store: Home, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text("".join(json.dumps({"__time__": i, f"name {i}": "v", "same": str(i)}) + "\n" for i in range(10_000)))
    assert import_files(store, file).logs == 10_000
    snapshot = store.open_logstore("default", "web").snapshot()
    assert snapshot.rows_total == 10_000
    assert snapshot.has_overflow


def test_small_batches_make_the_same_logs(store: Home, tmp_path: Path) -> None:
    for name in ("1.jsonl", "2.jsonl", "3.jsonl"):
        (tmp_path / name).write_text("".join(json.dumps({"__time__": i, "f": name}) + "\n" for i in range(50)))
    assert import_files(store, tmp_path / "1.jsonl", tmp_path / "2.jsonl", tmp_path / "3.jsonl", batch_rows=10).logs == 150
    assert sum(logs_of(store).values()) == len(logs_of(store)) == 150


def test_command_line(store: Home, cli: Cli, tmp_path: Path) -> None:
    done = cli("import", "web", "-", "--format", "jsonl", "--tag", "host=a=b", "--id", "one", input='{"__time__": 1}\nnope\n')
    assert done.code == 1, done.stderr
    assert done.stdout == ""
    assert "imported 1 log from 1 input, 21 bytes, in " in done.stderr
    assert "dead letters: 1 (1 not-json) in " in done.stderr
    assert logs_of(store) == {(1, 0, frozenset({("__tag__:host", "a=b")})): 1}
    done = run_here(store, "import", "web", "-", "--format", "jsonl", "--tag", "host=a=b", "--id", "one")
    assert done.code == 0
    assert "imported before: 1 log from 1 input; nothing was done" in done.stderr
    assert run_here(store, "import", "web", "-").code == 2
    for wrong in (["--tag", "x"], ["--time-zone", "Mars"], ["--time-field", "a", "--time-format", "%Q"], ["--time-pattern", "("]):
        assert run_here(store, "import", "web", "-", "--format", "text", *wrong).code == 2
    listed = run_here(store, "imports", "web", "--format", "jsonl")
    assert [json.loads(line)["state"] for line in listed.stdout.splitlines()] == ["finished"]


def test_a_mistyped_time_field_is_named(store: Home, tmp_path: Path) -> None:
    def words(text: str, *options: str, name: str = "x.jsonl") -> str:
        (tmp_path / name).write_text(text)
        done = run_here(store, "import", "web", tmp_path / name, "--again", *options)
        assert done.code == 1, done.stderr
        return done.stderr.partition("warning: ")[2].strip()

    lines = '{"time": 1700000000, "a": 1}\n{"b": 1}\n' * 50
    assert (
        words(lines, "--time-field", "tiem", "--batch-rows", "10") == "no record has the field 'tiem' (--time-field); did you mean 'time'?"
    )
    assert words(lines, "--time-field", "zzz") == "no record has the field 'zzz' (--time-field); known fields: a, b, time"
    assert words(lines, "--time-field", "time") == ""
    assert words('{"time": "soon"}\n', "--time-field", "time") == ""
    assert words("nope\n", "--time-field", "tiem") == ""
    assert words("nope\n") == ""
    assert "did you mean 'Time'?" in words("Time,a\n1,2\n", "--time-field", "time", name="x.csv")
    pq.write_table(pa.table({"time": [1]}), tmp_path / "x.parquet")
    done = run_here(store, "import", "web", tmp_path / "x.parquet", "--time-field", "tim")
    assert "no record has the field 'tim' (--time-field); did you mean 'time'?" in done.stderr
    # In one of several files it is there: then it was not mistyped.
    (tmp_path / "y.jsonl").write_text('{"when": 1700000000}\n')
    assert words(lines, str(tmp_path / "y.jsonl"), "--time-field", "when") == ""
