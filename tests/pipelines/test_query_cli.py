"""`logsluice query` and `explain`: what goes to which stream, formats, exit codes, mistakes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from tests.conftest import ROOT, Cli
from tests.pipelines.game import make_logs, make_sqlite_tables, sqlite_rows
from transforms.core.log_group import LogGroup
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards


@pytest.fixture
def web(home: Home) -> Home:
    index = Index(fields={"status": FieldIndex("long"), "path": FieldIndex(), "secret": FieldIndex(analysable=False)})
    store = home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "web", "", even_shards(1), index))
    logs = [{"status": "200", "path": "/a b", "note": "first"}, {"status": "500", "path": "/ü"}, {"status": "404", "path": ""}]
    store.append([LogGroup.from_logs(logs, [1_700_000_000, 1_700_000_060, 1_700_000_120])])
    return home


STATEMENT = "* | select status, path from log order by status"


def test_rows_go_to_stdout_and_words_to_stderr(web: Home, cli: Cli) -> None:
    done = cli("query", "web", STATEMENT)
    assert done.stdout.splitlines() == ["status  path", "------  ----", "   200  /a b", "   404", "   500  /ü"]
    assert done.stderr.startswith("3 rows, 3 logs read in 1 file, ") and done.code == 0
    assert cli("query", "web", STATEMENT, "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("json", '[\n  {"status": 200, "path": "/a b"},\n  {"status": 404, "path": ""},\n  {"status": 500, "path": "/ü"}\n]\n'),
        ("jsonl", '{"status": 200, "path": "/a b"}\n{"status": 404, "path": ""}\n{"status": 500, "path": "/ü"}\n'),
        ("csv", 'status,path\n200,/a b\n404,""\n500,/ü\n'),
    ],
)
def test_formats(web: Home, cli: Cli, format: str, expected: str) -> None:
    assert cli("query", "web", STATEMENT, "--format", format, "-q").stdout == expected


def test_a_search_prints_the_logs_as_they_are_newest_first(web: Home, cli: Cli) -> None:
    done = cli("query", "web", "status >= 200", "--format", "jsonl", "--limit", "2", "--offset", "1", "-q")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"__time__": 1700000060, "path": "/ü", "status": "500"},
        {"__time__": 1700000000, "note": "first", "path": "/a b", "status": "200"},
    ]
    assert cli("query", "web", "path:nothing", "--format", "json", "-q").stdout == "[]\n"


@pytest.mark.parametrize(
    ("window", "count"),
    [
        (["--from", "1700000060"], 2),
        (["--to", "1700000060"], 1),
        (["--from", "2023-11-15T06:14:20", "--to", "2023-11-15T06:15:20"], 1),
        (["--from", "2023-11-14T22:13:20Z", "--to", "2023-11-14 22:15:21+00:00"], 3),
        (["--from", "2023-11-14 22:13:20", "--to", "2023-11-14 22:14:20", "--time-zone", "UTC"], 1),
        (["--from", "-1d"], 0),
    ],
)
def test_the_time_range_is_half_open_and_in_the_zone(web: Home, cli: Cli, window: list[str], count: int) -> None:
    done = cli("query", "web", "* | select count(1) as c", *window, "--format", "jsonl", "-q")
    assert json.loads(done.stdout) == {"c": count}, done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["web", "* | select staus"], 2, ["staus", "-->", "^", "'status'"]),
        (["web", "* | select note"], 2, ["'note' cannot be resolved", "logsluice logstore update"]),
        (["web", "nots:x"], 2, ["key (nots) is not config", "^"]),
        (["web", "select 1"], 2, ["sql query must follow search query", "put '* | '"]),
        (["webb", "*"], 2, ["LogStoreNotExist", "'web'"]),
        (["web", "*", "--from", "5", "--to", "5"], 2, ["InvalidTimeRange"]),
        (["web", "*", "--from", "yesterday"], 2, ["'yesterday' is not a time", "-15m"]),
        (["web", "*", "--time-zone", "Mars/Olympus"], 2, ["unknown time zone"]),
        (["web", "* | select count(1) as c", "--offset", "5"], 2, ["offset is not available"]),
        (["web", "* | select cast(path as bigint) as n"], 1, ["CastFailed"]),
        (["web", "*", "--runer", "DirectRunner"], 2, ["--runer", "--runner"]),
        (["web", "*", "--runner", "DirectRuner"], 2, ["unknown runner 'DirectRuner'", "'DirectRunner'"]),
        (["web", "*", "--direct_num_workers", "2"], 2, ["--direct_num_workers", "follow --"]),
        (["web", "*", "--runner", "DirectRunner", "--", "--direct_num_wrkers", "2"], 2, ["--direct_num_wrkers", "--direct_num_workers"]),
        (["web", "*", "more"], 2, ["more"]),
    ],
)
def test_mistakes_are_told_on_stderr(web: Home, cli: Cli, arguments: list[str], code: int, words: list[str]) -> None:
    done = cli("query", *arguments)
    assert (done.code, done.stdout) == (code, ""), done.stderr
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_insert_into_another_logstore(web: Home, cli: Cli) -> None:
    index = Index(fields={"status": FieldIndex("long"), "pv": FieldIndex("long")})
    web.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "per-status", "", even_shards(1), index))
    statement = "* | insert into per-status(status, pv) select status, count(1) as c from log group by status"
    for runner in ([], ["--runner", "DirectRunner"]):
        done = cli("query", "web", statement, *runner, "--format", "jsonl", "-q")
        assert (done.stdout, done.code) == ('{"rows": 3}\n', 0), done.stderr
    done = cli("query", "per-status", "* | select status, sum(pv) as pv group by status order by status", "--format", "csv", "-q")
    assert done.stdout == "status,pv\n200,2\n404,2\n500,2\n"


def test_insert_into_a_logstore_has_a_cap_that_writes_nothing(home: Home, cli: Cli) -> None:
    make_logs(home)
    index = Index(fields={"bytes": FieldIndex("long")})
    target = home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "copy", "", even_shards(1), index))
    done = cli("query", "game_log", "* | insert into copy(bytes) select bytes from log")
    assert done.code == 1 and "at most 10,000" in done.stderr
    assert target.snapshot().rows_total == 0


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("* | insert into report select 1 as a, 2 as b, 3 as c", ["report", "column"]),
        ("* | insert into report select operation, count(1) as c group by operation", ["report", "minute", "varchar"]),
        ("* | insert into reprot select 1 as a, 2 as b", ["reprot", "did you mean report"]),
    ],
)
def test_an_insert_that_does_not_fit_writes_nothing(home: Home, cli: Cli, tmp_path: Path, statement: str, words: list[str]) -> None:
    make_logs(home)
    make_sqlite_tables(home, tmp_path / "game.sqlite")
    done = cli("query", "game_log", statement)
    assert done.code == 2, done.stderr
    for word in words:
        assert word in done.stderr
    assert sqlite_rows(tmp_path / "game.sqlite", "select count(*) from report") == [(0,)]


def test_explain_prints_the_object_that_runs(web: Home, cli: Cli) -> None:
    statement = "status >= 404 | select status, count(1) as pv group by status order by pv desc"
    told = json.loads(cli("explain", "web", statement, "--format", "json", "--from", "1700000000").stdout)
    assert told["kind"] == "select" and told["columns"] == ["status"] and told["from"] == 1_700_000_000 and told["to"] is None
    assert told["rows_to_read"] == 3 and '"status~~long" >= 404' in told["pushed_filter"]
    assert [column["name"] for column in told["output"]] == ["status", "pv"] and told["merge_sql"]
    text = cli("explain", "web", statement, "--from", "1700000000").stdout
    for part in (
        told["sql"] if told["merge_sql"] is None else told["task_sql"],
        told["pushed_filter"],
        "1 of 1",
        "2023-11-15 06:13:20 +0800",
    ):
        assert part in text


def test_explain_shows_what_the_database_is_asked(home: Home, cli: Cli, tmp_path: Path) -> None:
    make_logs(home)
    make_sqlite_tables(home, tmp_path / "game.sqlite")
    statement = "* | select u.age, count(1) as c from log l join chiji_user u on l.userid = u.uid where u.age > 60 and u.province = 'Hunan' group by u.age"
    told = json.loads(cli("explain", "game_log", statement, "--format", "json").stdout)
    assert sorted(told["external"][0]["columns"]) == ["age", "province", "uid"]
    assert sorted(told["external"][0]["conditions"]) == ["age > 60", "province = 'Hunan'"]


def module(home: Home, *flags: str) -> Any:
    return subprocess.run(
        [sys.executable, "-m", "pipelines.association_query", "--home", str(home.path), *flags], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip


def test_the_pipeline_as_a_program(web: Home, tmp_path: Path) -> None:
    flags = ["--runner", "DirectRunner", "--logstore", "web", "--statement", STATEMENT]
    done = module(web, *flags, "--format", "csv")
    assert (done.stdout, done.stderr, done.returncode) == ('status,path\n200,/a b\n404,""\n500,/ü\n', "", 0)
    output = tmp_path / "rows.arrow"
    done = module(web, *flags, "--output", str(output))
    assert (done.stdout, done.returncode) == ("", 0)
    from transforms.core.arrow_stream import from_stream

    assert from_stream(output.read_bytes()).num_rows == 3


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--runer", "DirectRunner"], 2, ["--runer", "--runner"]),
        (["--logstore", "web"], 2, ["--statement is missing"]),
        (["--logstore", "web", "--statement", "* | select staus"], 2, ["staus", "^"]),
        (["--logstore", "web", "--statement", "* | select cast(path as bigint) as n"], 1, ["CastFailed"]),
        (["--logstore", "web", "--statement", "*", "stray"], 2, ["stray"]),
    ],
)
def test_the_pipeline_program_tells_mistakes_like_the_command_line(web: Home, flags: list[str], code: int, words: list[str]) -> None:
    done = module(web, *flags)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_direct_runner_always_means_the_one_in_this_process() -> None:
    from apache_beam.options.pipeline_options import StandardOptions

    from pipelines.launch import options_of

    for flags in ([], ["--runner", "DirectRunner"], ["--runner=FnApiRunner"]):
        assert options_of(flags).view_as(StandardOptions).runner == "FnApiRunner"
    assert options_of(["--runner", "PrismRunner"]).view_as(StandardOptions).runner == "PrismRunner"


def test_two_worker_processes_leave_the_terminal_alone(web: Home, cli: Cli) -> None:
    flags = ["--runner", "DirectRunner", "--", "--direct_num_workers", "2"]
    done = cli("query", "web", STATEMENT, "--format", "csv", "-q", *flags)
    assert (done.stdout, done.stderr, done.code) == ('status,path\n200,/a b\n404,""\n500,/ü\n', "", 0)
    done = cli("query", "web", "* | select cast(path as bigint) as n", *flags)
    assert (done.stdout, done.code) == ("", 1)
    assert done.stderr.startswith("error[CastFailed]: ") and len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("flags", [[], ["--runner", "DirectRunner"], ["--runner", "DirectRunner", "--", "--direct_num_workers", "2"]])
def test_ctrl_c_ends_a_long_statement_at_once(home: Home, tmp_path: Path, flags: list[str]) -> None:
    make_logs(home)
    make_sqlite_tables(home, tmp_path / "game.sqlite")
    endless = "* | select count(1) as c from log a, chiji_user b, chiji_user d where a.bytes + b.uid + d.uid > 5"
    command = [sys.executable, "-m", "pipelines", "--home", str(home.path), "query", "game_log", endless, "-q", *flags]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(8 if flags else 4)
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (out, err.strip(), process.returncode) == ("", "interrupted", 130)
