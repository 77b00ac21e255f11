"""The command line's manners: streams, exit codes, nearest names, formats, what happens when something breaks."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import output
from pipelines.cli.app import App
from pipelines.cli.main import main
from pipelines.cli.unexpected import describe, masked
from pipelines.home import Home
from tests.conftest import ROOT, Cli, CliResult
from tests.crash import count_moments, run_killed_at
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards


@pytest.fixture
def here(home: Home, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line in this process: quicker than `cli`, for whatever a process of its own adds nothing to."""

    def run(*arguments: str) -> CliResult:
        capsys.readouterr()
        code = main(["--home", str(home.path), *arguments])
        out, err = capsys.readouterr()
        return CliResult(out, err, code)

    return run


INDEX = {"line": {}, "keys": {"status": {"type": "long"}, "url": {"type": "text"}}}


class TestProjects:
    def test_create_list_delete(self, here: Cli) -> None:
        assert here("project", "create", "shop").stderr == "project shop created\n"
        assert here("project", "list", "--format", "csv").stdout == "project\ndefault\nshop\n"
        assert here("--project", "shop", "logstore", "list").code == 0
        assert here("project", "delete", "shop").code == 0
        gone = here("--project", "shp", "logstore", "list")
        assert (gone.code, gone.stdout) == (2, "")
        assert "error[ProjectNotExist]: there is no project 'shp'" in gone.stderr


