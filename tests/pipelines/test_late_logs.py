"""Logs that come after their window was read: found once a source, counted exactly, reported or run again."""

from __future__ import annotations

import time
from pathlib import Path

from pipelines.alert_rules import read_alert_rules
from pipelines.alerts import Alerts
from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.schedule.late_logs import LateLogWatch
from tests.pipelines.scheduler_world import until
from transforms.core.log_group import LogGroup
from transforms.schedule.failure import Failure
from transforms.schedule.ledger import InstanceEntry, LateLogsSeen, Outcome, Turn
from transforms.schedule.task_config import read_task
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

WINDOW = 60
START = int(time.time()) // WINDOW * WINDOW - 10 * WINDOW


def append(home: Home, *seconds: int, origin: str | None = None, replaces: str | None = None) -> None:
    """Logs of ``web`` at some seconds after START, in one commit."""
    group = LogGroup.from_logs([{"n": str(n)} for n in seconds], [START + n for n in seconds])
    home.open_logstore(DEFAULT_PROJECT, "web").append([group], origin=origin, replaces=replaces)


def received(home: Home) -> int:
    return home.open_logstore(DEFAULT_PROJECT, "web").snapshot().received[1]


def make(home: Home, name: str = "per-minute", minutes: int = 5, *, read: bool = True, **late: str) -> None:
    """A task; unless told otherwise its instances of some minutes have all read what there is."""
    configuration = {
        "script": "* | select count(*) as pv", "sourceLogstore": "web", "destLogstore": "out", "fromTimeExpr": "-1m", "toTimeExpr": "",
        "fromTime": START + WINDOW, "toTime": START + minutes * WINDOW + 1, "maxRetries": 1, "late": late,
    }  # fmt: skip
    document = {"name": name, "schedule": {"type": "FixedRate", "interval": "1m"}, "configuration": configuration}
    home.schedule_ledger().create_task(read_task(document, DEFAULT_PROJECT))
    for _ in range(minutes if read else 0):
        run(home, name)


def run(home: Home, name: str = "per-minute", read_us: int | None = None) -> None:
    ledger = home.schedule_ledger()
    turn = ledger.claim(DEFAULT_PROJECT, name, "test", 30)
    assert isinstance(turn, Turn), turn
    ledger.succeed(turn, Outcome(source_received_us=received(home) if read_us is None else read_us))


def source(home: Home) -> None:
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "web", "", even_shards(1)))
    append(home, *range(0, 300, 5))


def watch(home: Home, alerts: Alerts | None = None) -> LateLogWatch:
    def say(text: str) -> None:
        raise AssertionError(text)

    return LateLogWatch(home, alerts, say, 60)


