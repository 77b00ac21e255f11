"""The scheduler's loop in real processes, with workers that import no Beam: order, fairness, kills, cancels, stops."""

from __future__ import annotations

import os
import signal
import time
from itertools import pairwise
from pathlib import Path

from pipelines.home import Home
from pipelines.schedule.worker_pool import WorkerPool
from tests.pipelines.scheduler_world import (
    MINUTE,
    Attempt,
    attempts,
    behave,
    ended,
    finish,
    gone,
    instances,
    interrupt,
    make_due,
    running,
    start,
    until,
)
from transforms.schedule.failure import CANCELLED, INTERRUPTED, TIMED_OUT, WORKER_LOST
from transforms.schedule.ledger import Outcome, Turn


def assert_serial(found: list[Attempt]) -> None:
    """No two attempts of a task overlap."""
    by_task: dict[str, list[Attempt]] = {}
    for one in found:
        by_task.setdefault(one.task, []).append(one)
    for own in by_task.values():
        for before, after in pairwise(sorted(own, key=lambda one: one.began)):
            assert before.ended is None or before.ended <= after.began, (before, after)
            assert before.turn < after.turn


def test_once_catches_up_in_order_and_ends(home: Home) -> None:
    make_due(home, "behind", 5)
    make_due(home, "nothing-due", 0)
    assert finish(start(home, "--once"))[0] == 0
    found = attempts(home)
    assert [one.task for one in found] == ["behind"] * 5
    assert [one.schedule_time for one in found] == sorted(one.schedule_time for one in found)
    assert_serial(found)
    assert [entry.instance.state for entry in instances(home, "behind")] == ["SUCCEEDED"] * 5
    assert finish(start(home, "--once"))[0] == 0 and len(attempts(home)) == 5, "nothing is due any more"


def test_once_waits_between_attempts_and_says_that_one_failed(home: Home) -> None:
    make_due(home, "bad", 1, maxRetries=1)
    make_due(home, "good", 1)
    behave(home, "bad", "fail")
    code, err = finish(start(home, "--once"))
    assert code == 1 and "bad" in err
    one = instances(home, "bad")[0].instance
    assert (str(one.state), one.retries) == ("FAILED", 1)
    assert str(instances(home, "good")[0].instance.state) == "SUCCEEDED"


def test_a_disabled_task_makes_no_instance_but_its_retries_run(home: Home) -> None:
    make_due(home, "off", 2)
    ledger = home.schedule_ledger()
    assert finish(start(home, "--once"))[0] == 0
    ledger.set_enabled("default", "off", False)
    first = instances(home, "off")[0]
    make_due(home, "off-from-the-start", 3)
    ledger.set_enabled("default", "off-from-the-start", False)
    ledger.retry("default", "off", first.instance.id)
    assert finish(start(home, "--once"))[0] == 0
    assert [(one.task, one.schedule_time) for one in attempts(home)][2:] == [("off", first.instance.schedule_time)]


def test_a_retry_by_hand_goes_before_the_next_planned_instance(home: Home) -> None:
    make_due(home, "one", 3, ahead=False)
    behave(home, "one", "sleep 1")
    with running(home, "--workers", "1") as process:
        until(ended(home, "one", 1))
        first = instances(home, "one")[0].instance
        home.schedule_ledger().retry("default", "one", first.id)
        until(lambda: len(attempts(home)) == 4 and all(one.ended for one in attempts(home)))
        interrupt(process)
        assert finish(process)[0] == 0
    times = [one.schedule_time for one in attempts(home)]
    assert times in ([times[0], times[1], times[0], times[3]], [times[0], times[0], times[2], times[3]]), times
    assert_serial(attempts(home))


def test_more_due_tasks_than_workers_share_them(home: Home) -> None:
    make_due(home, "far-behind", 30)
    names = ["aa", "bb", "cc", "dd"]
    for name in names:
        make_due(home, name, 1)
    with running(home, "--workers", "1") as process:
        until(lambda: all(ended(home, name, 1)() for name in names))
        interrupt(process)
        finish(process)
    before = [one.task for one in attempts(home)]
    assert before.index("dd") < 12, before


