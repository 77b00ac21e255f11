"""Jobs in the ledger: what people may do to them in which state, and what schedulers say became of them."""

from __future__ import annotations

import time
from typing import get_args

import pytest

from tests.jobs.sql_job_ledgers import START_US, Kept, new, refused
from tests.schedule.sql_ledger import made
from transforms.connectors.sql_catalogue import open_sql_catalogue
from transforms.connectors.sql_schedule_ledger import open_sql_schedule_ledger
from transforms.jobs.job import ALLOWED, GROUP_TIMEOUT_S, MOST_JOBS, Action, Job, JobState
from transforms.jobs.ledger import NewJob
from transforms.stores.consumer_group import ConsumerGroup
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

STATES = tuple(JobState)
ENDED: dict[JobState, str] = {JobState.SUCCEEDED: "", JobState.FAILED: "RuleInvalid: line 3"}


def in_state(kept: Kept, state: JobState, *, led: bool = True, name: str = "clean") -> Job:
    """A job that has come to a state by what may happen to it; ``led``: a scheduler still has it, where there may be one."""
    ledger = kept.ledger
    if state == JobState.STOPPED:
        return ledger.create(new(name), start=False)
    ledger.create(new(name))
    lead = kept.led(name)
    if state != JobState.STARTING:
        ledger.settle(lead, JobState.RUNNING)
    if state in ENDED:
        return ledger.settle(lead, state, ENDED[state])
    if state == JobState.STOPPING:
        ledger.act("shop", name, "stop")
    if state == JobState.RESTARTING:
        ledger.act("shop", name, "restart")
    if not led:
        ledger.release(lead)
    found = ledger.job("shop", name)
    if led:
        assert found.state == state
    return found


def do(kept: Kept, action: Action, name: str = "clean") -> Job | None:
    if action == "delete":
        kept.ledger.delete("shop", name)
        return None
    if action == "edit":
        return kept.ledger.edit(new(name, "rule 2"))
    return kept.ledger.act("shop", name, action)


@pytest.mark.parametrize("state", STATES)
def test_every_action_in_every_state(kept: Kept, state: JobState) -> None:
    results: dict[Action, JobState] = {
        "start": JobState.STARTING,
        "stop": JobState.STOPPING,
        "restart": JobState.RESTARTING if state == JobState.RUNNING else JobState.STARTING,
        "rerun": JobState.RESTARTING if state == JobState.RUNNING else JobState.STARTING,
        "edit": state,
    }
    for action in get_args(Action):
        before = in_state(kept, state, name=action)
        changes = kept.ledger.changes()
        if action not in ALLOWED[state]:
            with refused("JobStateConflict", f"the job '{action}' is {state} and cannot be"):
                do(kept, action, action)
            assert kept.job(action) == before and kept.ledger.changes() == changes
            continue
        kept.later(1)
        done = do(kept, action, action)
        assert kept.ledger.changes() > changes
        if done is None:
            with refused("JobNotExist"):
                kept.job(action)
            continue
        assert done == kept.job(action) and done.state == results[action], action
        assert done.generation == before.generation + (action == "rerun")
        assert (done.version, done.running_version) == ((2, before.running_version) if action == "edit" else (1, done.running_version))
        if done.state == JobState.STARTING:
            assert (done.reason, done.running_version, done.started_us, done.ended_us) == ("", 1, kept.now_us, 0)


def test_a_job_is_created_with_its_group(kept: Kept) -> None:
    changes = kept.ledger.changes()
    job = kept.ledger.create(new(start_us=5, end_us=9))
    assert job == Job(
        "shop", "clean", job.id, ("shop", "access"), 1, 1, 1, JobState.STARTING, start_us=5, end_us=9, created_us=START_US,
        modified_us=START_US, started_us=START_US,
    )  # fmt: skip
    assert kept.groups.list() == (ConsumerGroup(job.group, GROUP_TIMEOUT_S, order=True),)
    assert kept.ledger.changes() == changes + 1
    stopped = kept.ledger.create(new("another"), start=False)
    assert (stopped.state, stopped.running_version, stopped.started_us) == (JobState.STOPPED, 0, 0)
    assert kept.ledger.jobs("shop") == (stopped, job) == kept.ledger.readers("shop", "access")
    assert kept.ledger.readers("shop", "other") == ()
    assert kept.ledger.definition(job, 1) == "rule 1"
    for wrong in (lambda: kept.ledger.definition(job, 2), lambda: kept.job("clear")):
        with refused("JobNotExist"):
            wrong()


