"""Backfills of scheduled SQL: the rows of single runs at each kind of destination, each once, whatever happens in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.demo_data import FIRST_SECOND, SECONDS, game_logs
from pipelines.home import DEFAULT_PROJECT, Home
from tests.benchmarks.timing import alternate
from tests.conftest import ROOT
from tests.mariadb import MariadbServer
from tests.pipelines.schedule_world import START, add_logs, held, make_destination, make_source, make_task, task_document, totals
from tests.warm_crash import WarmProgram
from transforms.core.errors import CommitConflict, ParameterInvalid, StatementError
from transforms.core.interval import Interval
from transforms.schedule.instance import InstanceState
from transforms.schedule.ledger import BackfillEntry, BackfillTurn, InstanceEntry, Turn
from transforms.schedule.task import Task
from transforms.schedule.task_config import read_task
from transforms.sql import window_chunks
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

KINDS = ("log2log", "log2metric", "log2table")
MINUTES = 10
ALL = Interval(START + 60, START + 60 * MINUTES + 1)
"""The schedule times of all minutes that have logs."""
LATER = START + 5_000 * 86_400


def make_world(home: Home, kind: str, folder: Path, **configuration: Any) -> Task:
    """A task whose schedule begins long after the logs: all windows are a backfill's."""
    make_source(home, MINUTES)
    make_destination(home, kind, folder)
    return make_task(home, kind, **{"fromTime": LATER, "toTime": 0, **configuration})


def create(home: Home, task: Task, within: Interval = ALL, *, again: bool = False) -> BackfillEntry:
    return home.schedule_ledger().create_backfill(DEFAULT_PROJECT, task.name, within, again=again, reason="test")


def edit(home: Home, task: Task, script: str) -> None:
    document = {**task.document, "configuration": {**task.document["configuration"], "script": script}}
    home.schedule_ledger().update_task(read_task(document, DEFAULT_PROJECT))


def apply(
    home: Home, entry: BackfillEntry, progress: Callable[[int], object] = lambda _windows: None, notes: list[str] | None = None, *flags: str
) -> BackfillEntry:
    from pipelines.backfill_windows import apply_backfill
    from pipelines.launch import options_of

    options = options_of(["--runner", "DirectRunner", *flags])
    note = (notes if notes is not None else []).append
    return apply_backfill(home, entry.project, entry.task, entry.number, options=options, note=note, progress=progress)


def instances(home: Home, task: Task) -> dict[int, InstanceEntry]:
    found, _ = home.schedule_ledger().list_instances(DEFAULT_PROJECT, task.name, size=-1)
    return {entry.instance.schedule_time: entry for entry in found}


def run_one(home: Home, task: Task, schedule_time: int) -> InstanceEntry:
    from pipelines.launch import options_of
    from pipelines.scheduled_sql import run_recorded

    turn = home.schedule_ledger().claim_at(DEFAULT_PROJECT, task.name, schedule_time, "test", 30)
    return run_recorded(home, turn, options_of([]))


@pytest.mark.parametrize("kind", KINDS)
def test_all_windows_each_under_its_own_instance_and_again_in_their_place(home: Home, tmp_path: Path, kind: str) -> None:
    task = make_world(home, kind, tmp_path)
    done: list[int] = []
    entry = apply(home, create(home, task), done.append)
    assert (entry.state, entry.succeeded, entry.failed, sum(done)) == ("finished", MINUTES, 0, MINUTES)
    assert held(home, kind, tmp_path) == totals(range(MINUTES))
    found = instances(home, task)
    assert list(found) == sorted(range(START + 60, START + 60 * MINUTES + 1, 60), reverse=True)
    assert {one.instance.state for one in found.values()} == {InstanceState.SUCCEEDED}
    assert sum(one.outcome.rows_written for one in found.values() if one.outcome) == entry.rows_written
    add_logs(home, 3, range(6, 20))
    assert apply(home, create(home, task)).succeeded == 0, "nothing is missing"
    assert held(home, kind, tmp_path) == totals(range(MINUTES))
    again = apply(home, create(home, task, Interval(START + 60 * 3, START + 60 * 6), again=True))
    assert (again.number, again.succeeded) == (3, 3)
    assert held(home, kind, tmp_path) == totals(range(MINUTES), {3: 20})
    assert {at: len(one.instance.runs) for at, one in instances(home, task).items() if len(one.instance.runs) > 1} == dict.fromkeys(
        range(START + 180, START + 360, 60), 2
    )