class TestLogstores:
    def test_a_life(self, here: Cli, home: Home, tmp_path: Path) -> None:
        index = tmp_path / "index.json"
        index.write_text(json.dumps(INDEX))
        created = here("logstore", "create", "nginx", "--shards", "3", "--ttl", "30", "--index", str(index))
        assert (created.code, created.stdout, created.stderr) == (0, "", "Logstore nginx created\n")
        again = here("logstore", "create", "nginx")
        assert (again.code, again.stdout) == (2, "")
        assert "LogStoreAlreadyExist" in again.stderr
        home.open_logstore("default", "nginx").append([LogGroup.from_logs([{"status": "200"}, {"status": "x"}], [1, 2])])

        shown = json.loads(here("logstore", "get", "nginx").stdout)
        assert (shown["logs"], shown["ttl"], len(shown["shards"]), shown["fields"]) == (2, 30, 3, ["status"])
        assert shown["index"]["keys"].keys() == INDEX["keys"].keys()
        (listed,) = json.loads(here("logstore", "list", "--format", "json").stdout)
        assert listed == {"logstore": "nginx", "shards": 3, "ttl": 30, "indexed fields": 2, "location": shown["location"]}

        assert "no number of days" in here("logstore", "update", "nginx", "--ttl", "0").stderr
        assert here("logstore", "update", "nginx", "--ttl", "forever", "--index", "none").code == 0
        shown = json.loads(here("logstore", "get", "nginx").stdout)
        assert (shown["ttl"], shown["index"]) == (None, None)

        assert here("logstore", "delete", "nginx").code == 2, "without a terminal and --yes nothing may be deleted"
        assert here("logstore", "delete", "nginx", "--yes").stderr == "Logstore nginx deleted\n"
        assert not Path(shown["location"]).exists()
        assert here("logstore", "create", "nginx").code == 0

    @pytest.mark.parametrize("verb", ["compact", "vacuum", "expire", "reindex"])
    def test_upkeep_keeps_every_log(self, here: Cli, home: Home, tmp_path: Path, verb: str) -> None:
        (tmp_path / "index.json").write_text(json.dumps(INDEX))
        assert here("logstore", "create", "nginx", "--shards", "1", "--ttl", "3650").code == 0
        store = home.open_logstore("default", "nginx")
        now = int(time.time())
        for n in range(9):
            store.append([LogGroup.from_logs([{"status": str(n)}], [now])])
        assert here("logstore", "update", "nginx", "--index", str(tmp_path / "index.json")).code == 0
        result = here("logstore", verb, "nginx")
        assert (result.code, result.stdout) == (0, "")
        assert "Logstore nginx" in result.stderr
        groups = home.open_logstore("default", "nginx").read()
        assert sorted(log["status"] for group in groups for log in group.to_logs()) == [str(n) for n in range(9)]

    def test_expiring_drops_what_is_too_old(self, here: Cli, home: Home) -> None:
        assert here("logstore", "create", "nginx").code == 0
        home.open_logstore("default", "nginx").append([LogGroup.from_logs([{"a": "old"}], [1_000_000_000])])
        assert "for ever" in here("logstore", "expire", "nginx").stderr
        assert here("logstore", "update", "nginx", "--ttl", "1").code == 0
        assert here("logstore", "expire", "nginx").code == 0
        assert home.open_logstore("default", "nginx").snapshot().rows_total == 0

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("create", "N"), "is no Logstore name"),
            (("create", "log"), "current Logstore"),
            (("create", "nginx", "--shards", "0"), "--shards"),
            (("create", "nginx", "--index", "nowhere.json"), "does not exist"),
            (("create", "nginx", "--storage-option", "key"), "KEY=VALUE"),
            (("update", "nginx"), "nothing to change"),
            (("update", "nginx", "--shards", "4"), "cannot be changed"),
            (("get", "nosuch"), "LogStoreNotExist"),
            (("delete", "nosuch", "--yes"), "LogStoreNotExist"),
            (("compact", "nosuch"), "LogStoreNotExist"),
        ],
    )
    def test_wrong_input(self, here: Cli, arguments: tuple[str, ...], words: str) -> None:
        result = here("logstore", *arguments)
        assert (result.code, result.stdout) == (2, "")
        assert words in result.stderr

    @pytest.mark.parametrize(
        ("text", "place", "words"),
        [
            ('{"keys": {"a": "long",}}', "1:23", "no JSON"),
            ("", "1:1", "no JSON"),
            ('{"keys":\n {"status": {"type": "lnog"}}}', "2:22", "did you mean 'long'"),
            ('{"kesy": {}}', "1:2", "did you mean 'keys'"),
            ('{"keys": {"url": {"typ": "text"}}}', "1:19", "did you mean 'type'"),
            ('{"keys": {"a": "long", "a": "text"}}', "1:24", "twice"),
            ('{"keys": {"url": {"caseSensitive": "yes"}}}', "1:11", "true or false"),
            ('{"keys": {"info": {"type": "json", "json_keys": ["a"]}}}', "1:11", "object of path"),
            ('{"line": {"include_keys": "a"}}', "1:2", "list of field names"),
            ("[]", None, "JSON object"),
        ],
    )
    def test_a_bad_index_file_is_shown_at_its_place(self, here: Cli, tmp_path: Path, text: str, place: str | None, words: str) -> None:
        file = tmp_path / "index.json"
        file.write_text(text)
        result = here("logstore", "create", "nginx", "--index", str(file))
        assert result.code == 2
        assert words in result.stderr
        assert place is None or f"{file}:{place}\n" in result.stderr
        assert json.loads(here("logstore", "list", "--format", "json").stdout) == []

    @pytest.mark.parametrize("verb", ["create", "delete"])
    def test_a_crash_at_any_moment_blocks_nothing(self, tmp_path: Path, verb: str) -> None:
        descriptor = LogstoreDescriptor("default", "nginx", "", even_shards(1))
        arguments = {"create": ["create", "nginx", "--shards", "1"], "delete": ["delete", "nginx", "--yes"]}[verb]

        def prepared(name: str) -> tuple[Home, str]:
            made = Home.create(tmp_path / name)
            if verb == "delete":
                made.create_logstore(descriptor)
            line = ["--home", str(made.path), "logstore", *arguments]
            return made, f"import sys; from pipelines.cli.main import main; sys.exit(main({line!r}))"

        moments = count_moments(prepared("counted")[1])
        assert len(moments) >= 4
        for n in range(len(moments)):
            home, program = prepared(f"killed-{n}")
            run_killed_at(program, n)
            if home.catalogue().list_logstores("default").total:
                assert home.open_logstore("default", "nginx").snapshot().rows_total == 0
                home.delete_logstore("default", "nginx")
            home.create_logstore(descriptor)
            assert home.open_logstore("default", "nginx").snapshot().rows_total == 0
            home.close()


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("logstroe", "list"), "Did you mean 'logstore'?"),
            (("logstore", "lst"), "Did you mean 'list'?"),
            (("logstore", "list", "--formt", "json"), "Did you mean '--format'?"),
            (("logstore", "list", "--project", "x"), "hint: --project belongs before the verb"),
            (("logstore", "list", "--format", "xml"), "'xml' is not one of"),
            (("logstore", "create"), "Missing argument 'NAME'"),
            (("main",), "No such command 'main'"),
            (("../cli/project",), "No such command"),
        ],
    )
    def test_mistakes_are_answered_with_the_way_out(self, here: Cli, arguments: tuple[str, ...], words: str) -> None:
        result = here(*arguments)
        assert (result.code, result.stdout) == (2, "")
        assert words in result.stderr
        assert "Traceback" not in result.stderr

    def test_exit_codes_are_documented(self, here: Cli) -> None:
        text = here("--help").stdout
        assert all(f"\n    {code} " in text for code in (0, 1, 2, 3, 130))

    def test_no_arguments_show_the_help(self, here: Cli, cli: Cli) -> None:
        assert cli().stdout == here("--help").stdout

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_completion(self, cli: Cli, shell: str) -> None:
        assert "_LOGSLUICE_COMPLETE" in cli("completion", shell).stdout

    def test_completion_completes(self, cli: Cli) -> None:
        asked = {"_LOGSLUICE_COMPLETE": "bash_complete", "COMP_WORDS": "logsluice logst", "COMP_CWORD": "1"}
        assert cli(env=asked).stdout == "plain,logstore\n"


