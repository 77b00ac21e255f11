"""The demo: over SQLite and over MariaDB the same rows, the second time too, and nothing on stderr."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.demo import STATEMENTS
from tests.conftest import ROOT
from tests.mariadb import MariadbServer

PROGRESS = re.compile(r"(game logs|users|query|instances|windows|Java service)\b")

_LIVE = "4,000 logs sent: 2,996 delivered, 1,000 dropped by the rule, 4 failed; each is in its place exactly once"


def start(home: Path, url: str | None, logs: int) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LOGSLUICE_HOME": str(home), **({"LOGSLUICE_MYSQL_URL": url} if url else {})}
    command = [sys.executable, "-m", "pipelines.demo", "--logs", str(logs), "--live-seconds", "0" if url else "2"]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)


def demo(home: Path, url: str | None = None) -> str:
    done = start(home, url, 32_000)
    assert done.returncode == 0, done.stderr
    # A slow machine is told how far long parts are; nothing else is said.
    assert [line for line in done.stderr.splitlines() if not PROGRESS.match(line)] == []
    return done.stdout


def rows_of(text: str) -> str:
    """The demo's words without what another run or machine changes."""
    text = re.sub(r"\d+\.\d+ s", "TIME", text.partition("A job that never ends")[0])
    return re.sub(
        r"(filled in TIME|as the run before left it|caught up with 6 instances, TIME)", "STATE", text.partition("What to try next")[0]
    )


def test_the_demo_gives_the_same_rows_everywhere(tmp_path: Path, mariadb: MariadbServer) -> None:
    first = demo(tmp_path / "a")
    for _, statement in STATEMENTS:
        assert statement in first
    assert " 288\n" in first and "male" in first and first.count("same 2 rows") == 2
    assert _LIVE in first
    again = demo(tmp_path / "a")
    assert rows_of(again) == rows_of(first) and _LIVE in again
    database = mariadb.database()
    url = f"mysql://{database.user}:{database.password}@{database.host}:{database.port}/{database.name}"
    over_mysql = demo(tmp_path / "b", url)
    assert rows_of(over_mysql) == rows_of(first).replace("SQLite", "MySQL")
    assert database.password not in over_mysql
    assert database.execute("select count(*) from report") == ((288,),)
    spent = database.execute("select hour, province, money, purchases from spend order by hour, province")
    assert len({row[0] for row in spent}) == 24 and len(spent) == len({row[:2] for row in spent})
    assert rows_of(demo(tmp_path / "b", url)) == rows_of(over_mysql)


def test_the_statements_are_the_documented_ones() -> None:
    assert [statement for _, statement in STATEMENTS[:4]] == [
        "* | select case gender when 1 then 'male' else 'female' end as gender , count(1) as pv from log l join chiji_user u on l.userid = u.uid group by gender order by pv desc",
        "* | select province , count(1) as pv from log l join chiji_user u on l.userid = u.uid group by province order by pv desc",
        "* | select case gender when 1 then 'male' else 'female' end as gender , sum(money) as money from log l join chiji_user u on l.userid = u.uid group by gender order by money desc",
        "* | insert into report select __time__- __time__ % 300 as min, count(1) as pv group by min",
    ]


@pytest.mark.parametrize("url", ["mysql://user:geheim@/nothing", "http://user:geheim@host/db", "geheim"])
def test_a_url_that_is_none_is_refused_without_being_shown(tmp_path: Path, url: str) -> None:
    done = start(tmp_path, url, 16)
    assert done.returncode == 2 and "LOGSLUICE_MYSQL_URL" in done.stderr and "geheim" not in done.stderr + done.stdout


def test_tables_that_are_somebodys_own_are_left_alone(tmp_path: Path, mariadb: MariadbServer) -> None:
    database = mariadb.database()
    database.execute("create table report (mine int)", "insert into report values (1)")
    url = f"mysql://{database.user}:{database.password}@{database.host}:{database.port}/{database.name}"
    done = start(tmp_path, url, 16)
    assert done.returncode == 2 and "'report'" in done.stderr and "empty database" in done.stderr
    assert database.execute("select * from report") == ((1,),)
    assert database.execute("show tables") == (("report",),)
