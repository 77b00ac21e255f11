"""The Java service: what rows it cannot work with, how it fails, that it ends with us, and Beam SQL's own words on it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.beam_sql_service import BeamSqlService, is_serving, running_service, within
from pipelines.home import Home
from tests.beam_sql.beam_world import FROM, plan_of
from tests.conftest import ROOT, Cli
from transforms.core.errors import NotFound, ParameterInvalid, QueryFailed, StatementError, StoreUnavailable

pytestmark = pytest.mark.timeout(900)


def run(home: Home, statement: str, *flags: str) -> Any:
    from pipelines.association_query import run_plan
    from pipelines.launch import options_of

    options = options_of(["--sql_engine", "beam-sql", "--beam_sql_timeout", "600", *flags])
    return run_plan(plan_of(home, statement, "beam-sql"), options, now_seconds=FROM)


@pytest.mark.parametrize(
    ("statement", "code", "says"),
    [
        ("* | select cast(digits as bigint) x from log limit 999", "CastFailed", "Cannot cast a value to bigint"),
        ("* | select l.bytes % o.id z from log l join (select id - id id, uid from orders) o on l.userid = o.uid limit 999", "DivisionByZero", "Division by zero"),
        ("* | select sum(bytes * 0 + 4611686018427387904) s from log", "NumericValueOutOfRange", "out of the range of bigint"),
    ],
)  # fmt: skip
def test_rows_it_cannot_work_with(there: Home, beam_sql_jar: str, statement: str, code: str, says: str) -> None:
    with pytest.raises(QueryFailed) as failed:
        run(there, statement, "--beam_sql_jar", beam_sql_jar)
    assert failed.value.code == code
    assert says in failed.value.message
    assert failed.value.hint


def test_what_beam_sql_itself_refuses_is_told_in_its_words(there: Home, beam_sql_jar: str) -> None:
    import dataclasses

    import apache_beam as beam

    from pipelines.launch import options_of
    from pipelines.sql_engine import query_transform

    plan = plan_of(there, "* | select status from log limit 1", "beam-sql")
    assert plan.beam is not None
    odd = dataclasses.replace(plan, beam=dataclasses.replace(plan.beam, sql="SELECT SOUNDEX(t1.c0) AS o0 FROM PCOLLECTION AS t1"))
    with pytest.raises(StatementError, match=r"Beam SQL does not plan this statement: .*SOUNDEX") as refused:
        beam.Pipeline(options=options_of([])) | query_transform(odd, options_of(["--beam_sql_jar", beam_sql_jar]))
    assert refused.value.code == "BeamSqlUnsupported"


def test_beam_sql_s_own_constructs(beam_sql_jar: str, tmp_path: Path) -> None:
    """What its users write in its own words works on the service that we build."""
    import apache_beam as beam
    from apache_beam.transforms.sql import SqlTransform

    from pipelines.launch import new_pipeline, options_of, run_pipeline

    values = (
        "SELECT c0 SIMILAR TO '[a-z]+' AS a, EXTRACT(MINUTE FROM FLOOR(TIMESTAMP '2020-01-01 10:30:59' TO MINUTE)) AS b, "
        "EXTRACT(HOUR FROM TIMESTAMP '2020-01-01 10:30:00' + INTERVAL '2' HOUR) AS c, ARRAY[1, 2][2] AS d, MAP['k', 7]['k'] AS e "
        "FROM PCOLLECTION"
    )
    groups = (
        "SELECT CAST(COUNT(*) AS BIGINT) AS n, VAR_POP(c1) AS v, VAR_SAMP(c1) AS w, ANY_VALUE(c0) AS x FROM "
        "(SELECT c0, c1, TIMESTAMPADD(SECOND, CAST(c1 AS INTEGER), TIMESTAMP '2020-01-01 00:00:00') AS ts FROM PCOLLECTION) AS t "
        "GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE)"
    )
    service = running_service(beam_sql_jar, None)
    pipeline = new_pipeline(options_of([]))
    rows = pipeline | beam.Create([("abc", 10), ("abc", 20), ("A", 70)]) | beam.Map(lambda row: beam.Row(c0=str(row[0]), c1=int(row[1])))
    for name, statement in (("values", values), ("groups", groups)):
        found = rows | name >> SqlTransform(statement, expansion_service=service)
        (
            found
            | f"Text {name}" >> beam.Map(lambda row: repr([str(value) for value in row]))
            | f"Write {name}" >> beam.io.WriteToText(str(tmp_path / name), shard_name_template="")
        )
    within(600, "the pipeline", lambda: run_pipeline(pipeline))
    assert sorted((tmp_path / "values").read_text().split("\n"))[1:] == [
        str(["False", "30", "12", "2", "7"]), str(["True", "30", "12", "2", "7"]), str(["True", "30", "12", "2", "7"])
    ]  # fmt: skip
    assert sorted((tmp_path / "groups").read_text().split("\n"))[1:] == [str(["1", "0", "0", "A"]), str(["2", "25", "50", "abc"])]


def test_a_service_is_kept_and_ends_with_the_process_that_started_it(beam_sql_jar: str) -> None:
    script = (
        "import sys, time; from pipelines.beam_sql_service import running_service, _running; "
        f"one = running_service({beam_sql_jar!r}, None); assert running_service({beam_sql_jar!r}, None) == one; "
        "print(one, next(iter(_running.values()))._process.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        address, pid = process.stdout.readline().split()
        assert running_service(None, address) == address
        process.kill()
    deadline = time.monotonic() + 30
    while _runs(int(pid)):
        assert time.monotonic() < deadline, "the JVM outlived the process that started it"
        time.sleep(0.1)
    # The threads of a process end after its first, and its port with the last of them.
    while _answers(address):
        assert time.monotonic() < deadline, "the JVM's port is still open"
        time.sleep(0.1)


def test_the_command_line(there: Home, cli: Cli, beam_sql_jar: str) -> None:
    environment = {"LOGSLUICE_HOME": str(there.path), "LOGSLUICE_BEAM_SQL_JAR": beam_sql_jar}
    statement = "* | select method, count(*) c from log where status not in (404) and word not like 'a%' group by method order by method"
    ours = cli("query", "web", statement, "--sql-engine", "beam-sql", "--format", "csv", "--quiet", env=environment)
    assert (ours.code, ours.stdout) == (0, cli("query", "web", statement, "--format", "csv", "--quiet", env=environment).stdout), (
        ours.stderr
    )
    assert ours.stdout.count("\n") == 4
    shown = cli("explain", "web", statement, "--sql-engine", "beam-sql", env=environment).stdout
    assert "executor  Beam pipeline on DirectRunner" in shown
    assert "  Beam SQL  SELECT k0, COUNT(a0) AS p0 FROM" in shown


def test_no_service_no_hang(there: Home, tmp_path: Path, deaf: str) -> None:
    broken = tmp_path / "broken.jar"
    broken.write_bytes(b"no jar")
    statement = "* | select status from log limit 1"
    with pytest.raises(NotFound, match=r"there is no file .*nowhere\.jar"):
        run(there, statement, "--beam_sql_jar", str(tmp_path / "nowhere.jar"))
    if os.path.exists("/usr/bin/java"):  # noqa: PTH110
        with pytest.raises(StoreUnavailable, match="ended at its start"):
            run(there, statement, "--beam_sql_jar", str(broken))
    with pytest.raises(StoreUnavailable, match="does not answer"):
        run(there, statement, "--beam_sql_service", "localhost:1")
    with pytest.raises(ParameterInvalid, match="no address"):
        run(there, statement, "--beam_sql_service", "nonsense")
    with pytest.raises(StoreUnavailable, match=r"took more than 2 s|does not answer in time"):
        run(there, statement, "--beam_sql_service", deaf, "--beam_sql_timeout", "2")


def test_a_service_that_dies_while_it_is_waited_for(beam_sql_jar: str) -> None:
    service = BeamSqlService(Path(beam_sql_jar))
    assert is_serving(service.address), "of services that others started nothing is known"
    threading.Timer(0.5, lambda: os.kill(service._process.pid, signal.SIGKILL)).start()
    with pytest.raises(StoreUnavailable, match="died during a long wait"):
        within(60, "a long wait", lambda: time.sleep(60), lambda: service.alive)
    service.stop()
    service.stop()


@pytest.fixture
def deaf() -> Iterator[str]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("localhost", 0)) as server:
        yield f"localhost:{server.getsockname()[1]}"


def _answers(address: str) -> bool:
    try:
        return running_service(None, address) == address
    except StoreUnavailable:
        return False


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
