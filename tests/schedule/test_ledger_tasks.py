"""Tasks and instances in the ledger, on SQLite and on MariaDB: made, edited, enabled, listed, retried, cancelled, reported, forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.schedule.sql_ledger import SECOND, Kept, made
from tests.schedule.tasks import START, document
from transforms.connectors import open_catalogue
from transforms.core.errors import LogsluiceError
from transforms.core.interval import Interval
from transforms.schedule.failure import CANCELLED, Failure
from transforms.schedule.instance import InstanceState
from transforms.schedule.ledger import LateLogsSeen, Outcome
from transforms.schedule.plan import Progress, Wait
from transforms.schedule.task_config import read_task

BAD = Failure("SQLFailed", "bad")
DAY = 86_400


@contextmanager
def refused(code: str, text: str = "") -> Iterator[None]:
    with pytest.raises(LogsluiceError) as error:
        yield
    assert error.value.code == code, error.value
    assert text in f"{error.value.message} {error.value.hint}", (error.value.message, error.value.hint)


def states(kept: Kept, name: str = "per-minute") -> dict[int, str]:
    """By schedule time, in seconds since the plan began."""
    entries, total = kept.ledger.list_instances("default", name, size=-1)
    assert len(entries) == total
    return {one.instance.schedule_time - START: str(one.instance.state) for one in reversed(entries)}


def test_tasks_come_and_go(kept: Kept) -> None:
    ledger = kept.ledger
    first = ledger.create_task(made("per-minute"))
    other = ledger.create_task(made("errors", script="* | select 'für alle – 全部' as t"), enabled=False)
    assert (first.version, first.created_us, first.modified_us, first.enabled) == (1, kept.now_us, kept.now_us, True)
    assert ledger.task("default", "errors") == other and not other.enabled
    assert [entry.task.name for entry in ledger.list_tasks("default")] == ["errors", "per-minute"]
    assert ledger.task("default", "per-minute").task.document["configuration"]["sourceLogstore"] == "access"
    with refused("JobAlreadyExist"):
        ledger.create_task(made("errors"))
    with refused("JobNotExist", "did you mean 'per-minute'?"):
        ledger.task("default", "per-minut")
    with refused("ProjectNotExist", "did you mean 'default'?"):
        ledger.task("defaul", "per-minute")
    for missing in (lambda: ledger.list_tasks("nowhere"), lambda: ledger.create_task(read_task(document(), "nowhere"))):
        with refused("ProjectNotExist"):
            missing()
    ledger.delete_task("default", "per-minute")
    again = ledger.create_task(made("per-minute"))
    assert again.schedule_id != first.schedule_id
    with refused("ParameterInvalid", "not what its document says"):
        ledger.create_task(replace(made("strange"), delay=7))


def test_every_method_knows_a_missing_task(kept: Kept) -> None:
    ledger, name = kept.ledger, ("default", "missing")
    calls: list[Callable[[], Any]] = [
        lambda: ledger.task(*name), lambda: ledger.update_task(made("missing")), lambda: ledger.set_enabled(*name, True),
        lambda: ledger.delete_task(*name), lambda: ledger.progress(*name), lambda: ledger.claim(*name, "w", 1),
        lambda: ledger.claim_at(*name, START, "w", 1), lambda: ledger.instance(*name, "1"), lambda: ledger.list_instances(*name),
        lambda: ledger.retry(*name, "1"), lambda: ledger.cancel(*name, "1"), lambda: ledger.record_late(*name, "1", 1, LateLogsSeen(1, 1)),
        lambda: ledger.create_backfill(*name, Interval(1, 2), again=False, reason=""), lambda: ledger.backfill(*name, 1),
        lambda: ledger.list_backfills(*name), lambda: ledger.claim_backfill(*name, 1, 1, "w", 1), lambda: ledger.cancel_backfill(*name, 1),
    ]  # fmt: skip
    for call in calls:
        with refused("JobNotExist"):
            call()


def test_an_edit_holds_for_the_next_instance(kept: Kept) -> None:
    ledger = kept.ledger
    ledger.create_task(made(maxRetries=1))
    turn = kept.claim()
    kept.at(5)
    edited = made(schedule={"type": "FixedRate", "interval": "20m"}, fromTimeExpr="@m-20m", script="* | select 2 as two", maxRetries=100)
    assert ledger.update_task(edited).version == 2
    before = ledger.changes()
    same = ledger.update_task(edited)
    assert (same.version, same.modified_us, ledger.changes()) == (2, kept.now_us, before), "the same again changes nothing"
    ledger.fail(turn, BAD)
    kept.at(6)
    turn = kept.claim()
    assert (turn.entry.version, turn.entry.task.script) == (1, "* | select count(*) as pv"), "what was made keeps its configuration"
    assert ledger.fail(turn, BAD).instance.state == "FAILED", "and its limits"
    kept.at(1_200)
    turn = kept.run()
    assert (turn.instance.schedule_time, turn.instance.window, turn.entry.version) == (START + 1_200, Interval(START, START + 1_200), 2)
    ledger.retry("default", "per-minute", str(START))
    ledger.update_task(made(script="* | select 3 as three"))
    turn = kept.claim()
    assert (turn.instance.schedule_time, turn.entry.version, turn.instance.window.start) == (START, 3, START - 600)
    ledger.update_task(made(script="* | select 4 as four"))
    ledger.fail(turn, BAD)
    kept.at(1_210)
    assert kept.claim().entry.version == 3, "the run keeps what it began with"
    with refused("TaskInvalid", "sourceLogstore cannot be changed"):
        ledger.update_task(made(sourceLogstore="other"))
    with refused("TaskInvalid", "fromTime cannot be changed"):
        ledger.update_task(made(fromTime=START + 60))
    assert ledger.task("default", "per-minute").version == 4


def test_what_was_read_can_be_written_back(kept: Kept) -> None:
    entry = kept.ledger.create_task(made())
    shown = {**entry.task.document, "status": "ENABLED", "scheduleId": entry.schedule_id}
    assert kept.ledger.update_task(replace(entry.task, document=shown)).version == 1


def test_disabled_it_makes_nothing_and_catches_up_later(kept: Kept) -> None:
    ledger = kept.ledger
    ledger.create_task(made())
    turn = kept.claim()
    assert not ledger.set_enabled("default", "per-minute", False).enabled
    changes = ledger.changes()
    ledger.set_enabled("default", "per-minute", False)
    assert ledger.changes() == changes
    ledger.succeed(turn, Outcome())  # what runs ends
    kept.at(3_000)
    assert kept.waits() == Wait(None, "disabled")
    ledger.retry("default", "per-minute", str(START))
    assert kept.run().instance.schedule_time == START, "retries are still run"
    ledger.set_enabled("default", "per-minute", True)
    assert [kept.run(1).instance.schedule_time - START for _ in range(5)] == [600, 1_200, 1_800, 2_400, 3_000]
    assert kept.waits() == Wait((START + 3_600) * SECOND, "planned")


def test_a_task_in_execution_cannot_be_deleted_and_a_project_with_tasks_neither(kept: Kept) -> None:
    ledger, catalogue = kept.ledger, open_catalogue(kept.url)
    ledger.create_task(made())
    turn = kept.claim(lease=30)
    with refused("JobInstanceStateConflict"):
        ledger.delete_task("default", "per-minute")
    with refused("ProjectNotEmpty", "per-minute"):
        catalogue.delete_project("default")
    kept.at(31)
    ledger.delete_task("default", "per-minute")  # its worker is gone
    with refused("JobNotExist"):
        ledger.succeed(turn, Outcome())
    ledger.create_task(made())
    with refused("InstanceSuperseded"):
        ledger.succeed(turn, Outcome())
    ledger.delete_task("default", "per-minute")
    catalogue.delete_project("default")
    catalogue.close()


def test_the_progress_is_that_of_all_instances(kept: Kept) -> None:
    ledger = kept.ledger
    entry = ledger.create_task(made())
    assert ledger.progress("default", "per-minute") == Progress(entry.schedule_id, kept.now_us, free_us=kept.now_us)
    kept.at(3_000)
    kept.run(5)
    ahead = ledger.claim_at("default", "per-minute", START + 1_800, "hand", 30)
    ledger.succeed(ahead, Outcome())
    ledger.fail(kept.claim(), BAD)
    ledger.retry("default", "per-minute", str(START))
    entries, _ = ledger.list_instances("default", "per-minute", size=-1)
    expected = Progress.of(entry.schedule_id, entry.created_us, [one.instance for one in reversed(entries)])
    found = ledger.progress("default", "per-minute")
    assert replace(found, open=tuple(sorted(found.open, key=lambda one: one.schedule_time))) == expected
    assert found.taken == {START + 1_800} and len(found.open) == 2


def test_instances_are_found_filtered_and_paged(kept: Kept) -> None:
    ledger = kept.ledger
    ledger.create_task(made(maxRetries=1))
    kept.at(5_400)
    for number in range(10):
        turn = kept.claim()
        if number in (3, 4):
            ledger.fail(turn, BAD)
            kept.now_us += SECOND
            ledger.fail(kept.claim(), BAD)
        else:
            ledger.succeed(turn, Outcome(source_received_us=number))
    entries, total = ledger.list_instances("default", "per-minute", offset=2, size=3)
    assert (total, [one.instance.schedule_time - START for one in entries]) == (10, [4_200, 3_600, 3_000])
    within = Interval(START + 600, START + 2_400)
    entries, total = ledger.list_instances("default", "per-minute", within=within, states=[InstanceState.FAILED])
    assert (total, [one.instance.schedule_time - START for one in entries]) == (1, [1_800])
    assert ledger.list_instances("default", "per-minute", size=0) == ((), 10)
    assert len(ledger.list_instances("default", "per-minute", offset=8, size=-1)[0]) == 2
    assert ledger.list_instances("default", "per-minute", stale=True) == ((), 0)
    ledger.record_late("default", "per-minute", str(START), 0, LateLogsSeen(7, 99))
    ((stale,), total) = ledger.list_instances("default", "per-minute", stale=True)
    assert (total, stale.late, stale.stale, stale.instance.schedule_time) == (1, LateLogsSeen(7, 99), True, START)
    with refused("JobInstanceNotExist", f"{START + 600} and {START + 1_200}"):
        ledger.instance("default", "per-minute", str(START + 601))
    for wrong in ("", "abc", "0" * 16 + f"-{START}"):
        with refused("JobInstanceNotExist"):
            ledger.instance("default", "per-minute", wrong)


def test_late_logs_belong_to_what_was_read(kept: Kept) -> None:
    ledger = kept.ledger
    ledger.create_task(made())
    kept.run(1, outcome=Outcome(source_received_us=50))
    key = ("default", "per-minute", str(START))
    ledger.record_late(*key, 49, LateLogsSeen(1, 60))
    assert not ledger.instance(*key).stale, "it has read again since"
    ledger.record_late(*key, 50, LateLogsSeen(1, 60))
    changes = ledger.changes()
    ledger.record_late(*key, 50, LateLogsSeen(1, 60))
    assert ledger.changes() == changes and ledger.instance(*key).stale
    assert ledger.retry(*key, "late").instance.run.trigger == "late"
    turn = kept.claim()
    assert ledger.instance(*key).stale, "until it has succeeded"
    assert ledger.succeed(turn, Outcome(source_received_us=70)).late is None


def test_a_retry_goes_before_the_next_planned_one_in_order_of_request(kept: Kept) -> None:
    ledger = kept.ledger
    ledger.create_task(made())
    kept.at(1_800)
    for _ in range(3):
        kept.run(1)
    for at in (1_200, 0, 600):
        kept.now_us += SECOND
        ledger.retry("default", "per-minute", str(START + at))
    assert [kept.run(1).instance.schedule_time - START for _ in range(4)] == [1_200, 0, 600, 1_800]
    ledger.retry("default", "per-minute", str(START + 1_800))
    with refused("JobInstanceStateConflict"):
        ledger.retry("default", "per-minute", str(START + 1_800))


def test_cancelled_while_it_runs_waits_or_is_asked_for(kept: Kept) -> None:
    ledger = kept.ledger
    ledger.create_task(made())
    key = ("default", "per-minute", str(START))
    turn = kept.claim()
    kept.at(3)
    entry = ledger.cancel(*key)
    assert (entry.instance.state, entry.instance.failure, entry.instance.end_us) == ("FAILED", CANCELLED, kept.now_us)
    for call in (lambda: ledger.renew(turn, 5), lambda: ledger.succeed(turn, Outcome()), lambda: ledger.fail(turn, BAD)):
        with refused("InstanceSuperseded"):
            call()
    with refused("JobInstanceStateConflict"):
        ledger.cancel(*key)
    kept.at(600)
    ledger.fail(kept.claim(), BAD)
    ledger.cancel("default", "per-minute", str(START + 600))
    kept.at(1_200)
    kept.run()
    ledger.retry("default", "per-minute", str(START + 1_200))
    ledger.cancel("default", "per-minute", str(START + 1_200))
    ledger.retry("default", "per-minute", str(START))
    ledger.retry("default", "per-minute", str(START + 600))
    running = kept.claim()
    ledger.cancel("default", "per-minute", str(START + 600))
    assert ledger.succeed(running, Outcome()).instance.state == "SUCCEEDED", "another one was cancelled"
    assert states(kept) == {0: "SUCCEEDED", 600: "FAILED", 1_200: "SUCCEEDED"}
    assert kept.waits().until_us == (START + 1_800) * SECOND


def test_each_end_is_reported_once_even_when_it_changes_in_between(kept: Kept) -> None:
    ledger = kept.ledger
    ledger.create_task(made("bb"))
    ledger.create_task(made("aa"))
    kept.run(2, "bb")
    kept.run(1, "aa")
    running = ledger.unreported()
    assert [(one.task, one.instance.schedule_time) for one in running] == [("bb", START), ("aa", START)], "in the order they ended"
    assert len(ledger.unreported(1)) == 1
    ledger.retry("default", "bb", str(START))
    assert [one.task for one in ledger.unreported()] == ["aa"]
    again = kept.claim("bb")
    ledger.succeed(again, Outcome(rows_written=5))
    ledger.mark_reported(running)
    (left,) = ledger.unreported()
    assert (left.task, left.turn, left.outcome) == ("bb", 2, Outcome(rows_written=5)), "its second end is not in the log"
    ledger.mark_reported([left])
    assert ledger.unreported() == ()
    ledger.retry("default", "bb", str(START))
    ledger.cancel("default", "bb", str(START))
    assert ledger.unreported() == (), "a retry that never began has no end"
    ledger.delete_task("default", "bb")
    ledger.mark_reported([left])


def test_old_instances_are_forgotten_but_how_far_the_plan_came_is_not(kept: Kept) -> None:
    ledger = kept.ledger
    ledger.create_task(made(maxRetries=1))
    ledger.create_task(made("quiet"))
    for number in range(6):
        kept.at(number * 600)
        kept.run(0)
    ledger.retry("default", "per-minute", str(START + 600))
    assert ledger.forget((START + 1_800) * SECOND) == 1
    assert sorted(states(kept)) == [0, 600, 1_800, 2_400, 3_000], "what is open stays, and the first and the last"
    kept.run(0)
    assert ledger.forget((START + DAY) * SECOND) == 3
    assert sorted(states(kept)) == [0, 3_000]
    assert ledger.forget((START + DAY) * SECOND) == 0
    kept.at(3_600)
    assert kept.claim().instance.schedule_time == START + 3_600


def test_changes_rise_when_something_changed_and_only_then(kept: Kept) -> None:
    ledger = kept.ledger
    seen = [ledger.changes()]

    def rises(step: Callable[[], Any]) -> Any:
        answer = step()
        seen.append(ledger.changes())
        assert seen[-1] > seen[-2]
        return answer

    rises(lambda: ledger.create_task(made()))
    turn = rises(kept.claim)
    ledger.renew(turn, 30)
    kept.waits()
    ledger.unreported()
    assert ledger.changes() == seen[-1]
    rises(lambda: ledger.succeed(turn, Outcome()))
    rises(lambda: ledger.retry("default", "per-minute", str(START)))
    rises(lambda: ledger.cancel("default", "per-minute", str(START)))
    rises(lambda: ledger.set_enabled("default", "per-minute", False))
    entry = rises(lambda: ledger.create_backfill("default", "per-minute", Interval(START - 600, START), again=False, reason="why"))
    rises(lambda: ledger.cancel_backfill("default", "per-minute", entry.number))
    rises(lambda: ledger.delete_task("default", "per-minute"))
