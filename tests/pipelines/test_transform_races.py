"""Launchers that race, Logstores that are dropped, runs that are given up: nothing lost, nothing doubled, and the ledger says so."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from pipelines import data_transformation
from pipelines.data_transformation import run_transform
from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.launch import options_of
from pipelines.transformation import transform_commit
from pipelines.transformation.transform_commit import begin
from pipelines.transformation.transform_job import read_job
from pipelines.transformation.transform_plan import TransformPlan, make_stores, plan_replay, plan_transform
from tests.conftest import Cli
from tests.pipelines.transform_world import RULE, add_logs, check_whole, make_source, rows_of, write_job
from transforms.core.clock import SystemClock
from transforms.core.errors import CommitConflict, QueryFailed
from transforms.core.interval import Interval
from transforms.stores.transform_ledger import TransformRun

CLOCK = SystemClock()
PROGRAM: Any = data_transformation
COMMIT: Any = transform_commit
SMALL = range(20)


@pytest.fixture
def job(home: Home, tmp_path: Path) -> Path:
    make_source(home, commits=1, logs=20)
    return write_job(tmp_path)


def plan_of(home: Home, job: Path, **more: object) -> TransformPlan:
    return plan_transform(home, DEFAULT_PROJECT, read_job(job, DEFAULT_PROJECT), CLOCK.now_us(), **more)  # type: ignore[arg-type]


def run(home: Home, plan: TransformPlan) -> data_transformation.Finished:
    return run_transform(home, plan, options_of([]), CLOCK)


def runs_of(home: Home) -> list[TransformRun]:
    return list(home.catalogue().list_transforms(DEFAULT_PROJECT, "clean"))


def test_two_launchers_with_different_plans_double_nothing(home: Home, job: Path) -> None:
    early = plan_of(home, job)
    add_logs(home, range(20, 40))
    late = plan_of(home, job)
    assert run(home, early).report.read == 20
    # Its pieces were cut otherwise: committed as planned, the first 20 logs would be there twice.
    assert run(home, late).report.read == 20
    check_whole(home, range(40))


def test_a_run_that_was_overtaken_fails_and_says_so(home: Home, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(home, job)
    whole = PROGRAM.run_pipeline

    def overtaken(pipeline: object) -> object:
        result = whole(pipeline)
        monkeypatch.setattr(PROGRAM, "run_pipeline", whole)
        run(home, plan_of(home, job))
        return result

    monkeypatch.setattr(PROGRAM, "run_pipeline", overtaken)
    with pytest.raises(CommitConflict, match="took over"):
        run(home, plan)
    assert [(one.number, one.state) for one in runs_of(home)] == [(1, "failed"), (2, "finished")]
    check_whole(home, SMALL)


def test_ctrl_c_and_errors_are_kept_in_the_ledger_and_the_jobs_log(home: Home, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_pipeline: object) -> object:
        raise error

    monkeypatch.setenv("SOME_PASSWORD", "hunter2hunter2")
    monkeypatch.setattr(PROGRAM, "run_pipeline", stopped)
    for error, said in (
        (KeyboardInterrupt(), "interrupted"),
        (QueryFailed("too bad"), "too bad"),
        (RuntimeError("hunter2hunter2 " * 9_000), "RuntimeError: "),
    ):
        with pytest.raises(type(error)):
            run(home, plan_of(home, job))
        last = runs_of(home)[-1]
        assert last.state == "failed" and said in last.summary["error"]
        assert len(last.summary["error"]) <= 1_000 and "hunter2" not in last.summary["error"]
    told = rows_of(home, "internal-etl-log")
    assert [log["state"] for log in told] == ["failed"] * 3 and told[0]["reason"] == "interrupted" and told[0]["level"] == "ERROR"


def test_a_killed_run_is_given_up_by_the_next(home: Home, cli: Cli, job: Path) -> None:
    plan = make_stores(home, plan_of(home, job))
    begin(home, plan, CLOCK)  # and the process is gone
    assert cli("transform", str(job)).code == 1
    first, second = runs_of(home)
    assert first.state == "failed" and "run 2 took over" in first.summary["error"] and second.state == "finished"
    check_whole(home, SMALL)


def test_a_target_that_is_dropped_while_the_run_commits_stops_nothing(
    home: Home, cli: Cli, job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(self: object, intent: object) -> object:
        self.record(intent)  # type: ignore[attr-defined]
        raise SystemExit(9)

    monkeypatch.setattr(COMMIT.IntentCommitter, "commit", killed)
    with pytest.raises(SystemExit):
        run(home, plan_of(home, job))
    monkeypatch.undo()
    assert [one.state for one in runs_of(home)] == ["committing"]
    home.delete_logstore(DEFAULT_PROJECT, "errors")
    home.delete_logstore(DEFAULT_PROJECT, "internal-etl-log")
    assert cli("transform", str(job)).code == 0
    assert [one.state for one in runs_of(home)] == ["finished"]
    assert len(rows_of(home, "main")) == 24 and rows_of(home, "errors") == []
    # The next run makes what is missing, and goes on.
    add_logs(home, range(20, 40))
    assert cli("transform", str(job)).code == 1
    assert len(rows_of(home, "main")) == 48 and len(rows_of(home, "errors")) == 8


def test_a_target_that_was_committed_and_compacted_is_left_alone(home: Home, cli: Cli, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = COMMIT.IntentCommitter.commit

    def killed(self: Any, intents: Any) -> object:
        made = {key: files for key, files in intents[0].files.items() if key == "default/main"}
        self.record(intents)
        whole(dataclasses.replace(self, record=lambda same: same, finish=lambda *_: None), [dataclasses.replace(intents[0], files=made)])
        raise SystemExit(9)

    monkeypatch.setattr(COMMIT.IntentCommitter, "commit", killed)
    with pytest.raises(SystemExit):
        run(home, plan_of(home, job))
    monkeypatch.undo()
    for file in home.open_logstore(DEFAULT_PROJECT, "main").snapshot().files:
        Path(file.path).rename(file.path + ".elsewhere")
    assert cli("transform", str(job)).code == 0
    for file in home.open_logstore(DEFAULT_PROJECT, "main").snapshot().files:
        Path(file.path + ".elsewhere").rename(file.path)
    assert [one.state for one in runs_of(home)] == ["finished"]
    check_whole(home, SMALL)


def test_dropped_dead_letters_are_made_anew(home: Home, cli: Cli, job: Path) -> None:
    cli("transform", str(job))
    home.delete_logstore(DEFAULT_PROJECT, "source-dead-letters")
    add_logs(home, range(20, 40))
    assert cli("transform", str(job)).code == 1
    assert len(rows_of(home, "source-dead-letters")) == 4 and len(rows_of(home, "main")) == 48


def test_a_replay_planned_before_a_run_loses_no_letter(home: Home, cli: Cli, job: Path, tmp_path: Path) -> None:
    cli("transform", str(job))
    write_job(tmp_path, RULE.replace("ct_int", "str_upper"))
    replay = plan_replay(home, DEFAULT_PROJECT, read_job(job, DEFAULT_PROJECT))
    write_job(tmp_path)
    cli("backfill", str(job), "--reason", "between")  # the letters are others now
    assert run(home, replay).report.read == 4
    assert rows_of(home, "source-dead-letters") == []
    assert len([log for log in rows_of(home, "main") if log["level"] == "bad"]) == 8


def test_the_internal_log_may_be_a_target(home: Home, cli: Cli, tmp_path: Path) -> None:
    make_source(home, commits=1, logs=20)
    job = write_job(tmp_path, internal_log="{logstore: main}")
    assert cli("transform", str(job)).code == 1
    main = rows_of(home, "main")
    assert len([log for log in main if "n" in log]) == 24 and [log["level"] for log in main if "n" not in log] == ["INFO", "ERROR"]


def test_files_that_do_not_hold_what_was_read_are_not_committed(home: Home, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = PROGRAM.load_files
    for forget in ("default/main", "default/source-dead-letters"):
        monkeypatch.setattr(PROGRAM, "load_files", lambda path, forget=forget: {**whole(path), forget: ()})
        with pytest.raises(QueryFailed, match=f"for {forget}, but 0 were written"):
            run(home, plan_of(home, job))
    monkeypatch.undo()
    narrow = plan_of(home, job)
    snapshot = dataclasses.replace(
        narrow.snapshot, files=tuple(dataclasses.replace(file, rows=file.rows + 1) for file in narrow.snapshot.files)
    )
    with pytest.raises(QueryFailed, match="were to be read, but 20 were"):
        run(home, dataclasses.replace(narrow, snapshot=snapshot))
    assert rows_of(home, "main") == [] and {one.state for one in runs_of(home)} == {"failed"}


def test_a_routed_output_counts_for_its_logstore(home: Home, cli: Cli, job: Path, tmp_path: Path) -> None:
    cli("transform", str(job))
    add_logs(home, range(20, 25))
    done = cli("transform", str(write_job(tmp_path, 'e_output(logstore="errors")\n')), "--format", "json")
    assert done.code == 0 and json.loads(done.stdout)["written"] == {"default/errors": 5}


def test_pieces_are_planned_for_years(home: Home, job: Path) -> None:
    plan = plan_of(home, job, wanted=Interval(0, CLOCK.now_us()))
    assert len(plan.pieces) < 1_000 and plan.pieces[0].start == 0


def test_a_job_of_another_source_is_refused(home: Home, cli: Cli, job: Path) -> None:
    cli("transform", str(job))
    make_other = (
        job.read_text()
        .replace("source: {logstore: source}", "source: {logstore: main}")
        .replace("  main: {logstore: main", "  main: {logstore: third")
    )
    job.write_text(make_other)
    for verb in (["transform"], ["backfill", "--reason", "x"]):
        refused = cli(verb[0], str(job), *verb[1:])
        assert refused.code == 2 and "TransformOtherSource" in refused.stderr and "a name of its own" in refused.stderr


def test_a_backfill_of_logs_that_retention_took_is_refused(home: Home, cli: Cli, job: Path) -> None:
    cli("transform", str(job))
    assert home.open_logstore(DEFAULT_PROJECT, "source").expire(1_800_000_000).files_removed
    refused = cli("backfill", str(job), "--reason", "x")
    assert refused.code == 2 and "TransformSourceLost" in refused.stderr and "--accept-loss" in refused.stderr
    check_whole(home, SMALL)
    assert cli("transform", str(job)).code == 0  # what comes later is no backfill
    accepted = cli("backfill", str(job), "--reason", "x", "--accept-loss", "--format", "json")
    assert accepted.code == 0 and json.loads(accepted.stdout)["read"] == 0
    assert rows_of(home, "main") == []
    assert cli("backfill", str(job), "--reason", "again").code == 0  # it was accepted


def test_no_output_goes_to_the_dead_letters(home: Home, cli: Cli, job: Path, tmp_path: Path) -> None:
    cli("transform", str(job))
    add_logs(home, range(20, 25))
    assert cli("transform", str(write_job(tmp_path, 'e_output(logstore="source-dead-letters")\n'))).code == 1
    assert len(rows_of(home, "source-dead-letters")) == 9 and "holds its dead letters" in rows_of(home, "source-dead-letters")[-1]["reason"]


def test_runs_are_listed(home: Home, cli: Cli, job: Path) -> None:
    assert json.loads(cli("transforms", "--format", "json").stdout or "[]") == []
    cli("transform", str(job))
    begin(home, dataclasses.replace(plan_of(home, job), runs_finished=1), CLOCK)  # and the process is gone
    listed = json.loads(cli("transforms", "clean", "--format", "json").stdout)
    assert [(run["run"], run["state"], run["read"], run["dead"]) for run in listed] == [(1, "finished", 20, 4), (2, "running", "-", "-")]
    assert listed == json.loads(cli("transforms", "--format", "json").stdout)
    unknown = cli("transforms", "clan")
    assert unknown.code == 2 and "did you mean 'clean'" in unknown.stderr


def test_a_catalogue_that_is_older_than_its_logstores_is_refused(home: Home, cli: Cli, job: Path) -> None:
    cli("transform", str(job))
    kept = [home.catalogue().logstore(DEFAULT_PROJECT, name) for name in home.catalogue().list_logstores(DEFAULT_PROJECT).names]
    home.close()
    for file in home.path.glob("catalogue.sqlite*"):
        file.unlink()
    for descriptor in kept:
        home.catalogue().create_logstore(descriptor)
    refused = cli("transform", str(job))
    assert refused.code == 3 and "TransformLedgerBehind" in refused.stderr and "another name" in refused.stderr
    check_whole(home, SMALL)
    assert [one.state for one in runs_of(home)] == ["failed"]