def late(home: Home, name: str = "per-minute") -> dict[int, int]:
    """Minute → late logs, of stale instances."""
    found, _ = home.schedule_ledger().list_instances(DEFAULT_PROJECT, name, stale=True, size=-1)
    return {(entry.instance.window.start - START) // WINDOW: entry.late.logs for entry in found if entry.late}


def states(home: Home) -> dict[int, str]:
    found, _ = home.schedule_ledger().list_instances(DEFAULT_PROJECT, "per-minute", size=-1)
    return {(entry.instance.window.start - START) // WINDOW: str(entry.instance.state) for entry in found}


def test_late_logs_are_counted_in_their_windows(home: Home) -> None:
    source(home)
    make(home)
    watching = watch(home)
    watching.round()
    assert late(home) == {}, "what was read is not late"
    append(home, 59, 60, 61, 119, 299, 300, 900)
    watching.round()
    assert late(home) == {0: 1, 1: 3, 4: 1}, "windows are half open; 300 and later are in none"
    append(home, 70)
    watching.round()
    assert late(home) == {0: 1, 1: 4, 4: 1}, "all that were missed count, not only the newest"
    before = home.schedule_ledger().changes()
    watching.round()
    watch(home).round()
    assert home.schedule_ledger().changes() == before, "what is known is not written again"


def test_a_watch_that_starts_late_finds_all_within_the_horizon(home: Home) -> None:
    source(home)
    make(home, "long-ago", horizon="2m")
    make(home)
    append(home, 10, 70)
    watch(home).round()
    assert late(home) == {0: 1, 1: 1}
    assert late(home, "long-ago") == {}, "windows beyond the horizon are not watched"


def test_logs_that_come_while_an_instance_reads_are_late_when_it_has_ended(home: Home) -> None:
    source(home)
    make(home, minutes=1, read=False)
    ledger = home.schedule_ledger()
    turn = ledger.claim(DEFAULT_PROJECT, "per-minute", "test", 30)
    assert isinstance(turn, Turn)
    read_us = received(home)
    append(home, 30)
    watching = watch(home)
    watching.round()
    ledger.succeed(turn, Outcome(source_received_us=read_us))
    watching.round()
    assert late(home) == {0: 1}


def test_compaction_makes_nothing_late_and_hides_nothing(home: Home) -> None:
    source(home)
    for n in range(10):
        append(home, n)
    make(home)
    append(home, 100)
    assert home.open_logstore(DEFAULT_PROJECT, "web").compact(min_files=2).files_removed > 1
    watch(home).round()
    assert late(home) == {1: 1}


def test_rows_that_another_task_wrote_anew_are_late(home: Home) -> None:
    source(home)
    append(home, 20, 30, origin="instance-1")
    make(home)
    append(home, 20, 31, 32, origin="instance-1", replaces="instance-1")
    watch(home).round()
    assert late(home) == {0: 3}


def test_stale_instances_run_again_when_no_more_logs_come(home: Home) -> None:
    source(home)
    make(home, mode="rerun", debounce="1s")
    make(home, "reported")
    watching = watch(home)
    append(home, 10)
    watching.round()
    assert late(home) == {0: 1} and states(home)[0] == "SUCCEEDED", "more may come"
    time.sleep(1.1)
    watching.round()
    assert states(home) == {0: "STARTING", 1: "SUCCEEDED", 2: "SUCCEEDED", 3: "SUCCEEDED", 4: "SUCCEEDED"}
    run(home)
    (entry,) = [entry for entry in _all(home) if entry.instance.window.start == START]
    assert (entry.stale, entry.instance.run.trigger, str(entry.instance.state)) == (False, "late", "SUCCEEDED")
    watching.round()
    assert late(home) == {} and late(home, "reported") == {0: 1}


def test_a_run_for_late_logs_that_fails_is_not_asked_for_for_ever(home: Home) -> None:
    source(home)
    make(home, mode="rerun", debounce="1s")
    append(home, 10)
    watching = watch(home)
    watching.round()
    time.sleep(1.1)
    watching.round()
    ledger = home.schedule_ledger()

    def fail_all() -> None:
        while states(home)[0] == "STARTING":
            turn = ledger.claim(DEFAULT_PROJECT, "per-minute", "test", 30)
            if isinstance(turn, Turn):
                ledger.fail(turn, Failure("SQLFailed", "bad"))
            else:
                time.sleep(0.2)

    fail_all()
    watching.round()
    assert states(home)[0] == "FAILED" and late(home) == {0: 1}
    append(home, 11)
    watching.round()
    time.sleep(1.1)
    watching.round()
    assert states(home)[0] == "STARTING", "new logs are a new reason"


def test_a_disabled_task_is_not_run_again(home: Home) -> None:
    source(home)
    make(home, mode="rerun", debounce="1s")
    home.schedule_ledger().set_enabled(DEFAULT_PROJECT, "per-minute", False)
    append(home, 10)
    watching = watch(home)
    watching.round()
    time.sleep(1.1)
    watching.round()
    assert late(home) == {0: 1} and states(home)[0] == "SUCCEEDED"


def test_a_source_that_is_gone_hinders_no_other(home: Home) -> None:
    source(home)
    make(home)
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "gone", "", even_shards(1)))
    document = dict(home.schedule_ledger().task(DEFAULT_PROJECT, "per-minute").task.document)
    document |= {"name": "aa-reads-gone", "configuration": {**document["configuration"], "sourceLogstore": "gone"}}
    home.schedule_ledger().create_task(read_task(document, DEFAULT_PROJECT))
    home.delete_logstore(DEFAULT_PROJECT, "gone")
    append(home, 10)
    watch(home).round()
    assert late(home) == {0: 1}


def test_an_alert_tells_once_that_an_instance_became_stale(home: Home, tmp_path: Path) -> None:
    got = tmp_path / "got"
    (tmp_path / "rules.yaml").write_text(
        f"rules:\n- {{name: stale, when: stale, severity: low, command: [sh, -c, 'cat >> {got}; echo >> {got}']}}\n"
    )
    source(home)
    make(home)
    append(home, 10)
    alerts = Alerts(home.path / "alerts", read_alert_rules(tmp_path / "rules.yaml"), print)
    watching = watch(home, alerts)
    watching.round()
    assert late(home) == {0: 1}, "nothing waits for the alert"
    alerts.start()
    until(got.exists)
    append(home, 11)
    watching.round()
    alerts.close()
    (line,) = got.read_text().splitlines()
    assert '"event": "stale"' in line and '"late_logs": "1"' in line


def _all(home: Home) -> list[InstanceEntry]:
    return list(home.schedule_ledger().list_instances(DEFAULT_PROJECT, "per-minute", size=-1)[0])


def test_the_record_says_when_the_newest_came(home: Home) -> None:
    source(home)
    make(home)
    append(home, 10)
    first = received(home)
    append(home, 12)
    watch(home).round()
    (entry,) = [entry for entry in _all(home) if entry.stale]
    assert entry.late == LateLogsSeen(2, received(home)) and received(home) > first