def test_names_and_quotas(kept: Kept) -> None:
    ledger, tasks = kept.ledger, open_sql_schedule_ledger(kept.url)
    ledger.create(new())
    with refused("JobAlreadyExist", "there is a job 'clean'"):
        ledger.create(new())
    catalogue = open_sql_catalogue(kept.url)
    catalogue.create_project("default")
    tasks.create_task(made("per-minute"))
    with refused("JobAlreadyExist", "there is a task 'per-minute'"):
        ledger.create(NewJob("default", "per-minute", ("shop", "access"), "rule"))
    ledger.create(NewJob("default", "clean", ("shop", "access"), "rule"))
    with refused("JobAlreadyExist", "there is a job 'clean'"):
        tasks.create_task(made("clean"))
    for wrong, code in (
        (NewJob("shap", "one", ("shop", "access"), ""), "ProjectNotExist"),
        (NewJob("shop", "one", ("shap", "access"), ""), "ProjectNotExist"),
        (NewJob("shop", "one", ("shop", "axess"), ""), "LogStoreNotExist"),
    ):
        with refused(code):
            ledger.create(wrong)
    for number in range(28):
        ledger.create(new(f"job-{number}"))
    with refused("ConsumerGroupQuotaExceed"):
        ledger.create(new("one-more"))
    assert len(ledger.jobs("shop")) == 29 and len(kept.groups.list()) == 30
    tasks.close()
    catalogue.close()


def test_a_project_has_a_hundred_jobs_at_most_and_they_are_quick_to_list(kept: Kept) -> None:
    catalogue = open_sql_catalogue(kept.url)
    for number in range(4):
        catalogue.create_logstore(_logstore(f"logs-{number}"))
    for number in range(MOST_JOBS):
        kept.ledger.create(new(f"job-{number:02}", source=("shop", f"logs-{number % 4}")), start=number % 2 == 0)
    with refused("JobQuotaExceed"):
        kept.ledger.create(new("one-more"))
    began = time.process_time()
    for _ in range(10):
        assert len(kept.ledger.jobs("shop")) == MOST_JOBS
    listed = (time.process_time() - began) / 10
    began = time.process_time()
    for _ in range(100):
        kept.ledger.changes()
    asked = (time.process_time() - began) / 100
    assert listed < 0.05 and asked < 0.005, (listed, asked)
    catalogue.close()


def _logstore(name: str) -> LogstoreDescriptor:

    return LogstoreDescriptor("shop", name, f"/nowhere/{name}", even_shards(1))


def test_an_edit_is_a_version_and_takes_effect_with_the_next_start(kept: Kept) -> None:
    job = kept.running(start_us=5)
    changes = kept.ledger.changes()
    assert kept.ledger.edit(new(start_us=5)) == job and kept.ledger.changes() == changes, "the same text changes nothing"
    assert kept.ledger.edit(new(start_us=7)) == job, "nor when its times are told from another now"
    kept.later(1)
    edited = kept.ledger.edit(new(definition="rule 2", start_us=5, end_us=99, external=True))
    assert (edited.version, edited.running_version, edited.end_us, edited.external) == (2, 1, None, False)
    assert (edited.modified_us, edited.state) == (kept.now_us, JobState.RUNNING)
    for other in (new(definition="rule 3", start_us=6), new(definition="rule 3", start_us=5, source=("shop", "other"))):
        with refused("JobRangeChanged"):
            kept.ledger.edit(other)
    assert [kept.ledger.definition(edited, number) for number in (1, 2)] == ["rule 1", "rule 2"]
    kept.ledger.act("shop", "clean", "stop")
    kept.later(11)
    started = kept.ledger.act("shop", "clean", "start")
    assert (started.running_version, started.end_us, started.external, started.generation) == (2, 99, True, 1)