def test_twenty_tasks_and_two_schedulers(home: Home) -> None:
    names = [f"task-{number:02}" for number in range(20)]
    for name in names:
        make_due(home, name, 2)
        behave(home, name, "sleep 0.05")
    processes = [start(home, "--once"), start(home, "--once")]
    assert [finish(process)[0] for process in processes] == [0, 0]
    found = attempts(home)
    assert len(found) == 40 and all(one.ended for one in found)
    assert_serial(found)
    assert len({one.pid for one in found}) > 2, "only one of them ran something"
    for name in names:
        assert [str(entry.instance.state) for entry in instances(home, name)] == ["SUCCEEDED"] * 2


def test_a_killed_scheduler_takes_its_workers_along_and_is_taken_over(home: Home) -> None:
    make_due(home, "long", 1)
    behave(home, "long", "once sleep 60")
    with running(home, "--lease", "4") as process:
        (one,) = until(lambda: attempts(home))
        process.kill()
        until(lambda: gone(one.pid), 5)
    time.sleep(4)
    assert finish(start(home, "--once"))[0] == 0
    entry = instances(home, "long")[0]
    assert [attempt.failure for attempt in entry.instance.run.attempts] == [WORKER_LOST, None]
    assert [one.turn for one in attempts(home)] == [1, 2]


def test_a_running_scheduler_takes_over(home: Home) -> None:
    make_due(home, "long", 1)
    behave(home, "long", "once sleep 60")
    with running(home, "--lease", "4") as first, running(home, "--lease", "4") as second:
        until(lambda: attempts(home))
        holder = home.schedule_ledger().progress("default", "long")
        assert holder.open
        worker = attempts(home)[0].pid
        owner = first if int(_parent(worker)) == first.pid else second
        time.sleep(5)
        assert len(attempts(home)) == 1, "a lease that is renewed is respected"
        owner.kill()
        until(ended(home, "long", 1), 20)
    assert [one.turn for one in attempts(home)] == [1, 2]


def _parent(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]


def test_a_killed_worker_is_replaced_and_the_attempt_is_made_again(home: Home) -> None:
    make_due(home, "one", 1)
    behave(home, "one", "once die")
    assert finish(start(home, "--once"))[0] == 0
    entry = instances(home, "one")[0]
    assert [attempt.failure for attempt in entry.instance.run.attempts] == [WORKER_LOST, None]
    first, second = attempts(home)
    assert first.pid != second.pid


def test_an_idle_worker_that_died_is_not_given_work(home: Home) -> None:
    make_due(home, "one", 1)
    with running(home, "--workers", "1") as process:
        until(ended(home, "one", 1))
        os.kill(attempts(home)[0].pid, signal.SIGKILL)
        make_due(home, "two", 1)
        until(ended(home, "two", 1), 10)
        interrupt(process)
        assert finish(process)[0] == 0
    assert instances(home, "two")[0].instance.failure is None


def test_cancelling_a_running_instance_ends_its_worker(home: Home) -> None:
    make_due(home, "one", 2)
    behave(home, "one", "once sleep 60")
    with running(home, "--lease", "1") as process:
        (one,) = until(lambda: attempts(home))
        until(lambda: instances(home, "one"))
        home.schedule_ledger().cancel("default", "one", str(one.schedule_time))
        until(lambda: gone(one.pid), 5)
        until(ended(home, "one", 2))
        interrupt(process)
        assert finish(process)[0] == 0
    first, second = instances(home, "one")
    assert (first.instance.failure, str(second.instance.state)) == (CANCELLED, "SUCCEEDED")


