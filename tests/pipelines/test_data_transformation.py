"""A transformation job from its file to its targets: once, again, over new logs, backfilled, replayed, planned."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from tests.conftest import Cli
from tests.pipelines.transform_world import (
    LEVELS,
    RULE,
    add_logs,
    check_whole,
    expected_errors,
    make_source,
    numbers_of,
    rows_of,
    write_job,
)
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards, shard_of_key

ALL = range(100)


@pytest.fixture
def job(home: Home, tmp_path: Path) -> Path:
    make_source(home)
    return write_job(tmp_path)


def test_a_job_writes_each_log_where_the_rule_sends_it(home: Home, cli: Cli, job: Path) -> None:
    done = cli("transform", str(job), "--format", "json")
    assert done.code == 1, done.stderr  # some logs failed
    told = json.loads(done.stdout)
    assert (told["read"], told["delivered"], told["dropped"], told["dead"]) == (100, 60, 20, 20)
    assert told["written"] == {"default/main": 120, "default/errors": 40}
    check_whole(home, ALL)
    letter = rows_of(home, "source-dead-letters")[0]
    assert letter["step"] == "5 e_if" and letter["position"] == "5:41" and letter["job"] == "clean" and letter["source"] == "default/source"
    assert "invalid literal for int() with base 10: 'x'" in letter["reason"]
    internal = rows_of(home, "internal-etl-log")
    assert [log["level"] for log in internal] == ["INFO", "ERROR"] and internal[1]["events"] == "20"


def test_a_range_that_is_done_is_not_done_again(home: Home, cli: Cli, job: Path) -> None:
    cli("transform", str(job))
    again = cli("transform", str(job))
    assert again.code == 0 and "nothing to do" in again.stdout
    check_whole(home, ALL)


def test_logs_that_come_later_are_taken_by_the_next_run(home: Home, cli: Cli, job: Path) -> None:
    cli("transform", str(job))
    add_logs(home, range(100, 150))
    done = cli("transform", str(job), "--format", "json")
    assert json.loads(done.stdout)["read"] == 50
    check_whole(home, range(150))


def test_a_backfill_replaces_in_every_target_what_the_job_wrote(home: Home, cli: Cli, job: Path, tmp_path: Path) -> None:
    cli("transform", str(job))
    # The edited rule writes nothing to `errors` any more, and nothing fails.
    write_job(tmp_path, 'e_set("kind", "new")\ne_set("tags", "t")\n')
    dry = json.loads(cli("backfill", str(job), "--reason", "new kind", "--dry-run", "--format", "json").stdout)
    assert dry["kind"] == "backfill" and "default/errors" in dry["replaces_in"] and "default/source-dead-letters" in dry["replaces_in"]
    done = cli("backfill", str(job), "--reason", "new kind")
    assert done.code == 0, done.stderr
    main = rows_of(home, "main")
    assert len(main) == 100 and {log["kind"] for log in main} == {"new"} and len({log["n"] for log in main}) == 100
    assert rows_of(home, "errors") == [] and rows_of(home, "source-dead-letters") == []
    runs = home.catalogue().list_transforms(DEFAULT_PROJECT, "clean")
    assert [(run.number, run.state, run.reason) for run in runs] == [(1, "finished", ""), (2, "finished", "new kind")]


def test_other_jobs_logs_in_the_same_target_stay(home: Home, cli: Cli, job: Path) -> None:
    cli("transform", str(job))
    job.write_text(job.read_text().replace("job: clean", "job: second"))
    cli("transform", str(job))
    cli("backfill", str(job), "--reason", "again")
    assert numbers_of(home, "errors") == expected_errors(ALL) + expected_errors(ALL)


def test_replay_puts_dead_letters_through_the_mended_rule(home: Home, cli: Cli, job: Path, tmp_path: Path) -> None:
    cli("transform", str(job))
    still = cli("replay", str(job))
    assert still.code == 1
    check_whole(home, ALL)  # they failed again: nothing changed
    write_job(tmp_path, RULE.replace("ct_int", "str_upper"))
    done = cli("replay", str(job), "--format", "json")
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["read"] == 20
    assert rows_of(home, "source-dead-letters") == []
    bad = [log for log in rows_of(home, "main") if log["level"] == "bad"]
    assert len(bad) == 40 and {log["size"] for log in bad} == {"X"}
    assert "no dead letters" in cli("replay", str(job)).stdout
    # What was replayed belongs to its range: a backfill replaces it too.
    cli("backfill", str(job), "--reason", "all again")
    assert len([log for log in rows_of(home, "main") if log["level"] == "bad"]) == 40


def test_a_range_that_cuts_a_piece_is_refused_with_the_nearest(home: Home, cli: Cli, job: Path) -> None:
    cli("transform", str(job))
    (piece, *_) = home.catalogue().list_transforms(DEFAULT_PROJECT, "clean")[0].pieces[-1:]
    middle = (piece.start + piece.end) // 2 // 1_000_000
    refused = cli("backfill", str(job), "--from", str(middle), "--reason", "x")
    assert refused.code == 2 and "cuts through a piece" in refused.stderr and "--from" in refused.stderr


def test_the_home_is_not_read_by_workers(home: Home, cli: Cli, job: Path, tmp_path: Path) -> None:
    """Two worker processes; the home's catalogue is gone while they run (the launcher has it open)."""
    plan = json.loads(cli("transform", str(job), "--dry-run", "--format", "json").stdout)
    assert plan["logs"] == 100
    done = cli("transform", str(job), "--format", "json", "--", "--direct_num_workers", "2", env={"LOGSLUICE_WORKER_PROBE": "1"})
    assert done.code == 1, done.stderr
    check_whole(home, ALL)