class TestTrouble:
    def test_a_home_that_cannot_be_made(self, cli: Cli) -> None:
        result = cli("--home", "/proc/nowhere", "logstore", "list")
        assert result.code == 3
        assert "cannot be made" in result.stderr

    def test_a_home_that_is_a_file(self, cli: Cli, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert cli("--home", str(tmp_path / "file"), "logstore", "list").code == 2

    def test_a_catalogue_that_does_not_answer(self, cli: Cli) -> None:
        result = cli("--catalogue", "mysql://user:s3cr3t@127.0.0.1:1/db", "logstore", "list")
        assert result.code == 3
        assert "error[StoreUnavailable]" in result.stderr
        assert "s3cr3t" not in result.stderr

    @pytest.mark.mariadb
    def test_a_catalogue_elsewhere(self, cli: Cli, home: Home, mariadb: Any) -> None:
        database = mariadb.database()
        env = {
            "LOGSLUICE_CATALOGUE": f"mysql://{database.user}:env:CATALOGUE_PW@{database.host}:{database.port}/{database.name}",
            "CATALOGUE_PW": database.password,
        }
        assert cli("project", "create", "remote", env=env).code == 0
        assert "remote" in cli("project", "list", env=env).stdout
        assert "remote" not in cli("project", "list").stdout

    def test_a_reader_that_leaves_early(self, home: Home) -> None:
        for n in range(400):
            home.catalogue().create_project(f"project-{n:02}-{'x' * 40}")
        command = f"{sys.executable} -m pipelines --home {home.path} project list --format jsonl | head -n 1; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True)
        assert (done.stdout.splitlines()[-1], done.stderr) == ("0", "")

    def test_a_full_disk_behind_stdout(self, home: Home) -> None:
        command = f"{sys.executable} -m pipelines --home {home.path} project list > /dev/full"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
        assert done.returncode == 3
        assert "No space left on device" in done.stderr
        assert "Exception ignored" not in done.stderr

    def test_closed_streams(self, home: Home) -> None:
        for closed in (">&-", "2>&-", "<&-"):
            command = f"{sys.executable} -m pipelines --home {home.path} project list {closed}"
            assert subprocess.run(["bash", "-c", command], cwd=ROOT, timeout=60, capture_output=True, check=False).returncode == 0

    def test_interrupted(self, home: Home) -> None:
        program = (
            "import sys, time\nfrom pipelines.cli import project\nfrom pipelines.cli.main import main\n"
            "project.write_rows = lambda *a: (print('ready', flush=True), time.sleep(60))\nsys.exit(main(['project', 'list']))"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            env={**os.environ, "LOGSLUICE_HOME": str(home.path)},
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err.strip()) == (130, "interrupted")

    def test_an_unexpected_error_fits_a_screen_and_keeps_secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DB_PASSWORD", "hunter22")
        try:
            raise KeyError("mysql://root:hunter21@db/x with password=hunter20 and hunter22 " + "y" * 5_000)
        except KeyError as error:
            text = describe(error)
        assert "KeyError" in text
        assert "--traceback" in text
        assert all(secret not in text for secret in ("hunter20", "hunter21", "hunter22"))
        assert len(text.splitlines()) < 20
        assert len(text) < 2_000

    def test_traceback_shows_where(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        assert main(["--traceback", "--home", str(tmp_path / "h"), "logstore", "get", "nosuch"]) == 2
        err = capsys.readouterr().err
        assert "Traceback (most recent call last)" in err
        assert err.rstrip().endswith("'default'")

    def test_masking_leaves_plain_text_alone(self) -> None:
        assert masked("http://host:80/path user@host key a=b") == "http://host:80/path user@host key a=b"


class TestWordsOnTheWay:
    def test_a_quick_work_says_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        with App().progress("importing", 10) as progress:
            progress.advance(3)
            progress.note("a.log")
        assert capsys.readouterr() == ("", "")

    def test_a_long_work_says_a_line_now_and_then(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pipelines.cli.app._PLAIN_EVERY", 0.05)
        with App().progress("importing", 200) as progress:
            for _ in range(20):
                progress.advance(10)
                time.sleep(0.01)
        out, err = capsys.readouterr()
        assert out == ""
        lines = err.splitlines()
        assert 1 <= len(lines) < 10
        assert all(line.startswith("importing: ") and " of 200 (" in line for line in lines)

    @pytest.mark.parametrize(("answer", "left"), [("n\n", 1), ("y\n", 0)])
    def test_deleting_asks_on_a_terminal(self, home: Home, answer: str, left: int) -> None:
        home.create_logstore(LogstoreDescriptor("default", "nginx", "", even_shards(1)))
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "pipelines", "--home", str(home.path), "logstore", "delete", "nginx"]
        try:
            os.write(ours, answer.encode())
            done = subprocess.run(command, stdin=theirs, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
        finally:
            os.close(theirs)
            os.close(ours)
        assert done.stdout == ""
        assert (done.returncode, home.catalogue().list_logstores("default").total) == (2 if left else 0, left)


class TestRows:
    COLUMNS = ("name", "count", "share", "note")
    ROWS = (("a", 1, Decimal("0.50"), None), ("日本", 20, Decimal("12.25"), ""), ('q"uote, x', -3, None, "two\nlines\x1b[31m"))

    def written(self, format: str, capsys: pytest.CaptureFixture[str]) -> str:
        output.write_rows(list(self.COLUMNS), iter(self.ROWS), format)
        return capsys.readouterr().out

    def test_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.written("table", capsys).splitlines() == [
            "name       count  share  note",
            "---------  -----  -----  ------------------",
            "a              1   0.50  null",
            "日本          20  12.25",
            'q"uote, x     -3   null  two\\nlines\\x1b[31m',
        ]

    def test_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        rows = json.loads(self.written("json", capsys))
        assert rows[1] == {"name": "日本", "count": 20, "share": "12.25", "note": ""}
        assert rows[0]["note"] is None
        assert rows[2]["note"] == self.ROWS[2][3]

    def test_jsonl(self, capsys: pytest.CaptureFixture[str]) -> None:
        lines = self.written("jsonl", capsys).splitlines()
        assert len(lines) == 3
        assert json.loads(lines[2])["name"] == 'q"uote, x'

    def test_csv(self, capsys: pytest.CaptureFixture[str]) -> None:
        text = self.written("csv", capsys)
        assert text.startswith('name,count,share,note\na,1,0.50,\n日本,20,12.25,""\n')
        assert list(csv.reader(io.StringIO(text)))[3] == ['q"uote, x', "-3", "", self.ROWS[2][3]]

    @pytest.mark.parametrize(("format", "expected"), [("json", "[]\n"), ("jsonl", ""), ("csv", "a\n"), ("table", "a\n-\n")])
    def test_no_rows(self, capsys: pytest.CaptureFixture[str], format: str, expected: str) -> None:
        output.write_rows(["a"], [], format)
        assert capsys.readouterr().out == expected

    def test_values_json_has_no_words_for(self, capsys: pytest.CaptureFixture[str]) -> None:
        row = [float("nan"), float("-inf"), True, b"\x00\xff", {1: [None, Decimal("1")]}, 2**70]
        output.write_rows(list("abcdef"), [row], "jsonl")
        assert json.loads(capsys.readouterr().out) == {
            "a": "nan", "b": "-inf", "c": True, "d": "00ff", "e": {"1": [None, "1"]}, "f": 2**70,
        }  # fmt: skip

    def test_columns_of_one_name_are_all_kept(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.write_rows(["n", "n", "n_2", "n"], [[1, 2, 3, 4]], "jsonl")
        assert list(json.loads(capsys.readouterr().out).values()) == [1, 2, 3, 4]

    def test_a_row_of_one_null_is_not_lost_in_csv(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.write_rows(["a"], [[None], ["x"]], "csv")
        assert len(list(csv.DictReader(io.StringIO(capsys.readouterr().out)))) == 2

    def test_rows_stream(self, capsys: pytest.CaptureFixture[str]) -> None:
        def rows() -> Any:
            yield from ([n] for n in range(5_000))
            seen.append(len(capsys.readouterr().out))

        for format in ("table", "jsonl", "csv", "json"):
            seen: list[int] = []
            output.write_rows(["n"], rows(), format)
            assert seen[0] > 10_000, f"{format} kept the rows back"

    def test_a_terminal_cuts_what_a_pipe_keeps(self, home: Home) -> None:
        home.catalogue().create_project("long-" + "x" * 50)
        environment = {**os.environ, "LOGSLUICE_HOME": str(home.path), "COLUMNS": "20"}
        command = [sys.executable, "-m", "pipelines", "project", "list"]
        piped = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=60, check=True).stdout
        assert "x" * 50 in piped
        ours, theirs = pty.openpty()
        try:
            subprocess.run(command, stdout=theirs, env=environment, cwd=ROOT, timeout=60, check=True)
            os.close(theirs)
            shown = os.read(ours, 100_000).decode()
        finally:
            os.close(ours)
        assert max(map(len, shown.splitlines())) == 20
        assert "…" in shown