def test_an_attempt_that_takes_too_long_is_ended(home: Home) -> None:
    make_due(home, "slow", 1, maxRetries=1)
    behave(home, "slow", "sleep 60")
    assert finish(start(home, "--once", "--attempt", "1"))[0] == 1
    one = instances(home, "slow")[0].instance
    assert [attempt.failure for attempt in one.run.attempts] == [TIMED_OUT, TIMED_OUT]
    assert all(gone(attempt.pid) for attempt in attempts(home))


def test_told_to_stop_it_lets_what_runs_end(home: Home) -> None:
    make_due(home, "one", 3)
    behave(home, "one", "sleep 1.5")
    for count, number in enumerate((signal.SIGINT, signal.SIGTERM), start=1):
        with running(home) as process:
            wait_for_attempts(home, count)
            interrupt(process, number)
            code, err = finish(process)
        assert code == 0 and "stopping" in err
        last = attempts(home)[-1]
        assert last.ended is not None and len(attempts(home)) == count
        assert gone(last.pid)
    assert len(instances(home, "one")) == 2


def wait_for_attempts(home: Home, count: int) -> None:
    until(lambda: len(attempts(home)) == count)


def test_a_second_time_it_stops_at_once_and_so_it_does_when_patience_ends(home: Home) -> None:
    make_due(home, "one", 1)
    behave(home, "one", "sleep 60")
    with running(home) as process:
        (first,) = until(lambda: attempts(home))
        interrupt(process)
        time.sleep(0.3)
        interrupt(process)
        assert finish(process, 5)[0] == 130
    assert gone(first.pid)
    entry = instances(home, "one")[0]
    assert (entry.instance.failure, str(entry.instance.state)) == (INTERRUPTED, "STARTING"), "who comes next need not wait for a lease"
    with running(home, "--grace", "0.5") as process:
        until(lambda: len(attempts(home)) == 2)
        interrupt(process, signal.SIGTERM)
        assert finish(process, 5)[0] == 130
    behave(home, "one", "sleep 0")
    assert finish(start(home, "--once"))[0] == 0
    assert str(instances(home, "one")[0].instance.state) == "SUCCEEDED"


def test_a_task_that_is_made_edited_or_enabled_meanwhile_is_seen(home: Home) -> None:
    with running(home) as process:
        make_due(home, "new", 1)
        until(ended(home, "new", 1), 10)
        disabled = make_due(home, "asleep", 0)
        home.schedule_ledger().set_enabled("default", disabled.name, False)
        make_due(home, "deleted", 0)
        home.schedule_ledger().delete_task("default", "deleted")
        make_due(home, "deleted", 1)
        until(ended(home, "deleted", 1), 10)
        interrupt(process)
        assert finish(process)[0] == 0


def test_an_instance_begins_when_it_is_due(home: Home) -> None:
    make_due(home, "warm-up", 1)
    with running(home) as process:
        until(ended(home, "warm-up", 1))
        now = int(time.time())
        make_due(home, "soon", 0, fromTime=now + 3, toTime=now + 3 + MINUTE)
        until(ended(home, "soon", 1), 15)
        interrupt(process)
        finish(process)
    (one,) = [one for one in attempts(home) if one.task == "soon"]
    assert 0 <= one.began - one.schedule_time < 0.5


def test_a_worker_is_replaced_after_many_turns(home: Home) -> None:
    make_due(home, "one", 3)
    pool = WorkerPool(home, 1, "tests.pipelines.quick_worker", most_turns=2)
    for _ in range(3):
        turn = home.schedule_ledger().claim("default", "one", "test", 30)
        assert isinstance(turn, Turn) and pool.has_room
        worker = pool.take()
        assert not pool.has_room
        worker.run(turn)
        answer = worker.answer()
        assert isinstance(answer, Outcome)
        home.schedule_ledger().succeed(turn, answer)
        pool.give_back(worker)
    pool.close()
    first, second, third = [one.pid for one in attempts(home)]
    assert first == second != third and gone(first) and gone(third)