def test_a_rerun_begins_anew_even_with_another_source(kept: Kept) -> None:
    job = kept.running(start_us=5)
    kept.joined(job)
    kept.advance(job, 0, 3)
    anew = kept.ledger.act("shop", "clean", "rerun", new(definition="rule 2", source=("shop", "other"), start_us=8, end_us=9))
    assert (anew.generation, anew.version, anew.source, anew.start_us) == (2, 2, ("shop", "other"), 8)
    assert anew.state == JobState.RESTARTING and kept.groups.list() == () and kept.ledger.totals(anew) == {}
    lead = kept.led(scheduler="s1")
    done = kept.ledger.settle(lead, JobState.STARTING)
    assert (done.running_version, done.end_us) == (2, 9)
    with refused("ParameterInvalid"):
        kept.ledger.act("shop", "clean", "restart", new())
    with refused("ParameterInvalid"):
        kept.ledger.act("shop", "clean", "rerun", new("other-name"))
    kept.ledger.delete("shop", "clean")
    assert kept.ledger.jobs("shop") == ()


def test_stopping_ends_at_once_when_nobody_is_there_and_by_time_when_nobody_leads(kept: Kept) -> None:
    job = in_state(kept, JobState.RUNNING, led=False)
    assert kept.ledger.act("shop", "clean", "stop").state == JobState.STOPPED
    kept.ledger.act("shop", "clean", "start")
    lead = kept.led()
    kept.ledger.settle(lead, JobState.RUNNING)
    kept.joined(job)
    kept.ledger.release(lead)
    assert kept.ledger.act("shop", "clean", "stop").state == JobState.STOPPING, "an instance lives"
    kept.later(GROUP_TIMEOUT_S)
    assert kept.job().state == JobState.STOPPING
    kept.later(0.001)
    stopped = kept.job()
    assert stopped.state == JobState.STOPPED and kept.ledger.jobs("shop") == (stopped,)
    assert kept.ledger.act("shop", "clean", "start").state == JobState.STARTING
    kept.ledger.settle(kept.led(lease=5), JobState.RUNNING)
    assert kept.ledger.act("shop", "clean", "restart").state == JobState.RESTARTING
    kept.later(5)
    assert (kept.job().state, kept.job().leader) == (JobState.STARTING, "")


def test_a_lead_is_somebodys_until_its_lease_runs_out(kept: Kept) -> None:
    kept.ledger.create(new())
    first = kept.led(lease=10)
    assert (first.number, first.scheduler, first.lease_us) == (1, "s1", kept.now_us + 10_000_000)
    assert kept.job().leader == "s1"
    assert kept.ledger.lead("shop", "clean", "s2", 10) is None
    changes = kept.ledger.changes()
    kept.later(9)
    renewed = kept.ledger.renew(first, 10)
    assert renewed.lease_us == kept.now_us + 10_000_000 and kept.ledger.changes() == changes
    kept.later(10)
    assert kept.job().leader == ""
    second = kept.led(scheduler="s2")
    assert second.number == 2 and kept.ledger.changes() > changes
    for late in (lambda: kept.ledger.renew(first, 10), lambda: kept.ledger.settle(first, JobState.RUNNING)):
        with refused("LeadLost"):
            late()
    kept.ledger.release(first)
    assert kept.job().leader == "s2", "what is lost cannot be given back"
    kept.ledger.settle(second, JobState.RUNNING)
    kept.ledger.release(second)
    assert kept.job().leader == "" and kept.led(scheduler="s1").number == 3
    kept.ledger.delete("shop", "clean")
    kept.ledger.create(new())
    with refused("LeadLost"):
        kept.ledger.renew(second, 10)


def test_who_may_lead_what(kept: Kept) -> None:
    for state in STATES:
        in_state(kept, state, led=False, name=state.lower())
        lead = kept.ledger.lead("shop", state.lower(), "s2", 10)
        # Without a leader and instances the two that are being ended have ended.
        led = state in (JobState.STARTING, JobState.RUNNING, JobState.RESTARTING)
        assert (lead is not None) == led, state
        if lead is not None and state == JobState.RESTARTING:
            assert lead.job.state == JobState.STARTING
    kept.ledger.create(new("flink", external=True))
    assert kept.ledger.lead("shop", "flink", "s1", 10) is None
    assert kept.ledger.lead("shop", "flink", "launcher", 10, external=True) is not None
    assert kept.ledger.lead("shop", "running", "launcher", 10, external=True) is None
    with refused("JobNotExist"):
        kept.ledger.lead("shop", "runing", "s1", 10)