@pytest.mark.parametrize("kind", KINDS)
def test_single_runs_of_the_same_instances_change_no_row_and_say_the_same(home: Home, tmp_path: Path, kind: str) -> None:
    task = make_world(home, kind, tmp_path)
    apply(home, create(home, task))
    before, rows = instances(home, task), held(home, kind, tmp_path)
    single, together = run_one(home, task, START + 240), before[START + 240]
    assert (single.instance.id, single.instance.window) == (together.instance.id, together.instance.window)
    assert single.outcome == together.outcome
    assert held(home, kind, tmp_path) == rows


def test_logs_of_many_instances_share_a_file_and_carry_their_own_tags(home: Home, tmp_path: Path) -> None:
    task = make_world(home, "log2log", tmp_path)
    apply(home, create(home, task))
    store = home.open_logstore(DEFAULT_PROJECT, "totals")
    assert len(store.snapshot().files) == 1
    found = {one.instance.id: one.instance for one in instances(home, task).values()}
    for group in store.read():
        for second, log in zip(group.seconds.to_pylist(), group.to_logs(), strict=True):
            one = found[log["__tag__:__instance_id__"]]
            assert second == one.window.start and one.execute_us is not None
            told = (log["__tag__:__schedule_time__"], log["__tag__:__trigger_time__"], log["__tag__:__job__"])
            assert told == (str(one.schedule_time), str(one.execute_us // 1_000_000), task.name)


@pytest.mark.parametrize("kind", ["log2log", "log2table"])
def test_a_window_that_fails_fails_alone_and_keeps_its_earlier_rows(home: Home, tmp_path: Path, kind: str) -> None:
    task = make_world(home, kind, tmp_path)
    apply(home, create(home, task))
    add_logs(home, 2, range(5, 9))
    add_logs(home, 7, range(10, 12))
    columns = task.script.partition("group by")[0].replace("sum(size) as bytes", "sum(size + 0 / (size - 110)) as bytes")
    edit(home, task, f"{columns} group by status")  # size 110 is the eleventh log of a minute: from minute 8 on, and now in 7
    entry = apply(home, create(home, task, again=True))
    assert (entry.succeeded, entry.failed) == (MINUTES - 3, 3)
    assert held(home, kind, tmp_path) == totals(range(MINUTES), {2: 9})
    for at, one in instances(home, task).items():
        failure = one.instance.failure
        assert (at in (START + 480, START + 540, START + 600)) == (one.instance.state is InstanceState.FAILED), at
        assert failure is None or (failure.code, failure.message) == ("SQLFailed", "Division by zero")
        assert one.outcome is not None, "what the run before did is still known"


def test_metrics_that_cannot_be_fail_their_window_alone(home: Home, tmp_path: Path) -> None:
    task = make_world(home, "log2metric", tmp_path)
    groups = "select status, if(max(n) = 9, '|', '') as mark, count(1) as requests, sum(size) as bytes from log group by status"
    script = f"* | select concat(status, mark) as status, requests, bytes from ({groups})"
    edit(home, task, script)
    entry = apply(home, create(home, task))
    assert 0 < entry.failed < MINUTES and entry.succeeded + entry.failed == MINUTES
    failures = {one.instance.failure.code for one in instances(home, task).values() if one.instance.failure is not None}
    assert failures == {"SQLFailed"}


def test_a_script_that_cannot_run_stops_the_backfill_and_leaves_it_to_go_on(home: Home, tmp_path: Path) -> None:
    task = make_world(home, "log2log", tmp_path, script="* | select statu, count(1) group by statu")
    entry = create(home, task)
    with pytest.raises(StatementError, match="statu"):
        apply(home, entry)
    assert instances(home, task) == {}
    edit(home, task, "* | select status, count(1) as requests, sum(size) as bytes group by status")
    assert apply(home, entry).succeeded == MINUTES
    assert held(home, "log2log", tmp_path) == totals(range(MINUTES))


def test_scripts_with_variables_that_give_no_statement_fail_window_by_window(home: Home, tmp_path: Path) -> None:
    script = f"* | select status, count(1) as requests, sum(size) as bytes group by status limit {{{{__TASK_SQL_START_TS__}}}}{'0' * 4}"
    task = make_world(home, "log2log", tmp_path, script=script)
    entry = apply(home, create(home, task))
    assert (entry.succeeded, entry.failed) == (0, MINUTES)
    assert {one.instance.failure.code for one in instances(home, task).values() if one.instance.failure} == {"SQLFailed"}


def test_the_other_sql_engine_is_refused_and_the_turn_given_back(home: Home, tmp_path: Path) -> None:
    task = make_world(home, "log2log", tmp_path)
    entry = create(home, task)
    with pytest.raises(ParameterInvalid, match="embedded engine alone"):
        apply(home, entry, lambda _windows: None, None, "--sql_engine", "beam-sql")
    turn = home.schedule_ledger().claim_backfill(DEFAULT_PROJECT, task.name, entry.number, 1, "test", 30)
    assert isinstance(turn, BackfillTurn)


@pytest.mark.parametrize("kind", ["log2log", "log2table"])
def test_chunks_on_workers_in_other_processes(home: Home, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_chunks, "CHUNK_ROWS", 20)
    task = make_world(home, kind, tmp_path)
    assert apply(home, create(home, task), lambda _windows: None, None, "--direct_num_workers", "2").succeeded == MINUTES
    assert held(home, kind, tmp_path) == totals(range(MINUTES))


def test_the_schedule_goes_on_between_turns(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import backfill_windows
    from pipelines.launch import options_of
    from pipelines.scheduled_sql import run_recorded

    monkeypatch.setattr(backfill_windows, "MOST_WINDOWS", 2)
    task = make_world(home, "log2log", tmp_path, fromTime=START + 60 * 6, toTime=START + 60 * MINUTES + 1)
    ledger = home.schedule_ledger()
    live: list[int] = []

    def scheduler(_windows: int) -> None:
        turn = ledger.claim(DEFAULT_PROJECT, task.name, "scheduler", 30)
        if isinstance(turn, Turn):
            run_recorded(home, turn, options_of([]))
            live.append(turn.instance.schedule_time)

    entry = apply(home, create(home, task, Interval(START + 60, START + 60 * 6)), scheduler)
    assert (entry.succeeded, live) == (5, [START + 360, START + 420, START + 480])
    assert held(home, "log2log", tmp_path) == totals(range(8))


def test_without_a_scheduler_what_is_due_is_waited_for_and_then_left(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import backfill_windows

    monkeypatch.setattr(backfill_windows, "MOST_WINDOWS", 3)
    task = make_world(home, "log2log", tmp_path, fromTime=START + 60 * 6, toTime=START + 60 * MINUTES + 1)
    notes: list[str] = []
    assert apply(home, create(home, task, Interval(START + 60, START + 60 * 6)), lambda _windows: None, notes).succeeded == 5
    assert notes and set(notes) == {"waiting: an instance is due: it goes first"}


def test_cancelled_between_turns_what_is_done_stays(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import backfill_windows

    monkeypatch.setattr(backfill_windows, "MOST_WINDOWS", 4)
    task = make_world(home, "log2log", tmp_path)
    entry = create(home, task)
    done = apply(home, entry, lambda _windows: home.schedule_ledger().cancel_backfill(DEFAULT_PROJECT, task.name, entry.number))
    assert (done.state, done.succeeded) == ("cancelled", 4)
    assert held(home, "log2log", tmp_path) == totals(range(4))


def test_a_turn_ends_when_it_has_read_enough(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.schedule import backfill_plan

    monkeypatch.setattr(window_chunks, "CHUNK_ROWS", 15)
    monkeypatch.setattr(backfill_plan, "TURN_SHARES", 1.5)
    task = make_world(home, "log2log", tmp_path)
    done: list[int] = []
    assert apply(home, create(home, task), done.append).succeeded == MINUTES
    assert len(done) > 2 and sum(done) == MINUTES
    assert held(home, "log2log", tmp_path) == totals(range(MINUTES))


@pytest.mark.parametrize("kind", ["log2log", "log2table"])
def test_a_turn_that_was_overtaken_writes_nothing(home: Home, tmp_path: Path, kind: str) -> None:
    from pipelines.backfill_windows import run_backfill_turn
    from pipelines.launch import options_of

    task = make_world(home, kind, tmp_path)
    ledger, entry = home.schedule_ledger(), create(home, task)
    slow = ledger.claim_backfill(DEFAULT_PROJECT, task.name, entry.number, 100, "slow", 0.01)
    assert isinstance(slow, BackfillTurn)
    add_logs(home, 4, range(7, 20))
    while not isinstance(quick := ledger.claim_backfill(DEFAULT_PROJECT, task.name, entry.number, 100, "quick", 30), BackfillTurn):
        pass
    ledger.finish_backfill_turn(quick, run_backfill_turn(home, quick, options_of([])))
    add_logs(home, 4, range(20, 30))
    with pytest.raises(CommitConflict) as caught:
        ledger.finish_backfill_turn(slow, run_backfill_turn(home, slow, options_of([])))
    assert caught.value.code == "InstanceSuperseded"
    assert held(home, kind, tmp_path) == totals(range(MINUTES), {4: 20})


def test_after_ctrl_c_the_rest_is_done_by_the_next_call(home: Home, tmp_path: Path) -> None:
    task = make_world(home, "log2log", tmp_path)
    entry = create(home, task)
    command = [sys.executable, "-m", "tests.pipelines.backfill_program", str(home.path), task.name, "1"]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "1\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    left = home.schedule_ledger().backfill(DEFAULT_PROJECT, task.name, entry.number)[0]
    assert left.state == "running" and 1 <= left.succeeded < MINUTES
    notes: list[str] = []
    assert apply(home, entry, lambda _windows: None, notes).succeeded == MINUTES
    assert not notes, "the turn was given back"
    assert held(home, "log2log", tmp_path) == totals(range(MINUTES))


@pytest.mark.soak
def test_memory_does_not_grow_with_the_source(home: Home, tmp_path: Path) -> None:
    peaks = []
    for name, logs in (("small", 4_000_000), ("big", 12_000_000)):
        index = Index(fields={"status": FieldIndex("long"), "bytes": FieldIndex("long"), "click": FieldIndex()})
        home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, name, "", even_shards(1), index))
        store = home.open_logstore(DEFAULT_PROJECT, name)
        for group in game_logs(logs // 500_000, logs=logs):
            store.append([group])
        home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, f"of-{name}", "", even_shards(1)))
        script = "* | select status, count(1) as requests, sum(bytes) as bytes, approx_distinct(click) as clicks group by status"
        fields = {"script": script, "sourceLogstore": name, "destLogstore": f"of-{name}", "fromTime": LATER, "toTime": 0}
        document = task_document("log2log")
        task = read_task({**document, "name": name, "configuration": {**document["configuration"], **fields}}, DEFAULT_PROJECT)
        home.schedule_ledger().create_task(task)
        create(home, task, Interval(FIRST_SECOND + 60, FIRST_SECOND + SECONDS))
        command = [sys.executable, "-m", "tests.pipelines.backfill_program", str(home.path), task.name, "1440"]
        peaks.append(alternate({"backfill": command}, 1)["backfill"].peak_mb)
    assert peaks[1] < 1.3 * peaks[0], peaks


@pytest.mark.parametrize(
    ("kind", "moments_of"),
    [
        ("log2log", slice(0, None, 3)),
        ("log2table", slice(1, None, 3)),
        *(pytest.param(kind, slice(None), marks=pytest.mark.soak) for kind in (*KINDS, "log2table-mariadb")),
    ],
)
def test_killed_at_durable_moments_and_applied_again(
    home: Home, tmp_path: Path, kind: str, moments_of: slice, request: pytest.FixtureRequest
) -> None:
    server: MariadbServer | None = request.getfixturevalue("mariadb") if kind.endswith("-mariadb") else None
    database = None if server is None else server.database()
    kind = kind.removesuffix("-mariadb")
    make_source(home, 4)
    make_destination(home, kind, tmp_path, database)
    task = make_task(home, kind, fromTime=LATER, toTime=0)
    minutes, within = range(3), Interval(START + 60, START + 60 * 3 + 1)
    counts = {minute: 3 + minute for minute in minutes}
    with WarmProgram("tests.pipelines.backfill_program", str(home.path), task.name, "2") as program:
        create(home, task, within)
        program.run()
        assert held(home, kind, tmp_path, database) == totals(minutes)
        create(home, task, within, again=True)
        moments = program.run()
        assert any("commit" in moment for moment in moments), moments
        for number in range(len(moments))[moments_of]:
            # More logs each time: rows of before the kill and of after it can be told apart.
            before = dict(counts)
            for minute in minutes:
                add_logs(home, minute, range(counts[minute], counts[minute] + 1))
                counts[minute] += 1
            runs = {at: len(one.instance.runs) for at, one in instances(home, task).items()}
            create(home, task, within, again=True)
            program.killed_at(number)
            now = held(home, kind, tmp_path, database)
            for minute in minutes:
                of_minute = {row: times for row, times in now.items() if row[0] == START + 60 * minute}
                assert of_minute in (dict(totals([minute], before)), dict(totals([minute], counts))), (moments[number], minute)
            program.run()
            assert held(home, kind, tmp_path, database) == totals(minutes, counts), moments[number]
            assert {at: len(one.instance.runs) for at, one in instances(home, task).items()} == {at: n + 1 for at, n in runs.items()}
