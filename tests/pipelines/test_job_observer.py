"""A job's own log and alerts about jobs: what they say, and that they say it once, whoever looks and whatever is killed."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from pipelines.alerts import Alerts
from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.jobs.job_figures import figures_of
from pipelines.jobs.job_observer import JobObserver
from pipelines.transformation.transform_job import INTERNAL_LOG
from tests.pipelines.observed_jobs import MINUTE_US, become, change_of, job_log, make_job, minutes, put_figures, this_minute
from tests.pipelines.scheduler_world import until
from tests.pipelines.test_alerts import hook, rules, sending
from tests.warm_crash import WarmProgram, chosen_moments
from transforms.core.errors import NotFound
from transforms.core.log_group import LogGroup
from transforms.jobs.job import JobState


@pytest.fixture(autouse=True)
def _not_at_the_turn_of_a_minute(home: Home) -> None:
    """Figures of `minutes ago` mean the same minute throughout a test, and the last minute is told."""
    second = home.job_ledger().now_us() % MINUTE_US / 1_000_000
    if not 6 <= second <= 48:
        time.sleep((66 - second) % 60)


def observe(home: Home, alerts: Alerts | None = None, *, scheduler: str = "test") -> list[str]:
    """One look of a scheduler that was just started."""
    said: list[str] = []
    observer = JobObserver(home, scheduler, alerts, said.append, every=3_600)
    observer.start()
    observer.close()
    return said


def test_what_is_said_of_a_minute(home: Home, tmp_path: Path) -> None:
    job = make_job(home, tmp_path)
    put_figures(home, job, 3, 0, read=10, delivered=7, dropped=2, dead=1)
    put_figures(home, job, 3, 1, read=5, delivered=5)
    put_figures(home, job, 1, 1, read=2, delivered=2)
    put_figures(home, job, 0, 0, read=99, delivered=99)
    assert observe(home) == []
    first, second = (log for log in job_log(home) if log["event_id"] == "shard_worker:metrics:checkpoint")
    assert first == {
        "__topic__": "__etl-log-status__", "__tag__:__schedule_type__": "Resident", "__tag__:__schedule_id__": job.id, "job": "clean",
        "project": "default", "source": "default/web", "event_id": "shard_worker:metrics:checkpoint", "logging.levelname": "INFO",
        "progress.accept": "15", "progress.dropped": "2", "progress.delivered": "12", "progress.failed": "1",
        "at": str(this_minute(home) // 1_000_000 - 180),
    }  # fmt: skip
    assert (second["progress.accept"], second["lag"]) == ("2", "0.000"), "the newest minute has the lag of now"
    (state,) = (log for log in job_log(home) if log["event_id"] == "job:state")
    assert (state["state"], state["version"], state["logging.levelname"]) == ("RUNNING", "1", "INFO")


def test_minutes_are_told_once_and_all_of_them(home: Home, tmp_path: Path) -> None:
    job = make_job(home, tmp_path)
    for ago in (9, 8, 6):
        put_figures(home, job, ago, read=ago)
    said: list[str] = []
    observer = JobObserver(home, "test", None, said.append, every=3_600)
    observer.round()
    observer.round()
    assert minutes(home) == [(9, 9), (8, 8), (6, 6)]
    observe(home)
    assert minutes(home) == [(9, 9), (8, 8), (6, 6)]
    put_figures(home, job, 2, read=2)
    put_figures(home, job, 1, 1, read=1)
    observe(home)
    observe(home)
    assert minutes(home) == [(9, 9), (8, 8), (6, 6), (2, 2), (1, 1)] and said == []


def test_observers_that_race_tell_a_minute_once(home: Home, tmp_path: Path) -> None:
    job = make_job(home, tmp_path)
    for ago in range(40, 0, -1):
        put_figures(home, job, ago, read=ago)
    threads = [threading.Thread(target=observe, args=(home,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert minutes(home) == [(ago, ago) for ago in range(40, 0, -1)]
    assert len([log for log in job_log(home) if log["event_id"] == "job:state"]) == 1


def test_states_are_told_with_their_reason_once_for_each_start(home: Home, tmp_path: Path) -> None:
    make_job(home, tmp_path, running=False)
    ledger = home.job_ledger()
    observe(home)
    with pytest.raises(NotFound):
        home.open_logstore(DEFAULT_PROJECT, INTERNAL_LOG)  # nothing to tell yet: it is only starting
    become(home, "clean", JobState.RUNNING)
    observe(home)
    ledger.act(DEFAULT_PROJECT, "clean", "stop")
    observe(home)
    observe(home)
    ledger.act(DEFAULT_PROJECT, "clean", "start")
    become(home, "clean", JobState.FAILED, "the rule does not load: line 1: mysql://ada:hunter2@host/db")
    observe(home)
    states = [(log["state"], log["logging.levelname"]) for log in job_log(home)]
    assert states == [("RUNNING", "INFO"), ("STOPPED", "INFO"), ("FAILED", "ERROR")]
    reason = job_log(home)[-1]["reason"]
    assert "the rule does not load" in reason and "hunter2" not in reason


def test_a_job_that_another_scheduler_leads_is_left_to_it(home: Home, tmp_path: Path) -> None:
    job = make_job(home, tmp_path)
    put_figures(home, job, 2, read=2)
    lead = home.job_ledger().lead(DEFAULT_PROJECT, "clean", "another", 30)
    assert lead is not None
    observe(home)
    with pytest.raises(NotFound):
        home.open_logstore(DEFAULT_PROJECT, INTERNAL_LOG)
    observe(home, scheduler="another")
    assert minutes(home) == [(2, 2)]


def test_a_log_of_its_own_that_was_dropped_is_not_missed(home: Home, tmp_path: Path) -> None:
    job = make_job(home, tmp_path, more="internal_log: {logstore: own-log, create: false}\n")
    put_figures(home, job, 2, read=2)
    assert observe(home) == []
    with pytest.raises(NotFound):
        home.open_logstore(DEFAULT_PROJECT, "own-log")


def test_what_cannot_be_written_is_told_and_tried_again(home: Home, tmp_path: Path) -> None:
    job = make_job(home, tmp_path)
    observe(home)
    put_figures(home, job, 2, read=2)
    folder = Path(home.open_logstore(DEFAULT_PROJECT, INTERNAL_LOG).descriptor.location)
    hidden = folder.with_name("hidden")
    folder.rename(hidden)
    said: list[str] = []
    observer = JobObserver(home, "test", None, said.append, every=3_600)
    observer.round()
    observer.round()
    assert len(said) == 1 and said[0].startswith("jobs cannot be observed: clean: ")
    hidden.rename(folder)
    observer.round()
    assert minutes(home) == [(2, 2)]


def test_a_rerun_begins_its_figures_anew(home: Home, tmp_path: Path) -> None:
    job = make_job(home, tmp_path)
    put_figures(home, job, 2, read=2, delivered=2)
    observe(home)
    home.job_ledger().act(DEFAULT_PROJECT, "clean", "rerun")
    again = become(home, "clean", JobState.RUNNING)
    put_figures(home, again, 1, read=1, delivered=1)
    observe(home)
    assert minutes(home) == [(2, 2), (1, 1)]
    assert figures_of(home, again).counts.read == 1


def test_an_alert_is_raised_and_cleared_once(home: Home, tmp_path: Path) -> None:
    job = make_job(home, tmp_path)
    store = home.open_logstore(DEFAULT_PROJECT, "web")
    store.append([LogGroup.from_logs([{"a": "1"}], [1_795_341_601], [0])], hash_key="a")
    with hook() as (url, got):
        text = f"rules:\n- {{name: late, when: lag > 0, job: clean, severity: high, webhook: '{url}'}}\n"
        with sending(tmp_path, rules(tmp_path, text), []) as alerts:
            time.sleep(0.01)
            store.append([LogGroup.from_logs([{"a": "2"}], [1_795_341_602], [0])], hash_key="a")
            for _ in range(3):
                assert observe(home, alerts) == []
            until(lambda: got)
            assert change_of(home, "late") == ["raised"]
            _read_all(home, "clean")
            for _ in range(2):
                observe(home, alerts)
            until(lambda: len(got) == 2)
        events = [event for _, event in got]
    assert [(one["rule"], one["event"], one["severity"], one["change"], one["job_name"], one["schedule_id"]) for one in events] == [
        ("late", "lag", "high", "raised", "clean", job.id),
        ("late", "lag", "high", "cleared", "clean", job.id),
    ]
    assert float(events[0]["lag_seconds"]) >= 0.01 and events[1]["lag_seconds"] == "0.000"
    assert change_of(home, "late") == ["raised", "cleared"]


def test_a_failed_job_and_its_errors_reach_a_command(home: Home, tmp_path: Path) -> None:
    got = tmp_path / "got"
    job = make_job(home, tmp_path)
    make_job(home, tmp_path, "other")
    put_figures(home, job, 1, read=5, delivered=2, dead=3)
    text = (
        f"rules:\n- {{name: broken, when: errors > 2 in 5 minutes, job: clean, command: [sh, -c, 'cat >> {got}; echo >> {got}']}}\n"
        f"- {{name: down, when: job failed, command: [sh, -c, 'cat >> {got}; echo >> {got}']}}\n"
    )
    with sending(tmp_path, rules(tmp_path, text), []) as alerts:
        observe(home, alerts)
        until(lambda: got.exists() and got.read_text().count("\n") == 1)
        become(home, "clean", JobState.FAILED, "the target is gone")
        observe(home, alerts)
        until(lambda: got.read_text().count("\n") == 3)
        home.job_ledger().act(DEFAULT_PROJECT, "clean", "restart")
        observe(home, alerts)
        become(home, "clean", JobState.RUNNING)
        observe(home, alerts)
        until(lambda: got.read_text().count("\n") == 5)
    events = [json.loads(line) for line in got.read_text().splitlines()]
    told = Counter((one["rule"], one["change"]) for one in events)
    assert told == {("broken", "raised"): 2, ("broken", "cleared"): 1, ("down", "raised"): 1, ("down", "cleared"): 1}
    failed = next(one for one in events if one["rule"] == "down")
    assert (failed["state"], failed["reason"], failed["failed"]) == ("FAILED", "the target is gone", "3")
    assert {one["job_name"] for one in events} == {"clean"}


def test_exactly_once_wherever_the_observer_is_killed(home: Home, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    whole = request.config.getoption("--soak")
    got, ago = tmp_path / "got", 1_000
    job, broken = make_job(home, tmp_path), make_job(home, tmp_path, "broken")
    expected: list[int] = []

    def another() -> None:
        nonlocal ago
        ago -= 1
        put_figures(home, job, ago, read=ago, delivered=ago)
        expected.append(ago)

    def turn() -> None:
        put_figures(home, broken, 0, dead=1 if len(change_of(home, "broken")) % 2 == 0 else -1)

    def judged() -> list[int]:
        return [read for _, read in minutes(home)]

    another()
    with WarmProgram("tests.pipelines.observer_program", str(home.path), str(got)) as program:
        program.killed_at(2)  # the log's Logstore has a folder and no name
        program.run()
        another()
        turn()
        moments = program.run()
        assert {"alerts.put before", "logstore.commit after"} <= set(moments), moments
        assert judged() == expected and change_of(home, "broken") == ["raised"]
        another()
        turn()
        moments = program.run()  # every field is known by now
        for number in chosen_moments(moments, whole):
            another()
            turn()
            program.killed_at(number)
            another()
            program.run()
            assert judged() == expected, moments[number]
    changes = change_of(home, "broken")
    assert changes == ["raised", "cleared"] * (len(changes) // 2) + ["raised"] * (len(changes) % 2) and len(changes) > 2
    told = [json.loads(line)["change"] for line in got.read_text().splitlines()]
    assert len(told) >= len(changes), "an alert comes at least once"


def _read_all(home: Home, name: str) -> None:
    """As if instances had read the source to its end."""
    job = home.job_ledger().job(DEFAULT_PROJECT, name)
    groups, store = home.consumer_groups(DEFAULT_PROJECT, "web"), home.open_logstore(DEFAULT_PROJECT, "web")
    for shard in store.extents().shards:
        groups.save_checkpoint(job.group, shard, store.end_cursor(shard), force=True)