@pytest.mark.parametrize("state", STATES)
def test_what_may_become_of_a_job(kept: Kept, state: JobState) -> None:
    becomes = {
        JobState.STARTING: {JobState.RUNNING, JobState.FAILED},
        JobState.RUNNING: {JobState.SUCCEEDED, JobState.FAILED},
        JobState.STOPPING: {JobState.STOPPED},
        JobState.RESTARTING: {JobState.STARTING},
    }.get(state, set())
    for to in STATES:
        name = f"to-{to.lower()}"
        if state in (JobState.STOPPED, *ENDED):
            job = in_state(kept, state, name=name)
            assert job.leader == "" and kept.ledger.lead("shop", name, "s1", 10) is None
            continue
        in_state(kept, state, name=name)
        lead = kept.led(name)
        kept.later(1)
        if to in becomes:
            done = kept.ledger.settle(lead, to, "why" if to == JobState.FAILED else "")
            assert (done.state, done.reason) == (to, "why" if to == JobState.FAILED else "") and done == kept.job(name)
            assert bool(done.leader) == (not to.steady or to == JobState.RUNNING)
            assert done.ended_us == (kept.now_us if to.steady and to != JobState.RUNNING else 0)
            assert kept.ledger.settle(lead, to) == done, "once more it changes nothing"
        elif to == state:
            assert kept.ledger.settle(lead, to).state == to
        else:
            with refused("JobStateConflict", f"is {state} and cannot become {to}"):
                kept.ledger.settle(lead, to)


def test_a_deleted_job_leaves_nothing_and_its_name_is_free(kept: Kept) -> None:
    job = kept.running()
    kept.joined(job)
    kept.advance(job, 0, 3)
    slices = kept.ledger.slices(job)
    kept.ledger.delete("shop", "clean")
    assert kept.groups.list() == () and kept.ledger.totals(job) == {} and kept.ledger.figures(job, 0) == ()
    with refused("ConsumerGroupNotExist"):
        slices.unfinished("A", {0: 1})
    again = kept.ledger.create(new())
    assert again.id != job.id and kept.groups.checkpoints(again.group)[0].cursor is None


def test_what_a_job_reads_is_not_deleted(kept: Kept) -> None:
    catalogue = open_sql_catalogue(kept.url)
    kept.ledger.create(new(), start=False)
    with refused("LogStoreInUse", "the job 'clean' reads"):
        catalogue.delete_logstore("shop", "access")
    assert kept.job().state == JobState.STOPPED and len(kept.groups.list()) == 1
    for name in ("other",):
        catalogue.delete_logstore("shop", name)
    catalogue.create_project("etl")
    kept.ledger.create(NewJob("etl", "far", ("shop", "access"), "rule"))
    with refused("ProjectNotEmpty", "has jobs: far"):
        catalogue.delete_project("etl")
    kept.ledger.delete("shop", "clean")
    with refused("LogStoreInUse", "the job 'far' of the project 'etl' reads"):
        catalogue.delete_logstore("shop", "access")
    kept.ledger.delete("etl", "far")
    catalogue.delete_project("etl")
    catalogue.delete_logstore("shop", "access")
    catalogue.close()


def test_a_job_whose_group_was_deleted_behind_its_back_can_be_run_again_and_deleted(kept: Kept) -> None:
    for name in ("clean", "other"):
        kept.groups.delete(kept.ledger.create(new(name), start=False).group)
    with refused("ConsumerGroupNotExist", "where the job was"):
        kept.ledger.act("shop", "clean", "start")
    anew = kept.ledger.act("shop", "clean", "rerun")
    assert anew.state == JobState.STARTING and [group.name for group in kept.groups.list()] == [anew.group]
    kept.ledger.delete("shop", "other")
    assert [job.name for job in kept.ledger.jobs("shop")] == ["clean"]