def test_an_unknown_logstore_of_an_output_fails_its_event(home: Home, cli: Cli, tmp_path: Path) -> None:
    make_source(home)
    job = write_job(
        tmp_path,
        'e_if(v("n") == "7", e_output(project="default", logstore="nowhere"))\ne_if(v("n") == "8", e_output(logstore="source2"))\n',
    )
    done = cli("transform", str(job), "--format", "json")
    assert done.code == 1 and json.loads(done.stdout)["dead"] == 2
    assert any("'default/nowhere' does not exist" in letter["reason"] for letter in rows_of(home, "source-dead-letters"))


def test_a_hash_key_chooses_the_shard(home: Home, cli: Cli, tmp_path: Path) -> None:
    make_source(home)
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "sharded", "", even_shards(4)))
    rule = 'e_if(v("n") == "7", e_output(logstore="sharded", hash_key="ff"))\ne_output(logstore="sharded", hash_key_field="level")\n'
    assert cli("transform", str(write_job(tmp_path, rule))).code == 0
    store = home.open_logstore(DEFAULT_PROJECT, "sharded")
    shards: dict[str, set[int]] = {}
    for file in store.snapshot().files:
        for group in store.read_files([file]):
            for log in group.to_logs():
                shards.setdefault("7" if log["n"] == "7" else log["level"], set()).add(file.shard)
    assert shards.pop("7") == {0}
    assert shards == {level: {shard_of_key(even_shards(4), level).id} for level in set(LEVELS)}


def test_a_rule_whose_logs_mostly_fail_is_stopped(home: Home, cli: Cli, tmp_path: Path) -> None:
    make_source(home)
    job = write_job(tmp_path, 'e_set("x", ct_int(v("level")))', brake="{share: 0.5, least: 50}")
    done = cli("transform", str(job))
    assert done.code == 1 and "RuleFailsMostly" in done.stderr and "invalid literal" in done.stderr
    assert rows_of(home, "main") == [] and rows_of(home, "source-dead-letters") == []
    assert home.catalogue().list_transforms(DEFAULT_PROJECT, "clean")[0].state == "failed"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("job: clean", "job: Clean!"), "is no job name"),
        (("targets:", "target:"), "targets are missing"),
        (("create: true", "crate: true"), "did you mean 'create'"),
        (('"errors"', '"error"'), "did you mean 'errors'"),
        (("DROP", "DRP"), "did you mean 'DROP'"),
        (("source: {logstore: source}", "source: {logstore: sorce}"), "did you mean 'source'"),
        (("source: {logstore: source}", "source: [source]"), "is a mapping"),
    ],
)
def test_a_wrong_job_file_says_where(home: Home, cli: Cli, job: Path, change: tuple[str, str], said: str) -> None:
    text = job.read_text()
    assert change[0] in text
    job.write_text(text.replace(*change))
    done = cli("transform", str(job))
    assert done.code == 2 and said in done.stderr and done.stdout == ""
    assert home.catalogue().list_transforms(DEFAULT_PROJECT, "clean") == ()


def test_a_dry_run_writes_nothing(home: Home, cli: Cli, job: Path) -> None:
    before = sorted(str(path) for path in home.path.rglob("*.parquet"))
    done = cli("transform", str(job), "--dry-run")
    assert done.code == 0 and "run of the job clean" in done.stdout and "(made first)" in done.stdout
    assert sorted(str(path) for path in home.path.rglob("*.parquet")) == before
    assert home.catalogue().list_transforms(DEFAULT_PROJECT, "clean") == ()


def test_as_a_module(home: Home, job: Path) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "pipelines.data_transformation", "--job", str(job), "--home", str(home.path), "--runner", "DirectRunner"],
        capture_output=True, text=True, env=os.environ, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["read"] == 100
    check_whole(home, ALL)
    shutil.rmtree(home.path)
