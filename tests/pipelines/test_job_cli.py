"""Continuous jobs on the command line: created, looked at, stopped, edited, run again; what is refused, and how."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from pipelines.cli.main import main
from pipelines.home import Home
from tests.conftest import Cli, CliResult
from transforms.core.log_group import LogGroup
from transforms.jobs.job import JobState
from transforms.jobs.ledger import Lead
from transforms.stores.cursor import BEGIN
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards
from transforms.stores.slice import Intended, SliceCounts, Wanted

JOB = """\
job: clean
source: {logstore: access}
rule: |
  e_set("kind", "access")
targets:
  main: {logstore: access-clean}
  errors: {logstore: access-errors, create: true}
parameters: {password: env:DB_PASSWORD}
"""


@pytest.fixture
def cli(home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """In this process: what a process costs to start is not what is tested here."""
    monkeypatch.setenv("LOGSLUICE_HOME", str(home.path))

    def run(*arguments: str, **_: object) -> CliResult:
        capsys.readouterr()
        code = main(list(arguments))
        said = capsys.readouterr()
        return CliResult(said.out, said.err, code)

    return run


@pytest.fixture
def file(home: Home, tmp_path: Path) -> Path:
    for name in ("access", "access-clean"):
        home.create_logstore(LogstoreDescriptor("default", name, "", even_shards(1)))
    path = tmp_path / "clean.yaml"
    path.write_text(JOB, encoding="utf-8")
    return path


def lead_of(home: Home) -> Lead:
    lead = home.job_ledger().lead("default", "clean", "s1", 60)
    assert lead is not None
    return lead


def running(home: Home) -> None:
    """As if a scheduler had started it."""
    home.job_ledger().settle(lead_of(home), JobState.RUNNING)


def test_the_life_of_a_job(cli: Cli, home: Home, file: Path) -> None:
    created = cli("job", "create", str(file))
    assert (created.code, created.stdout) == (0, "")
    assert created.stderr == "job clean created: STARTING; `logsluice scheduler run` runs it\n"
    again = cli("job", "create", str(file))
    assert again.code == 2 and "error[JobAlreadyExist]: there is a job 'clean' in the project 'default' already" in again.stderr
    early = cli("job", "edit", str(file))
    assert early.code == 2 and "error[JobStateConflict]: the job 'clean' is STARTING and cannot be edited now" in early.stderr

    running(home)
    file.write_text(JOB.replace('"access")', '"web")'), encoding="utf-8")
    assert cli("job", "edit", str(file)).stderr == "job clean changed, version 2; `job restart` takes it\n"
    assert cli("job", "edit", str(file)).stderr == "job clean is as it was, version 2\n"
    assert "started 2026" in (shown := cli("job", "get", "clean").stdout) and "by version 1: `job restart` takes the new one" in shown
    assert cli("job", "restart", "clean").stderr == "job clean: RESTARTING\n"
    home.job_ledger().settle(lead_of(home), JobState.STARTING)
    running(home)

    stopping = cli("job", "stop", "clean")
    assert stopping.stderr == "job clean: STOPPING\n"
    late = cli("job", "stop", "clean")
    assert late.code == 2 and "hint: wait until it has settled; `logsluice job get` shows its state" in late.stderr
    home.job_ledger().settle(lead_of(home), JobState.STOPPED)
    (job,) = json.loads(cli("job", "list", "--format", "json").stdout)
    assert (job["job"], job["state"], job["version"], job["running_version"]) == ("clean", "STOPPED", 2, 2)
    lines = cli("job", "list").stdout.splitlines()
    assert lines[0].split() == ["job", "state", "source", "version", "running", "started", "reason"]
    assert lines[2].split()[:5] == ["clean", "STOPPED", "default/access", "2", "2"]

    assert cli("job", "start", "clean").stderr == "job clean: STARTING; `logsluice scheduler run` runs it\n"
    assert cli("job", "delete", "clean").stderr == "job clean deleted; what it wrote is still there\n"
    gone = cli("job", "get", "clean")
    assert gone.code == 2 and "error[JobNotExist]" in gone.stderr
    assert home.consumer_groups("default", "access").list() == ()


def test_a_file_that_is_wrong_is_refused_with_all_its_mistakes(cli: Cli, home: Home, file: Path, tmp_path: Path) -> None:
    file.write_text(
        JOB.replace('e_set("kind", "access")', 'e_sett("kind", "a")\n  e_drop(1, 2, 3, 4)\n  e_output("nowhere")'), encoding="utf-8"
    )
    refused = cli("job", "create", str(file))
    assert refused.code == 2 and "e_sett" in refused.stderr and "e_drop" in refused.stderr
    file.write_text(JOB.replace("access-clean", "axess-clean").replace(", create: true", ""), encoding="utf-8")
    refused = cli("job", "create", str(file))
    assert refused.code == 2
    assert "error[LogStoreNotExist]: there is no Logstore default/axess-clean, default/access-errors" in refused.stderr
    file.write_text(JOB.replace("{logstore: access}", "{logstore: acces}"), encoding="utf-8")
    refused = cli("job", "create", str(file))
    assert refused.code == 2 and "did you mean 'access'" in refused.stderr
    missing = cli("job", "create", str(tmp_path / "none.yaml"))
    assert missing.code == 2 and "none.yaml" in missing.stderr
    assert home.job_ledger().jobs("default") == ()


def test_a_dry_run_creates_nothing(cli: Cli, home: Home, file: Path) -> None:
    file.write_text(JOB.replace("{logstore: access}", "{logstore: access, from: 2026-11-22T00:00:00Z}"), encoding="utf-8")
    plan = json.loads(cli("job", "create", str(file), "--dry-run").stdout)
    assert (plan["job"], plan["from"], plan["to"]) == ("clean", "2026-11-22 00:00:00 +0000", None)
    assert plan["steps"] == [{"step": "1 e_set", "position": "1:1"}]
    assert plan["targets"] == {"main": "default/access-clean", "errors": "default/access-errors"}
    assert plan["logstores_to_make"] == ["default/access-errors", "default/access-dead-letters", "default/internal-etl-log"]
    assert home.job_ledger().jobs("default") == () and len(home.catalogue().list_logstores("default").names) == 2


def test_get_shows_how_far_it_is(cli: Cli, home: Home, file: Path) -> None:
    assert cli("job", "create", str(file), "--stopped").stderr == "job clean created: STOPPED\n"
    assert "never started" in cli("job", "get", "clean").stdout
    ledger = home.job_ledger()
    ledger.act("default", "clean", "start")
    running(home)
    job = ledger.job("default", "clean")
    store = home.open_logstore("default", "access")
    store.append([LogGroup.from_logs([{"n": str(n)} for n in range(10)], seconds=[1_700_000_000] * 10)])
    groups, slices = home.consumer_groups("default", "access"), ledger.slices(job)
    groups.heartbeat(job.group, "instance-1", ())
    end = store.reach(0, BEGIN, 6)
    slices.begin("instance-1", {0: Wanted(1, BEGIN, end)}, "rule")
    slices.intend("instance-1", {0: Intended(1, 1, "files", SliceCounts(6, 4, 1, 1))})
    assert slices.finish("instance-1", {0: (1, 1)}) == {0}

    text = cli("job", "get", "clean").stdout
    assert text.startswith("clean: RUNNING, ")
    for line in (
        "  source      default/access, from the first log on, without end",
        "  targets     main → default/access-clean, errors → default/access-errors; failed → default/access-dead-letters",
        f"  run by      1 instance of consumer group {job.group}, led by s1",
        "  total       6 logs: 4 delivered, 1 dropped by the rule, 1 failed",
    ):
        assert line in text.splitlines()
    assert text.splitlines()[-1].split()[:3] == ["0", "already_alloc", "instance-1"]
    shown = json.loads(cli("job", "get", "clean", "--format", "json").stdout)
    assert (shown["state"], shown["leader"], shown["instances"]) == ("RUNNING", "s1", ["instance-1"])
    assert shown["total"] == {"accept": 6, "delivered": 4, "dropped": 1, "failed": 1}
    (shard,) = shown["shards"]
    assert shard["lag_us"] > 0 and abs(shard["read_up_to_us"] / 1e6 - time.time()) < 120
    assert shown["definition"]["parameters"] == {"password": "env:DB_PASSWORD"}

    group = ("access", job.group)
    for verb in (("reset", *group, "--begin"), ("delete", *group), ("update", *group, "--timeout", "5")):
        refused = cli("consumer-group", *verb)
        assert refused.code == 2 and "error[ConsumerGroupOfJob]" in refused.stderr
        assert "hint: `logsluice job rerun clean` begins anew, `logsluice job delete clean` takes it away" in refused.stderr
    refused = cli("logstore", "delete", "access", "--yes")
    assert refused.code == 2 and "error[LogStoreInUse]: the job 'clean' reads the Logstore 'access'" in refused.stderr


def test_waiting_for_a_job(cli: Cli, home: Home, file: Path) -> None:
    cli("job", "create", str(file))
    running(home)
    unled = cli("job", "stop", "clean", "--wait", "--timeout", "0.5")
    assert unled.code == 2 and "error[JobNotSettled]: the job 'clean' is still STOPPING after 0.5 s\nhint: it goes on" in unled.stderr

    home.job_ledger().settle(lead_of(home), JobState.STOPPED)

    def fail() -> None:
        other = home.once_more()
        while other.job_ledger().job("default", "clean").state != JobState.STARTING:
            time.sleep(0.05)
        other.job_ledger().settle(lead_of(other), JobState.FAILED, "RuleInvalid: line 1")
        other.close()

    scheduler = threading.Thread(target=fail)
    scheduler.start()
    failed = cli("job", "restart", "clean", "--wait")
    scheduler.join()
    assert failed.code == 2 and "error[JobFailed]: the job 'clean' has failed: RuleInvalid: line 1" in failed.stderr
    text = cli("job", "get", "clean").stdout
    assert "  reason      RuleInvalid: line 1" in text.splitlines()


def test_run_again_with_another_file(cli: Cli, home: Home, file: Path) -> None:
    file.write_text(JOB.replace("{logstore: access}", "{logstore: access, from: -1h}"), encoding="utf-8")
    assert cli("job", "create", str(file), "--stopped").code == 0
    ledger = home.job_ledger()
    start_us = ledger.job("default", "clean").start_us
    assert start_us is not None
    file.write_text(file.read_text().replace('"access")', '"web")'), encoding="utf-8")
    assert cli("job", "edit", str(file)).stderr == "job clean changed, version 2; it is STOPPED\n", "a relative beginning stays what it was"
    file.write_text(JOB.replace("{logstore: access}", "{logstore: access, from: -2h}"), encoding="utf-8")
    refused = cli("job", "edit", str(file))
    assert refused.code == 2 and "error[JobRangeChanged]" in refused.stderr and "`logsluice job rerun` takes another" in refused.stderr
    wrong = cli("job", "rerun", "clear", str(file))
    assert wrong.code == 2 and "is the job 'clean', not 'clear'" in wrong.stderr
    assert cli("job", "rerun", "clean", str(file)).stderr == "job clean: STARTING; `logsluice scheduler run` runs it\n"
    job = ledger.job("default", "clean")
    assert (job.generation, job.version, job.running_version) == (2, 3, 3)
    assert job.start_us is not None and start_us - 3_700e6 < job.start_us < start_us - 3_500e6
    file.write_text(JOB + "runner: {runner: FlinkRunner, parallelism: 2}\n", encoding="utf-8")
    rerun = cli("job", "rerun", "clean", str(file))
    assert rerun.code == 2, "it is STARTING"
    running(home)
    assert cli("job", "rerun", "clean", str(file)).stderr == "job clean: RESTARTING\n"
    home.job_ledger().settle(lead_of(home), JobState.STARTING)
    job = ledger.job("default", "clean")
    assert job.external and job.leader == "", "schedulers do not lead it"
